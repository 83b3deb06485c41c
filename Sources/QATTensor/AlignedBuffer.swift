#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Memory for `count` elements, aligned to 64 bytes (one cache line, one AVX-512 vector), zeroed, owned once and freed with its owner.
///
/// Large buffers take memory from the system only where they are used, in pages of the largest size that it has for them.
///
/// The buffer lends its memory; it does not guard it. Whoever shares one across threads orders the accesses: the training loop touches its buffers
/// from one thread, loaders hand theirs over through a queue. That is the invariant behind `@unchecked Sendable`.
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  /// The elements. Valid as long as the buffer lives.
  public let pointer: UnsafeMutablePointer<Element>
  /// Number of elements.
  public let count: Int
  private let byteCount: Int

  /// Allocates and zeroes memory for `count` elements; at least one cache line, so that the pointer is never null.
  /// - Precondition: `count` is not negative.
  public init(count: Int) {
    precondition(count >= 0, "a buffer cannot have \(count) elements")
    self.count = count
    byteCount = Swift.max(64, (count * MemoryLayout<Element>.stride + 63) & ~63)
    let raw: UnsafeMutableRawPointer
    if byteCount >= BufferMapping.leastByteCount {
      raw = BufferMapping.make(byteCount)
    } else {
      raw = .allocate(byteCount: byteCount, alignment: 64)
      raw.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }
    pointer = raw.bindMemory(to: Element.self, capacity: Swift.max(count, 1))
  }

  deinit {
    if byteCount >= BufferMapping.leastByteCount { BufferMapping.end(pointer, byteCount) } else { UnsafeMutableRawPointer(pointer).deallocate() }
  }

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

/// Memory straight from the system: pages of zeros that exist as soon as something is written to them.
private enum BufferMapping {
  /// A buffer of so many bytes is worth pages of its own: those that the system calls huge, and maps a few hundred times as fast as common ones.
  static let leastByteCount = 4 << 20

  static func make(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let mapped, mapped != UnsafeMutableRawPointer(bitPattern: -1) else { fatalError("the system has no \(byteCount) bytes of memory left") }
    #if os(Linux)
      // A wish: without huge pages everything works as well.
      madvise(mapped, byteCount, MADV_HUGEPAGE)
    #endif
    return mapped
  }

  static func end(_ pointer: UnsafeMutableRawPointer, _ byteCount: Int) { munmap(pointer, byteCount) }
}
