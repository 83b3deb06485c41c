import Foundation
import QATEngine
import QATGraph
import QATTensor
import Testing

/// NNCF's own kernels, recorded: see Tests/Fixtures/nncf-quantizers.json.
@Suite struct FakeQuantizeFixtureTests {
  @Test(arguments: QuantizerFixture.all.cases)
  func outputsEqualTheRecordedOnesExactly(_ fixture: QuantizerFixture.Case) {
    let result = fixture.quantizer.forward(fixture.inputs, KernelContext(mode: .training)).outputs[0]
    #expect(result.shape == fixture.shape)
    #expect(result.elements == fixture.y)
  }

  @Test(arguments: QuantizerFixture.all.cases)
  func gradientsEqualTheRecordedOnes(_ fixture: QuantizerFixture.Case) throws {
    let context = KernelContext(mode: .training)
    let outputs = fixture.quantizer.forward(fixture.inputs, context).outputs
    let upstream = NDArray(fixture.upstream, shape: fixture.shape)
    let gradients = fixture.quantizer.backward(inputs: fixture.inputs, outputs: outputs, outputGradients: [upstream], context)
    #expect(gradients[0]?.elements == fixture.grad_x)
    for (index, name) in fixture.parameterNames.enumerated() {
      let recorded = try #require(fixture.params[name])
      let gradient = try #require(gradients[index + 1])
      #expect(gradient.shape == [recorded.value.count])
      // Sums are taken in another order than the recorded ones: relative to the terms summed, not to a sum that cancels.
      let terms = fixture.upstream.reduce(0) { $0 + $1.magnitude } / Float(recorded.value.count)
      for (found, expected) in zip(gradient.elements, recorded.grad) {
        #expect((found - expected).magnitude <= 1e-6 * max(expected.magnitude, terms), "\(name): \(found), recorded \(expected)")
      }
    }
  }

  @Test(arguments: QuantizerFixture.all.cases)
  func aLogarithmHasTheSlopeOfWhatItStandsFor(_ fixture: QuantizerFixture.Case) throws {
    var op = fixture.quantizer
    op.isLogarithmic = true
    op.gradientMultiplier = 3
    var inputs = fixture.inputs
    let last = inputs.count - 1
    let parameter = try #require(inputs[last])
    let logarithms = NDArray(parameter.elements.map { Foundation.log($0.magnitude + 1e-16) }, shape: parameter.shape)
    inputs[last] = logarithms
    let context = KernelContext(mode: .training)
    let outputs = op.forward(inputs, context).outputs
    let upstream = NDArray(fixture.upstream, shape: fixture.shape)
    let found = op.backward(inputs: inputs, outputs: outputs, outputGradients: [upstream], context)
    // The same grid as a linear quantizer: d/dp of exp(p) is exp(p).
    var linear = op
    (linear.isLogarithmic, linear.gradientMultiplier) = (false, 1)
    inputs[last] = NDArray(logarithms.elements.map { op.extent(of: $0) }, shape: logarithms.shape)
    #expect(linear.forward(inputs, context).outputs == outputs)
    let expected = linear.backward(inputs: inputs, outputs: outputs, outputGradients: [upstream], context)
    #expect(found[0] == expected[0])
    for (index, (log, plain)) in try zip(#require(found[last]).elements, #require(expected[last]).elements).enumerated() {
      #expect((log - 3 * plain * op.extent(of: logarithms.elements[index])).magnitude <= 1e-5 * max(1, log.magnitude))
    }
    if last == 2 { #expect(found[1]?.elements == expected[1]?.elements.map { 3 * $0 }) }
  }

  @Test func theFixtureHoldsAllItsCases() {
    #expect(QuantizerFixture.all.cases.count == 51)
  }
}

/// The file, with its own names.
struct QuantizerFixture: Decodable {
  var cases: [Case]

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    var kind: String
    var name: String
    var bits: Int
    var signed: Bool?
    var narrow: Bool?
    var shape: [Int]
    var x: [Float]
    var upstream: [Float]
    var y: [Float]
    var grad_x: [Float]
    var params: [String: Parameter]

    struct Parameter: Decodable, Sendable {
      var shape: [Int]
      var value: [Float]
      var grad: [Float]
    }

    var testDescription: String { "\(kind) \(name)" }
    var parameterNames: [String] { kind == "symmetric" ? ["scale"] : ["input_low", "input_range"] }

    var quantizer: FakeQuantize {
      // The channel axis is where the parameter's size is not 1.
      let axis = params[parameterNames[0]]?.shape.firstIndex { $0 != 1 }
      let mode: FakeQuantize.Mode = kind == "symmetric" ? .symmetric(signed: signed == true) : .asymmetric
      return FakeQuantize(mode: mode, bits: bits, narrowRange: narrow == true, channelAxis: axis)
    }

    var inputs: [NDArray<Float>?] {
      [NDArray(x, shape: shape)] + parameterNames.map { name in params[name].map { NDArray($0.value, shape: [$0.value.count]) } }
    }
  }

  static let all: QuantizerFixture = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Fixtures/nncf-quantizers.json")
    do {
      return try JSONDecoder().decode(QuantizerFixture.self, from: Data(contentsOf: path))
    } catch {
      fatalError("\(path.path): \(error)")
    }
  }()
}
