import QATTraining
import Testing

@Suite("An amount of memory")
struct MemorySizeTests {
  // Powers of 1024 and of 1000 as GNU's tools name them (coreutils manual, "Block size").
  @Test(
    "is read with its unit",
    arguments: [
      ("1B", 1), ("1K", 1024), ("1KiB", 1024), ("1KB", 1000), ("3M", 3_145_728), ("3MiB", 3_145_728), ("3MB", 3_000_000), ("2G", 2_147_483_648),
      ("2GiB", 2_147_483_648), ("2GB", 2_000_000_000), ("1.5GiB", 1_610_612_736), ("0.5 GiB", 536_870_912), ("1T", 1_099_511_627_776),
      ("1TB", 1_000_000_000_000), ("800mb", 800_000_000), ("8192TiB", 9_007_199_254_740_992),
    ])
  func units(_ text: String, _ byteCount: Int) {
    #expect(MemorySize(text)?.byteCount == byteCount)
  }

  @Test(
    "is nothing else",
    arguments: [
      "", "2", "GiB", "-1GiB", "+1GiB", "1.GiB", ".5GiB", "1e3MiB", "0B", "0.1B", "nanB", "infG", "2 gigabytes", "9000PiB", "8193TiB", "1,5GiB",
    ])
  func refused(_ text: String) {
    #expect(MemorySize(text) == nil)
  }

  @Test(
    "is written in few characters, and reads back as the same",
    arguments: [
      (1, "1B"), (999, "999B"), (1024, "1KiB"), (1 << 20, "1MiB"), (3 << 29, "1536MiB"), (1 << 31, "2GiB"), (800_000_000, "800MB"), (5 << 40, "5TiB"),
      ((1 << 40) + 1, "1099511627777B"),
    ])
  func written(_ byteCount: Int, _ words: String) {
    #expect("\(MemorySize(byteCount: byteCount))" == words)
    #expect(MemorySize(words)?.byteCount == byteCount)
  }

  @Test("is rounded up to whole MiB", arguments: [(1, "1MiB"), (1 << 20, "1MiB"), ((1 << 20) + 1, "2MiB"), (3 << 30, "3GiB")])
  func roundedUp(_ byteCount: Int, _ words: String) {
    #expect("\(MemorySize(byteCount: byteCount).roundedUp)" == words)
  }
}
