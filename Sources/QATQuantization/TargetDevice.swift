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
  /// CPUs with matrix units (Sapphire Rapids).
  case cpuSPR = "CPU_SPR"
}
