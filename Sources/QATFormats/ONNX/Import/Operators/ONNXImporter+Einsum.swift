import QATGraph
import QATImporting
import QATTensor

/// Einstein's sums, which become transpositions, sums and one matrix product for each further operand: quantizers belong around the products.
extension ONNXImporter {
  static let einsums: [String: OperatorImporter] = ["Einsum": einsum]

  private static func einsum(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    var operands: [EinsumOperand] = []
    for index in node.inputs.indices {
      let type = try importer.type(index, "Inputs", node)
      let tensor = try importer.constant(index, node)
      let name = try tensor == nil ? importer.tensor(index, "Inputs", node) : ""
      operands.append(EinsumOperand(name: name, constant: tensor, dimensions: type.dimensions, labels: []))
    }
    let equation = try EinsumEquation(try node.string("equation") ?? "", ranks: operands.map(\.dimensions.count), node)
    for index in operands.indices { operands[index].labels = equation.inputs[index] }
    var remaining = operands[...]
    guard var result = remaining.popFirst() else { throw node.error("it has no inputs") }
    repeat {
      // What neither the result nor a later operand names is summed up now.
      let others = Set(equation.output).union(remaining.dropFirst().flatMap(\.labels))
      guard var next = remaining.popFirst() else {
        try importer.simplify(&result, keeping: others, node)
        break
      }
      try importer.simplify(&result, keeping: others.union(next.labels), node)
      try importer.simplify(&next, keeping: others.union(result.labels), node)
      result = try importer.product(result, next, keeping: others, node)
    } while !remaining.isEmpty
    try importer.order(&result, equation.output, node)
    if let tensor = result.constant { return try importer.bind(node.output, to: .constant(tensor), node) }
    try importer.alias(result.name, node)
  }

  /// Takes diagonals of labels that repeat and sums up those that are not kept.
  private mutating func simplify(_ x: inout EinsumOperand, keeping kept: Set<Int>, _ node: ONNXImportNode) throws(ONNXError) {
    while let label = x.labels.first(where: { label in x.labels.count(where: { $0 == label }) > 1 }) {
      let rest = x.labels.filter { $0 != label }
      try order(&x, rest + x.labels.filter { $0 == label }, node)
      guard let last = x.dimensions.last, let size = last.fixedSize, x.dimensions.suffix(2) == [last, last], size < 1 << 20 else {
        throw node.error("it takes the diagonal of \(x.dimensions)")
      }
      // The diagonal of a matrix whose rows follow each other: every (size + 1)th element.
      let count = x.dimensions.count - 2
      try reshape(&x, Array(x.dimensions[..<count]) + [.fixed(size * size)], node)
      try apply(Slice(axes: [count], starts: [0], ends: [.max], steps: [size + 1]), to: &x, "diagonal", node)
      x.labels.removeLast()
    }
    let axes = x.labels.indices.filter { !kept.contains(x.labels[$0]) }
    guard !axes.isEmpty else { return }
    try apply(ReduceSum(axes: axes, keepsDimensions: false), to: &x, "sum", node)
    x.labels.removeAll { !kept.contains($0) }
  }

  /// The product of two operands: common labels that are kept lead, then those of one side only; the other common ones are summed over.
  private mutating func product(_ a: EinsumOperand, _ b: EinsumOperand, keeping kept: Set<Int>, _ node: ONNXImportNode) throws(ONNXError)
    -> EinsumOperand
  {
    let common = a.labels.filter(b.labels.contains)
    let (leading, inner) = (common.filter(kept.contains), common.filter { !kept.contains($0) })
    let (rows, columns) = (a.labels.filter { !common.contains($0) }, b.labels.filter { !common.contains($0) })
    var (left, right) = (a, b)
    try order(&left, leading + rows + inner, node)
    try order(&right, leading + inner + columns, node)
    let leftSizes = left.dimensions[leading.count...]
    let rightSizes = right.dimensions[leading.count...]
    func size(_ sizes: ArraySlice<Dimension>) throws(ONNXError) -> Dimension {
      guard let size = sizes.reduce(.fixed(1) as Dimension?, { total, next in total.flatMap { Dimension.product($0, next) } }) else {
        throw node.unsupported("a product of the dimensions \(Array(sizes)) is not")
      }
      return size
    }
    try reshape(&left, left.dimensions[..<leading.count] + [try size(leftSizes.prefix(rows.count)), try size(leftSizes.suffix(inner.count))], node)
    try reshape(
      &right, right.dimensions[..<leading.count] + [try size(rightSizes.prefix(inner.count)), try size(rightSizes.suffix(columns.count))], node)
    let name = try emitHelper(MatMul(), [operand(left, node), operand(right, node)], "product", node)
    products.insert(name)
    guard let dimensions = types[name]?.dimensions else { throw node.error("it makes nothing") }
    var result = EinsumOperand(name: name, constant: nil, dimensions: dimensions, labels: leading + rows + columns)
    try reshape(&result, dimensions[..<leading.count] + leftSizes.prefix(rows.count) + rightSizes.suffix(columns.count), node)
    return result
  }

