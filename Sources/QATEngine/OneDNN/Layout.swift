import COneDNN
import QATTensor

/// How a tensor lies in memory: row-major, with channels in blocks, or as oneDNN chose. Of float32, unless said otherwise.
struct Layout: Equatable {
  let descriptor: LayoutDescriptor
  /// The tensor's logical shape.
  let shape: [Int]

  private init(_ shape: [Int], _ words: @autoclosure () -> String, _ make: (UnsafeMutablePointer<qat_layout?>) -> dnnl_status_t) throws(EngineError) {
    descriptor = try LayoutDescriptor(words(), make)
    self.shape = shape
  }

  /// A layout that oneDNN has chosen.
  init(_ chosen: qat_const_layout, shape: [Int]) throws(EngineError) { try self.init(shape, "a layout of \(shape)") { qat_dnnl_copy($0, chosen) } }

  /// Row-major. A scalar becomes one element.
  static func plain(_ shape: [Int], of type: dnnl_data_type_t = dnnl_f32) throws(EngineError) -> Layout {
    let dims = shape.isEmpty ? [1] : shape
    return try strided(dims, strides: dims.rowMajorStrides, of: type, shape: shape)
  }

  /// Any order of the axes, without padding.
  static func strided(_ dims: [Int], strides: [Int], of type: dnnl_data_type_t = dnnl_f32, shape: [Int]? = nil) throws(EngineError) -> Layout {
    try Layout(shape ?? dims, "a layout of \(dims)") { qat_dnnl_strided($0, type, Int32(dims.count), dims.map(Int64.init), strides.map(Int64.init)) }
  }

  /// Left to the primitive.
  static func any(_ shape: [Int], of type: dnnl_data_type_t = dnnl_f32) throws(EngineError) -> Layout {
    try Layout(shape, "a layout of \(shape)") { qat_dnnl_any($0, type, Int32(shape.count), shape.map(Int64.init)) }
  }

  /// [N, C, H, W] with channels in blocks.
  static func blocked(_ shape: [Int]) throws(EngineError) -> Layout {
    try Layout(shape, "a blocked layout of \(shape)") { qat_dnnl_blocked($0, shape.map(Int64.init), Int32(DNNLContext.channelBlock)) }
  }

  /// Matrices one after the other, each row by row or, when transposed, column by column.
  static func matrices(_ count: Int, rows: Int, columns: Int, isTransposed: Bool = false) throws(EngineError) -> Layout {
    try strided([count, rows, columns], strides: [rows * columns] + (isTransposed ? [1, rows] : [columns, 1]))
  }

  /// A matrix, row by row or, when transposed, column by column.
  static func matrix(rows: Int, columns: Int, isTransposed: Bool, of type: dnnl_data_type_t = dnnl_f32) throws(EngineError) -> Layout {
    try strided([rows, columns], strides: isTransposed ? [1, rows] : [columns, 1], of: type)
  }

  /// [N, C, H, W] of integers with the channels of a position next to each other.
  static func channelsLast(_ shape: [Int], of type: dnnl_data_type_t) throws(EngineError) -> Layout {
    try Layout(shape, "a layout of \(shape)") { qat_dnnl_channels_last($0, type, shape.map(Int64.init)) }
  }

  /// Size in memory, padding included.
  var byteCount: Int { descriptor.use { dnnl_memory_desc_get_size($0) } }
  /// Number of elements of a float32 tensor in memory, padding included.
  var elementCount: Int { byteCount / MemoryLayout<Float>.size }

  /// Whether this is row-major.
  var isPlain: Bool { (try? Layout.plain(shape)) == self }

  /// Channels in a block: 1 for row-major, 0 for layouts that own loops do not know.
  var channelBlock: Int {
    if isPlain { return 1 }
    let block = descriptor.use { qat_dnnl_channel_block($0) }
    return shape.count == 4 && block > 1 ? Int(block) : 0
  }

  /// Channels with padding.
  var paddedChannels: Int { Int(descriptor.use { qat_dnnl_padded_channels($0) }) }

  static func == (a: Layout, b: Layout) -> Bool {
    a.descriptor.use { a in b.descriptor.use { b in dnnl_memory_desc_equal(a, b) != 0 } }
  }
}
