import QATJSON

/// When quantizers begin to quantize: what NNCF's staged scheduler reads of `params`. Epochs count from 0.
public struct QuantizationStages: Sendable, Hashable, Codable {
  /// The epoch in which activations begin to be quantized (`activations_quant_start_epoch`).
  public var activationsStartEpoch = 1
  /// The epoch in which weights begin to be quantized (`weights_quant_start_epoch`).
  public var weightsStartEpoch = 1

  /// NNCF's defaults.
  public init() {}

  /// The quantizers that quantize in an epoch; −1 stands for the time before the first.
  public func enabledKinds(in epoch: Int) -> Set<QuantizationPoint.Kind> {
    Set(QuantizationPoint.Kind.allCases.filter { max(epoch, 0) >= startEpoch(of: $0) })
  }

  /// Whether quantizers begin to quantize in an epoch. All ranges are then found anew.
  public func begins(in epoch: Int) -> Bool { QuantizationPoint.Kind.allCases.contains { epoch == startEpoch(of: $0) } }

  /// The epoch in which quantizers of one kind begin.
  public func startEpoch(of kind: QuantizationPoint.Kind) -> Int { kind == .weight ? weightsStartEpoch : activationsStartEpoch }
}

/// What `params` say of training itself. NNCF leaves them to the training script; the run takes them where its own keys are silent.
public struct StagedTraining: Sendable, Hashable, Codable {
  /// Micro-batches in a step (`batch_multiplier`).
  public var batchMultiplier: Int?
  /// Learning rate (`base_lr`).
  public var baseLearningRate: Double?
  /// Weight decay (`base_wd`).
  public var baseWeightDecay: Double?
  /// The epoch from which the rate falls (`lr_poly_drop_start_epoch`).
  public var dropStartEpoch: Int?
  /// Epochs in which it falls to zero (`lr_poly_drop_duration_epochs`).
  public var dropDurationEpochs: Int?
  /// The epoch from which weights no longer decay (`disable_wd_start_epoch`).
  public var weightDecayEndEpoch: Int?

  /// Nothing.
  public init() {}
}

extension QuantizationConfiguration {
  /// The key `params`. An empty object asks for nothing; any key makes quantization staged.
  static let stagesKey = SchemaKey<QuantizationConfiguration>(
    "params",
    read: { member, root, problems in
      if member.value.members?.isEmpty == true { return }
      var parameters = StagedParameters()
      guard StagedParameters.schema.read(member.value, into: &parameters, &problems) else { return }
      root.stages = parameters.stages
      root.stagedTraining = parameters.training
    },
    write: { root in root.stages.map { StagedParameters.schema.write(StagedParameters(stages: $0, training: root.stagedTraining ?? .init())) } })
}

/// Both halves of `params`.
private struct StagedParameters: Sendable {
  var stages = QuantizationStages()
  var training = StagedTraining()

  static let schema = ObjectSchema<StagedParameters>(
    [
      SchemaKey("activations_quant_start_epoch", \.stages.activationsStartEpoch, .integer(atLeast: 0)),
      SchemaKey("weights_quant_start_epoch", \.stages.weightsStartEpoch, .integer(atLeast: 0)),
      SchemaKey("batch_multiplier", optional: \.training.batchMultiplier, .integer(atLeast: 1)),
      SchemaKey("base_lr", optional: \.training.baseLearningRate, .positive),
      SchemaKey("base_wd", optional: \.training.baseWeightDecay, .nonnegative),
      SchemaKey("lr_poly_drop_start_epoch", optional: \.training.dropStartEpoch, .integer(atLeast: 0)),
      SchemaKey("lr_poly_drop_duration_epochs", optional: \.training.dropDurationEpochs, .integer(atLeast: 1)),
      SchemaKey("disable_wd_start_epoch", optional: \.training.weightDecayEndEpoch, .integer(atLeast: 0)),
    ])
}
