import CVectorKernels
import QATGraph

extension PlanCompiler {
  /// sum = a + b, all in the same layout. `sum` may be `a`.
  func appendSum(_ a: PlanValue, _ b: PlanValue, _ sum: PlanValue, _ label: String) {
    let count = a.layout.elementCount
    let (x, y, z) = (a.buffer, b.buffer, sum.buffer)
    append(KernelStep(label, reads: [x, y], writes: [z]) { qat_add(count, x.floats, y.floats, z.floats) })
  }

  /// Addition of two tensors of one shape, together with a ReLU that alone reads the sum and does not belong to a quantizer behind it.
  func addition(_ node: Node, _ index: Int) throws -> Bool {
    let (nameA, nameB) = (node.inputs[0], node.inputs[1])
    guard shape(nameA) == shape(nameB) else { return false }
    let layout = try value(nameA).layout.isPlain ? try value(nameB).layout : try value(nameA).layout
    let (a, b) = (try value(nameA, in: layout), try value(nameB, in: layout))
    let result = allocate(layout)
    var output = node.outputs[0]
    let relu = soleConsumer(of: output).flatMap { $0.node.op is Relu && soleQuantizer(of: output) == nil ? $0 : nil }
    if let relu {
      fuse(relu.index, into: index)
      output = relu.node.outputs[0]
    }
    let count = layout.elementCount
    let (x, y, z) = (a.buffer, b.buffer, result.buffer)
    if relu == nil {
      append(KernelStep("Add \(node.name)", reads: [x, y], writes: [z]) { qat_add(count, x.floats, y.floats, z.floats) })
    } else {
      append(KernelStep("Add+Relu \(node.name)", reads: [x, y], writes: [z]) { qat_add_relu(count, x.floats, y.floats, z.floats) })
    }
    define(output, result)
    let isRectified = relu != nil
    onBackward(of: index) { [self] in
      guard let dy = try gradient(output) else { return }
      var dx = dy
      if isRectified {
        dx = allocate(layout)
        let (source, gradient, destination) = (result.buffer, dy.buffer, dx.buffer)
        append(
          KernelStep("Relu backward \(node.name)", reads: [source, gradient], writes: [destination]) {
            qat_relu_backward(count, source.floats, gradient.floats, destination.floats)
          })
      }
      // Both operands receive the same gradient: one piece of memory serves both.
      try contribute(dx, to: nameA)
      try contribute(dx, to: nameB)
    }
    return true
  }

  /// Product of two tensors of one shape.
  func multiplication(_ node: Node, _ index: Int) throws -> Bool {
    let (nameA, nameB) = (node.inputs[0], node.inputs[1])
    guard shape(nameA) == shape(nameB) else { return false }
    let layout = try value(nameA).layout
    let (a, b) = (try value(nameA, in: layout), try value(nameB, in: layout))
    let result = allocate(layout)
    append(productStep(a, b, result, "Mul \(node.name)"))
    define(node.outputs[0], result)
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      for (name, other) in [(nameA, b), (nameB, a)] {
        try contributeGradient(of: name, in: layout) { productStep(dy, other, $0, "Mul backward \(node.name)") }
      }
    }
    return true
  }

  private func productStep(_ a: PlanValue, _ b: PlanValue, _ product: PlanValue, _ label: String) -> KernelStep {
    let count = a.layout.elementCount
    let (x, y, z) = (a.buffer, b.buffer, product.buffer)
    return KernelStep(label, reads: [x, y], writes: [z]) { qat_multiply(count, x.floats, y.floats, z.floats) }
  }
}
