import Foundation
import Testing

@testable import QATTensorBoard

@Suite("Event files") struct TensorBoardTests {
  /// Values of TFRecord's format: the masked CRC-32C of eight bytes that are zero is 07980329, that of "123456789" is c78ab0e5.
  @Test func recordsAreFramedWithMaskedChecksums() {
    let empty = [UInt8](framed(Data()))
    #expect(empty.count == 16)
    #expect(Array(empty[8..<12]) == [0x29, 0x03, 0x98, 0x07])
    let digits = [UInt8](framed(Data("123456789".utf8)))
    #expect(digits.first == 9 && digits.count == 25)
    #expect(Array(digits.suffix(4)) == [0xe5, 0xb0, 0x8a, 0xc7])
  }

  @Test(arguments: [[1.0, 1, 1], [-3, 5, 0, 0.5], [0, 1e-30], [-Float.greatestFiniteMagnitude, Float.greatestFiniteMagnitude]] as [[Float]])
  func everyValueIsInAnInterval(values: [Float]) throws {
    let histogram = try #require(Histogram(values))
    #expect(histogram.counts.reduce(0, +) == values.count)
    #expect(histogram.minimum == values.min().map(Double.init) && histogram.limits.last == values.max().map(Double.init))
    #expect(histogram.sum == values.reduce(0) { $0 + Double($1) })
    #expect(zip(histogram.limits, histogram.limits.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test func valuesThatAreNotFiniteAreLeftOut() {
    #expect(Histogram([.nan, .infinity]) == nil)
    #expect(Histogram([]) == nil)
    #expect(Histogram([.nan, 2, -.infinity])?.counts == [1])
  }

  @Test func aFolderThatCannotBeMadeIsAnError() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("qat-events-\(UUID().uuidString)")
    try Data().write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(throws: (any Error).self) { try EventFile(in: file.appendingPathComponent("events").path) }
  }
}
