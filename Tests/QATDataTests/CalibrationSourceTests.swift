import QATData
import QATEngine
import Testing

@Suite("Calibration samples")
struct CalibrationSourceTests {
  private func numbers(_ source: CalibrationSource, _ range: Range<Int>) throws -> [Int] {
    var pixels = [Float](repeating: .nan, count: 4 * range.count)
    try pixels.withUnsafeMutableBufferPointer { try source.read(range, input: "image", into: $0) }
    return range.indices.map { Int(pixels[4 * ($0 - range.lowerBound)]) }
  }

  @Test("the choice has no sample twice, depends on the seed alone, and its beginning on nothing else")
  func choice() throws {
    func chosen(_ count: Int, seed: UInt64) throws -> [Int] {
      let source = try CalibrationSource(dataset: NumberedDataset(count: 60), preprocessing: Preprocessing(), count: count, seed: seed)
      #expect(source.sampleCount == min(count, 60))
      return try numbers(source, 0..<source.sampleCount)
    }
    let twenty = try chosen(20, seed: 5)
    #expect(Set(twenty).count == 20 && twenty.allSatisfy { (0..<60).contains($0) })
    #expect(try chosen(20, seed: 5) == twenty)
    #expect(try Array(chosen(40, seed: 5)[..<20]) == twenty)
    #expect(try chosen(20, seed: 6) != twenty)
    #expect(try chosen(1000, seed: 5).sorted() == Array(0..<60))
    let order = SampleOrder(count: 60, seed: 5, epoch: 0)
    #expect((0..<20).map { order[$0] } != twenty)
  }

  @Test("parts of the choice are what the whole says", arguments: [0..<0, 0..<3, 2..<9, 9..<10])
  func parts(range: Range<Int>) throws {
    let source = try CalibrationSource(
      dataset: NumberedDataset(count: 60), preprocessing: Preprocessing(flip: true, cropPadding: 1), count: 10, seed: 5)
    #expect(try numbers(source, range) == Array(numbers(source, 0..<10)[range]))
  }

  @Test("an input of another size is named")
  func refused() throws {
    let source = try CalibrationSource(dataset: NumberedDataset(count: 60), preprocessing: Preprocessing(), count: 10, seed: 5)
    var pixels = [Float](repeating: 0, count: 9)
    let error = try #require(throws: DataError.self) {
      try pixels.withUnsafeMutableBufferPointer { try source.read(0..<2, input: "image", into: $0) }
    }
    #expect(error.description.contains("the input 'image' takes 9 values for 2 samples, but a sample of shape [1, 2, 2] has 4 pixels"))
  }
}
