import QATTensor

/// Memory for one sample as a data set gives it, before preprocessing. Used again for sample after sample by one thread; what it lends lives as long as it does.
public final class Sample {
  /// Where the indices of classes go; empty where the target is something else.
  public var classes: UnsafeMutableBufferPointer<Int32> { classBuffer.elements }
  /// Where the target's numbers go; empty where it is something else.
  public var numbers: UnsafeMutableBufferPointer<Float> { numberBuffer.elements }
  private let inputs: [SampleInput]
  private var buffers: [AlignedBuffer<Float>]
  private var sizes: [ImageSize]
  private var counts: [Int]
  private let classBuffer: AlignedBuffer<Int32>
  private let numberBuffer: AlignedBuffer<Float>
  private var fileBuffer = AlignedBuffer<UInt8>(count: 0)
  private var scratchBuffer = AlignedBuffer<Float>(count: 0)
  private var pixelBuffer = AlignedBuffer<UInt8>(count: 0)

  /// Room for a sample of a data set.
  public init(for dataset: any Dataset) {
    inputs = dataset.inputs
    counts = inputs.map { input in
      switch input.content {
      case .image(let channels, let size): size.map { channels * $0.height * $0.width } ?? 0
      case .tensor(let shape): shape.elementCount
      }
    }
    buffers = counts.map { AlignedBuffer(count: $0) }
    sizes = inputs.map { input in
      if case .image(_, let size?) = input.content { size } else { ImageSize(height: 0, width: 0) }
    }
    let elements = dataset.target.elementCount
    if case .classes = dataset.target {
      (classBuffer, numberBuffer) = (AlignedBuffer(count: elements), AlignedBuffer(count: 0))
    } else {
      (classBuffer, numberBuffer) = (AlignedBuffer(count: 0), AlignedBuffer(count: elements))
    }
  }

  /// Where the values of input number `index` go, as many as its shape has: for an image pixels in [0, 1], row-major [channels, height, width].
  /// - Precondition: it is a tensor, or an image whose size is known.
  public func input(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: buffers[index].pointer, count: counts[index])
  }

  /// Where the pixels of an image of any size go, in [0, 1], row-major [channels, height, width].
  /// - Parameters:
  ///   - size: the image's size, which it has until the next is said.
  ///   - index: number of the input.
  /// - Returns: the memory, until the next image.
  public func image(_ size: ImageSize, input index: Int = 0) -> UnsafeMutableBufferPointer<Float> {
    guard case .image(let channels, let fixed) = inputs[index].content else { preconditionFailure("input number \(index) is no image") }
    precondition(fixed == nil || fixed == size, "an image of another size than it was said to have")
    sizes[index] = size
    counts[index] = channels * size.height * size.width
    if buffers[index].count < counts[index] { buffers[index] = AlignedBuffer(count: counts[index]) }
    return input(index)
  }

  /// Size of the image in input number `index`.
  func size(ofInput index: Int) -> ImageSize { sizes[index] }

  /// Memory for the bytes of a file. Grows and stays.
  func fileBytes(_ count: Int) -> UnsafeMutableBufferPointer<UInt8> { Self.room(count, in: &fileBuffer) }

  /// Memory for pixels as a decoder gives them. Grows and stays.
  func pixelBytes(_ count: Int) -> UnsafeMutableBufferPointer<UInt8> { Self.room(count, in: &pixelBuffer) }

  /// Memory for numbers on their way. Grows and stays.
  func scratch(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
    if scratchBuffer.count < count { scratchBuffer = AlignedBuffer(count: count) }
    return UnsafeMutableBufferPointer(start: scratchBuffer.pointer, count: count)
  }

  private static func room(_ count: Int, in buffer: inout AlignedBuffer<UInt8>) -> UnsafeMutableBufferPointer<UInt8> {
    if buffer.count < count { buffer = AlignedBuffer(count: count + count / 4) }
    return UnsafeMutableBufferPointer(start: buffer.pointer, count: count)
  }
}
