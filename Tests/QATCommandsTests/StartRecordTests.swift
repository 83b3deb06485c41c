import Foundation
import QAT
import Testing

extension ToolTests {
  /// What ranks compare before anything else: how they were started. Two ranks, of which the second has something else.
  @Suite struct StartRecordTests {
    /// A rank that is started otherwise than the others, and what must be said of it.
    struct Odd: Sendable, CustomTestStringConvertible {
      /// Of all ranks.
      var line = "train --config int8.json --data synthetic:1,28,28,10,64 --checkpoint-dir run --max-steps 1"
      var flags = ""
      var variables: [String] = []
      var sentence: String
      var testDescription: String { sentence }
    }

    private static let odds = [
      Odd(
        flags: "--stall-timeout 5",
        sentence: "the command line's '--stall-timeout' differs between ranks: rank 1 (node NODE) has 5, rank 0 (node NODE) has none"),
      Odd(
        flags: "--stall-timeout=0",
        sentence: "the command line's '--stall-timeout' differs between ranks: rank 1 (node NODE) has 0, rank 0 (node NODE) has none"),
      Odd(flags: "--allow momentum", sentence: "the command line's '--allow' differs"),
      Odd(
        variables: ["QAT_BUCKET_KIB=16,100,0"],
        sentence: "the environment's 'QAT_BUCKET_KIB' differs between ranks: rank 1 (node NODE) has 16,100,0, rank 0 (node NODE) has none"),
      Odd(
        line: "train --config int8.json --data synthetic:1,28,28,10,64 --checkpoint-dir run --max-steps 1 --reproducible 2",
        variables: ["OMP_NUM_THREADS=2"],
        sentence: "the number of threads of a reproducible run differs between ranks: rank 1 (node NODE) has 2, rank 0 (node NODE) has 1"),
      Odd(
        line: "evaluate --model resnet_small --data synthetic:1,28,28,10,64", flags: "--batch-size 7",
        sentence: "the command line's '--batch-size' differs between ranks: rank 1 (node NODE) has 7, rank 0 (node NODE) has none"),
      Odd(line: "bench --model resnet_small --mode fp32 --image-size 28", flags: "--steps 3", sentence: "the command line's '--steps' differs"),
      Odd(line: "bench --model resnet_small --mode fp32", flags: "--image-size 56", sentence: "the model differs"),
    ]

    @Test(arguments: odds)
    func aRankThatIsStartedOtherwiseIsNamedWithBothValues(odd: Odd) throws {
      let folder = try Scratch()
      let run = try ToolRun(parts: [([], odd.line), (odd.variables, "\(odd.line) \(odd.flags)")], in: folder)
      #expect(run.exitCode == 3)
      let sentence = odd.sentence.replacingOccurrences(of: "NODE", with: ProcessInfo.processInfo.hostName)
      #expect(run.errors.contains(sentence), "\(run.errors)")
      #expect(!folder.exists("run"))
    }

    @Test func filesMayLieAtOtherPlacesOnOtherNodes() throws {
      let folder = try Scratch()
      try FileManager.default.copyItem(at: folder.url("int8.json"), to: folder.url("copy.json"))
      let lines = ["--config int8.json --checkpoint-dir run", "--checkpoint-dir other --config=copy.json"]
      let run = try ToolRun(parts: lines.map { ([], "train --data synthetic:1,28,28,10,64 --max-steps 1 \($0)") }, in: folder)
      #expect(run.exitCode == 0, "\(run.errors)")
    }
  }
}
