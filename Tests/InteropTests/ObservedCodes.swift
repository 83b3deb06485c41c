import QATDeployment
import QATEngine
import QATGraph
import QATLowering
import Testing

/// What ONNX Runtime makes of a quantized file, beside the deployed evaluation of its network: the codes behind every quantizer, and the outputs.
struct ObservedCodes {
  /// The codes behind a quantizer.
  struct Layer {
    var name: String
    var count: Int
    /// Codes that are another.
    var differing: Int
    /// The largest difference.
    var largest: Float
  }

  var layers: [Layer] = []
  var scores: [TensorName: (theirs: [Float], ours: [Float])] = [:]

  init(of file: String, _ lowered: LoweredGraph, on images: NDArray<Float>, in folder: TemporaryFolder) throws {
    let theirs = try PythonRuntime.outputs(of: file, on: images, in: folder)
    let network = try DeployedNetwork(lowered, target: .onnxRuntime, batchSize: images.shape[0])
    var codes: [TensorName: [UInt8]] = [:]
    let outputs = try network.run([lowered.simulation.inputs[0].name: images]) { name, tensor in codes[name] = tensor.codes }
    for node in lowered.simulation.nodes where node.op is FakeQuantize {
      guard let expected = theirs["\(node.inputs[0])_q"], let found = codes[node.outputs[0]] else { continue }
      try #require(expected.count == found.count)
      let differences = zip(expected, found).map { abs($0 - Float($1)) }
      layers.append(
        Layer(name: node.name, count: found.count, differing: differences.count { $0 != 0 }, largest: differences.max() ?? 0))
    }
    for name in lowered.simulation.outputs {
      scores[name] = (try #require(theirs[name]), try #require(outputs[name]).values.elements)
    }
  }
}
