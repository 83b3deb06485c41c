import Foundation
import QATData

/// Samples that tell their number: every pixel of sample i is i, its label i mod 10. May fail at a sample, counts what is read.
final class NumberedDataset: ImageDataset, @unchecked Sendable {
  let name = "numbered"
  let count: Int
  let sampleShape: [Int]
  let classCount = 10
  let contentHash: UInt64 = 1
  private let faulty: Set<Int>
  // The one thing that changes, touched with the lock held.
  private let lock = NSLock()
  private var reads = 0

  init(count: Int, sampleShape: [Int] = [1, 2, 2], faulty: Set<Int> = []) {
    self.count = count
    self.sampleShape = sampleShape
    self.faulty = faulty
  }

  var readCount: Int { lock.withLock { reads } }

  func label(at index: Int) -> Int32 { Int32(index % 10) }

  func readSample(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws {
    lock.withLock { reads += 1 }
    if faulty.contains(index) { throw DataError(.corrupt, name, "sample \(index) is broken") }
    pixels.update(repeating: Float(index))
  }
}

extension LoadedBatch {
  /// The numbers of the samples of a `NumberedDataset`.
  var numbers: [Int] {
    let size = pixels.count / max(count, 1)
    return (0..<count).map { Int(pixels[$0 * size]) }
  }
}
