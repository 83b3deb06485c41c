import Foundation
import QATData
import QATEngine
import QATGraph
import QATTensor
import Testing

@testable import QATTraining

/// Values from PyTorch's formulas, computed by hand; gradients against central differences.
@Suite("Losses of pixels, tokens and numbers")
struct LossTests {
  private func evaluate(_ loss: any OutputLoss, _ scores: [Float], _ targets: TargetValues, scale: Float = 1) -> (sums: LossSums, gradient: [Float]) {
    var gradient = [Float](repeating: .nan, count: scores.count)
    let sums = scores.withUnsafeBufferPointer { scores in
      gradient.withUnsafeMutableBufferPointer { gradient in
        targets.withBatch { loss.evaluate(scores: scores, targets: $0, gradient: gradient, scale: scale) }
      }
    }
    return (sums, gradient)
  }

  /// Checks each element of a gradient against the loss on both sides of it.
  private func expectGradient(_ loss: any OutputLoss, _ scores: [Float], _ targets: TargetValues, _ comment: String) {
    let gradient = evaluate(loss, scores, targets, scale: 0.5).gradient
    for index in scores.indices {
      var (above, below) = (scores, scores)
      above[index] += 1e-2
      below[index] -= 1e-2
      let step = Double(above[index]) - Double(below[index])
      let expected = (evaluate(loss, above, targets).sums.loss - evaluate(loss, below, targets).sums.loss) / step / 2
      #expect(abs(Double(gradient[index]) - expected) < 2e-4, "\(comment), element \(index): \(gradient[index]), not \(expected)")
    }
  }

  private func graph(_ shape: [Int]) -> Graph {
    Graph(
      name: "net", inputs: [.init(name: "x", type: TensorType([.batch] + shape.map { .fixed($0) }))], outputs: ["scores"],
      nodes: [Node(name: "copy", op: Mul(), inputs: ["x", "factor"], outputs: ["scores"])],
      constants: ["factor": .init(Tensor([1], shape: [1]), .parameter)])
  }

  private let scores: [Float] = [0.3, -1.2, 2, 0.5, 1.5, -0.7, 0.1, 0.9, -2, 0.4, 0, 1.1]

  /// The same two samples of three classes and two positions with the classes last.
  private var tokens: [Float] {
    var tokens: [Float] = []
    for sample in 0..<2 {
      for place in 0..<2 {
        for kind in 0..<3 { tokens.append(scores[sample * 6 + kind * 2 + place]) }
      }
    }
    return tokens
  }

  @Test("classes first or last, a position's loss is the same; a sample's is the mean over positions that count")
  func arrangements() throws {
    let target = SampleTarget.classes(shape: [2], count: 3)
    let targets = TargetValues(classes: [2, 0, 1, -1], count: 2)
    let first = try CrossEntropy(of: graph([3, 2]), target: target)
    let last = try CrossEntropy(of: graph([2, 3]), target: target)
    let alone = try CrossEntropy(of: graph([3]))
    let tokens = tokens
    let found = evaluate(first, scores, targets)
    let other = evaluate(last, tokens, targets)
    var each: [LossSums] = []
    for (place, label) in [Int32(2), 0, 1].enumerated() {
      let row = Array(tokens[(place * 3)..<(place * 3 + 3)])
      each.append(evaluate(alone, row, TargetValues(classes: [label], count: 1)).sums)
    }
    let expected: Double = (each[0].loss + each[1].loss) / 2 + each[2].loss
    #expect(abs(found.sums.loss - expected) < 1e-6)
    #expect(abs(found.sums.loss - other.sums.loss) < 1e-6)
    let correct = each.map(\.correctTop1).reduce(0, +)
    #expect(found.sums.correctTop1 == correct && other.sums.correctTop1 == correct)
    #expect(found.sums.positions == 3 && found.sums.count == 2 && other.sums.positions == 3)
    expectGradient(first, scores, targets, "classes first")
    expectGradient(last, tokens, targets, "classes last")
    // What does not count has no gradient: position 1 of sample 1.
    #expect([7, 9, 11].allSatisfy { found.gradient[$0] == 0 })
    #expect(other.gradient[9...].allSatisfy { $0 == 0 })
    let smoothed = try CrossEntropy(of: graph([3, 2]), labelSmoothing: 0.2, target: target)
    expectGradient(smoothed, scores, targets, "smoothed")
  }

