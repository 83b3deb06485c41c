import QATTensor
import Testing

@Suite struct AlignedBufferTests {
  @Test(arguments: [0, 1, 3, 16, 17, 1000])
  func isZeroedAndAligned(count: Int) {
    let buffer = AlignedBuffer<Float>(count: count)
    #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
    #expect(buffer.count == count)
    #expect(buffer.elements.count == count)
    #expect(buffer.elements.allSatisfy { $0 == 0 })
  }

  @Test func holdsWhatIsWritten() {
    let buffer = AlignedBuffer<Int64>(count: 5)
    for index in 0..<5 { buffer[index] = Int64(index) * 1_000_000_000_000 }
    #expect(Array(buffer.elements) == [0, 1_000_000_000_000, 2_000_000_000_000, 3_000_000_000_000, 4_000_000_000_000])
    buffer.elements[2] = -1
    #expect(buffer[2] == -1)
    #expect(buffer.pointer[2] == -1)
  }

  @Test func anIndexOrCountOutOfRangeStopsTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = AlignedBuffer<Float>(count: 3)[3] }
    await #expect(processExitsWith: .failure) { _ = AlignedBuffer<Float>(count: -1) }
  }
}
