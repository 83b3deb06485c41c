import Foundation

/// The variables of Open MPI that are set before it starts, where the user has not set them.
enum MPIVariables {
  /// Sums over ranks that are in place and nonblocking go through rank 0 by default, whole; 3 is Rabenseifner's algorithm (2004, "Optimization of Collective
  /// Reduction Operations"), twice as fast.
  static let algorithm = "coll_libnbc_iallreduce_algorithm"
  /// What a connection may receive before its rank reads it, in bytes. By itself the window grows only as fast as the program reads (tcp(7), tcp_moderate_rcvbuf),
  /// and a rank reads between kernels of up to tens of milliseconds, in which a link of 1 Gbit/s brings some MiB. What is sent needs no such help.
  static let receiveBuffer = "btl_tcp_rcvbuf"
  static let receiveBufferBytes: Int32 = 4 << 20

  /// Sets them in this process's environment, from which MPI takes them when it starts.
  static func setDefaults() {
    setDefault(algorithm, "3")
    // A size that is set stays, also when the system grants less than it would have let the window grow to: all of it or nothing.
    if grantsReceiveBuffer() { setDefault(receiveBuffer, String(receiveBufferBytes)) }
  }

  /// Sets a variable, unless the environment (mpirun's `--mca` too) or one of Open MPI's files of parameters says it.
  private static func setDefault(_ name: String, _ value: String) {
    if !files.contains(where: { names(in: $0).contains(name) }) { setenv("OMPI_MCA_\(name)", value, 0) }
  }

  /// The user's file of parameters, and the system's as Debian has it. An environment variable goes before both.
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

  /// Whether the system grants a connection so much (`net.core.rmem_max`). Linux counts its own bookkeeping in, and answers with twice of what it grants (socket(7)).
  private static func grantsReceiveBuffer() -> Bool {
    let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard probe >= 0 else { return false }
    defer { close(probe) }
    var (bytes, length) = (receiveBufferBytes, socklen_t(MemoryLayout<Int32>.size))
    return setsockopt(probe, SOL_SOCKET, SO_RCVBUF, &bytes, length) == 0 && getsockopt(probe, SOL_SOCKET, SO_RCVBUF, &bytes, &length) == 0
      && bytes / 2 >= receiveBufferBytes
  }
}
