import ArgumentParser

/// The root command.
struct QATCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "qat",
    abstract: "Quantization-aware training on CPUs: fp32 network in, INT8 network out.",
    discussion: """
      A first run, with a network and data that need no files:

        qat train --config Examples/fashion-mnist/fp32.json --model resnet_small --data synthetic --checkpoint-dir runs/a --export fp32.onnx
        qat train --config Examples/fashion-mnist/int8.json --model fp32.onnx --data synthetic --checkpoint-dir runs/b --export int8.onnx
        qat evaluate --model int8.onnx --data synthetic

      On several cores or machines, put 'mpirun -n RANKS' before it. OMP_NUM_THREADS sets the threads of each rank.

      A model is a file or an architecture ('qat help train' lists them). Data is a folder of images, IDX or NumPy files, or \
      'synthetic'. Keys of the configuration are described in docs/configuration.md.

      Exit codes: \(ExitStatus.allCases.map { "\($0.rawValue) \($0.meaning)" }.joined(separator: "; ")).
      """,
    version: version,
    subcommands: [
      TrainCommand.self, QuantizeCommand.self, EvaluateCommand.self, VerifyCommand.self, ExportCommand.self, CheckpointCommand.self,
      InspectCommand.self,
      AnalyzeCommand.self, ReportCommand.self, BenchCommand.self, DoctorCommand.self, InitCommand.self, ConfigCommand.self, CompletionsCommand.self,
      ManualCommand.self,
    ])

  /// The version of this program.
  static let version = "0.1.0"
}
