import QATGraph
import QATTensor
import Testing

/// An operator, the types of its inputs, and what shape inference must make of them.
struct ShapeCase: Sendable, CustomTestStringConvertible {
  var op: any Operator
  var inputs: [TensorType?]
  /// The output's dimensions, or nil when the inputs must be refused.
  var output: [Dimension]?
  /// For a refusal: words of the message.
  var words: [String]

  /// Inputs that the operator takes.
  init(_ op: any Operator, _ inputs: [Dimension]?..., gives output: [Dimension]) {
    self.op = op
    self.inputs = inputs.map { $0.map { TensorType($0) } }
    self.output = output
    words = []
  }

  /// Inputs that the operator refuses with a message that has `words`.
  init(_ op: any Operator, _ inputs: [Dimension]?..., refused words: String...) {
    self.op = op
    self.inputs = inputs.map { $0.map { TensorType($0) } }
    self.words = words
  }

  var testDescription: String { "\(op) of \(inputs.map { $0.map(\.description) ?? "nothing" })" }

  func check(sourceLocation: SourceLocation = #_sourceLocation) {
    do throws(ShapeError) {
      let types = try op.outputTypes(for: inputs)
      if let output {
        #expect(types == [TensorType(output)], sourceLocation: sourceLocation)
      } else {
        Issue.record("accepted, with the output \(types)", sourceLocation: sourceLocation)
      }
    } catch {
      #expect(output == nil, "refused: \(error)", sourceLocation: sourceLocation)
      for word in words { #expect(error.description.contains(word), "the message lacks '\(word)'", sourceLocation: sourceLocation) }
    }
  }
}
