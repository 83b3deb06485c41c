import QATGraph
import QATImporting
import QATTensor

/// Attention, which becomes the products and the softmax that it is made of: quantizers belong around the products.
extension ONNXImporter {
  static let attention: [String: OperatorImporter] = ["Attention": attention]

  /// Heads come from the last dimension of tokens [batch, length, heads · width], as ONNX 1.19 has it; keys and values that several heads share are
  /// repeated one by one; scores are bounded before they are masked. Source: ONNX operator Attention, opset 23.
  private static func attention(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard node.input(6) == nil else { throw node.unsupported("lengths without padding (nonpad_kv_seqlen) are not") }
    // Which scores the fourth output shows: 0 as they are, 1 bounded, 2 masked as well, 3 behind the softmax. ONNX 1.18 had 1 and 2 the other way round.
    let mode = try node.int("qk_matmul_output_mode", default: 0)
    guard (0...3).contains(mode) else { throw node.error("the attribute 'qk_matmul_output_mode' is \(mode), expected 0 to 3") }
    var parts: [TensorName] = []
    for (index, role) in ["Q", "K", "V"].enumerated() { parts.append(try importer.heads(index, role, node)) }
    for (part, past) in [(1, 4), (2, 5)] where node.input(past) != nil {
      parts[part] = try importer.emitHelper(Concat(axis: 2), [try importer.tensor(past, "past", node), parts[part]], "present", node)
    }
    for (part, output) in [(1, 1), (2, 2)] where node.hasOutput(output) { try importer.alias(parts[part], node, output: output) }
    guard let query = importer.types[parts[0]]?.dimensions, let key = importer.types[parts[1]]?.dimensions,
      let heads = query[1].fixedSize, let groups = key[1].fixedSize, groups > 0, heads % groups == 0, let width = query[3].fixedSize
    else { throw node.error("it needs heads of a fixed number and width, found \(parts.map { importer.types[$0]?.description ?? "" })") }
    if heads != groups { for part in 1...2 { parts[part] = try importer.repeated(parts[part], heads / groups, node) } }
    let scale = try node.float("scale", default: 1 / Float(width).squareRoot())
    var scores = try importer.emitHelper(Mul(), [parts[0], importer.number(scale, "scale", node)], "scaled", node)
    let transposed = try importer.emitHelper(Transpose(permutation: [0, 1, 3, 2]), [parts[1]], "transposed", node)
    scores = try importer.emitHelper(MatMul(), [scores, transposed], "scores", node)
    if node.hasOutput(3), mode == 0 { try importer.alias(scores, node, output: 3) }
    scores = try importer.capped(scores, node)
    if node.hasOutput(3), mode == 1 { try importer.alias(scores, node, output: 3) }
    scores = try importer.masked(scores, past: importer.pastLength(node), node)
    if node.hasOutput(3), mode == 2 { try importer.alias(scores, node, output: 3) }
    let weights = try importer.emitHelper(Softmax(axis: -1), [scores], "weights", node)
    if node.hasOutput(3), mode == 3 { try importer.alias(weights, node, output: 3) }
    guard try importer.type(0, "Q", node).rank == 3 else { return try importer.emit(MatMul(), [weights, parts[2]], node) }
    let result = try importer.emitHelper(MatMul(), [weights, parts[2]], "result", node)
    let tokens = try importer.emitHelper(Transpose(permutation: [0, 2, 1, 3]), [result], "tokens", node)
    try importer.emit(Reshape(shape: [0, 0, -1]), [tokens], node)
  }

