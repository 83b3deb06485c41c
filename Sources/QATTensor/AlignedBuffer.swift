/// Memory for `count` elements, aligned to 64 bytes (one cache line, one AVX-512 vector), zeroed, owned once and freed with its owner.
///
/// The buffer lends its memory; it does not guard it. Whoever shares one across threads orders the accesses: the training loop touches its buffers
/// from one thread, loaders hand theirs over through a queue. That is the invariant behind `@unchecked Sendable`.
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  /// The elements. Valid as long as the buffer lives.
  public let pointer: UnsafeMutablePointer<Element>
  /// Number of elements.
  public let count: Int

  /// Allocates and zeroes memory for `count` elements; at least one cache line, so that the pointer is never null.
  /// - Precondition: `count` is not negative.
  public init(count: Int) {
    precondition(count >= 0, "a buffer cannot have \(count) elements")
    self.count = count
    let byteCount = Swift.max(64, (count * MemoryLayout<Element>.stride + 63) & ~63)
    let raw = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    pointer = raw.bindMemory(to: Element.self, capacity: Swift.max(count, 1))
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  /// All elements.
  public var elements: UnsafeMutableBufferPointer<Element> { UnsafeMutableBufferPointer(start: pointer, count: count) }

  /// The element at `index`.
  public subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count)
      return pointer[index]
    }
    set {
      precondition(index >= 0 && index < count)
      pointer[index] = newValue
    }
  }
}