  @Test("a share of every class: one whole share is the class itself, and smoothing is a share")
  func shares() throws {
    let loss = try CrossEntropy(of: graph([3]))
    let labels: [Int32] = [2, 0, 1, 1]
    var (ones, smooth): ([Float], [Float]) = ([], [])
    for label in labels {
      for kind in Int32(0)..<3 {
        ones.append(kind == label ? 1 : 0)
        smooth.append(kind == label ? 0.8 : 0.1)
      }
    }
    let classes = evaluate(loss, scores, TargetValues(classes: labels, count: 4))
    let whole = evaluate(loss, scores, TargetValues(numbers: ones, count: 4))
    #expect(abs(classes.sums.loss - whole.sums.loss) < 1e-6 && classes.sums.correctTop1 == whole.sums.correctTop1)
    #expect(zip(classes.gradient, whole.gradient).allSatisfy { abs($0 - $1) < 1e-6 })
    let smoothed = evaluate(try CrossEntropy(of: graph([3]), labelSmoothing: 0.3), scores, TargetValues(classes: labels, count: 4))
    let shares = TargetValues(numbers: smooth, count: 4)
    #expect(abs(evaluate(loss, scores, shares).sums.loss - smoothed.sums.loss) < 1e-5)
    expectGradient(loss, scores, shares, "shares")
  }

  @Test("each elementwise loss has its formula's value and gradient")
  func elementwise() throws {
    let wanted: [Float] = [0, 1, 1, 0, 0.25, 1, 0, 0, 1, 0.5, 1, 0]
    let targets = TargetValues(numbers: wanted, count: 2)
    func square(_ x: Double, _ t: Double) -> Double { (x - t) * (x - t) }
    func magnitude(_ x: Double, _ t: Double) -> Double { abs(x - t) }
    func huber(_ x: Double, _ t: Double) -> Double { abs(x - t) <= 0.75 ? square(x, t) / 2 : 0.75 * (abs(x - t) - 0.375) }
    func entropy(_ x: Double, _ t: Double) -> Double {
      let p: Double = 1 / (1 + exp(-x))
      return -t * log(p) - (1 - t) * log(1 - p)
    }
    let cases: [(ElementwiseLoss.Kind, (Double, Double) -> Double)] = [
      (.squared, square), (.absolute, magnitude), (.huber(delta: 0.75), huber), (.binaryCrossEntropy, entropy),
    ]
    for (kind, formula) in cases {
      let loss = try ElementwiseLoss(kind, of: graph([6]))
      var expected = 0.0
      for (x, t) in zip(scores, wanted) { expected += formula(Double(x), Double(t)) / 6 }
      let found = evaluate(loss, scores, targets).sums
      #expect(abs(found.loss - expected) < 1e-6 && found.positions == 0 && found.count == 2, "\(kind)")
      expectGradient(loss, scores, targets, "\(kind)")
    }
    let extreme = evaluate(try ElementwiseLoss(.binaryCrossEntropy, of: graph([2])), [1e30, -1e30], TargetValues(numbers: [1, 0], count: 1))
    #expect(extreme.sums.loss == 0 && extreme.gradient == [0, 0])
  }

  @Test("targets that say nothing of the output are refused with both")
  func unfit() throws {
    #expect { try CrossEntropy(of: graph([3, 2]), target: .classes(shape: [4], count: 3)) } throws: { "\($0)".contains("[batch, 3, 2]") }
    let loss = try CrossEntropy(of: graph([3]))
    #expect(
      loss.accepts(.classes(shape: [], count: 3)) && loss.accepts(.numbers(shape: [3])) && !loss.accepts(.numbers(shape: [2])) && !loss.accepts(.none)
    )
    let regression = try ElementwiseLoss(.squared, of: graph([1]))
    #expect(regression.accepts(.numbers(shape: [])) && !regression.accepts(.classes(shape: [], count: 2)))
    var two = graph([3])
    two.outputs = ["scores", "x"]
    #expect { try CrossEntropy(of: two) } throws: { "\($0)".contains("\"output\"") }
    #expect(try CrossEntropy(of: two, output: "scores").output == "scores")
  }
}