  /// An input as [batch, heads, length, width].
  private mutating func heads(_ index: Int, _ role: String, _ node: ONNXImportNode) throws(ONNXError) -> TensorName {
    let x = try tensor(index, role, node)
    guard let type = types[x], (3...4).contains(type.rank) else {
      throw node.error("it needs tensors of 3 or 4 dimensions, found \(types[x]?.description ?? x)")
    }
    if type.rank == 4 { return x }
    let attribute = index == 0 ? "q_num_heads" : "kv_num_heads"
    let heads = try node.int(attribute, default: 0)
    guard heads > 0, let width = type.dimensions[2].fixedSize, width % heads == 0 else {
      throw node.error("the attribute '\(attribute)' is \(heads), the input '\(role)' is \(type)")
    }
    let parted = try emitHelper(Reshape(shape: [0, 0, heads, width / heads]), [x], "heads", node)
    return try emitHelper(Transpose(permutation: [0, 2, 1, 3]), [parted], "ordered", node)
  }

  /// [batch, heads, length, width] with each head `count` times.
  private mutating func repeated(_ x: TensorName, _ count: Int, _ node: ONNXImportNode) throws(ONNXError) -> TensorName {
    guard let dimensions = types[x]?.dimensions, let heads = dimensions[1].fixedSize, let length = dimensions[2].fixedSize,
      let width = dimensions[3].fixedSize
    else { throw node.unsupported("shared heads of an open length are not") }
    let single = try emitHelper(Reshape(shape: [0, heads, 1, length, width]), [x], "single", node)
    let all = try emitHelper(Expand(shape: [1, 1, .fixed(count), 1, 1]), [single], "repeated", node)
    return try emitHelper(Reshape(shape: [0, heads * count, length, width]), [all], "shared", node)
  }

  private mutating func capped(_ scores: TensorName, _ node: ONNXImportNode) throws(ONNXError) -> TensorName {
    let cap = try node.float("softcap", default: 0)
    guard cap > 0 else { return scores }
    let small = try emitHelper(Mul(), [scores, number(1 / cap, "softcap", node)], "small", node)
    return try emitHelper(Mul(), [try emitHelper(Tanh(), [small], "bounded", node), number(cap, "softcap", node)], "capped", node)
  }

  private mutating func pastLength(_ node: ONNXImportNode) throws(ONNXError) -> Int {
    guard node.input(4) != nil else { return 0 }
    guard let length = try type(4, "past_key", node).dimensions.dropFirst(2).first?.fixedSize else {
      throw node.unsupported("a past of an open length is not")
    }
    return length
  }

  /// Scores with those that may not count far below all others. A choice rather than a sum: a sum would want a quantizer.
  private mutating func masked(_ scores: TensorName, past: Int, _ node: ONNXImportNode) throws(ONNXError) -> TensorName {
    var result = scores
    if node.input(3) != nil {
      let mask = try tensor(3, "attn_mask", node)
      result = try types[mask]?.elementType == .bool ? chosen(by: mask, result, node) : emitHelper(Add(), [result, mask], "biased", node)
    }
    guard try node.flag("is_causal", default: false) else { return result }
    guard let dimensions = types[scores]?.dimensions, let rows = dimensions[2].fixedSize, let columns = dimensions[3].fixedSize else {
      throw node.unsupported("is_causal with an open length is not")
    }
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard !overflow else { throw node.error("it masks \(rows) × \(columns) scores") }
    try spend(count, node)
    let mask = Tensor(shape: [rows, columns], elements: .bool((0..<count).map { $0 % columns <= $0 / columns + past }))
    return try chosen(by: add(mask, named: uniqueName("\(node.name)/causal"), .fixed), result, node)
  }

  private mutating func chosen(by mask: TensorName, _ scores: TensorName, _ node: ONNXImportNode) throws(ONNXError) -> TensorName {
    try emitHelper(Where(), [mask, scores, number(-1e30, "excluded", node)], "masked", node)
  }

  /// A constant number of the node's own.
  private mutating func number(_ value: Float, _ suffix: String, _ node: ONNXImportNode) -> TensorName {
    add(Tensor([value], shape: []), named: uniqueName("\(node.name)/\(suffix)"), .fixed)
  }
}
