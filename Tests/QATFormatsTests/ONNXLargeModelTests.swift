import Foundation
import QATGraph
import QATModels
import QATTensor
import Testing

@testable import QATONNX

/// Models whose initializers do not fit one protobuf file: the data goes into a file beside the model, and comes back from there.
@Suite struct ONNXLargeModelTests {
  @Test func initializersBeyondTheLimitLieBesideTheModel() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/qat-large-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let graph = try #require(architecture(named: "resnet_small", classes: 10))
    let path = folder + "/net.onnx"
    let contents = try ONNXFile.encode(graph, limit: 100_000, dataName: ONNXFile.dataName(beside: path))
    let data = try #require(contents.data)
    try ONNXFile.replaceFile(at: path, with: contents)
    #expect(try Data(contentsOf: URL(filePath: folder + "/net.onnx.data")) == data)
    #expect(contents.model.count < 20_000 && data.count > 280_000)
    let again = try ONNXFile.read(contentsOf: path)
    #expect(again.constants.count == graph.constants.count)
    for (name, constant) in graph.constants { #expect(again.constants[name]?.tensor == constant.tensor) }
    // Where nothing has to move, nothing does.
    #expect(try ONNXFile.encode(graph).data == nil)
  }
}
