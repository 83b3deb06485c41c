/// Which quantizers a network gets, where, and how each quantizes: the decision, before anything is inserted.
public struct QuantizerSetup: Sendable, Hashable {
  /// Where quantizers sit: weights first, then activations, each in the order of the network's nodes.
  public var points: [QuantizationPoint]
  /// Points that share one set of parameters, by id; the first of each group owns it.
  public var unifiedScaleGroups: [[String]]
  /// Points that feed the same operators, by id: whoever changes the bit width of one changes the others'.
  public var sharedInputGroups: [[String]]

  /// A setup; empty unless parts are given.
  public init(points: [QuantizationPoint] = [], unifiedScaleGroups: [[String]] = [], sharedInputGroups: [[String]] = []) {
    self.points = points
    self.unifiedScaleGroups = unifiedScaleGroups
    self.sharedInputGroups = sharedInputGroups
  }

  /// The point with an id.
  public subscript(id: String) -> QuantizationPoint? { points.first { $0.id == id } }

  /// The weight quantizers.
  public var weightPoints: [QuantizationPoint] { points.filter { $0.kind == .weight } }

  /// The activation quantizers.
  public var activationPoints: [QuantizationPoint] { points.filter { $0.kind == .activation } }

  /// For every point the id whose parameters it uses: the first of its unified group, or its own.
  public var parameterOwners: [String: String] {
    var owners = Dictionary(points.map { ($0.id, $0.id) }, uniquingKeysWith: { first, _ in first })
    for group in unifiedScaleGroups {
      for id in group { owners[id] = group[0] }
    }
    return owners
  }
}

/// One place of a quantizer.
public struct QuantizationPoint: Sendable, Hashable, Codable {
  /// What is quantized.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// A layer's weight.
    case weight
    /// A tensor that depends on the network's input.
    case activation
  }

  /// `<node>|WEIGHT`, `<node>|OUTPUT`, `<node>|INPUT<port>`; for an input of the network `<input>|OUTPUT`. Also the name of the inserted node.
  public var id: String
  /// The place.
  public var target: QuantizationTarget
  /// How it quantizes.
  public var specification: QuantizerSpecification
  /// Names of the operators that read the quantized tensor, directly or through operators that pass it on unchanged.
  public var quantizedOperators: [String]

  /// A point.
  public init(id: String, target: QuantizationTarget, specification: QuantizerSpecification, quantizedOperators: [String]) {
    self.id = id
    self.target = target
    self.specification = specification
    self.quantizedOperators = quantizedOperators
  }

  private enum CodingKeys: String, CodingKey {
    case id
    case target = "target_point"
    case specification = "qspec"
    case quantizedOperators = "directly_quantized_operator_node_names"
  }

  /// Whether the point quantizes a weight or an activation.
  public var kind: Kind { target.place == .weight ? .weight : .activation }
}

/// Where a quantizer sits, by names that survive import and export.
public struct QuantizationTarget: Sendable, Hashable, Codable {
  /// On which side of what.
  public enum Place: String, Sendable, Hashable, Codable {
    /// On the constant that a node's port reads, for all operators of the point that read it.
    case weight
    /// On a node's output, for every reader.
    case output
    /// On one input port of a node, for this node alone.
    case input
    /// On an input of the network, for every reader.
    case networkInput = "network_input"
    /// In front of an output of the network, for nobody else.
    case networkOutput = "network_output"
  }

  /// On which side of what.
  public var place: Place
  /// The node's, input's or output's name.
  public var name: String
  /// The node's port for `weight` and `input`, else nil.
  public var port: Int?

  /// A place.
  public init(_ place: Place, _ name: String, port: Int? = nil) {
    self.place = place
    self.name = name
    self.port = port
  }

  private enum CodingKeys: String, CodingKey {
    case place = "type"
    case name = "target_node_name"
    case port = "input_port_id"
  }

  /// The id that a quantizer at this place has.
  public var id: String {
    switch place {
    case .weight: "\(name)|WEIGHT"
    case .output, .networkInput: "\(name)|OUTPUT"
    case .input: "\(name)|INPUT\(port ?? 0)"
    case .networkOutput: "\(name)|INPUT0"
    }
  }
}
