import Foundation
import QAT

/// What must be the same on every rank of the program itself, of how it was started and of the machine under it.
enum ProgramValues {
  /// What decides whether ranks can compare anything else.
  /// - Parameter command: the subcommand's name.
  /// - Returns: a value for each thing, in the order in which differences are told.
  static func program(command: String) -> [SharedValue] {
    [
      SharedValue("the version of this program", QATCommand.version, weight: .decisive, remedy: "Install one version on every node"),
      SharedValue("the command", "qat \(command)", weight: .decisive),
    ]
  }

  /// Flags and environment.
  /// - Parameters:
  ///   - arguments: what follows the program's name.
  ///   - environment: the process's.
  /// - Returns: a value for each of the two.
  static func start(
    arguments: [String] = Array(ProcessInfo.processInfo.arguments.dropFirst()), environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> [SharedValue] {
    let flags = flags(arguments)
    // What our sums over ranks depend on. mpirun passes on to other nodes what begins with OMPI_, and only that.
    let variables = environment.filter { $0.key == "QAT_BUCKET_KIB" || $0.key.hasPrefix("OMPI_MCA_coll") }
    return [
      SharedValue("the command line", text(flags), parts: flags),
      SharedValue("the environment", text(variables), parts: variables, remedy: "Give every rank the same variables (mpirun -x NAME)"),
    ]
  }

  /// The machine, and the libraries on it.
  /// - Parameter allowsMixedMachines: whether differences between machines are only a warning.
  /// - Returns: a value for each thing.
  static func machine(allowsMixedMachines: Bool) -> [SharedValue] {
    let weight = allowsMixedMachines ? SharedValue.Weight.advised : .required
    let remedy =
      allowsMixedMachines
      ? "The same command gives the same bytes only on the same machines"
      : "Start all ranks on machines of one kind with one installation, or say --allow-mixed-machines and do without bit-identical results"
    return [
      SharedValue("the build of this program", build, weight: weight, remedy: remedy),
      SharedValue("the byte order", 1.littleEndian == 1 ? "little-endian" : "big-endian", remedy: "Start all ranks on machines of one kind"),
      SharedValue("the MPI library", MPILibrary.version, remedy: "Ranks of different versions hang or crash: install one version on every node"),
      SharedValue("oneDNN's version", EngineEnvironment.libraryVersion, weight: weight, remedy: remedy),
      SharedValue("the instruction set", EngineEnvironment.instructionSet, weight: weight, remedy: remedy),
    ]
  }

  /// The threads of a rank.
  /// - Parameter areKept: whether the results depend on them, as those of a reproducible run do, which takes no other number than the one that was asked for.
  /// - Returns: the value.
  static func threads(areKept: Bool) -> SharedValue {
    if areKept {
      return SharedValue(
        "the number of threads of a reproducible run", requestedThreadCount().map(String.init) ?? "none said",
        remedy: "Give every rank the same OMP_NUM_THREADS (mpirun -x OMP_NUM_THREADS)")
    }
    return SharedValue(
      "the number of threads", "\(EngineEnvironment.threadCount)", weight: .advised,
      remedy: "The slowest rank sets the pace: give every rank as many cores, or set OMP_NUM_THREADS")
  }

  /// Every flag with its values. Where files lie does not count: nodes may keep them at different places, and what is in them is compared.
  private static func flags(_ arguments: [String]) -> [String: String] {
    var flags: [String: String] = [:]
    for (index, word) in arguments.enumerated() where word.hasPrefix("--") {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      let next = index + 1 < arguments.count && !arguments[index + 1].hasPrefix("--") ? arguments[index + 1] : "given"
      let (name, value) = (parts.first ?? word, parts.count > 1 ? parts[1] : next)
      if !["--config", "--model", "--data", "--checkpoint-dir", "--checkpoint"].contains(name) {
        flags[name] = (flags[name].map { "\($0), " } ?? "") + value
      }
    }
    return flags
  }

  private static func text(_ values: [String: String]) -> String {
    values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: " ")
  }

  /// A fingerprint of the program's file: two builds of one version may still compute differently.
  private static var build: String {
    guard let file = try? Data(contentsOf: URL(fileURLWithPath: "/proc/self/exe"), options: .alwaysMapped) else { return "unknown" }
    var fingerprint = Fingerprint()
    file.withUnsafeBytes { fingerprint.feed($0) }
    return fingerprint.text
  }
}
