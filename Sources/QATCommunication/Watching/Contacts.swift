import CWatching

/// A rank's connections to those it watches: rank 0 has one to every other rank, every other rank has one to rank 0.
protocol Contacts {
  /// The ranks that a roster is kept of.
  func watched(among rankCount: Int) -> [Int]
  /// Takes up connections, and tells what has come since the last call.
  mutating func events(_ desk: WatchDesk) -> [ContactEvent]
  /// Says it to all, also to those that have not said yet who they are: the run may be short.
  func tell(_ beat: qat_beat)
  /// Sockets that need attention when there is something to read, and those only when they end: what these say is read in time.
  var sockets: (reading: [Int32], ending: [Int32]) { get }
  /// Seconds after which `events` wants to be called again.
  var longestPause: Double { get }
  /// Closes all connections.
  func end()
}

/// What happens on connections.
enum ContactEvent {
  /// A rank has answered for the first time.
  case reached
  case said(qat_beat)
  /// The rank's connection has ended.
  case lost(rank: Int)
}
