import QATEngine

/// The memory that the steps of a training take on one rank, as far as it can be counted before the first one: all that grows with the network and the batch.
///
/// The program and its libraries and the decoding of samples come on top.
public struct TrainingMemory: Sendable, Hashable {
  /// Parameters, their gradients, statistics, what the optimizer remembers, averages, sums of micro-batches, in bytes.
  public private(set) var parameters: Int
  /// Samples that are read ahead, in bytes.
  public private(set) var samples: Int
  /// The teacher of a knowledge distillation, in bytes.
  public private(set) var teacher: Int
  /// Activations and their gradients, in bytes.
  public private(set) var activations = 0
  /// What is computed twice to keep all of it small; nil before a network is compiled.
  public private(set) var recomputation: Recomputation?

  /// What is there before a network is compiled.
  /// - Parameters:
  ///   - state: the parameters.
  ///   - optimizer: how they move.
  ///   - reducer: what sums their gradients.
  ///   - averages: bytes of what else is kept for each parameter.
  ///   - samples: bytes of samples that are read ahead.
  ///   - teacher: bytes of a knowledge distillation's teacher.
  public init(_ state: ModelState, _ optimizer: any Optimizer, _ reducer: GradientReducer, averages: Int = 0, samples: Int = 0, teacher: Int = 0) {
    let counts = [state.parameters.count, state.statistics.count, state.reduced.count] + optimizer.memories.map(\.values.count)
    parameters = counts.reduce(0, +) * MemoryLayout<Float>.stride + reducer.byteCount + averages
    self.samples = samples
    self.teacher = teacher
  }

  /// All of it, in bytes.
  public var total: Int { fixed + activations }
  /// All of it if nothing were computed twice, in bytes.
  public var unlimited: Int { fixed + (recomputation?.unlimitedByteCount ?? 0) }
  private var fixed: Int { parameters + samples + teacher }

  /// Compiles a network so that all of it stays within a limit.
  /// - Parameters:
  ///   - limit: the largest `total`; nil for what costs next to nothing.
  ///   - make: compiles with a limit for activations and their gradients.
  /// - Returns: what `make` returns.
  /// - Throws: `TrainingError` when the limit is too low; what `make` throws.
  public mutating func compile(within limit: MemorySize?, _ make: (Int?) throws -> Plan) throws -> Plan {
    do {
      let plan = try make(limit.map { $0.byteCount - fixed })
      (activations, recomputation) = (plan.arenaByteCount, plan.recomputation)
      return plan
    } catch let error as MemoryLimitError {
      func words(_ count: Int) -> MemorySize { MemorySize(byteCount: count).roundedUp }
      throw TrainingError(
        .input,
        "the memory limit is \(MemorySize(byteCount: error.limit + fixed)), but a rank's training takes \(words(error.least + fixed)) at least, with all "
          + "computed twice that helps: \(words(error.least)) for activations and their gradients, \(words(fixed)) for parameters and what is kept for "
          + "them (with nothing computed twice it takes \(words(error.unlimited + fixed)) in all). Take smaller micro-batches, --batch-size, and --accumulation-steps for as many "
          + "samples a step, or raise --memory-limit")
    }
  }
}
