/// The nodes of a file in an order in which each comes after those it reads from, and who reads whom.
struct FrozenGraph {
  let nodes: [TensorFlowNode]
  private let places: [String: Int]
  private let readers: [String: [String]]
  private let readOutputs: [String: Set<String>]
  /// Names of the network's outputs: nodes that no other node reads, in the file's order.
  let outputs: [String]

  /// What hands a tensor on as it is.
  static let identities: Set = ["Identity", "IdentityN", "StopGradient", "PreventGradient", "CheckNumerics", "Snapshot", "EnsureShape"]

  /// - Throws: `TensorFlowError` when two nodes have one name, one has none, a node reads one that does not exist, or there is a cycle.
  init(_ protos: [TFNodeDef]) throws(TensorFlowError) {
    var nodes: [TensorFlowNode] = []
    var places: [String: Int] = [:]
    for proto in protos {
      guard !proto.name.isEmpty else { throw TensorFlowError("a node of type \(proto.op) has no name") }
      guard places.updateValue(nodes.count, forKey: proto.name) == nil else { throw TensorFlowError(node: proto.name, "two nodes have this name") }
      nodes.append(try TensorFlowNode(proto))
    }
    var makers: [[Int]] = []
    var readers: [String: [String]] = [:]
    var readOutputs: [String: Set<String>] = [:]
    var isRead = [Bool](repeating: false, count: nodes.count)
    for node in nodes {
      var own: [Int] = []
      for input in node.inputs {
        guard let place = places[TensorFlowNode.maker(of: input)] ?? places[input] else {
          throw node.error("it reads '\(input)', which no node makes")
        }
        own.append(place)
        readers[nodes[place].name, default: []].append(node.name)
        readOutputs[nodes[place].name, default: []].insert(input)
        isRead[place] = true
      }
      makers.append(own)
    }
    outputs = nodes.indices.filter { !isRead[$0] && !["Const", "Placeholder", "NoOp", "Assert"].contains(nodes[$0].type) }.map { nodes[$0].name }
    self.readers = readers
    self.readOutputs = readOutputs
    let order = try Self.order(nodes, makers)
    self.nodes = order.map { nodes[$0] }
    self.places = Dictionary(self.nodes.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Indices in an order in which each comes after its makers; the file's own when it is one.
  private static func order(_ nodes: [TensorFlowNode], _ makers: [[Int]]) throws(TensorFlowError) -> [Int] {
    if makers.indices.allSatisfy({ index in makers[index].allSatisfy { $0 < index } }) { return Array(nodes.indices) }
    var missing = makers.map(\.count)
    var readers = [[Int]](repeating: [], count: nodes.count)
    for (index, own) in makers.enumerated() { for maker in own { readers[maker].append(index) } }
    var order = nodes.indices.filter { missing[$0] == 0 }
    var position = 0
    while position < order.count {
      for reader in readers[order[position]] {
        missing[reader] -= 1
        if missing[reader] == 0 { order.append(reader) }
      }
      position += 1
    }
    guard order.count == nodes.count else {
      let stuck = nodes.indices.first { missing[$0] > 0 } ?? 0
      throw nodes[stuck].error("the node waits for itself: the graph has a cycle")
    }
    return order
  }

  /// The nodes that read what a node makes, once for each time they do.
  func readers(of node: TensorFlowNode) -> [TensorFlowNode] { readers[node.name, default: []].compactMap(maker) }

  /// The tensors of a node that others read.
  func readOutputs(of node: TensorFlowNode) -> Set<String> { readOutputs[node.name, default: []] }

  /// The node that makes a tensor.
  func maker(of tensor: String) -> TensorFlowNode? { places[TensorFlowNode.maker(of: tensor)].map { nodes[$0] } }

  /// The node that makes a tensor, behind all nodes that hand it on.
  func source(of tensor: String) -> TensorFlowNode? {
    var current = maker(of: tensor)
    while let node = current, Self.identities.contains(node.type), let input = node.inputs.first { current = maker(of: input) }
    return current
  }
}
