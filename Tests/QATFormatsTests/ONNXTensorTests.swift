import Foundation
import QATGraph
import QATONNX
import QATTensor
import Testing

/// The constant `w` of a model that adds it to its input.
private func weight(_ tensor: [UInt8], in folder: String? = nil) throws -> Tensor? {
  var model = ModelBytes(input: ["N", 2])
  model.initializers.append(tensor)
  model.node("Add", ["x", "w"])
  guard let folder else { return try ONNXFile.decode(model.bytes).tensor("w") }
  let path = "\(folder)/model.onnx"
  try Data(model.bytes).write(to: URL(fileURLWithPath: path))
  return try ONNXFile.read(contentsOf: path).tensor("w")
}

@Suite("Tensors of ONNX files") struct ONNXTensorTests {
  private static let half: [UInt8] = [0x00, 0x3C, 0x01, 0x80]  // 1 and −2⁻²⁴
  private static let brain: [UInt8] = [0x80, 0x3F, 0x49, 0x40]  // 1 and 3.140625

  @Test func elementTypesAreWidened() throws {
    #expect(try weight(ModelBytes.tensor("w", [2], 10, raw: Self.half))?.floats == [1, -0x1p-24])
    #expect(try weight(ModelBytes.tensor("w", [2], 16, raw: Self.brain))?.floats == [1, 3.140625])
    #expect(try weight(ModelBytes.tensor("w", [2], 10, int32: [0x3C00, 0xFBFF]))?.floats == [1, -65504])
    #expect(try weight(ModelBytes.tensor("w", [2], 16, int32: [0x3F80, 0xC000]))?.floats == [1, -2])
    #expect(try weight(ModelBytes.tensor("w", [2], 11, doubles: [0.1, -1e300]))?.floats == [0.1, -.infinity])
    #expect(try weight(ModelBytes.tensor("w", [1], 11, raw: (0.5).bitPattern.littleBytes))?.floats == [0.5])
  }

  /// A new folder with a data file of two floats, 1 and 2, after 4 bytes.
  private func folder() throws -> String {
    let path = NSTemporaryDirectory() + "onnx-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path + "/model/sub", withIntermediateDirectories: true)
    let data = Data([9, 9, 9, 9] + Float(1).bitPattern.littleBytes + Float(2).bitPattern.littleBytes)
    for place in ["model/data.bin", "model/sub/data.bin", "outside.bin"] { try data.write(to: URL(fileURLWithPath: "\(path)/\(place)")) }
    try FileManager.default.createSymbolicLink(atPath: path + "/model/link.bin", withDestinationPath: path + "/outside.bin")
    try FileManager.default.createSymbolicLink(atPath: path + "/model/inner.bin", withDestinationPath: path + "/model/data.bin")
    return path
  }

  @Test(arguments: ["data.bin", "sub/data.bin", "inner.bin"]) func dataOutsideTheFileIsRead(location: String) throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for fields in [[("offset", "4"), ("length", "8")], [("offset", "4")]] {
      let tensor = ModelBytes.tensor("w", [2], 1, external: [("location", location)] + fields)
      #expect(try weight(tensor, in: folder + "/model")?.floats == [1, 2])
    }
  }

  @Test(arguments: [
    ([("location", "../outside.bin")], "relative path inside"), ([("location", "/etc/passwd")], "relative path inside"),
    ([("location", "link.bin")], "leads out of"), ([("location", "sub\\data.bin")], "relative path inside"),
    ([("location", "C:data.bin")], "relative path inside"),
    ([("location", "")], "relative path inside"), ([("offset", "4")], "no location"), ([("location", "missing.bin")], "does not exist"),
    ([("location", "sub")], "regular file"), ([("location", "data.bin"), ("offset", "-1")], "not a byte count"),
    ([("location", "data.bin"), ("offset", "99")], "starts at byte 99"), ([("location", "data.bin"), ("length", "4")], "ask for 8"),
    ([("location", "data.bin"), ("offset", "8"), ("length", "8")], "truncated"),
    ([("location", "data.bin"), ("length", "9223372036854775808")], "not a byte count"),
  ])
  func dataOutsideTheFolderOrTheFileIsRefused(fields: [(String, String)], reason: String) throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let error = #expect(throws: ONNXError.self) { try weight(ModelBytes.tensor("w", [2], 1, external: fields), in: folder + "/model") }
    #expect(error?.tensor == "w" && error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }
}
