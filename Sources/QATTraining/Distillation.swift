import CVectorKernels
import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATQuantization
import QATTensor

/// What draws a network in training towards its teacher, the fp32 network it was made from: a loss between the outputs of the two on the same samples.
///
/// The teacher runs in training mode, its batch norm on the batch's own statistics like the student's, and learns nothing. Source: NNCF 2.14.
final class Distillation {
  private let method: KnowledgeDistillation
  private let plan: Plan
  private let normalization: RankNormalization?
  private let output: TensorName
  /// Elements of one sample's output.
  private let outputCount: Int
  /// Memory that the teacher takes: its weights and what it computes.
  let byteCount: Int

  /// Compiles the teacher.
  /// - Parameters:
  ///   - method: how the outputs are compared.
  ///   - teacher: the fp32 network.
  ///   - output: the student's output, which the teacher has as well.
  ///   - configuration: how the run trains.
  ///   - communicator: the ranks.
  /// - Throws: `TrainingError` when the method cannot compare such outputs; what the engine throws.
  init(
    _ method: KnowledgeDistillation, teacher: Graph, output: TensorName, _ configuration: RunConfiguration, _ communicator: any Communicator
  ) throws {
    guard let type = try teacher.tensorTypes()[output], type.rank >= 2 else {
      throw TrainingError(.input, "the teacher '\(teacher.name)' has no output '\(output)' of two dimensions or more")
    }
    guard method.kind == .mse || type.rank == 2 else {
      throw TrainingError(
        .input,
        "the knowledge distillation of type \"softmax\" compares outputs [batch, classes], the network's '\(output)' is \(type). Choose \"mse\"")
    }
    var teacher = teacher
    for (name, constant) in teacher.constants where constant.role == .parameter { teacher.constants[name]?.role = .fixed }
    let state = try ModelState(teacher)
    let normalization = RankNormalization(configuration.batchNorm, communicator)
    let plan = try WorkPhase.compiling.run {
      try Plan(teacher, state: state, batchSize: configuration.batchSize, mode: .training, group: normalization)
    }
    plan.seed = configuration.seed
    self.method = method
    self.plan = plan
    self.normalization = normalization
    self.output = output
    outputCount = plan.output(output).count / configuration.batchSize
    let weights = teacher.constants.values.reduce(0) { $0 + ($1.tensor.floats?.count ?? 0) }
    byteCount = plan.arenaByteCount + weights * MemoryLayout<Float>.stride
  }

  /// Compares the outputs for one micro-batch. Allocates nothing.
  /// - Parameters:
  ///   - student: the student's plan, whose `forward` has run; its output's gradient is changed.
  ///   - batch: what the student was given.
  ///   - binding: what of it feeds which input.
  ///   - step: number of the step.
  ///   - firstSample: index of the batch's first sample in the global batch.
  ///   - scale: 1 / (number of samples in the global batch).
  ///   - adds: whether the gradient is added to what the task's loss has left there; otherwise it replaces it.
  /// - Returns: the loss summed over the samples, not scaled.
  /// - Throws: the communicator's error, met in a batch norm over all ranks.
  func evaluate(
    _ student: Plan, _ batch: LoadedBatch, _ binding: InputBinding, step: Int, firstSample: Int, scale: Float, adds: Bool
  ) throws -> Double {
    binding.feed(batch, to: plan)
    plan.forward(step: UInt64(step), firstSample: firstSample)
    try normalization?.check()
    let (own, other) = (student.output(output), plan.output(output))
    return Self.loss(
      method, student: own, teacher: other, gradient: student.outputGradient(output), rows: own.count / outputCount, scale: scale, adds: adds)
  }

  /// The same on plain memory of `rows` samples.
  static func loss(
    _ method: KnowledgeDistillation, student: UnsafeBufferPointer<Float>, teacher: UnsafeBufferPointer<Float>,
    gradient: UnsafeMutableBufferPointer<Float>, rows: Int, scale: Float, adds: Bool
  ) -> Double {
    precondition(rows > 0 && student.count == teacher.count && gradient.count == student.count && student.count % rows == 0)
    let count = student.count / rows
    switch method.kind {
    case .mse:
      return qat_distillation_mse(
        student.baseAddress, teacher.baseAddress, gradient.baseAddress, adds ? 1 : 0, rows, count, Float(method.scale), scale)
    case .softmax:
      return qat_distillation_softmax(
        student.baseAddress, teacher.baseAddress, gradient.baseAddress, adds ? 1 : 0, rows, count, Float(method.temperature), Float(method.scale),
        scale)
    }
  }
}
