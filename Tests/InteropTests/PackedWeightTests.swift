import Foundation
import QATEngine
import QATGraph
import QATLowering
import QATONNX
import QATTensor
import Testing

/// Weights of four bits, two a byte, in the onnx package and in ONNX Runtime.
@Suite struct PackedWeightTests {
  private struct Description: Decodable {
    let opset: Int
    let ir: Int
    let initializers: [String: String]
  }

  /// An example network whose weights have four bits; where the range is not narrow, values beyond it as well, so that all codes occur.
  private static func network(_ example: ExampleNetwork, narrowRange: Bool) throws -> LoweredGraph {
    var graph = try example.graph()
    for index in graph.nodes.indices where graph.nodes[index].name.hasSuffix("|WEIGHT") {
      guard let quantizer = graph.nodes[index].as(FakeQuantize.self) else { continue }
      graph.nodes[index].op = FakeQuantize(mode: .symmetric(signed: true), bits: 4, narrowRange: narrowRange, channelAxis: quantizer.channelAxis)
      let scale = graph.nodes[index].inputs[1]
      guard !narrowRange, let tensor = graph.tensor(scale), let values = tensor.floats else { continue }
      graph.constants[scale]?.tensor = Tensor(values.map { $0 * 0.6 }, shape: tensor.shape)
    }
    return try lower(graph)
  }

  @Test(arguments: ExampleNetwork.allCases)
  func aPackedFileIsValidAndComputesTheSame(example: ExampleNetwork) throws {
    let folder = try TemporaryFolder()
    let (bytes, packed) = (folder.file("bytes.onnx"), folder.file("packed.onnx"))
    let lowered = try Self.network(example, narrowRange: true)
    try ONNXFile.write(lowered, to: bytes)
    try ONNXFile.write(lowered, to: packed, weights: .packed)

    let description = try PythonRuntime.run("check.py", [packed], as: Description.self)
    #expect(description.opset == 21 && description.ir == 10)
    for layer in lowered.integerLayers { #expect(description.initializers[layer.weight] == "INT4", "\(layer.weight)") }

    let type = lowered.simulation.inputs[0].type
    var net = QuantizedNetwork(channels: type.dimensions[1].fixedSize ?? 0, size: type.dimensions[2].fixedSize ?? 0, seed: 7)
    let images = net.images(32)
    let name = lowered.simulation.outputs[0]
    let expected = try #require(try PythonRuntime.outputs(of: bytes, on: images, in: folder)[name])
    let found = try #require(try PythonRuntime.outputs(of: packed, on: images, in: folder)[name])
    let largest = expected.map(abs).max() ?? 0
    let distances = zip(found, expected).map { abs($0 - $1) / largest }
    print("  \(example): \(distances.max() ?? 0) of the largest score, \(distances.count { $0 > 1e-5 }) of \(distances.count) beyond 1e-5")
    #expect(found.count == expected.count && largest > 0 && distances.allSatisfy { $0 <= 1e-5 })
  }

  @Test(arguments: ExampleNetwork.allCases, [true, false])
  func aPackedFileIsReadAsItWas(example: ExampleNetwork, narrowRange: Bool) throws {
    let folder = try TemporaryFolder()
    let lowered = try Self.network(example, narrowRange: narrowRange)
    let files = ["first", "second"].map { folder.file("\($0).onnx") }
    try ONNXFile.write(lowered, to: files[0], weights: .packed)
    let again = try lower(ONNXFile.read(contentsOf: files[0]))
    for (name, weight) in lowered.weights {
      let read = try #require(again.weights[name])
      #expect(read.codes == weight.codes && read.scales == weight.scales, "\(name)")
      // What four bits do not hold is stored in a byte, and read so.
      #expect(read.bits == (weight.fitsFourBits ? 4 : 8), "\(name)")
    }
    try ONNXFile.write(again, to: files[1], weights: .packed)
    #expect(try Data(contentsOf: URL(filePath: files[0])) == Data(contentsOf: URL(filePath: files[1])))
  }

  /// −8 times a negative gamma is 8.
  @Test func aCodeThatFourBitsDoNotHoldStaysAByte() throws {
    let lowered = try Self.network(.convolutions, narrowRange: false)
    let wide = lowered.weights.filter { $1.codes.contains(8) }
    try #require(!wide.isEmpty && wide.count < lowered.weights.count)
    let folder = try TemporaryFolder()
    try ONNXFile.write(lowered, to: folder.file("packed.onnx"), weights: .packed)
    let description = try PythonRuntime.run("check.py", [folder.file("packed.onnx")], as: Description.self)
    for name in lowered.weights.keys { #expect(description.initializers[name] == (wide[name] == nil ? "INT4" : "INT8"), "\(name)") }
  }

  @Test func aFileWithoutFewBitsIsTheOneOfBytes() throws {
    let folder = try TemporaryFolder()
    let lowered = try lower(ExampleNetwork.residual.graph())
    try ONNXFile.write(lowered, to: folder.file("packed.onnx"), weights: .packed)
    #expect(try PythonRuntime.run("check.py", [folder.file("packed.onnx")], as: Description.self).opset == 13)
  }
}
