import QATGraph
import QATImporting
import QATTensor

/// Products in Einstein's notation, as attention layers are frozen with: two operands, every letter once in each, none summed in one operand alone.
extension TensorFlowImporter {
  /// Which letters of an equation play which part.
  private struct Letters {
    var left, right, result: [Character]
    /// In both operands and the result.
    var batch: [Character]
    /// In both operands alone.
    var summed: [Character]
    var rows: [Character]
    var columns: [Character]

    init?(_ equation: String) {
      let sides = equation.filter({ $0 != " " }).replacing("->", with: ">").split(separator: ">", omittingEmptySubsequences: false)
      let operands = (sides.first ?? "").split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
      guard sides.count == 2, operands.count == 2 else { return nil }
      (left, right, result) = (operands[0], operands[1], Array(sides[1]))
      let (a, b, c) = (Set(left), Set(right), Set(result))
      guard a.count == left.count, b.count == right.count, c.count == result.count, (left + right + result).allSatisfy(\.isLetter),
        c.isSubset(of: a.union(b)), a.subtracting(b).isSubset(of: c), b.subtracting(a).isSubset(of: c)
      else { return nil }
      batch = result.filter { a.contains($0) && b.contains($0) }
      summed = left.filter { b.contains($0) && !c.contains($0) }
      rows = result.filter { a.contains($0) && !b.contains($0) }
      columns = result.filter { b.contains($0) && !a.contains($0) }
    }
  }

  static func einsum(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let equation = try node.string("equation") ?? ""
    guard let letters = Letters(equation), !letters.summed.isEmpty else { throw node.unsupported("the equation '\(equation)' is not") }
    let sizes = try importer.sizes(letters, equation, node)
    importer.productOutputs.insert(node.name)
    // [batch..., rows..., summed] times [batch..., summed, columns].
    let left = try importer.operand(0, letters.left, letters.batch + letters.rows, letters.summed, sizes, "left", node)
    let right: TensorName
    if case .constant(let tensor, let origin) = try importer.value(1, node), letters.batch.isEmpty {
      let moved = tensor.transposed((letters.summed + letters.columns).compactMap { letters.right.firstIndex(of: $0) })
      let rows = letters.summed.reduce(1) { $0 * (sizes[$1]?.fixedSize ?? 1) }
      right = importer.add(moved.reshaped([rows, moved.count / max(rows, 1)]), named: origin, .parameter)
    } else {
      guard letters.rows.count == 1, letters.summed.count == 1 else {
        throw node.unsupported("the equation '\(equation)' of two computed operands is not")
      }
      right = try importer.operand(1, letters.right, letters.batch + letters.summed, letters.columns, sizes, "right", node)
    }
    // The columns apart again, then the letters in the order of the result.
    let order = letters.batch + letters.rows + letters.columns
    let permutation = letters.result.compactMap { letter in order.firstIndex(of: letter) }
    let isOrdered = permutation == Array(0..<order.count)
    if letters.columns.count == 1, isOrdered { return try importer.emit(MatMul(), [left, right], .plain, node) }
    var product = try importer.emitHelper(MatMul(), [left, right], "product", node)
    if letters.columns.count != 1 {
      let op = try importer.reshaping(product, order.compactMap { sizes[$0] }, node)
      if isOrdered { return try importer.emit(op, [product], .plain, node) }
      product = try importer.emitHelper(op, [product], "shaped", node)
    }
    try importer.emit(Transpose(permutation: permutation), [product], .plain, node)
  }

  /// The size of each letter, the same in both operands.
  private func sizes(_ letters: Letters, _ equation: String, _ node: TensorFlowNode) throws(TensorFlowError) -> [Character: Dimension] {
    var sizes: [Character: Dimension] = [:]
    for (index, operand) in [letters.left, letters.right].enumerated() {
      let dimensions = try dimensions(index, node)
      guard dimensions.count == operand.count else { throw node.error("the equation '\(equation)' does not fit an operand \(dimensions)") }
      for (letter, dimension) in zip(operand, dimensions) {
        guard sizes.updateValue(dimension, forKey: letter) ?? dimension == dimension else {
          throw node.error("the letter '\(letter)' of '\(equation)' has two sizes")
        }
      }
    }
    return sizes
  }

  /// An operand with its letters in the order `first`, `last`, the last ones merged.
  private mutating func operand(
    _ index: Int, _ own: [Character], _ first: [Character], _ last: [Character], _ sizes: [Character: Dimension], _ side: String,
    _ node: TensorFlowNode
  ) throws(TensorFlowError) -> TensorName {
    var name = try plain(index, as: .parameter, node)
    let permutation = (first + last).compactMap { own.firstIndex(of: $0) }
    if permutation != Array(0..<own.count) { name = try emitHelper(Transpose(permutation: permutation), [name], side, node) }
    guard last.count != 1 else { return name }
    let merged = last.compactMap { sizes[$0]?.fixedSize }
    guard merged.count == last.count else { throw node.unsupported("over the batch is not") }
    let op = try reshaping(name, first.compactMap { sizes[$0] } + [.fixed(merged.reduce(1, *))], node)
    return try emitHelper(op, [name], "\(side)_merged", node)
  }

  private func reshaping(_ name: TensorName, _ dimensions: [Dimension], _ node: TensorFlowNode) throws(TensorFlowError) -> Reshape {
    do throws(ShapeError) {
      return try Reshape(of: type(of: name), to: dimensions, literalBatch: nil)
    } catch {
      throw node.error(error.description)
    }
  }
}