  /// The tensor of the graph that an operand is.
  private mutating func operand(_ x: EinsumOperand, _ node: ONNXImportNode) -> TensorName {
    x.constant.map { add($0, named: uniqueName("\(node.name)/operand"), .parameter) } ?? x.name
  }

  /// Brings the labels into an order.
  private mutating func order(_ x: inout EinsumOperand, _ labels: [Int], _ node: ONNXImportNode) throws(ONNXError) {
    var free = x.labels.map { $0 as Int? }
    var permutation: [Int] = []
    for label in labels {
      guard let place = free.firstIndex(of: label) else { throw node.error("its equation asks for a label that no operand has") }
      free[place] = nil
      permutation.append(place)
    }
    if permutation != Array(permutation.indices) { try apply(Transpose(permutation: permutation), to: &x, "ordered", node) }
    x.labels = labels
  }

  private mutating func reshape(_ x: inout EinsumOperand, _ dimensions: [Dimension], _ node: ONNXImportNode) throws(ONNXError) {
    guard dimensions != x.dimensions else { return }
    let old = x.dimensions
    let shape = dimensions.enumerated().map { axis, size in size.fixedSize ?? (axis < old.count && old[axis] == size ? 0 : -1) }
    try apply(Reshape(shape: shape), to: &x, "shaped", node)
  }

  /// Applies an operator: to a constant at once.
  private mutating func apply(_ op: any Operator, to x: inout EinsumOperand, _ suffix: String, _ node: ONNXImportNode) throws(ONNXError) {
    if let constant = x.constant {
      try spend(constant.count, node)
      guard let result = (op as? any EvaluableOperator)?.evaluate([constant])?.first else { throw node.error("it cannot take \(x.dimensions)") }
      x.constant = result
      x.dimensions = result.shape.map { .fixed($0) }
    } else {
      x.name = try emitHelper(op, [x.name], suffix, node)
      x.dimensions = types[x.name]?.dimensions ?? []
    }
  }
}

/// An operand of an Einstein sum on its way.
private struct EinsumOperand {
  /// The graph's tensor; empty for a constant.
  var name: TensorName
  var constant: Tensor?
  var dimensions: [Dimension]
  /// One a dimension.
  var labels: [Int]
}

/// What an equation says: the labels of each operand and of the result. Letters are their Unicode value; dimensions under an ellipsis count −1, −2 … from
/// the last one, so that those of several operands are aligned at the end.
private struct EinsumEquation {
  var inputs: [[Int]]
  var output: [Int]

  init(_ text: String, ranks: [Int], _ node: ONNXImportNode) throws(ONNXError) {
    let sides = text.filter { $0 != " " }.split(separator: "->", omittingEmptySubsequences: false)
    let terms = sides.first?.split(separator: ",", omittingEmptySubsequences: false) ?? []
    guard (1...2).contains(sides.count), terms.count == ranks.count, text.utf8.count < 1000 else {
      throw node.error("the equation '\(text.prefix(100))' has \(terms.count) terms for \(ranks.count) inputs")
    }
    var covered = 0
    var inputs: [[Int]] = []
    for (term, rank) in zip(terms, ranks) {
      let letters = term.filter { $0 != "." }.count
      let hidden = term.contains("...") ? rank - letters : 0
      guard hidden >= 0, letters + hidden == rank else { throw node.error("the term '\(term)' of its equation does not fit \(rank) dimensions") }
      inputs.append(try Self.labels(term, hidden: hidden, node))
      covered = max(covered, hidden)
    }
    self.inputs = inputs
    if sides.count == 2 {
      output = try Self.labels(sides[1], hidden: covered, node)
    } else {
      let all = inputs.flatMap(\.self)
      output = (0..<covered).map { $0 - covered } + Set(all.filter { label in label > 0 && all.count { $0 == label } == 1 }).sorted()
    }
  }

  private static func labels(_ term: Substring, hidden: Int, _ node: ONNXImportNode) throws(ONNXError) -> [Int] {
    let parts = term.components("...")
    guard parts.count <= 2, parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isLetter } }) else {
      throw node.error("the term '\(term)' of its equation is none")
    }
    let letters = parts.map { $0.unicodeScalars.map { Int($0.value) } }
    return letters.count == 1 ? letters[0] : letters[0] + (0..<hidden).map { $0 - hidden } + letters[1]
  }
}

extension Substring {
  /// The parts between separators.
  fileprivate func components(_ separator: String) -> [Substring] { split(separator: separator, omittingEmptySubsequences: false) }
}
