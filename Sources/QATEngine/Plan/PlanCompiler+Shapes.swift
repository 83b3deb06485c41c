import CVectorKernels
import QATGraph
import QATTensor

extension PlanCompiler {
  /// The same memory under another name.
  func identity(_ node: Node, _ index: Int) throws -> Bool {
    define(node.outputs[0], try value(node.inputs[0]))
    onBackward(of: index) { [self] in
      if let dy = try gradient(node.outputs[0]) { try contribute(dy, to: node.inputs[0]) }
    }
    return true
  }

  /// The same row-major memory in another shape.
  func reshaping(_ node: Node, _ index: Int) throws -> Bool {
    let (from, to) = (shape(node.inputs[0]), shape(node.outputs[0]))
    let layout = try Layout.plain(to)
    let make = { [self] in PlanValue(layout: layout, buffer: try plainValue(node.inputs[0]).buffer) }
    if isDeferred(node.inputs[0]) { define(node.outputs[0], layout, onDemand: make) } else { define(node.outputs[0], try make()) }
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      try contribute(PlanValue(layout: try .plain(from), buffer: dy.buffer), to: node.inputs[0])
    }
    return true
  }

  /// Joins tensors along one axis by copying rows: blocked along channels when every part fills its blocks, else row-major.
  func concatenation(_ op: Concat, _ node: Node, _ index: Int) throws -> Bool {
    let shapes = node.inputs.map(shape)
    let output = shape(node.outputs[0])
    let axis = op.axis < 0 ? op.axis + output.count : op.axis
    let block = DNNLContext.channelBlock
    let isBlocked = try axis == 1 && output.count == 4 && shapes.allSatisfy { $0[1] % block == 0 } && !value(node.inputs[0]).layout.isPlain
    let parts = try zip(node.inputs, shapes).map { try value($0, in: isBlocked ? .blocked($1) : .plain($1)) }
    let result = allocate(isBlocked ? try .blocked(output) : try .plain(output))
    let rows = output[..<axis].reduce(1, *)
    let stride = output[axis...].reduce(1, *)
    let widths = shapes.map { $0[axis...].reduce(1, *) }
    var offset = 0
    for (part, width) in zip(parts, widths) {
      let (source, destination, start) = (part.buffer, result.buffer, offset)
      append(
        KernelStep("Concat \(node.name)", reads: [source], writes: [destination]) {
          qat_copy_rows(rows, width, source.floats, width, destination.floats + start, stride)
        })
      offset += width
    }
    define(node.outputs[0], result)
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      var offset = 0
      for ((name, part), width) in zip(zip(node.inputs, parts), widths) {
        let (source, start) = (dy.buffer, offset)
        try contributeGradient(of: name, in: part.layout) { dx in
          KernelStep("Concat backward \(node.name)", reads: [source], writes: [dx.buffer]) {
            qat_copy_rows(rows, width, source.floats + start, stride, dx.buffer.floats, width)
          }
        }
        offset += width
      }
    }
    return true
  }
}
