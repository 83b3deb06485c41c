import Foundation
import QAT

/// What must be the same on every rank of the program itself and of the machine under it.
enum ProgramValues {
  /// This process's values.
  /// - Parameters:
  ///   - command: the subcommand's name.
  ///   - allowsMixedMachines: whether differences between machines are only a warning.
  /// - Returns: a value for each thing, in the order in which differences are told.
  static func values(command: String, allowsMixedMachines: Bool) -> [SharedValue] {
    let machine = allowsMixedMachines ? SharedValue.Weight.advised : .required
    let remedy =
      allowsMixedMachines
      ? "The same command gives the same bytes only on the same machines"
      : "Start all ranks on machines of one kind with one installation, or say --allow-mixed-machines and do without bit-identical results"
    return [
      SharedValue("the version of this program", QATCommand.version, weight: .decisive, remedy: "Install one version on every node"),
      SharedValue("the command", "qat \(command)", weight: .decisive),
      SharedValue("whether mixed machines are allowed", allowsMixedMachines ? "yes" : "no"),
      SharedValue("the build of this program", build, weight: machine, remedy: remedy),
      SharedValue("the byte order", 1.littleEndian == 1 ? "little-endian" : "big-endian", remedy: "Start all ranks on machines of one kind"),
      SharedValue("oneDNN's version", EngineEnvironment.libraryVersion, weight: machine, remedy: remedy),
      SharedValue("the instruction set", EngineEnvironment.instructionSet, weight: machine, remedy: remedy),
      SharedValue(
        "the number of threads", "\(EngineEnvironment.threadCount)", weight: .advised,
        remedy: "The slowest rank sets the pace: give every rank as many cores, or set OMP_NUM_THREADS"),
    ]
  }

  /// A fingerprint of the program's file: two builds of one version may still compute differently.
  private static var build: String {
    guard let file = try? Data(contentsOf: URL(fileURLWithPath: "/proc/self/exe"), options: .alwaysMapped) else { return "unknown" }
    var fingerprint = Fingerprint()
    file.withUnsafeBytes { fingerprint.feed($0) }
    return fingerprint.text
  }
}
