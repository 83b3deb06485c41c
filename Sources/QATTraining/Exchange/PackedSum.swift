import QATCommunication
import QATTensor

/// A sum over ranks of scattered pieces of a buffer, which travel as one message.
final class PackedSum: PreparedCollective {
  private let values: UnsafeMutableBufferPointer<Float>
  private let pieces: [Range<Int>]
  private let packed: AlignedBuffer<Float>
  private let sum: any PreparedCollective
  private var isStarted = false

  /// Prepares the sum. All ranks do so in the same order.
  /// - Throws: the communicator's error.
  init(_ values: UnsafeMutableBufferPointer<Float>, pieces: [Range<Int>], _ communicator: any Communicator) throws {
    self.values = values
    self.pieces = pieces
    packed = AlignedBuffer(count: pieces.reduce(0) { $0 + $1.count })
    sum = try communicator.preparedSum(of: packed.elements)
  }

  func start() throws {
    isStarted = true
    forEachPiece { packed, piece, count in packed.update(from: piece, count: count) }
    try sum.start()
  }

  func poll() throws -> Bool {
    guard isStarted else { return true }
    guard try sum.poll() else { return false }
    finish()
    return true
  }

  func wait() throws {
    guard isStarted else { return }
    try sum.wait()
    finish()
  }

  private func finish() {
    forEachPiece { packed, piece, count in piece.update(from: packed, count: count) }
    isStarted = false
  }

  private func forEachPiece(_ body: (_ packed: UnsafeMutablePointer<Float>, _ piece: UnsafeMutablePointer<Float>, _ count: Int) -> Void) {
    guard let base = values.baseAddress else { return }
    var place = packed.pointer
    for piece in pieces {
      body(place, base + piece.lowerBound, piece.count)
      place += piece.count
    }
  }
}
