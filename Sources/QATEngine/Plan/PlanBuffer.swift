/// A piece of memory of a plan: in the arena, whose offset follows from when it is used, or outside of it.
final class PlanBuffer {
  /// Size in bytes.
  let byteCount: Int
  /// Where it lies.
  /// - Precondition: the arena has been laid out, or the buffer lies outside of it.
  var pointer: UnsafeMutableRawPointer {
    guard let place else { preconditionFailure("a buffer of the arena was used before it had its place") }
    return place
  }
  private var place: UnsafeMutableRawPointer?
  /// Whether the arena gives this buffer its place.
  let isInArena: Bool
  /// Keeps the owner of memory outside the arena alive.
  private let owner: AnyObject?

  /// A buffer in the arena.
  init(byteCount: Int) {
    self.byteCount = max(byteCount, 4)
    isInArena = true
    owner = nil
  }

  /// A buffer over memory that `owner` keeps.
  init(_ floats: UnsafeMutableBufferPointer<Float>, owner: AnyObject) {
    byteCount = floats.count * MemoryLayout<Float>.size
    isInArena = false
    self.owner = owner
    place = floats.baseAddress.map { UnsafeMutableRawPointer($0) }
  }

  /// Size of its place in the arena: whole cache lines.
  var arenaByteCount: Int { (byteCount + 63) & ~63 }

  /// The contents as floats.
  var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }

  /// The contents as bytes.
  var bytes: UnsafeMutablePointer<UInt8> { pointer.assumingMemoryBound(to: UInt8.self) }

  /// The contents as 32-bit integers.
  var integers: UnsafeMutablePointer<Int32> { pointer.assumingMemoryBound(to: Int32.self) }

  /// The contents as doubles.
  var doubles: UnsafeMutablePointer<Double> { pointer.assumingMemoryBound(to: Double.self) }

  /// Gives the buffer its place in the arena.
  func place(at pointer: UnsafeMutableRawPointer) { place = pointer }
}
