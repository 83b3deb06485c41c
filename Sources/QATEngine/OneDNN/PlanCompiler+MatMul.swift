import COneDNN
import QATGraph

extension PlanCompiler {
  /// Products of matrices in row-major order: one for each pair, or, when B is a single matrix, one of all rows of A at once; that one of codes where
  /// `integerLinear` says so.
  func matMul(_ node: Node, _ index: Int) throws -> Bool {
    let (nameA, nameB) = (node.inputs[0], node.inputs[1])
    let (shapeA, shapeB) = (shape(nameA), shape(nameB))
    func declined() throws -> Bool { try runsOnCodes(node) { throw ReasonForFloat("it is not a product of rows by one matrix") } }
    guard shapeA.count >= 2, shapeB.count >= 2, shapeA.count >= shapeB.count else { return try declined() }
    let (inner, columns) = (shapeB[shapeB.count - 2], shapeB[shapeB.count - 1])
    let isSingle = shapeB.dropLast(2).allSatisfy { $0 == 1 }
    // Broadcasting matrices against each other would need sums of gradients over the repeated ones.
    guard isSingle || shapeA.dropLast(2).elementsEqual(shapeB.dropLast(2)) else { return try declined() }
    let count = isSingle ? 1 : shapeB.dropLast(2).reduce(1, *)
    let rows = shapeA.dropLast().reduce(1, *) / count
    let result = allocate(try .plain(shape(node.outputs[0])))
    let left = try Layout.matrices(count, rows: rows, columns: inner)
    let right = try Layout.matrices(count, rows: inner, columns: columns)
    let product = try Layout.matrices(count, rows: rows, columns: columns)
    let shapes = LinearShapes(rows: rows, sampleRows: sampleShape(nameA).dropLast().reduce(1, *), inputs: inner, outputs: columns)
    if try !integerLinear(node, shapes, transposes: false, nil, result) {
      let (a, b) = (try plainValue(nameA).buffer, try plainValue(nameB).buffer)
      guard let step = try productStep(a, left, b, right, result.buffer, product, "MatMul \(node.name)") else { return false }
      append(step)
    }
    define(node.outputs[0], result)
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      try contributeGradient(of: nameB, in: .plain(shapeB)) { dB in
        let transposed = try Layout.matrices(count, rows: inner, columns: rows, isTransposed: true)
        // Where the forward pass had codes alone, they become floats here.
        let a = try plainValue(nameA)
        return try requireProduct(a.buffer, transposed, dy.buffer, product, dB.buffer, right, "MatMul backward B \(node.name)")
      }
      try contributeGradient(of: nameA, in: .plain(shapeA)) { dA in
        let transposed = try Layout.matrices(count, rows: columns, columns: inner, isTransposed: true)
        let b = try plainValue(nameB)
        return try requireProduct(dy.buffer, product, b.buffer, transposed, dA.buffer, left, "MatMul backward A \(node.name)")
      }
    }
    return true
  }

  /// C = A · B; nil when oneDNN has no kernel for these layouts.
  private func productStep(
    _ a: PlanBuffer, _ left: Layout, _ b: PlanBuffer, _ right: Layout, _ c: PlanBuffer, _ product: Layout, _ label: String
  ) throws -> PrimitiveStep? {
    let descriptor = withDescriptors(left, right, product, nil) { left, right, product, _ in
      PrimitiveDescriptor { qat_dnnl_matmul_pd($0, context.engine, left, right, product) }
    }
    return try descriptor.map {
      try PrimitiveStep(
        label, $0, context,
        reads: [.init(index: DNNL_ARG_SRC, layout: left, buffer: a), .init(index: DNNL_ARG_WEIGHTS, layout: right, buffer: b)],
        writes: [.init(index: DNNL_ARG_DST, layout: product, buffer: c)])
    }
  }

  private func requireProduct(
    _ a: PlanBuffer, _ left: Layout, _ b: PlanBuffer, _ right: Layout, _ c: PlanBuffer, _ product: Layout, _ label: String
  ) throws -> PrimitiveStep {
    guard let step = try productStep(a, left, b, right, c, product, label) else { throw EngineError("oneDNN has no kernel for \(label)") }
    return step
  }
}
