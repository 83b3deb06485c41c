import Testing

@testable import QATTraining

@Suite struct LearningRateScheduleTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var schedule: LearningRateSchedule
    /// Worked by hand: step and rate.
    var expected: [(Int, Double)]
  }

  static let cases = [
    Case(testDescription: "constant", schedule: .init(baseRate: 0.1), expected: [(0, 0.1), (1, 0.1), (1_000_000, 0.1)]),
    Case(
      testDescription: "steps of ten", schedule: .init(baseRate: 0.8, shape: .steps(size: 10, gamma: 0.5)),
      expected: [(0, 0.8), (9, 0.8), (10, 0.4), (19, 0.4), (20, 0.2), (35, 0.1)]),
    Case(
      testDescription: "milestones", schedule: .init(baseRate: 1, shape: .milestones(at: [3, 5], gamma: 0.1)),
      expected: [(0, 1), (2, 1), (3, 0.1), (4, 0.1), (5, 0.01), (100, 0.01)]),
    Case(
      testDescription: "cosine", schedule: .init(baseRate: 1, shape: .cosine(total: 6, minimum: 0.2)),
      // 0.2 + 0.8 · (1 + cos 60°)/2 = 0.2 + 0.8 · 0.75; at 90° the middle; behind the end the minimum.
      expected: [(0, 1), (2, 0.8), (3, 0.6), (4, 0.4), (6, 0.2), (9, 0.2)]),
    Case(
      testDescription: "polynomial", schedule: .init(baseRate: 1, shape: .polynomial(total: 4, power: 2, minimum: 0)),
      expected: [(0, 1), (1, 0.5625), (2, 0.25), (3, 0.0625), (4, 0), (5, 0)]),
    Case(
      testDescription: "warm-up", schedule: .init(baseRate: 0.8, warmupSteps: 4),
      expected: [(0, 0.2), (1, 0.4), (2, 0.6), (3, 0.8), (4, 0.8)]),
    Case(
      testDescription: "warm-up into a falling shape",
      schedule: .init(baseRate: 1, shape: .polynomial(total: 4, power: 1, minimum: 0), warmupSteps: 2),
      // Step 0: half of 1; step 1: all of 0.75.
      expected: [(0, 0.5), (1, 0.75), (2, 0.5), (3, 0.25)]),
  ]

  @Test(arguments: cases) func followsItsFormula(_ example: Case) {
    for (step, rate) in example.expected {
      #expect(abs(example.schedule.rate(at: step) - rate) < 1e-12, "step \(step): \(example.schedule.rate(at: step)), not \(rate)")
    }
  }
}
