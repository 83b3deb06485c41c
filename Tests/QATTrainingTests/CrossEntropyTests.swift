import QATEngine
import Testing

@testable import QATTraining

@Suite struct CrossEntropyTests {
  func evaluate(_ scores: [Float], _ labels: [Int32], classes: Int, smoothing: Float = 0, scale: Float = 1) -> (sums: LossSums, gradient: [Float]) {
    var gradient = [Float](repeating: .nan, count: scores.count)
    let objective = CrossEntropy(output: "scores", classCount: classes, labelSmoothing: smoothing)
    let sums = scores.withUnsafeBufferPointer { scores in
      labels.withUnsafeBufferPointer { labels in
        gradient.withUnsafeMutableBufferPointer {
          objective.evaluate(scores: scores, targets: BatchTargets(classes: labels), gradient: $0, scale: scale)
        }
      }
    }
    return (sums, gradient)
  }

  @Test func agreesWithPyTorch() throws {
    let fixture = try PyTorchFixture.load()
    #expect(fixture.cross_entropy.count == 3)
    for example in fixture.cross_entropy {
      let (sums, gradient) = evaluate(example.scores, example.labels, classes: example.classes, smoothing: example.smoothing)
      #expect(abs(sums.loss - example.loss) <= 1e-7 * max(1, example.loss))
      #expect(sums.correctTop1 == example.top1)
      #expect(sums.correctTop5 == example.top5)
      #expect(sums.count == example.rows)
      for (found, expected) in zip(gradient, example.gradient) { #expect(abs(found - expected) <= 2e-7) }
    }
  }

  @Test(arguments: [Float(0), 0.1, 0.5]) func gradientIsTheSlopeOfTheLoss(smoothing: Float) {
    let scores: [Float] = [0.25, -1.5, 2, 0.75, 0, -0.5, 3, 1]
    let labels: [Int32] = [2, 1]
    let (_, gradient) = evaluate(scores, labels, classes: 4, smoothing: smoothing, scale: 0.5)
    let step: Float = 1.0 / 128
    for index in scores.indices {
      var above = scores
      var below = scores
      above[index] += step
      below[index] -= step
      let slope =
        (evaluate(above, labels, classes: 4, smoothing: smoothing).sums.loss - evaluate(below, labels, classes: 4, smoothing: smoothing).sums.loss)
        / Double(2 * step)
      #expect(abs(Double(gradient[index]) - slope / 2) < 1e-5)
    }
  }

  @Test func uniformScoresLoseTheLogarithmOfTheClassCount() {
    let (sums, gradient) = evaluate([Float](repeating: 3, count: 8), [5], classes: 8, scale: 8)
    #expect(abs(sums.loss - 2.0794415416798357) < 1e-12)
    #expect(gradient == [1, 1, 1, 1, 1, -7, 1, 1])
  }

  @Test func hugeScoresDoNotOverflow() {
    let (sums, gradient) = evaluate([3e38, -3e38, 0], [0], classes: 3)
    #expect(sums.loss == 0 && sums.correctTop1 == 1)
    #expect(gradient == [0, 0, 0])
    #expect(evaluate([-.infinity, 0], [1], classes: 2).sums.loss == 0)
  }

  @Test func tiesCountInTheOrderOfTheClasses() {
    let scores = [Float](repeating: 1, count: 7)
    let hits = (0..<7).map { evaluate(scores, [Int32($0)], classes: 7).sums }
    #expect(hits.map(\.correctTop1) == [1, 0, 0, 0, 0, 0, 0])
    #expect(hits.map(\.correctTop5) == [1, 1, 1, 1, 1, 0, 0])
  }

  @Test(arguments: [Float.nan, .infinity]) func scoresThatAreNotFiniteAreNeverRight(bad: Float) {
    let sums = evaluate([bad, 0, 1], [0], classes: 3).sums
    #expect(!sums.loss.isFinite)
    #expect(sums.correctTop1 == 0 && sums.correctTop5 == 0 && sums.count == 1)
  }

  @Test func takesOnlyAClassifier() throws {
    #expect(try CrossEntropy(of: linearGraph(inputs: 3, classes: 4)).classCount == 4)
    var graph = linearGraph(inputs: 3, classes: 4)
    graph.outputs = ["scores", "x"]
    let error = #expect(throws: TrainingError.self) { try CrossEntropy(of: graph) }
    #expect(error?.description.contains("scores") == true)
  }
}
