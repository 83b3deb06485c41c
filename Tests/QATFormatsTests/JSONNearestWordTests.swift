import QATJSON
import Testing

@Suite("The nearest word") struct JSONNearestWordTests {
  private static let words = ["weights", "activations", "preset", "bits", "range", "ignored_scopes", "overflow_fix"]

  @Test(
    "is what was meant",
    arguments: [
      ("wieghts", "weights"), ("weight", "weights"), ("Weights", "weights"), ("activation", "activations"), ("bit", "bits"),
      ("ignored-scopes", "ignored_scopes"),
      ("overflowFix", "overflow_fix"), ("rnage", "range"), ("presets", "preset"),
    ])
  func found(word: String, meant: String) {
    #expect(NearestWord.to(word, among: Self.words) == meant)
  }

  @Test("is nothing when the word is far from all", arguments: ["", "x", "momentum", "scopes", "by", String(repeating: "weights", count: 1000)])
  func notFound(word: String) {
    #expect(NearestWord.to(word, among: Self.words) == nil)
  }

  @Test("is the first among equals") func ties() {
    #expect(NearestWord.to("cat", among: ["bat", "hat"]) == "bat")
  }
}
