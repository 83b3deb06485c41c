import COneDNN
import QATTensor

/// How a tensor lies in memory: row-major, with channels in blocks, or as oneDNN chose. Of float32, unless said otherwise.
struct Layout: Equatable {
  var descriptor: qat_layout
  /// The tensor's logical shape.
  let shape: [Int]

  init(_ descriptor: qat_layout, shape: [Int]) {
    self.descriptor = descriptor
    self.shape = shape
  }

  /// Row-major. A scalar becomes one element.
  static func plain(_ shape: [Int], of type: dnnl_data_type_t = dnnl_f32) throws(EngineError) -> Layout {
    let dims = shape.isEmpty ? [1] : shape
    var descriptor = qat_layout()
    let status = qat_dnnl_plain(&descriptor, type, Int32(dims.count), dims.map(Int64.init), dims.rowMajorStrides.map(Int64.init))
    try check(status, "a layout of \(shape)")
    return Layout(descriptor, shape: shape)
  }

  /// Any order of the axes, without padding.
  static func strided(_ shape: [Int], strides: [Int]) throws(EngineError) -> Layout {
    var descriptor = qat_layout()
    try check(qat_dnnl_plain(&descriptor, dnnl_f32, Int32(shape.count), shape.map(Int64.init), strides.map(Int64.init)), "a layout of \(shape)")
    return Layout(descriptor, shape: shape)
  }

  /// Left to the primitive.
  static func any(_ shape: [Int], of type: dnnl_data_type_t = dnnl_f32) throws(EngineError) -> Layout {
    var descriptor = qat_layout()
    try check(qat_dnnl_any(&descriptor, type, Int32(shape.count), shape.map(Int64.init)), "a layout of \(shape)")
    return Layout(descriptor, shape: shape)
  }

  /// [N, C, H, W] with channels in blocks.
  static func blocked(_ shape: [Int]) throws(EngineError) -> Layout {
    var descriptor = qat_layout()
    try check(qat_dnnl_blocked(&descriptor, shape.map(Int64.init), Int32(DNNLContext.channelBlock)), "a blocked layout of \(shape)")
    return Layout(descriptor, shape: shape)
  }

  /// Matrices one after the other, each row by row or, when transposed, column by column.
  static func matrices(_ count: Int, rows: Int, columns: Int, isTransposed: Bool = false) throws(EngineError) -> Layout {
    var descriptor = qat_layout()
    let strides = [Int64(rows * columns)] + (isTransposed ? [1, Int64(rows)] : [Int64(columns), 1])
    let status = qat_dnnl_plain(&descriptor, dnnl_f32, 3, [Int64(count), Int64(rows), Int64(columns)], strides)
    try check(status, "\(count) matrices of \(rows) × \(columns)")
    return Layout(descriptor, shape: [count, rows, columns])
  }

  /// A matrix, row by row or, when transposed, column by column.
  static func matrix(rows: Int, columns: Int, isTransposed: Bool, of type: dnnl_data_type_t = dnnl_f32) throws(EngineError) -> Layout {
    var descriptor = qat_layout()
    let strides = isTransposed ? [1, Int64(rows)] : [Int64(columns), 1]
    try check(qat_dnnl_plain(&descriptor, type, 2, [Int64(rows), Int64(columns)], strides), "a matrix of \(rows) × \(columns)")
    return Layout(descriptor, shape: [rows, columns])
  }

  /// [N, C, H, W] of integers with the channels of a position next to each other.
  static func channelsLast(_ shape: [Int], of type: dnnl_data_type_t) throws(EngineError) -> Layout {
    var descriptor = qat_layout()
    try check(qat_dnnl_channels_last(&descriptor, type, shape.map(Int64.init)), "a layout of \(shape)")
    return Layout(descriptor, shape: shape)
  }

  /// Size in memory, padding included.
  var byteCount: Int { withUnsafePointer(to: descriptor) { dnnl_memory_desc_get_size($0) } }
  /// Number of elements of a float32 tensor in memory, padding included.
  var elementCount: Int { byteCount / MemoryLayout<Float>.size }

  /// Whether this is row-major.
  var isPlain: Bool { (try? Layout.plain(shape)) == self }

  /// Channels in a block: 1 for row-major, 0 for layouts that own loops do not know.
  var channelBlock: Int {
    if isPlain { return 1 }
    let block = withUnsafePointer(to: descriptor) { qat_dnnl_channel_block($0) }
    return shape.count == 4 && block > 1 ? Int(block) : 0
  }

  /// Channels with padding.
  var paddedChannels: Int { Int(withUnsafePointer(to: descriptor) { qat_dnnl_padded_channels($0) }) }

  static func == (a: Layout, b: Layout) -> Bool {
    withUnsafePointer(to: a.descriptor) { a in withUnsafePointer(to: b.descriptor) { b in dnnl_memory_desc_equal(a, b) != 0 } }
  }
}
