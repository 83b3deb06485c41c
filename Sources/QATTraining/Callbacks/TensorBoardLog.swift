import QATEngine
import QATFiles
import QATGraph
import QATTensor
import QATTensorBoard

/// Writes a run for TensorBoard: the network once, curves every some steps and after evaluations, and after each epoch how weights, activations and the
/// quantizers' parameters are distributed. Rank 0 writes.
public final class TensorBoardLog: TrainingCallback {
  /// Samples whose activations are shown.
  public static let sampleCount = 32

  private let folder: String
  private let interval: Int
  private let samples: (any BatchSource)?
  /// nil on other ranks and before training.
  private var file: EventFile?

  /// A log that begins with training.
  /// - Parameters:
  ///   - folder: where event files go; made when it is missing.
  ///   - interval: steps from one point of a curve to the next.
  ///   - samples: the samples whose activations are shown; nil shows none.
  public init(_ folder: String, every interval: Int, samples: (any BatchSource)?) {
    precondition(interval > 0, "a point every \(interval) steps")
    (self.folder, self.interval, self.samples) = (folder, interval, samples)
  }

  /// Begins a file of events. Where a run goes on, it takes the place of what was written after the checkpoint.
  /// - Throws: `TrainingError` when the file cannot be made.
  public func trainingBegan(_ trainer: Trainer) throws {
    guard trainer.communicator.isRoot else { return }
    do throws(FileError) { file = try EventFile(in: folder, after: trainer.step) } catch { throw TrainingError(error) }
    guard trainer.step == 0 else { return }
    try file?.graph(trainer.task.controller?.graph ?? trainer.task.graph)
    file?.text("```\n\(trainer.task.configuration.resolvedJSON().text())\n```", tag: "configuration", step: 0)
    try writeDistributions(trainer)
  }

  /// Adds a point to the curves of training.
  public func stepEnded(_ report: StepReport, _ trainer: Trainer) {
    guard let file, report.step % interval == 0 || report.step == trainer.totalSteps else { return }
    var values: [(String, Double)] = [
      ("train/loss", report.loss), ("train/learning_rate", report.rate), ("train/images_per_second", report.imagesPerSecond),
      ("train/step_seconds", report.seconds), ("train/exposed_communication_seconds", report.exposedSeconds),
    ]
    if let top1 = report.top1 { values.append(("train/top1", top1)) }
    if let distillation = report.distillation { values.append(("train/distillation", distillation)) }
    file.scalars(values, step: report.step)
  }

  /// Adds a point to the curves of validation.
  public func evaluated(_ report: EvaluationReport, _ trainer: Trainer) {
    let metrics = report.evaluation.metrics.filter { $0.key != "count" }.sorted { $0.key < $1.key }
    file?.scalars(metrics.map { ("validation/\($0.key)", $0.value) }, step: report.step)
  }

  /// Shows how values are distributed now.
  /// - Throws: what the engine or the samples throw.
  public func epochEnded(_ report: EpochReport, _ trainer: Trainer) throws { try writeDistributions(trainer) }

  private func writeDistributions(_ trainer: Trainer) throws {
    guard let file else { return }
    let graph = try trainer.trainedGraph()
    let ofQuantizers = Set(graph.nodes.flatMap { $0.op is FakeQuantize ? Array($0.inputs.dropFirst()) : [] })
    var histograms = trainer.task.state.parameterSlots.reversed().compactMap { slot in
      let values = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(trainer.task.state.parameters.elements)[slot.range])
      return Histogram(values).map { ("\(ofQuantizers.contains(slot.name) ? "quantizers" : "weights")/\(slot.name)", $0) }
    }
    histograms += try activations(of: graph)
    file.histograms(histograms, step: trainer.step)
  }

  /// What activation quantizers read; in an fp32 network what layers with weights make.
  private func activations(of graph: Graph) throws -> [(String, Histogram)] {
    guard let samples, samples.sampleCount > 0 else { return [] }
    let quantizers = graph.nodes.filter { $0.op is FakeQuantize && graph.constants[$0.inputs[0]] == nil }
    let layers = graph.nodes.filter { node in node.inputs.contains { (graph.constants[$0]?.tensor.shape.count ?? 0) > 1 } }
    let observed = quantizers.isEmpty ? layers.map { ($0.name, $0.outputs[0]) } : quantizers.map { ($0.name, $0.inputs[0]) }
    let plan = try Plan(
      graph, state: ModelState(graph), batchSize: samples.sampleCount, mode: .evaluation, observed: Array(Set(observed.map(\.1))))
    for input in graph.inputs { try samples.read(0..<samples.sampleCount, input: input.name, into: plan.input(input.name)) }
    plan.forward()
    return observed.compactMap { name, tensor in Histogram(plan.output(tensor)).map { ("activations/\(name)", $0) } }
  }
}
