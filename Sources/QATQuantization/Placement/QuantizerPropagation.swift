/// Moves activation quantizers up to where one serves as many operators as possible. Source: reference NNCF's quantizer propagation solver.
///
/// Vertices are settled in reverse topological order, so at a branch everything below has arrived or has come to rest: what NNCF reaches by letting
/// quantizers wait for each other.
struct QuantizerPropagation {
  let graph: QuantizationGraph
  private let table: HardwareTable?
  /// The quantizers by their current place.
  var quantizers: [PropagatingQuantizer.Location: PropagatingQuantizer] = [:]
  private var groups = UnionFind()

  /// Slots of needless quantizers that were removed.
  var needlessSlots: Set<Int> = []
  /// Ids of the tables' quantizers in each unified group.
  var tablesOfGroup: [Int: [String]] = [:]
  /// Operators that tables quantize in the place of quantizers behind embeddings.
  var tableReaders: Set<String> = []

  init(_ graph: QuantizationGraph, table: HardwareTable?) {
    self.graph = graph
    self.table = table
  }

  /// Lets every operator that computes on integers ask for quantizers of its inputs, and moves them to where they come to rest.
  /// - Parameters:
  ///   - demands: what the configuration demands of activation quantizers.
  ///   - quantizesOutputs: whether the network's outputs want quantizers.
  ///   - unmet: takes the operators where the table offers nothing that meets the demands.
  mutating func run(_ demands: GroupDemands, quantizesOutputs: Bool, _ unmet: inout UnmetDemands) {
    for index in graph.vertices.indices {
      let vertex = graph.vertices[index]
      guard vertex.trait == .inputsQuantizable || (vertex.isNetworkOutput && quantizesOutputs) else { continue }
      let demanded = demands.demands(at: vertex.name)
      let entry = entry(of: vertex)
      var options = demanded.standardOptions
      if let listed = entry?.activations {
        options = demanded.filtered(listed)
        if options.isEmpty { unmet.note(demanded, at: vertex.name, offered: listed) }
      }
      let slots = vertex.inputs.filter { graph.slots[$0].isQuantizable }
      // Inputs that must have one scale have one group, and channels cannot have scales of their own.
      var group: Int?
      if entry?.unifiesScales == true, slots.count > 1 {
        options.removeAll { $0.perChannel }
        group = groups.add()
      }
      for slot in slots { quantizers[.slot(slot)] = PropagatingQuantizer(options: options, location: .slot(slot), sinks: [slot], group: group) }
    }
    for index in graph.vertices.indices.reversed() where rise(to: index) { pass(through: index) }
    for (location, quantizer) in quantizers { quantizers[location]?.group = quantizer.group.map { groups.root($0) } }
  }

  /// Merges the quantizers of all readers of a vertex into one behind it. They stay where they are when a reader has none: it would read a quantized
  /// tensor and wants floating point; and when they have no option in common.
  /// - Returns: whether one has come up.
  private mutating func rise(to vertex: Int) -> Bool {
    let readers = graph.vertices[vertex].readers
    let arrived = readers.compactMap { quantizers[.slot($0)] }
    guard !arrived.isEmpty, arrived.count == readers.count, readers.allSatisfy({ graph.slots[$0].isQuantizable }) else { return false }
    let options = [QuantizerOption].merged(arrived.map(\.options))
    guard !options.isEmpty else { return false }
    for slot in readers { quantizers[.slot(slot)] = nil }
    var merged = PropagatingQuantizer(options: options, location: .output(vertex), sinks: [])
    for quantizer in arrived {
      merged.sinks.formUnion(quantizer.sinks)
      merged.distance = max(merged.distance, quantizer.distance + 1)
      if let group = quantizer.group { merged.group = merged.group.map { groups.join($0, group) } ?? group }
    }
    quantizers[merged.location] = merged
    return true
  }

  /// Moves the quantizer behind a vertex to all its inputs when the vertex only passes values on. Behind a concatenation that feeds an operator with
  /// weights the copies form a unified group, because the hardware joins integers.
  private mutating func pass(through vertex: Int) {
    let inputs = graph.vertices[vertex].inputs
    let trait = graph.vertices[vertex].trait
    guard trait == .agnostic || trait == .concat, !inputs.isEmpty, inputs.allSatisfy({ graph.slots[$0].isQuantizable }) else { return }
    guard var quantizer = quantizers.removeValue(forKey: .output(vertex)) else { return }
    if trait == .concat, inputs.count > 1, entry(of: graph.vertices[vertex])?.unifiesScales == true, graph.feedsWeights[vertex],
      quantizer.group == nil
    {
      quantizer.group = groups.add()
    }
    // From the output to the operator and on to the port in front of it.
    quantizer.distance += 2
    for slot in inputs {
      quantizer.location = .slot(slot)
      quantizers[.slot(slot)] = quantizer
    }
  }

  private func entry(of vertex: QuantizationGraph.Vertex) -> HardwareTable.Entry? {
    vertex.operatorClass?.hardware.flatMap { operation in table?[operation] }
  }

  /// Removes the quantizer at a place.
  mutating func remove(_ location: PropagatingQuantizer.Location) { quantizers[location] = nil }

  /// Leaves the quantizer at a place these options only.
  mutating func restrict(_ location: PropagatingQuantizer.Location, to options: [QuantizerOption]) { quantizers[location]?.options = options }

  /// Adds the operators of another quantizer to those that the quantizer at a place serves: only bit widths that both may have remain.
  mutating func serve(_ other: PropagatingQuantizer, from location: PropagatingQuantizer.Location) {
    quantizers[location]?.sinks.formUnion(other.sinks)
    quantizers[location]?.options.removeAll { option in !other.options.contains { $0.bits == option.bits } }
  }
}

/// Numbers in disjoint groups that can be joined.
struct UnionFind {
  private var parents: [Int] = []

  /// A new group.
  mutating func add() -> Int {
    parents.append(parents.count)
    return parents.count - 1
  }

  /// The number that stands for the group of `member`: the lowest in it.
  func root(_ member: Int) -> Int {
    var member = member
    while parents[member] != member { member = parents[member] }
    return member
  }

  /// Makes the groups of `a` and `b` one.
  /// - Returns: what stands for it.
  @discardableResult
  mutating func join(_ a: Int, _ b: Int) -> Int {
    let (low, high) = (min(root(a), root(b)), max(root(a), root(b)))
    parents[high] = low
    return low
  }
}
