import Foundation

/// What this process sees of the machine it runs on. Where the system does not say (it is not Linux), lists are empty and numbers nil.
enum Machine {
  /// Numbers of the processors (hardware threads) that a process may run on.
  /// - Parameter process: its number; this process when nil.
  /// - Returns: their numbers; none where the system does not say.
  static func allowedProcessors(of process: Int32? = nil) -> [Int] {
    let line = text("/proc/\(process.map(String.init) ?? "self")/status").split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    return processors(listed: line?.split(separator: ":").last ?? "")
  }

  /// Numbers of the processors that are switched on.
  static var onlineProcessors: [Int] { processors(listed: Substring(text("/sys/devices/system/cpu/online"))) }

  /// A name that containers and virtual nodes of one computer share, as they share its processors.
  static var identity: String? { text("/proc/sys/kernel/random/boot_id").trimmed }

  /// How many physical cores these processors belong to.
  static func coreCount(of processors: [Int]) -> Int {
    Set(processors.map { text("/sys/devices/system/cpu/cpu\($0)/topology/thread_siblings_list").trimmed ?? "\($0)" }).count
  }

  /// How many processors' worth of time the control group of this process may use, as a container's limit; nil when there is no limit.
  static var processorQuota: Double? {
    let own = text("/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) } ?? "/"
    let second = ["/sys/fs/cgroup\(own)/cpu.max", "/sys/fs/cgroup/cpu.max"].map { quota(text($0)) }
    let first = quota(text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + " " + text("/sys/fs/cgroup/cpu/cpu.cfs_period_us"))
    return (second + [first]).compactMap { $0 }.min()
  }

  /// The processor's name.
  static var processorModel: String? {
    text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last.flatMap { String($0).trimmed }
  }

  /// Bytes of memory, and how many of them a program can still have.
  static var memory: (total: Int, available: Int)? {
    let lines = text("/proc/meminfo").split(separator: "\n")
    func bytes(_ name: String) -> Int? {
      lines.first { $0.hasPrefix(name + ":") }?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    guard let total = bytes("MemTotal"), let available = bytes("MemAvailable") else { return nil }
    return (total, available)
  }

  /// A list of processors as Linux writes it, as in "0-3,8".
  static func processors(listed list: Substring) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { String($0).trimmed.flatMap { Int($0) } }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// As Linux writes a list of processors: the reverse of `processors(listed:)`.
  static func list(_ processors: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for processor in processors.sorted() {
      if let last = ranges.last, last.upperBound + 1 == processor {
        ranges[ranges.count - 1] = last.lowerBound...processor
      } else {
        ranges.append(processor...processor)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }

  /// A control group's limit, as in "150000 100000": microseconds of time in a period. Words instead of numbers, and negative ones, are no limit.
  static func quota(_ text: String) -> Double? {
    let numbers = text.split { $0.isWhitespace }.map { Double($0) }
    guard numbers.count == 2, let time = numbers[0], let period = numbers[1], time > 0, period > 0 else { return nil }
    return time / period
  }

  private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}

extension String {
  /// Without white space around it; nil when nothing is left.
  fileprivate var trimmed: String? {
    let text = trimmingCharacters(in: .whitespacesAndNewlines)
    return text.isEmpty ? nil : text
  }
}
