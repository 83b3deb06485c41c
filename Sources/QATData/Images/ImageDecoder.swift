import CPNG
import CTurboJPEG

/// Decodes JPEG and PNG files, which it tells apart by their first bytes.
///
/// Colours come out as red, green, blue in [0, 1], whatever they are stored as; grey is 0.299 R + 0.587 G + 0.114 B rounded to a byte, as Pillow has it. Transparency is
/// dropped, a rotation that a camera has noted is not heeded.
enum ImageDecoder {
  /// More pixels than this are taken for a fault.
  private static let largestArea = 1 << 27

  /// Decodes a file that is in memory into an image input of a sample.
  /// - Parameters:
  ///   - file: the file's bytes.
  ///   - name: the file, for messages.
  ///   - channels: 1 for grey, 3 for colours.
  ///   - sample: where it goes.
  ///   - input: number of the input.
  /// - Throws: `DataError` (corrupt) when it is no image that can be decoded whole.
  static func decode(_ file: UnsafeBufferPointer<UInt8>, name: String, channels: Int, into sample: Sample, input: Int = 0) throws(DataError) {
    if file.starts(with: [0xff, 0xd8, 0xff]) {
      try decodeJPEG(file, name, channels, sample, input)
    } else if file.starts(with: [0x89, 0x50, 0x4e, 0x47]) {
      try decodePNG(file, name, channels, sample, input)
    } else {
      throw DataError(.corrupt, name, "it is neither a JPEG nor a PNG file\(file.isEmpty ? ": it is empty" : "")")
    }
  }

  private static func decodeJPEG(
    _ file: UnsafeBufferPointer<UInt8>, _ name: String, _ channels: Int, _ sample: Sample, _ input: Int
  ) throws(DataError) {
    guard let decoder = tjInitDecompress() else { throw DataError(.unreadable, name, "libjpeg-turbo has no memory") }
    defer { tjDestroy(decoder) }
    func fault() -> DataError { DataError(.corrupt, name, "it is no sound JPEG file: \(String(cString: tjGetErrorStr2(decoder)))") }
    var (width, height, subsampling, space): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    guard tjDecompressHeader3(decoder, file.baseAddress, UInt(file.count), &width, &height, &subsampling, &space) == 0 else { throw fault() }
    let size = try size(Int(height), Int(width), name)
    // Printers' colours are not converted by the library.
    let isCMYK = space == Int32(TJCS_CMYK.rawValue) || space == Int32(TJCS_YCCK.rawValue)
    let (format, depth) = isCMYK ? (Int32(TJPF_CMYK.rawValue), 4) : (Int32(TJPF_RGB.rawValue), 3)
    let pixels = sample.pixelBytes(size.height * size.width * depth)
    let result = tjDecompress2(
      decoder, file.baseAddress, UInt(file.count), pixels.baseAddress, width, 0, height, format, TJFLAG_ACCURATEDCT)
    // Bytes that do not belong there are only a warning; an end that is missing leaves grey where the picture should be.
    if result != 0, tjGetErrorCode(decoder) != Int32(TJERR_WARNING.rawValue) || String(cString: tjGetErrorStr2(decoder)).contains("remature") {
      throw fault()
    }
    if isCMYK {
      for index in 0..<size.height * size.width {
        let key = Int(pixels[4 * index + 3])
        for channel in 0..<3 { pixels[3 * index + channel] = UInt8((Int(pixels[4 * index + channel]) * key + 127) / 255) }
      }
    }
    write(pixels, stride: 3, size, channels, to: sample.image(size, input: input))
  }

  private static func decodePNG(
    _ file: UnsafeBufferPointer<UInt8>, _ name: String, _ channels: Int, _ sample: Sample, _ input: Int
  ) throws(DataError) {
    var image = png_image()
    func fault() -> DataError { DataError(.corrupt, name, "it is no sound PNG file: \(String(cString: qat_png_message(&image)))") }
    guard qat_png_begin(&image, file.baseAddress, file.count) != 0 else { throw fault() }
    let size: ImageSize
    do { size = try Self.size(Int(image.height), Int(image.width), name) } catch {
      png_image_free(&image)
      throw error
    }
    let pixels = sample.pixelBytes(size.height * size.width * 4)
    guard qat_png_finish(&image, pixels.baseAddress) != 0 else { throw fault() }
    write(pixels, stride: 4, size, channels, to: sample.image(size, input: input))
  }

  private static func size(_ height: Int, _ width: Int, _ name: String) throws(DataError) -> ImageSize {
    guard height > 0, width > 0, height <= Preprocessing.largestSide, width <= Preprocessing.largestSide, height * width <= largestArea else {
      throw DataError(.corrupt, name, "its size of \(height) × \(width) pixels is not one that can be read, of at most \(largestArea) pixels")
    }
    return ImageSize(height: height, width: width)
  }

  /// From bytes, pixel by pixel, to numbers, channel by channel.
  private static func write(
    _ pixels: UnsafeMutableBufferPointer<UInt8>, stride: Int, _ size: ImageSize, _ channels: Int,
    to destination: UnsafeMutableBufferPointer<Float>
  ) {
    let count = size.height * size.width
    guard let from = pixels.baseAddress, let to = destination.baseAddress else { return }
    if channels == 1 {
      for index in 0..<count {
        let pixel = from + index * stride
        let grey = (Int32(pixel[0]) * 19595 + Int32(pixel[1]) * 38470 + Int32(pixel[2]) * 7471 + 0x8000) >> 16
        to[index] = Float(grey) / 255
      }
    } else {
      for channel in 0..<channels {
        for index in 0..<count { to[channel * count + index] = Float(from[index * stride + channel]) / 255 }
      }
    }
  }
}
