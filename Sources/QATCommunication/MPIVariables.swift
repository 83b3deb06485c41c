import Foundation

/// The variables of Open MPI that are set before it starts, where the user has not set them.
enum MPIVariables {
  /// How ranks sum in place without blocking: through rank 0 by default, whole. 3 is Rabenseifner's algorithm (2004, "Optimization of Collective Reduction
  /// Operations"), twice as fast.
  static let algorithm = "coll_libnbc_iallreduce_algorithm"

  /// Sets them in this process's environment, from which MPI takes them when it starts. What the environment (mpirun's `--mca` too) or one of Open MPI's files of
  /// parameters says stays: the environment goes before such a file.
  static func setDefaults() {
    if !files.contains(where: { names(in: $0).contains(algorithm) }) { setenv("OMPI_MCA_\(algorithm)", "3", 0) }
  }

  /// The user's file of parameters, and the system's as Debian has it.
  private static var files: [String] {
    let home = ProcessInfo.processInfo.environment["HOME"].map { $0 + "/.openmpi/mca-params.conf" }
    return [home, "/etc/openmpi/openmpi-mca-params.conf"].compactMap(\.self)
  }

  /// The variables that a file of lines `name = value` sets; none when it cannot be read.
  private static func names(in file: String) -> [String] {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").compactMap { line in
      line.firstIndex(of: "=").map { line[..<$0].trimmingCharacters(in: .whitespaces) }
    }
  }
}
