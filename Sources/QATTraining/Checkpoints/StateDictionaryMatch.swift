import QATEngine
import QATTensor

/// How a dictionary of tensors fits a network: what PyTorch's `load_state_dict` calls missing and unexpected keys, and tensors of other shapes.
public struct StateDictionaryMatch: Sendable, Hashable {
  /// A tensor that has the name of one of the network's, but not its shape or element type.
  public struct Misfit: Sendable, Hashable, CustomStringConvertible {
    /// Its name.
    public var name: String
    /// What the dictionary has.
    public var found: TensorSummary
    /// The shape of the network's tensor, of float32.
    public var expected: [Int]

    /// Both, in words.
    public var description: String { "'\(name)' is \(found), expected float32 \(expected)" }
  }

  /// The element type and the shape of a tensor.
  public struct TensorSummary: Sendable, Hashable, CustomStringConvertible {
    /// Type of the elements.
    public var elementType: ElementType
    /// Dimensions.
    public var shape: [Int]

    /// Both, in words.
    public var description: String { "\(elementType) \(shape)" }
  }

  /// Names of the network's tensors that the dictionary lacks, in the network's order.
  public var missing: [String] = []
  /// Names of the dictionary's tensors that the network lacks, sorted.
  public var unexpected: [String] = []
  /// Tensors of another shape or element type.
  public var misfits: [Misfit] = []

  /// Whether every tensor of the one has its counterpart in the other.
  public var isComplete: Bool { missing.isEmpty && unexpected.isEmpty && misfits.isEmpty }

  /// All faults, one sentence each.
  public var faults: [String] {
    misfits.map(\.description) + missing.map { "'\($0)' is missing" } + unexpected.map { "'\($0)' is not a tensor of this network" }
  }
}

extension ModelState {
  /// Compares a dictionary of tensors with this network's parameters and statistics. PyTorch's counters `num_batches_tracked`, which nothing needs, are passed over.
  public func match(_ tensors: [String: Tensor]) -> StateDictionaryMatch {
    var match = StateDictionaryMatch()
    let slots = (parameterSlots + statisticSlots).sorted { $0.name < $1.name }
    for slot in slots {
      guard let tensor = tensors[slot.name] else {
        match.missing.append(slot.name)
        continue
      }
      if tensor.shape != slot.shape || tensor.floats == nil {
        match.misfits.append(.init(name: slot.name, found: .init(elementType: tensor.elementType, shape: tensor.shape), expected: slot.shape))
      }
    }
    let known = Set(slots.map(\.name))
    match.unexpected = tensors.keys.filter { !known.contains($0) && !$0.hasSuffix("num_batches_tracked") }.sorted()
    return match
  }

  /// Takes over the tensors that fit, by name.
  /// - Parameters:
  ///   - tensors: the tensors by name.
  ///   - isStrict: whether everything must fit; then nothing is taken over otherwise.
  /// - Returns: what was missing, unexpected, and of another shape.
  /// - Throws: `TrainingError` listing every fault, when strict.
  @discardableResult
  public func load(_ tensors: [String: Tensor], isStrict: Bool) throws(TrainingError) -> StateDictionaryMatch {
    let match = match(tensors)
    guard match.isComplete || !isStrict else {
      throw TrainingError(.mismatch, "the tensors do not fit the network: " + match.faults.joined(separator: "; "))
    }
    let misfits = Set(match.misfits.map(\.name))
    load(tensors.filter { !misfits.contains($0.key) })
    return match
  }
}
