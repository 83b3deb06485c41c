extension CompressionState: Codable {
  /// The layout on disk. Source: reference NNCF, `get_compression_state`.
  private struct Layout: Codable {
    var builderState: [String: Builder]
    var controllerState: [String: Controller]

    struct Builder: Codable {
      var setup: QuantizerSetup
      var potential: PotentialQuantizers
      var version: Int

      enum CodingKeys: String, CodingKey {
        case setup = "quantizer_setup"
        case potential = "build_time_metric_infos"
        case version
      }
    }

    struct Controller: Codable {
      var scheduler: CompressionScheduler.State
      var stage: CompressionStage

      enum CodingKeys: String, CodingKey {
        case scheduler = "scheduler_state"
        case stage = "compression_stage"
      }
    }

    enum CodingKeys: String, CodingKey {
      case builderState = "builder_state"
      case controllerState = "ctrl_state"
    }
  }

  private static let algorithm = "quantization"

  /// Reads a saved state.
  /// - Throws: `DecodingError` when the layout is another one; `QuantizationError` when its version is.
  public init(from decoder: any Decoder) throws {
    // The version stands in front of everything that may differ between versions.
    let probe = try VersionProbe(from: decoder)
    guard probe.version == Self.version else {
      throw QuantizationError(
        "the compression state has version \(probe.version.map(String.init) ?? "none"), this program reads version \(Self.version). "
          + "Use the program that wrote it, or quantize anew")
    }
    let layout = try Layout(from: decoder)
    guard let builder = layout.builderState[Self.algorithm], let controller = layout.controllerState[Self.algorithm] else {
      throw QuantizationError("the compression state holds \(layout.builderState.keys.sorted()), expected '\(Self.algorithm)'")
    }
    self.init(setup: builder.setup, potential: builder.potential, scheduler: controller.scheduler, stage: controller.stage)
  }

  /// Writes the state.
  public func encode(to encoder: any Encoder) throws {
    let builder = Layout.Builder(setup: setup, potential: potential, version: Self.version)
    let controller = Layout.Controller(scheduler: scheduler, stage: stage)
    try Layout(builderState: [Self.algorithm: builder], controllerState: [Self.algorithm: controller]).encode(to: encoder)
  }

  private struct VersionProbe: Decodable {
    var version: Int?

    private struct Part: Decodable { var version: Int? }
    private enum CodingKeys: String, CodingKey { case builderState = "builder_state" }

    init(from decoder: any Decoder) throws {
      let parts = try decoder.container(keyedBy: CodingKeys.self).decode([String: Part].self, forKey: .builderState)
      version = parts[algorithm]?.version
    }
  }
}
