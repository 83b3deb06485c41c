import COneDNN
import QATGraph

extension PlanCompiler {
  /// A convolution in the layout of its source, unless oneDNN only has a slow kernel for that; of codes where `integerProduct` says so.
  func convolution(_ op: Convolution, _ node: Node, _ index: Int) throws -> Bool {
    let shapes = ConvolutionShapes(
      op, source: shape(node.inputs[0]), weights: shape(node.inputs[1]), destination: shape(node.outputs[0]))
    let biasName = node.inputs.count > 2 && !node.inputs[2].isEmpty ? node.inputs[2] : nil
    let bias = try biasName.map { try plainValue($0) }
    let own = try layout(of: node.inputs[0])
    guard let forward = try forwardDescriptor(shapes, own, bias?.layout) else { return false }
    let sourceLayout = try forward.layout(dnnl_query_src_md, shape: shapes.source)
    let plainWeights = PlanValue(layout: try .plain(shapes.groupedWeights), buffer: try plainValue(node.inputs[1]).buffer)
    let result = allocate(try forward.layout(dnnl_query_dst_md, shape: shapes.destination))
    define(node.outputs[0], result)
    if try !integerConvolution(node, shapes, plainWeights, bias, result) {
      let x = try value(node.inputs[0], in: sourceLayout)
      let weights = try converted(plainWeights, to: forward.layout(dnnl_query_weights_md, shape: shapes.groupedWeights), "pack \(node.inputs[1])")
      var reads = [argument(DNNL_ARG_SRC, x), argument(DNNL_ARG_WEIGHTS, weights)]
      if let bias { reads.append(argument(DNNL_ARG_BIAS, bias)) }
      append(try PrimitiveStep("Conv \(node.name)", forward, context, reads: reads, writes: [argument(DNNL_ARG_DST, result)]))
    }
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      if wantsGradient(node.inputs[1]) || biasName.map(wantsGradient) == true {
        if let kernel = shapes.imageWeightGradient(source: own, destination: dy.layout)
          ?? shapes.winogradWeightGradient(source: sourceLayout, destination: dy.layout)
        {
          try weightGradients(kernel, node, biasName, dy: dy)
        } else {
          try convolutionWeightGradients(shapes, node, biasName, x: value(node.inputs[0], in: sourceLayout), dy: dy, hint: forward)
        }
      }
      guard wantsGradient(node.inputs[0]) else { return }
      if let kernel = shapes.imageDataGradient(source: own, destination: dy.layout)
        ?? shapes.winogradDataGradient(source: own, destination: dy.layout)
      {
        try dataGradient(kernel, node, weights: plainWeights, dy: dy)
      } else {
        try convolutionDataGradient(shapes, node, plainWeights, own: own, dy: dy, hint: forward)
      }
    }
    return true
  }

  private func forwardDescriptor(_ shapes: ConvolutionShapes, _ own: Layout, _ bias: Layout?) throws -> PrimitiveDescriptor? {
    let (weights, destination) = (try Layout.any(shapes.groupedWeights), try Layout.any(shapes.destination))
    let w = shapes.window
    let training: Int32 = mode == .training ? 1 : 0
    func make(_ source: Layout) -> PrimitiveDescriptor? {
      withDescriptors(source, weights, destination, bias) { source, weights, destination, bias in
        PrimitiveDescriptor {
          qat_dnnl_convolution_forward_pd(
            $0, context.engine, training, source, weights, bias, destination, w.strides, w.dilations, w.padsBegin, w.padsEnd)
        }
      }
    }
    if let direct = make(own), !direct.isSlow { return direct }
    return make(try .any(shapes.source)) ?? make(own)
  }

  private func convolutionDataGradient(
    _ shapes: ConvolutionShapes, _ node: Node, _ plainWeights: PlanValue, own: Layout, dy: PlanValue, hint: PrimitiveDescriptor
  ) throws {
    let weights = try Layout.any(shapes.groupedWeights)
    let w = shapes.window
    func make(_ source: Layout, _ destination: Layout) -> PrimitiveDescriptor? {
      withDescriptors(source, weights, destination, nil) { source, weights, destination, _ in
        PrimitiveDescriptor {
          qat_dnnl_convolution_backward_data_pd(
            $0, context.engine, source, weights, destination, w.strides, w.dilations, w.padsBegin, w.padsEnd, hint.pd)
        }
      }
    }
    // Towards an image of few channels, blocks of channels would be almost empty: as one matrix product the same kernel is three times as fast.
    let isImage = shapes.source[1] < 4
    var descriptor = isImage ? make(try .plain(shapes.source), try .plain(shapes.destination)) : make(own, dy.layout)
    if !isImage, descriptor?.isSlow ?? true { descriptor = make(try .any(shapes.source), try .any(shapes.destination)) ?? descriptor }
    try dataGradient(descriptor, node, weights: plainWeights, dy: dy)
  }

  private func convolutionWeightGradients(
    _ shapes: ConvolutionShapes, _ node: Node, _ biasName: TensorName?, x: PlanValue, dy: PlanValue, hint: PrimitiveDescriptor
  ) throws {
    let weights = try Layout.any(shapes.groupedWeights)
    let bias = try biasName.map { try Layout.plain(shape($0)) }
    let w = shapes.window
    func make(_ source: Layout, _ destination: Layout) -> PrimitiveDescriptor? {
      withDescriptors(source, weights, destination, bias) { source, weights, destination, bias in
        PrimitiveDescriptor {
          qat_dnnl_convolution_backward_weights_pd(
            $0, context.engine, source, weights, bias, destination, w.strides, w.dilations, w.padsBegin, w.padsEnd, hint.pd)
        }
      }
    }
    var descriptor = make(x.layout, dy.layout)
    if descriptor?.isSlow ?? true { descriptor = make(try .any(shapes.source), try .any(shapes.destination)) ?? descriptor }
    try weightGradients(descriptor, node, biasName, weights: .plain(shapes.groupedWeights), x: x, dy: dy)
  }
}

/// The shapes of a convolution in oneDNN's terms: grouped weights are [groups, O / groups, I / groups, kH, kW].
struct ConvolutionShapes {
  let source, destination, groupedWeights: [Int]
  let window: WindowArguments

  init(_ op: Convolution, source: [Int], weights: [Int], destination: [Int]) {
    self.source = source
    self.destination = destination
    groupedWeights = op.groups == 1 ? weights : [op.groups, weights[0] / op.groups] + weights[1...]
    window = WindowArguments(op.window, input: source, output: destination)
  }
}
