import COneDNN
import QATGraph

extension PlanCompiler {
  /// How a pooling makes one value of a window.
  enum PoolingKind {
    case maximum, average, averageWithPadding

    fileprivate var algorithm: dnnl_alg_kind_t {
      switch self {
      case .maximum: dnnl_pooling_max
      case .average: dnnl_pooling_avg_exclude_padding
      case .averageWithPadding: dnnl_pooling_avg_include_padding
      }
    }
  }

  /// A pooling in the layout of its source.
  func pooling(_ kind: PoolingKind, _ window: Window, _ node: Node, _ index: Int) throws -> Bool {
    // oneDNN would count the rows that rounding up adds as padding; ONNX does not.
    if window.roundsUp, kind == .averageWithPadding { return false }
    guard let result = try pooled(kind, window, node, index, to: shape(node.outputs[0])) else { return false }
    define(node.outputs[0], result)
    return true
  }

  /// One number of all positions.
  func globalPooling(_ kind: PoolingKind, _ node: Node, _ index: Int) throws -> Bool {
    try pooling(kind, Window(kernel: Array(shape(node.inputs[0])[2...])), node, index)
  }

  /// The mean over the axes height and width is a global average pooling.
  func reduceMean(_ op: ReduceMean, _ node: Node, _ index: Int) throws -> Bool {
    let from = shape(node.inputs[0])
    guard from.count == 4, try op.reducedAxes(rank: 4) == [2, 3] else { return false }
    let window = Window(kernel: [from[2], from[3]])
    let to = [from[0], from[1], 1, 1]
    guard let result = try pooled(.average, window, node, index, to: to) else { return false }
    let plain = try converted(result, to: .plain(to), "reorder \(node.outputs[0])")
    define(node.outputs[0], PlanValue(layout: try .plain(shape(node.outputs[0])), buffer: plain.buffer))
    return true
  }

  /// Appends the pooling and registers its backward pass; the node's output may have another shape of the same elements than `to`.
  private func pooled(_ kind: PoolingKind, _ window: Window, _ node: Node, _ index: Int, to: [Int]) throws -> PlanValue? {
    let x = try value(node.inputs[0])
    let w = WindowArguments(window, input: x.layout.shape, output: to)
    if kind == .maximum, let result = try stridedMaxPooling(w, node, index, x, to: to) { return result }
    let any = try Layout.any(to)
    let training: Int32 = mode == .training ? 1 : 0
    let forward = withDescriptors(x.layout, any, any, nil) { source, destination, _, _ in
      PrimitiveDescriptor {
        qat_dnnl_pooling_forward_pd(
          $0, context.engine, training, kind.algorithm, source, destination, w.strides, w.kernel, w.dilations, w.padsBegin, w.padsEnd)
      }
    }
    guard let forward else { return nil }
    let result = allocate(try forward.layout(dnnl_query_dst_md, shape: to))
    var writes = [argument(DNNL_ARG_DST, result)]
    let workspace = mode == .training ? try forward.workspace().map { allocate($0) } : nil
    if let workspace { writes.append(argument(DNNL_ARG_WORKSPACE, workspace)) }
    append(try PrimitiveStep("\(node.type) \(node.name)", forward, context, reads: [argument(DNNL_ARG_SRC, x)], writes: writes))
    onBackward(of: index) { [self] in
      guard var dy = try gradient(node.outputs[0]) else { return }
      if dy.layout.shape != to { dy = PlanValue(layout: try .plain(to), buffer: dy.buffer) }
      dy = try converted(dy, to: result.layout, "reorder gradient of \(node.outputs[0])")
      let backward = withDescriptors(x.layout, result.layout, any, nil) { source, destination, _, _ in
        PrimitiveDescriptor {
          qat_dnnl_pooling_backward_pd(
            $0, context.engine, kind.algorithm, source, destination, w.strides, w.kernel, w.dilations, w.padsBegin, w.padsEnd, forward.pd)
        }
      }
      guard let backward else { throw EngineError("oneDNN has no backward kernel for \(node.name)") }
      let reads = [argument(DNNL_ARG_DIFF_DST, dy)] + (workspace.map { [argument(DNNL_ARG_WORKSPACE, $0)] } ?? [])
      try contributeGradient(of: node.inputs[0], in: x.layout) { dx in
        try PrimitiveStep("\(node.type) backward \(node.name)", backward, context, reads: reads, writes: [argument(DNNL_ARG_DIFF_SRC, dx)])
      }
    }
    return result
  }
}
