import QAT

/// `qat checkpoint show`.
extension CheckpointInspection {
  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("path", .string(path)), .init("valid", .bool(faults.isEmpty)), .init("bytes", .integer(size)),
      .init("faults", .array(faults.map { .string($0) })),
    ]
    if let state {
      members += [
        .init("step", .integer(state.step)), .init("epoch", .integer(state.epoch)), .init("position", .integer(state.position)),
        .init("global_batch_size", .integer(state.globalBatchSize)), .init("skipped_steps", .integer(state.skipped.total)),
        .init("compression_stage", state.compression.map { .integer($0.stage.rawValue) } ?? .null),
        .init("best", state.best.map { ["step": .integer($0.step), "top1": .number($0.top1)] } ?? .null),
        .init(
          "history", .array(state.history.map { ["epoch": .integer($0.epoch), "step": .integer($0.step), "validation": $0.evaluation.json] })),
        .init("model", .string(state.identity.model)), .init("data", .string(state.identity.data)),
        .init("validation_data", state.identity.validation.map { .string($0) } ?? .null),
        .init("settings", .object(state.identity.settings.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })),
        .init("environment", .object(state.environment.words.map { .init($0.name, .string($0.value)) })),
      ]
    }
    for (name, tensors) in [("tensors", model), ("optimizer", optimizer)] {
      members.append(.init(name, .array(tensors.sorted { $0.key < $1.key }.map { TensorSummary($0.key, $0.value).json })))
    }
    return .object(members)
  }

  var text: String {
    var lines = [path + (faults.isEmpty ? "" : "  NOT VALID")] + faults
    if let state {
      lines += [
        "step \(state.step), epoch \(state.epoch + 1), sample \(state.position) of it; \(state.globalBatchSize) samples a step; \(state.skipped.total) steps skipped",
        state.best.map { "best top-1 \(Numbers.percent($0.top1)) after step \($0.step)" } ?? "not evaluated yet",
        state.compression.map { "\($0.setup.points.count) quantizers, \($0.stage.words)" } ?? "no quantizers",
      ]
      lines += state.environment.words.map { "\($0.name): \($0.value)" }
      lines += ["", "settings"] + state.identity.settings.sorted { $0.key < $1.key }.map { "  \($0.key) = \($0.value)" }
    }
    for (title, tensors) in [("tensor", model), ("optimizer's tensor", optimizer)] where !tensors.isEmpty {
      var table = TextTable([title, "type", "shape", "least", "greatest", "not finite"])
      for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) { table.add(TensorSummary(name, tensor).cells) }
      lines += ["", table.text]
    }
    return lines.joined(separator: "\n")
  }
}

extension CompressionStage {
  fileprivate var words: String {
    switch self {
    case .uncompressed: "none at work yet"
    case .partiallyCompressed: "some at work"
    case .fullyCompressed: "all at work"
    }
  }
}

extension ComputeEnvironment {
  fileprivate var words: [(name: String, value: String)] {
    [("engine", engine), ("threads of each rank", "\(threadCount)"), ("ranks", rankCount.map { "\($0)" } ?? "any")]
  }
}

/// A tensor in numbers.
struct TensorSummary {
  let name: String
  let tensor: Tensor
  /// The least and the greatest finite value; nil when there is none, or when the elements are no floats.
  let range: ClosedRange<Float>?
  let nonFiniteCount: Int

  init(_ name: String, _ tensor: Tensor) {
    self.name = name
    self.tensor = tensor
    let finite = (tensor.floats ?? []).filter(\.isFinite)
    nonFiniteCount = (tensor.floats?.count ?? 0) - finite.count
    range = finite.min().flatMap { least in finite.max().map { least...$0 } }
  }

  var json: JSONValue {
    [
      "name": .string(name), "type": .string("\(tensor.elementType)"), "shape": .array(tensor.shape.map { .integer($0) }),
      "least": range.map { .number(Double($0.lowerBound)) } ?? .null, "greatest": range.map { .number(Double($0.upperBound)) } ?? .null,
      "not_finite": .integer(nonFiniteCount),
    ]
  }

  var cells: [String] {
    [
      name, "\(tensor.elementType)", "\(tensor.shape)", range.map { "\($0.lowerBound)" } ?? "", range.map { "\($0.upperBound)" } ?? "",
      nonFiniteCount == 0 ? "" : "\(nonFiniteCount)",
    ]
  }
}
