import ArgumentParser
import QAT

/// `qat verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compare what a network computes with what another program has computed.",
    discussion: """
      The reference is a NumPy file with the network's inputs and the outputs that the other program made of them, each array under the name that it has in the network; a single input or \
      output may be called otherwise ('input', 'output'). A quantized network is computed as the runtime it is for computes it, so that a deployed file and the runtime \
      should not differ at all (docs/deployment.md says of which operators).

        numpy.savez("reference.npz", input=images, logits=session.run(None, {"input": images})[0])
        qat verify --model int8.onnx --reference reference.npz
        qat verify --model int8.onnx --vectors int8.onnx.vectors.npz --tolerance 0     what --test-vectors has stored beside a file
        qat verify --model net.onnx --reference reference.npz --tolerance 1e-5
      """)

  @OptionGroup var model: ModelOption

  @Option(
    name: [.customLong("reference"), .customLong("vectors")], parsing: .singleValue,
    help: ArgumentHelp("NumPy file with inputs and outputs, .npz or .npy. May be repeated.", valueName: "file"),
    completion: .file(extensions: ["npz", "npy"]))
  var references: [String]

  @Option(help: "deployed: a quantized network as its runtime computes it. float: in float32. Others are always float.")
  var arithmetic = EvaluateCommand.Arithmetic.deployed

  @Option(
    help:
      "Whose arithmetic; what the file is for when left out: as it says, else tensorflow for .pb and onnxruntime for others. portable: of every runtime, for networks whose scales are powers of two."
  )
  var target: Runtime?

  @Option(
    help: ArgumentHelp(
      "End with \(ExitStatus.apart.rawValue) when an output is further away, relative to the largest magnitude of its reference.", valueName: "share")
  )
  var tolerance: Double?

  @Flag(help: "One JSON object on stdout: outputs, each with name, count, differing, largest, relative, mean, same_highest.")
  var json = false

  @OptionGroup var running: RunningOptions

  func validate() throws {
    if references.isEmpty { throw ValidationError("--reference is missing.") }
    if let tolerance, !(tolerance >= 0) { throw ValidationError("--tolerance is \(tolerance); it must be a number from 0 on.") }
  }

  func run() throws {
    try Session.run("verify", running) { session in
      let comparisons = try session.together { try compare(session) }
      try session.result(json ? comparisons.json.text() : comparisons.text)
      guard let tolerance, let worst = comparisons.max(by: { $0.relative < $1.relative }), worst.relative > tolerance else { return .done }
      return try session.together {
        throw CommandError(
          .apart,
          "the output '\(worst.name)' is \(Numbers.short(worst.relative)) of its largest value away from the reference, more than --tolerance \(tolerance)"
        )
      }
    }
  }

  private func compare(_ session: Session) throws -> [OutputComparison] {
    let loaded = try LoadedModel(model.model, format: model.format, classes: nil, seed: 0, shapes: model.shape.shapes)
    let reference = try Reference(references, for: loaded.graph)
    let lowered = loaded.graph.isQuantized ? try lower(loaded.graph) : nil
    let found: [TensorName: [Float]]
    if let lowered, arithmetic == .deployed {
      let runtime = target ?? loaded.runtime
      session.note("in the arithmetic of \(runtime.name)")
      let network = try DeployedNetwork(lowered, target: runtime, batchSize: reference.count)
      let arrays = reference.inputs.mapValues { NDArray<Float>($0) }
      found = try network.run(arrays).mapValues { $0.values.elements }
    } else {
      let graph = lowered?.simulation ?? loaded.graph
      let plan = try Plan(graph, state: ModelState(graph), batchSize: reference.count, mode: .evaluation)
      for (name, tensor) in reference.inputs { _ = plan.input(name).update(fromContentsOf: tensor.floats ?? []) }
      plan.forward()
      found = Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0, Array(plan.output($0))) })
    }
    return try reference.outputs.map { name, tensor in
      guard let values = found[name], values.count == tensor.count else {
        throw CommandError(
          .input, "the reference of the output '\(name)' has \(tensor.count) elements \(tensor.shape), the network makes \(found[name]?.count ?? 0)")
      }
      return OutputComparison(name, values, tensor.floats ?? [], rows: reference.count)
    }
  }
}

/// Inputs, and outputs that were made of them.
private struct Reference {
  var inputs: [TensorName: Tensor] = [:]
  var outputs: [(name: TensorName, tensor: Tensor)] = []
  /// Samples.
  var count = 0

  /// Finds the arrays of files that belong to a network.
  /// - Throws: `CommandError` saying which arrays there are and which are needed.
  init(_ paths: [String], for graph: Graph) throws {
    var arrays: [String: Tensor] = [:]
    for path in paths { for (name, tensor) in try NumPyFile.read(contentsOf: path) { arrays[name] = tensor } }
    let listed = arrays.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.shape)" }.joined(separator: ", ")
    func fault(_ what: String) -> CommandError { CommandError(.input, "\(what); the reference holds \(listed.isEmpty ? "no array" : listed)") }
    func array(_ name: TensorName, _ all: [TensorName], _ alone: String) -> Tensor? { arrays[name] ?? (all.count == 1 ? arrays[alone] : nil) }
    for input in graph.inputs {
      guard let tensor = array(input.name, graph.inputs.map(\.name), "input") else { throw fault("the network's input '\(input.name)' is missing") }
      if inputs.isEmpty { count = tensor.shape.first ?? 0 }
      guard count > 0, tensor.shape == input.type.shape(batchSize: count) else {
        throw fault("the network's input '\(input.name)' is \(input.type), the reference's \(tensor.shape)")
      }
      inputs[input.name] = tensor
    }
    for name in graph.outputs { if let tensor = array(name, graph.outputs, "output") { outputs.append((name, tensor)) } }
    guard !outputs.isEmpty else { throw fault("none of the network's outputs \(graph.outputs) is in it") }
  }
}
