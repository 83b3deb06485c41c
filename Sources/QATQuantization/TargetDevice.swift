/// Where the quantized network will run: NNCF's `target_device`. It chooses the table of what the hardware can execute on integers.
public enum TargetDevice: String, Sendable, Hashable, Codable, CaseIterable {
  /// Any device; placed as for a CPU.
  case any = "ANY"
  /// OpenVINO's CPU plugin, ONNX Runtime on CPUs.
  case cpu = "CPU"
  /// OpenVINO's GPU plugin.
  case gpu = "GPU"
  /// OpenVINO's NPU plugin.
  case npu = "NPU"
  /// No hardware: everything allowed.
  case trial = "TRIAL"
  /// CPUs with matrix units (Sapphire Rapids): the CPU's table, and no overflow to fix.
  case cpuSPR = "CPU_SPR"

  /// What the device executes on integers; nil when nothing restricts it.
  var table: HardwareTable? {
    switch self {
    case .any, .cpu, .cpuSPR: .cpu
    case .gpu: .gpu
    case .npu: .npu
    case .trial: nil
    }
  }

  /// Whether its sums of two products may overflow 16 bits, so that `overflow_fix` concerns it. Source: NNCF, which fixes ANY and CPU alone.
  var needsOverflowFix: Bool { self == .any || self == .cpu }

  /// The preset that holds when none is given; nil where the modes of the table, or of free choice, come first.
  var defaultPreset: QuantizationConfiguration.Preset? { self == .npu || self == .trial ? nil : .performance }

  /// Whether a scale and a shift behind a layer with weights run as one with it. Source: NNCF, the pattern "linear scale shift".
  var fusesScaleAndShift: Bool { self != .npu && self != .trial }

  /// The bit widths that quantizers of one kind may have.
  func bitWidths(_ kind: QuantizationPoint.Kind) -> [Int] { table?.bitWidths(kind) ?? QuantizerOption.bitWidths }
}
