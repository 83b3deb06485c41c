import Foundation
import QATTensor
import Testing

@Suite struct AlignedBufferTests {
  @Test(arguments: [0, 1, 3, 16, 17, 1000, 1 << 20, (1 << 22) + 3])
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

  #if os(Linux)
    private func residentBytes() throws -> Int {
      let words = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
      return try #require(Int(words[1])) * sysconf(Int32(_SC_PAGESIZE))
    }

    @Test func largeOnesTakeMemoryWhereTheyAreUsedAndGiveItBack() throws {
      let before = try residentBytes()
      do {
        let buffer = AlignedBuffer<UInt8>(count: 1 << 30)
        #expect(try residentBytes() - before < 1 << 29)
        buffer.elements[..<(1 << 29)].update(repeating: 1)
        #expect(try residentBytes() - before >= 1 << 28)
        #expect(buffer[(1 << 30) - 1] == 0)
      }
      #expect(try residentBytes() - before < 1 << 28)
    }
  #endif

  @Test func anIndexOrCountOutOfRangeStopsTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = AlignedBuffer<Float>(count: 3)[3] }
    await #expect(processExitsWith: .failure) { _ = AlignedBuffer<Float>(count: -1) }
  }
}
