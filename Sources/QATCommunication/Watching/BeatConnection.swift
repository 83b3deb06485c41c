import CWatching
import Foundation

/// One TCP connection on which ranks tell each other that they live.
struct BeatConnection {
  let socket: Int32
  /// Who is at the other end, when it has said so on this connection for good.
  var rank: Int?
  private var incoming = qat_beat()
  private var filled = 0

  init(socket: Int32) { self.socket = socket }

  /// Sends a message. Returns whether the connection still exists.
  func send(_ beat: qat_beat) -> Bool {
    var beat = beat
    return qat_send_beat(socket, &beat) == 0
  }

  /// Every message of this run that has come, and whether the connection still exists.
  mutating func receive(run: UInt64) -> (beats: [qat_beat], isAlive: Bool) {
    var beats: [qat_beat] = []
    while true {
      let outcome = qat_receive_beat(socket, &incoming, &filled)
      // Somebody else's program may listen on an address that two computers share.
      guard outcome == 1, incoming.run == run else { return (beats, outcome == 0) }
      beats.append(incoming)
    }
  }

  func end() { close(socket) }
}

/// Waits until a socket of `sockets` has something to say, or `seconds` have passed. Connections at work only wake it when they end: what they say is read in time.
func waitForSockets(reading: [Int32], ending: [Int32], seconds: Double) {
  var polled = reading.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) } + ending.map { pollfd(fd: $0, events: Int16(hangUp), revents: 0) }
  poll(&polled, nfds_t(polled.count), Int32(max(0, seconds) * 1000) + 1)
}

#if os(Linux)
  private let hangUp = 0x2000  // POLLRDHUP, which is only declared for _GNU_SOURCE
#else
  private let hangUp = Int(POLLHUP)
#endif
