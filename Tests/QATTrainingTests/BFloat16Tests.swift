import CVectorKernels
import QATTensor
import Testing

/// bfloat16 has Swift's Float without its lower 16 bits: its numbers are known, and so is the nearest of them.
@Suite("bfloat16")
struct BFloat16Tests {
  private func rounded(_ values: [Float]) -> [UInt16] {
    var result = [UInt16](repeating: 0, count: values.count)
    qat_round_to_bfloat16(values.count, values, &result)
    return result
  }

  /// Float32 and bfloat16: exact numbers, ties, neighbours of ties, a carry into the exponent, subnormal numbers, overflow, infinities.
  static let cases: [(UInt32, UInt16)] = [
    (0x0000_0000, 0x0000), (0x8000_0000, 0x8000), (0x3f80_0000, 0x3f80), (0x3f80_8000, 0x3f80), (0x3f81_8000, 0x3f82), (0x3f80_8001, 0x3f81),
    (0x3f80_7fff, 0x3f80), (0xbf81_8000, 0xbf82), (0x3fff_c000, 0x4000), (0x0000_0001, 0x0000), (0x0001_0000, 0x0001), (0x7f7f_ffff, 0x7f80),
    (0xff7f_ffff, 0xff80), (0x7f80_0000, 0x7f80), (0xff80_0000, 0xff80),
  ]

  @Test("rounds to the nearest, ties to even", arguments: cases)
  func nearest(pattern: UInt32, half: UInt16) {
    #expect(rounded([Float(bitPattern: pattern)]) == [half])
  }

  @Test("NaN stays NaN, whatever its payload", arguments: [0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0xffff_ffff, 0x7fc0_0000] as [UInt32])
  func notANumber(pattern: UInt32) throws {
    let half = try #require(rounded([Float(bitPattern: pattern)]).first)
    #expect(Float(bitPattern: UInt32(half) << 16).isNaN)
  }

  @Test("every one of its numbers comes back, over all threads and tails")
  func everyNumber() {
    let halves = (0...UInt16.max).filter { !Float(bitPattern: UInt32($0) << 16).isNaN }
    var floats = [Float](repeating: 0, count: halves.count)
    qat_widen_bfloat16(halves.count, halves, &floats)
    #expect(floats.map(\.bitPattern) == halves.map { UInt32($0) << 16 })
    #expect(rounded(floats) == halves)
  }

  @Test("a sum is rounded once, and may take the place of an operand", arguments: [0, 1, 17, 5000, 70_001], [1, 2, 5])
  func sums(count: Int, operandCount: Int) {
    let operands = (0..<operandCount).map { operand in
      let buffer = AlignedBuffer<UInt16>(count: count)
      for index in 0..<count { buffer[index] = UInt16(0x3c00 + ((index &* 2_654_435_761 &+ operand &* 40_503) >> 7 & 0x3ff)) }
      return buffer
    }
    let expected = (0..<count).map { index in
      operands.dropFirst().reduce(Float(bitPattern: UInt32(operands[0][index]) << 16)) { $0 + Float(bitPattern: UInt32($1[index]) << 16) }
    }
    let pointers = operands.map { Optional(UnsafePointer($0.pointer)) }
    withExtendedLifetime(operands) {
      guard let last = operands.last else { return }
      qat_sum_bfloat16(count, pointers, operandCount, last.pointer)
      #expect(Array(last.elements) == rounded(expected))
    }
  }
}
