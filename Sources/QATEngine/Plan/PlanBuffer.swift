/// A piece of memory of a plan: in the arena, whose offset follows from when it is used, or outside of it.
final class PlanBuffer {
  /// Size in bytes.
  let byteCount: Int
  /// Where it lies; meaningful once the arena has been laid out.
  private(set) var pointer: UnsafeMutableRawPointer
  /// Whether the arena gives this buffer its place.
  let isInArena: Bool
  /// Keeps the owner of memory outside the arena alive.
  private let owner: AnyObject?
  /// Steps, counted from the first of the forward pass, between which the contents matter.
  private(set) var lifetime: ClosedRange<Int>?

  /// A buffer in the arena.
  init(byteCount: Int) {
    self.byteCount = max(byteCount, 4)
    isInArena = true
    owner = nil
    // A placeholder that is never read: every buffer of the arena is placed before the first step runs.
    pointer = UnsafeMutableRawPointer(bitPattern: 64) ?? UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
  }

  /// A buffer over memory that `owner` keeps.
  init(_ floats: UnsafeMutableBufferPointer<Float>, owner: AnyObject) {
    precondition(floats.baseAddress != nil, "memory outside the arena exists")
    byteCount = floats.count * MemoryLayout<Float>.size
    isInArena = false
    self.owner = owner
    pointer = UnsafeMutableRawPointer(floats.baseAddress ?? UnsafeMutablePointer(bitPattern: 64) ?? .allocate(capacity: 1))
  }

  /// The contents as floats.
  var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }

  func place(at pointer: UnsafeMutableRawPointer) { self.pointer = pointer }

  func use(at step: Int) {
    lifetime = lifetime.map { min($0.lowerBound, step)...max($0.upperBound, step) } ?? step...step
  }
}
