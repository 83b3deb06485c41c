import Foundation

/// What the system says of this process.
enum ProcessFacts {
  /// The most memory that it has had resident, in bytes.
  static var peakMemory: Int {
    var usage = rusage()
    #if os(Linux)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss * 1024
    #else
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #endif
  }

  #if os(Linux)
    /// The memory that it has resident now, in bytes; nil where the system does not say.
    static var residentMemory: Int? {
      guard let pages = words(of: "/proc/self/statm")?.dropFirst().first.flatMap({ Int($0) }) else { return nil }
      return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Seconds since it began, to a hundredth; nil where the system does not say.
    static var age: Double? {
      // The program's name, in brackets, may hold anything; what follows it begins with the third field of proc(5), the start is the 22nd.
      guard let fields = text(of: "/proc/self/stat")?.split(separator: ")").last?.split(separator: " "), fields.count > 19,
        let ticks = Double(fields[19])
      else { return nil }
      var now = timespec()
      clock_gettime(CLOCK_BOOTTIME, &now)
      return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9 - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func words(of path: String) -> [Substring]? { text(of: path)?.split(separator: " ") }

    private static func text(of path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
  #else
    static var residentMemory: Int? { nil }
    static var age: Double? { nil }
  #endif
}
