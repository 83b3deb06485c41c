import Foundation
import QATSafetensors
import QATTensor
import Testing

/// A file as the format's description says: length, header, data.
private func file(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
  let bytes = Array(header.utf8)
  return (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) } + bytes + data
}

private let mixed: [String: Tensor] = [
  "weight": Tensor([1, -2.5, 0, .infinity, .leastNonzeroMagnitude, 3], shape: [2, 3]),
  "step": Tensor(int64: [Int64.max, Int64.min]),
  "codes": Tensor(shape: [3], elements: .int8([-128, 0, 127])),
  "pixels": Tensor(shape: [1, 2], elements: .uint8([0, 255])),
  "bias": Tensor(shape: [2], elements: .int32([Int32.min, 7])),
  "exact": Tensor(shape: [], elements: .float64([.pi])),
  "mask": Tensor(shape: [2], elements: .bool([true, false])),
  "nothing": Tensor([], shape: [0, 4]),
]

@Suite("Safetensors files") struct SafetensorsTests {
  @Test func tensorsAndMetadataSurviveARoundTrip() throws {
    let metadata = ["epoch": "3", "Ünï\"c\\ode\n\u{1}": "🙂"]
    let (tensors, read) = try Safetensors.decode(Safetensors.encode(mixed, metadata: metadata))
    #expect(tensors == mixed)
    #expect(read == metadata)
  }

  @Test func theBytesAreThoseOfTheFormat() throws {
    let header =
      #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    let bytes = try Safetensors.encode(
      ["b": Tensor(shape: [2], elements: .uint8([7, 8])), "a": Tensor([1], shape: [1])], metadata: ["k": "v"])
    #expect(bytes == file(padded, [0, 0, 0x80, 0x3F, 7, 8]))
  }

  @Test func everyTensorIsAlignedToItsElements() throws {
    let bytes = try Safetensors.encode(["a": Tensor(shape: [3], elements: .int8([1, 2, 3])), "b": Tensor([4], shape: [1])])
    #expect(String(decoding: bytes, as: UTF8.self).contains(#""a":{"dtype":"I8","shape":[3],"data_offsets":[4,7]}"#))
  }

  @Test func halfPrecisionIsWidenedExactly() throws {
    let bits: [UInt16] = [0x3C00, 0xC000, 0x0001, 0x7BFF, 0xFC00, 0x8000]
    let data = bits.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    let half = try Safetensors.decode(file(#"{"x":{"dtype":"F16","shape":[6],"data_offsets":[0,12]}}"#, data)).tensors["x"]
    #expect(half?.floats == [1, -2, 0x1p-24, 65504, -.infinity, -0.0])
    let brain = try Safetensors.decode(file(#"{"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}"#, [0x80, 0x3F, 0x49, 0x40])).tensors["x"]
    #expect(brain?.floats == [1, 3.140625])
  }

  @Test(arguments: [
    (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "takes 8 bytes"),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3, "truncated"),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5, "5 bytes are there"),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "hole"),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#, 6, "overlap"),
    (#"{"x":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, 0, "more bytes than can be addressed"),
    (#"{"x":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}"#, 0, "more bytes than can be addressed"),
    (#"{"x":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}"#, 0, "not negative"),
    (#"{"x":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,0]}}"#, 0, "whole number"),
    (#"{"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#, 1, "'F8_E4M3' is not supported"),
    (#"{"x":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}"#, 1, "neither 0 nor 1"),
    (#"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#, 0, "'x' occurs twice"),
    (#"{"x":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#, 0, "'dtype' twice"),
    (#"{"__metadata__":{"a":"b","a":"c"}}"#, 0, "'a' occurs twice"),
    (#"{"__metadata__":{"a":1}}"#, 0, "expected '\"'"),
    (#"{"x":{"dtype":"U8","shape":[0]}}"#, 0, "data_offsets"),
    (#"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"z":1}}"#, 0, "unexpectedly"),
    (#" {}"#, 0, "begin with '{'"),
    (#"{} x"#, 0, "after the header"),
    (#"{"x"#, 0, "does not end"),
    (#"{"\uD800":{}}"#, 0, "surrogate"),
  ])
  func aFaultyFileIsRefusedWithItsReason(header: String, dataCount: Int, reason: String) {
    // Data of ones would be a valid BOOL; 2 is not.
    let error = #expect(throws: SafetensorsError.self) { try Safetensors.decode(file(header, [UInt8](repeating: 2, count: dataCount))) }
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [0, 7, 8, 20]) func aTruncatedFileIsRefused(count: Int) throws {
    let bytes = try Safetensors.encode(mixed)
    #expect(throws: SafetensorsError.self) { try Safetensors.decode(Array(bytes.prefix(count))) }
  }

  @Test func theReservedNameIsRefused() {
    #expect(throws: SafetensorsError.self) { try Safetensors.encode(["__metadata__": Tensor([1], shape: [])]) }
  }

  @Test func aMissingFileIsNamed() {
    let error = #expect(throws: SafetensorsError.self) { try Safetensors.read(contentsOf: "/nowhere/x.safetensors") }
    #expect(error?.description.contains("/nowhere/x.safetensors") == true)
  }

  @Test func mutatedFilesNeverCrashTheReader() throws {
    let bytes = try Safetensors.encode(mixed, metadata: ["a": "b"])
    var random = SeededGenerator(seed: 7)
    var refused = 0
    for _ in 0..<5000 {
      do { _ = try Safetensors.decode(bytes.mutated(using: &random)) } catch { refused += 1 }
    }
    #expect(refused > 1000)
  }
}
