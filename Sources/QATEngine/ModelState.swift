import QATGraph
import QATTensor

/// What training changes of a network: parameters, running statistics, and their gradients, each in one flat buffer.
///
/// Parameters lie in the order in which the backward pass finishes their gradients, so that a prefix of the gradients is complete at any time and can
/// be reduced over ranks while the rest is computed. `reduced` holds gradients [P], this step's batch statistics [S], and a trailer of scalars, in
/// this order, so that one chain of buckets carries everything that ranks exchange in a step.
public final class ModelState {
  /// One tensor's place in a flat buffer.
  public struct Slot: Sendable, Hashable {
    /// The tensor's name.
    public var name: TensorName
    /// Its shape.
    public var shape: [Int]
    /// First element in the flat buffer.
    public var offset: Int
    /// For a running statistic: the fraction of its old value that a step keeps. 1 for parameters.
    public var momentum: Float
    /// Its elements in the flat buffer.
    public var range: Range<Int> { offset..<offset + shape.elementCount }
  }

  /// Scalars at the end of `reduced`, for the training loop's use (loss, counts, flags).
  public static let trailerCount = 32

  /// Parameters, in the order in which the backward pass finishes them.
  public let parameterSlots: [Slot]
  /// Running statistics, in node order.
  public let statisticSlots: [Slot]
  /// Values of the parameters.
  public let parameters: AlignedBuffer<Float>
  /// Running statistics.
  public let statistics: AlignedBuffer<Float>
  /// Gradients, batch statistics, trailer.
  public let reduced: AlignedBuffer<Float>

  /// Room for the parameters and statistics that nodes of `graph` read, filled with the graph's values.
  /// - Throws: `GraphError` when a parameter or statistic is not float32.
  public init(_ graph: Graph) throws(GraphError) {
    let parameters = try Self.slots(of: graph, role: .parameter)
    let statistics = try Self.slots(of: graph, role: .statistic)
    parameterSlots = parameters
    statisticSlots = statistics
    self.parameters = AlignedBuffer(count: parameters.last?.range.upperBound ?? 0)
    self.statistics = AlignedBuffer(count: statistics.last?.range.upperBound ?? 0)
    reduced = AlignedBuffer(count: self.parameters.count + self.statistics.count + Self.trailerCount)
    load(graph.constants.mapValues(\.tensor))
  }

  /// Gradients of the parameters, in the parameters' order.
  public var gradients: UnsafeMutableBufferPointer<Float> { part(0..<parameters.count) }
  /// Mean and unbiased variance of this step's batch, in the order of the running statistics.
  public var batchStatistics: UnsafeMutableBufferPointer<Float> { part(parameters.count..<parameters.count + statistics.count) }
  /// Scalars of the training loop.
  public var trailer: UnsafeMutableBufferPointer<Float> { part(parameters.count + statistics.count..<reduced.count) }

  private func part(_ range: Range<Int>) -> UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(rebasing: reduced.elements[range]) }

  /// Moves the running statistics towards the batch's: running = momentum · running + (1 − momentum) · batch.
  public func updateStatistics() {
    let batch = batchStatistics
    for slot in statisticSlots {
      let keep = slot.momentum
      for index in slot.range { statistics.pointer[index] = keep * statistics.pointer[index] + (1 - keep) * batch[index] }
    }
  }

  /// Takes over the values of tensors that have a slot here, by name. Others are ignored; slots without a tensor keep their value.
  /// - Precondition: a tensor with a slot is float32 and has the slot's element count.
  public func load(_ tensors: [TensorName: Tensor]) {
    for (slots, buffer) in [(parameterSlots, parameters), (statisticSlots, statistics)] {
      for slot in slots {
        guard let values = tensors[slot.name]?.floats else { continue }
        precondition(values.count == slot.shape.elementCount, "'\(slot.name)' has \(slot.shape), not \(values.count) elements")
        _ = UnsafeMutableBufferPointer(rebasing: buffer.elements[slot.range]).update(fromContentsOf: values)
      }
    }
  }

  /// The current values by name.
  public func tensors() -> [TensorName: Tensor] {
    var result: [TensorName: Tensor] = [:]
    for (slots, buffer) in [(parameterSlots, parameters), (statisticSlots, statistics)] {
      for slot in slots { result[slot.name] = Tensor(Array(buffer.elements[slot.range]), shape: slot.shape) }
    }
    return result
  }

  /// The graph with its constants at the current values.
  public func applied(to graph: Graph) -> Graph {
    var result = graph
    for (name, tensor) in tensors() { result.constants[name]?.tensor = tensor }
    return result
  }

  private static func slots(of graph: Graph, role: Graph.Constant.Role) throws(GraphError) -> [Slot] {
    var slots: [Slot] = []
    var seen = Set<TensorName>()
    for node in graph.nodes {
      for name in node.inputs {
        guard let constant = graph.constants[name], constant.role == role, seen.insert(name).inserted else { continue }
        guard constant.tensor.floats != nil else {
          throw GraphError(node: node.name, "the trained tensor '\(name)' is \(constant.tensor.elementType), expected float32")
        }
        let momentum = role == .statistic ? node.as(BatchNormalization.self)?.momentum ?? 1 : 1
        slots.append(Slot(name: name, shape: constant.tensor.shape, offset: 0, momentum: momentum))
      }
    }
    // A gradient is complete when the backward pass has left the first node that reads the parameter: the last parameter met is finished first.
    if role == .parameter { slots.reverse() }
    var offset = 0
    for index in slots.indices {
      slots[index].offset = offset
      offset += slots[index].shape.elementCount
    }
    return slots
  }
}
