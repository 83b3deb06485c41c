import CWatching
import Foundation

/// What rank 0 tells all watchdogs: where its own is to be found, when a rank counts as lost, and the number that only this run's ranks know.
struct WatchPost: Hashable {
  var run: UInt64 = 0
  /// Nil when nobody watches.
  var limits: StallLimits?
  /// 0 when rank 0 cannot listen.
  var port = 0
  var addresses: [String] = []

  /// Opens rank 0's socket.
  static func listen() -> (socket: Int32, post: WatchPost) {
    var port: Int32 = 0
    let socket = qat_listen(&port)
    guard socket >= 0 else { return (-1, WatchPost(run: .random(in: 1 ... .max))) }
    var text = [CChar](repeating: 0, count: 900)
    qat_addresses(&text, text.count)
    let addresses = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ").map(String.init)
    return (socket, WatchPost(run: .random(in: 1 ... .max), port: Int(port), addresses: addresses))
  }

  /// The same post with these limits.
  func announcing(_ limits: StallLimits?) -> WatchPost {
    var post = self
    post.limits = limits
    return post
  }

  /// As many bytes on each rank.
  var record: [UInt8] { Self.padded("\(run) \(limits?.timeout ?? 0) \(port) \(addresses.joined(separator: " "))", to: 1024) }

  static func record(node: String) -> [UInt8] { padded(node, to: 64) }
  static func node(_ record: [UInt8]) -> String { String(decoding: record.prefix { $0 != 0 }, as: UTF8.self) }

  private static func padded(_ text: String, to count: Int) -> [UInt8] {
    let bytes = Array(text.utf8.prefix(count - 1))
    return bytes + [UInt8](repeating: 0, count: count - bytes.count)
  }
}

extension WatchPost {
  init(_ record: [UInt8]) {
    let words = Self.node(record).split(separator: " ").map(String.init)
    guard words.count >= 3 else { return }
    limits = Double(words[1]).flatMap { $0 > 0 ? StallLimits(timeout: $0) : nil }
    (run, port, addresses) = (UInt64(words[0]) ?? 0, Int(words[2]) ?? 0, Array(words.dropFirst(3)))
  }
}

extension Communicator {
  /// Gives every rank the root's record, which has the same size on all.
  func broadcastRecord(_ record: [UInt8]) throws -> [UInt8] {
    var record = record
    try record.withUnsafeMutableBytes { try broadcast($0, from: 0) }
    return record
  }
}
