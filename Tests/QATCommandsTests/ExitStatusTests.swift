import QAT
import Testing

@testable import QATCommands

@Suite struct ExitStatusTests {
  /// The table of the README.
  @Test(arguments: [
    (TrainingError(.input, "x") as any Error, 65 as Int32), (TrainingError(.mismatch, "x"), 3), (TrainingError(.checkpoint, "x"), 4),
    (TrainingError(.numerical, "x"), 5), (TrainingError(.storage, "x"), 7), (DataError(.corrupt, "f", "x"), 65), (ONNXError("x"), 65),
    (GraphError("x"), 65), (QuantizationError("x"), 65), (LoweringError("x"), 5), (SafetensorsError("x"), 65), (EngineError("x"), 65),
    (ConfigurationError([]), 65), (CommandError(.usage, "x"), 64), (CommandError(.storage, "x"), 7),
    (CommunicationError(.mismatch, "x", exitCode: 3, isShared: true), 3), (CommunicationError(.launch, "x", exitCode: 2), 2),
  ])
  func everyErrorHasItsCode(error: any Error, code: Int32) {
    #expect(ExitStatus.code(for: error) == code)
  }

  @Test func anUnknownErrorIs1() {
    struct Surprise: Error {}
    #expect(ExitStatus.code(for: Surprise()) == 1)
  }

  @Test(arguments: [TrainingError.Kind.input, .mismatch, .checkpoint, .numerical, .storage])
  func trainingErrorsSayTheSameCodeThemselves(kind: TrainingError.Kind) {
    #expect(kind.exitCode == ExitStatus.code(for: TrainingError(kind, "x")))
  }
}
