import QAT
import Testing

@testable import QATCommands

@Suite struct ExitStatusTests {
  /// An error and its code in the table of the README.
  struct Row: Sendable {
    var error: any Error
    var code: Int32
  }

  static let rows: [Row] = [
    Row(error: TrainingError(.input, "x"), code: 65), Row(error: TrainingError(.mismatch, "x"), code: 3),
    Row(error: TrainingError(.checkpoint, "x"), code: 4), Row(error: TrainingError(.numerical, "x"), code: 5),
    Row(error: TrainingError(.storage, "x"), code: 7), Row(error: TrainingError(.storageFull, "x"), code: 7),
    Row(error: DataError(.corrupt, "f", "x"), code: 65), Row(error: ONNXError("x"), code: 65),
    Row(error: GraphError("x"), code: 65), Row(error: QuantizationError("x"), code: 65), Row(error: LoweringError("x"), code: 65),
    Row(error: LoweringError("x", isNumerical: true), code: 5),
    Row(error: SafetensorsError("x"), code: 65), Row(error: EngineError("x"), code: 65), Row(error: ConfigurationError([]), code: 65),
    Row(error: CommandError(.usage, "x"), code: 64), Row(error: CommandError(.storage, "x"), code: 7),
    Row(error: CommunicationError(.mismatch, "x", exitCode: 3, isShared: true), code: 3),
    Row(error: CommunicationError(.launch, "x", exitCode: 2), code: 2),
  ]

  @Test(arguments: rows) func everyErrorHasItsCode(row: Row) {
    #expect(ExitStatus.code(for: row.error) == row.code)
  }

  @Test func anUnknownErrorIs1() {
    struct Surprise: Error {}
    #expect(ExitStatus.code(for: Surprise()) == 1)
  }

  @Test(arguments: [TrainingError.Kind.input, .mismatch, .checkpoint, .numerical, .storage, .storageFull])
  func trainingErrorsSayTheSameCodeThemselves(kind: TrainingError.Kind) {
    #expect(kind.exitCode == ExitStatus.code(for: TrainingError(kind, "x")))
  }
}
