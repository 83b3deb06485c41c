import ArgumentParser
import QAT

/// `--config`, required.
struct ConfigurationOption: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help: ArgumentHelp("NNCF's JSON configuration with the run's keys beside them; see docs/configuration.md.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var path: String
}

/// `--config`, optional.
struct OptionalConfigurationOption: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help: ArgumentHelp("Configuration: how pixels are normalised, and with 'compression' how to quantize the model first.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var path: String?
}

/// `--data`.
struct DataOption: ParsableArguments {
  @Option(
    name: .customLong("data"),
    help: ArgumentHelp(
      "The data: images in folders of classes, IDX, CIFAR or NumPy files (docs/data.md), or 'synthetic[:C,H,W,classes,count]'. Overrides the configuration's 'data'.",
      valueName: "path"),
    completion: .directory)
  var path: String?
}

/// `--export`, which may be repeated, and `--format`.
struct ExportOption: ParsableArguments {
  @Option(
    name: .customLong("export"), parsing: .singleValue,
    help: ArgumentHelp(
      "Write the result here (\(ModelFormat.suffixes)), quantized when the network is, else fp32. May be repeated.", valueName: "file"),
    completion: .file(extensions: ModelFormat.extensions))
  var files: [String] = []

  @OptionGroup var form: FormatOption

  @OptionGroup var vectors: TestVectorOption

  func validate() throws { _ = try destinations }

  /// The files with their formats.
  var destinations: [ExportDestination] { get throws { try files.map(form.destination) } }
}

/// `--test-vectors`, for files that are written.
struct TestVectorOption: ParsableArguments {
  @Option(
    name: .customLong("test-vectors"),
    help: ArgumentHelp(
      "Store so many inputs, and the outputs that the file's runtime makes of them, beside each file (<file>.vectors.npz), for 'qat verify --vectors'.",
      valueName: "count"))
  var count = 0

  func validate() throws {
    if !(0...10_000).contains(count) { throw ValidationError("--test-vectors is \(count); it must be a count from 0 to 10000.") }
  }
}

/// A file that is written, its format, and the runtime it is for.
struct ExportDestination {
  var file: String
  var format: ModelFormat
  var target: Runtime
}

extension [ExportDestination] {
  /// Checks, before anything long begins, what would be found only when the files are written.
  /// - Parameters:
  ///   - flag: the flag that names the files.
  ///   - quantization: what the quantizers will be; nil where there are none, or they are there already.
  ///   - made: a folder that is made before the files are.
  /// - Throws: `CommandError` naming the file and what to do.
  func requirePossible(_ flag: String, quantization: QuantizationConfiguration? = nil, in made: String? = nil) throws(CommandError) {
    for destination in self {
      try requireWritable(file: destination.file, flag, in: made)
      if destination.target == .portable, let quantization, !quantization.usesPowersOfTwo {
        throw CommandError(
          .input,
          "--target portable needs steps that are powers of two, and 'compression' does not ask for them: say \"power_of_two_scales\": true, or take another target"
        )
      }
    }
  }
}

/// `--format` and `--target`, for files that are written.
struct FormatOption: ParsableArguments {
  @Option(help: "The format of what is written; what the file's name says when left out.")
  var format: ModelFormat?

  @Option(
    help:
      "The runtime that a quantized file is for: onnxruntime or openvino for .onnx, tensorflow or openvino for .pb, openvino for .xml; the first when left out. OpenVINO's keeps the rounding of residual branches, which ONNX Runtime needs no help for. portable, for .onnx and .xml: for both, of a network whose scales are powers of two ('power_of_two_scales'), with the same codes in both."
  )
  var target: Runtime?

  /// The file in the format that is given, or that its name says.
  func destination(_ file: String) throws -> ExportDestination {
    let named = ModelFormat(fileName: file)
    guard let format = format ?? named else {
      throw ValidationError(
        "'\(file)' ends with no format that this version writes. Give a name that ends with \(ModelFormat.suffixes), or --format.")
    }
    if let named, named.suffix != format.suffix {
      throw ValidationError(
        "'\(file)' ends as files of the format \(named.rawValue), and --format says \(format.rawValue). Give a name that ends with \(format.suffix), or leave --format out."
      )
    }
    do {
      return ExportDestination(file: file, format: format, target: try format.runtime(target))
    } catch {
      throw ValidationError("--target: \(error)")
    }
  }
}

extension Runtime: ExpressibleByArgument {}

/// `--forward`.
struct ForwardOption: ParsableArguments {
  @Option(
    name: .customLong("forward"),
    help: "integer: quantized layers run forward on their integer codes where that is exact and faster. float: all on floats.")
  var arithmetic: ForwardArithmetic?

  /// Sets what was said.
  func apply(_ configuration: inout RunConfiguration) {
    if let arithmetic { configuration.forward = arithmetic }
  }
}

extension ForwardArithmetic: ExpressibleByArgument {}

/// How ranks run together.
struct RunningOptions: ParsableArguments {
  @Flag(
    name: .customLong("allow-mixed-machines"),
    help: "Only warn when ranks differ in instruction set, oneDNN's version or the program's build.")
  var allowsMixedMachines = false

  @Option(
    name: .customLong("stall-timeout"),
    help: ArgumentHelp(
      "End the run, naming the rank, when a rank is not heard of or makes no progress for so long, at least twenty steps. 0: never.",
      valueName: "seconds"))
  var stallTimeout = StallLimits.standard.timeout

  /// After how long a rank counts as lost; nil for never.
  var stallLimits: StallLimits? { stallTimeout > 0 ? StallLimits(timeout: stallTimeout) : nil }

  func validate() throws {
    if stallTimeout != 0, !(1...1e6).contains(stallTimeout) {
      throw ValidationError("--stall-timeout is \(stallTimeout); it must be 0 or from 1 to 1000000 seconds.")
    }
  }
}

/// Refuses numbers below 1.
func requirePositive(_ values: [(flag: String, value: Int?)]) throws {
  for (flag, value) in values {
    if let value, value < 1 { throw ValidationError("\(flag) is \(value); it must be at least 1.") }
  }
}
