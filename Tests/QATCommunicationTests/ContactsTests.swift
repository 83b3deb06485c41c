import Foundation
import Testing

@testable import QATCommunication

/// Rank 0's and rank 1's ends of the watchdog, in one process.
@Suite("Watchdogs find each other")
struct ContactsTests {
  private func desk(rank: Int, run: UInt64) -> WatchDesk {
    WatchDesk(rank: rank, nodes: ["a", "b"], limits: StallLimits(timeout: 5), wakeUp: -1, run: run, report: { _ in }, warn: { _ in })
  }

  /// Rank 1 tries rank 0's `addresses`, says something, and ends its connection. Returns what rank 0 has noticed.
  private func meet(_ post: WatchPost, listening: Int32) -> [String] {
    let desks = (root: desk(rank: 0, run: post.run), rank: desk(rank: 1, run: post.run))
    var root = RootContacts(listening: listening, rankCount: 2)
    var rank = RankContacts(post, desks.rank)
    var noticed: [String] = []
    for _ in 0..<500 where noticed.count < 2 {
      for case .reached in rank.events(desks.rank) { rank.tell(Whereabouts(step: 7).beat(run: post.run, rank: 1, kind: 2)) }
      for event in root.events(desks.root) {
        switch event {
        case .reached: noticed.append("reached")
        case .said(let beat):
          noticed.append("rank \(beat.rank) in step \(beat.step)")
          rank.end()
        case .lost(let rank): noticed.append("lost rank \(rank)")
        }
      }
      usleep(10_000)
    }
    root.end()
    return noticed
  }

  @Test("by every address that rank 0 names, of IPv4 and IPv6")
  func everyAddress() throws {
    let (first, named) = WatchPost.listen()
    close(first)
    #expect(named.addresses.contains("127.0.0.1"))
    // Loopback has ::1 wherever the system has IPv6.
    #expect(named.addresses.contains("::1") == FileManager.default.fileExists(atPath: "/proc/net/if_inet6"))
    for address in named.addresses {
      var (listening, post) = WatchPost.listen()
      post.addresses = [address]
      #expect(meet(post, listening: listening) == ["rank 1 in step 7", "lost rank 1"], "\(address)")
    }
  }

  @Test("by the address that leads there, among some that do not")
  func oneOfMany() throws {
    var (listening, post) = WatchPost.listen()
    post.addresses = ["2001:db8::1", "192.0.2.1", "no address", "127.0.0.1"]
    #expect(meet(post, listening: listening) == ["rank 1 in step 7", "lost rank 1"])
  }
}
