import Foundation

/// An array in NumPy's file format, versions 1 to 3: little-endian numbers or truth values in C order. What it holds may be mapped from its file.
///
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Objects, which would be pickled Python, and text are refused.
struct NumPyArray: Sendable {
  /// What an element is.
  enum ElementType: String, Sendable, CaseIterable {
    case bool = "b1"
    case uint8 = "u1"
    case int8 = "i1"
    case uint16 = "u2"
    case int16 = "i2"
    case uint32 = "u4"
    case int32 = "i4"
    case uint64 = "u8"
    case int64 = "i8"
    case float16 = "f2"
    case float32 = "f4"
    case float64 = "f8"

    var byteCount: Int { rawValue.last?.wholeNumberValue ?? 1 }

    /// Whether elements are fractions.
    var isFloatingPoint: Bool { rawValue.hasPrefix("f") }
  }

  /// The file, and the array in it.
  let name: String
  let elementType: ElementType
  let shape: [Int]
  private let bytes: Data
  private let start: Int

  /// The array that a file's bytes hold.
  /// - Throws: `DataError` saying what is wrong with it.
  init(_ bytes: Data, name: String) throws(DataError) {
    // Indices of a mapped file start at 0, those of a slice need not.
    let bytes = bytes.startIndex == 0 ? bytes : Data(bytes)
    func fault(_ what: String) -> DataError { DataError(.corrupt, name, "\(what): expected a file that numpy.save has written") }
    guard bytes.count >= 10, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else { throw fault("it is no NumPy array") }
    let version = bytes[6]
    guard (1...3).contains(version) else { throw fault("its version is \(version), not 1 to 3") }
    let lengthBytes = version == 1 ? 2 : 4
    guard bytes.count >= 8 + lengthBytes else { throw fault("its header is cut off") }
    let headerLength = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    start = 8 + lengthBytes + headerLength
    guard headerLength <= 1 << 20, bytes.count >= start else { throw fault("its header is cut off") }
    let header = NumPyHeader(String(decoding: bytes[(8 + lengthBytes)..<start], as: UTF8.self))
    guard let descr = header.descr, let shape = header.shape, let isFortran = header.isFortran else { throw fault("its header cannot be understood") }
    guard !isFortran else {
      throw DataError(.unfit, name, "its elements are in Fortran's order: save numpy.ascontiguousarray(…) of it")
    }
    let word = descr.trimmingPrefix { "<|=".contains($0) }
    guard let type = ElementType(rawValue: String(word)) else {
      let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
      throw DataError(
        .unfit, name, "its elements are '\(descr)': can be read are \(known), little-endian. Convert it with .astype(…) before it is saved")
    }
    var count = 1
    for size in shape {
      let (product, overflows) = count.multipliedReportingOverflow(by: size)
      guard !overflows, product <= 1 << 48 else { throw fault("its shape \(shape) is too large") }
      count = product
    }
    guard bytes.count == start + count * type.byteCount else {
      throw fault("it has \(bytes.count - start) bytes of elements, \(count * type.byteCount) were expected for \(shape) of \(type.rawValue)")
    }
    self.name = name
    self.shape = shape
    self.bytes = bytes
    elementType = type
  }

  /// Maps the array of a file.
  /// - Throws: `DataError` with the system's reason, or what is wrong with the file.
  init(file: String) throws(DataError) {
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: file), options: .alwaysMapped) } catch {
      throw DataError(.unreadable, file, "it cannot be read: \(error.localizedDescription)")
    }
    try self.init(data, name: file)
  }

  /// Elements of one row.
  var rowCount: Int { shape.dropFirst().reduce(1, *) }

  /// Calls `body` with the bytes of `count` elements from number `first` on.
  private func withElements<Result>(_ first: Int, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let size = elementType.byteCount
    return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[(start + first * size)..<(start + (first + count) * size)])) }
  }

  /// Writes row `index`, all elements as numbers.
  func read(row index: Int, into destination: UnsafeMutableBufferPointer<Float>) {
    let count = destination.count
    withElements(index * rowCount, count) { bytes in
      func convert<Element: BitwiseCopyable>(_ type: Element.Type, _ number: (Element) -> Float) {
        for place in 0..<count {
          destination[place] = number(bytes.loadUnaligned(fromByteOffset: place * MemoryLayout<Element>.stride, as: Element.self))
        }
      }
      switch elementType {
      case .bool: convert(UInt8.self) { $0 == 0 ? 0 : 1 }
      case .uint8: convert(UInt8.self) { Float($0) }
      case .int8: convert(Int8.self) { Float($0) }
      case .uint16: convert(UInt16.self) { Float($0) }
      case .int16: convert(Int16.self) { Float($0) }
      case .uint32: convert(UInt32.self) { Float($0) }
      case .int32: convert(Int32.self) { Float($0) }
      case .uint64: convert(UInt64.self) { Float($0) }
      case .int64: convert(Int64.self) { Float($0) }
      case .float16: convert(UInt16.self, Self.float)
      case .float32: convert(Float.self) { $0 }
      case .float64: convert(Double.self) { Float($0) }
      }
    }
  }

  /// Writes row `index` of whole numbers as indices of classes; what is beyond 32 bits becomes −2³¹ or 2³¹ − 1, which no class is.
  func read(row index: Int, into destination: UnsafeMutableBufferPointer<Int32>) {
    let count = destination.count
    withElements(index * rowCount, count) { bytes in
      func convert<Element: FixedWidthInteger & BitwiseCopyable>(_ type: Element.Type) {
        for place in 0..<count {
          destination[place] = Int32(clamping: bytes.loadUnaligned(fromByteOffset: place * MemoryLayout<Element>.stride, as: Element.self))
        }
      }
      switch elementType {
      case .bool, .uint8: convert(UInt8.self)
      case .int8: convert(Int8.self)
      case .uint16: convert(UInt16.self)
      case .int16: convert(Int16.self)
      case .uint32: convert(UInt32.self)
      case .int32: convert(Int32.self)
      case .uint64: convert(UInt64.self)
      case .int64: convert(Int64.self)
      case .float16, .float32, .float64: preconditionFailure("fractions are no classes")
      }
    }
  }

  /// A half-precision number.
  private static func float(_ bits: UInt16) -> Float {
    let (sign, exponent, fraction) = (UInt32(bits >> 15), Int(bits >> 10 & 31), UInt32(bits & 1023))
    let magnitude: Float =
      switch exponent {
      case 0: Float(fraction) * 0x1p-24
      case 31: Float(bitPattern: 255 << 23 | fraction << 13)
      default: Float(bitPattern: UInt32(exponent + 112) << 23 | fraction << 13)
      }
    return sign == 1 ? -magnitude : magnitude
  }

  /// Feeds a fingerprint: the shape, and all bytes of arrays up to 64 MiB, of larger ones 1024 blocks of 4 KiB spread evenly.
  func feed(_ hash: inout ContentHash) {
    hash.feed(elementType.rawValue)
    for size in shape { hash.feed(size) }
    let count = bytes.count - start
    let block = 4096
    bytes.withUnsafeBytes { all in
      let elements = UnsafeRawBufferPointer(rebasing: all[start...])
      if count <= 1 << 26 {
        hash.feed(elements)
      } else {
        for index in 0..<1024 {
          let place = index * (count - block) / 1023
          hash.feed(UnsafeRawBufferPointer(rebasing: elements[place..<place + block]))
        }
      }
    }
  }
}

/// What the header of a NumPy file says: a Python dictionary with three keys.
private struct NumPyHeader {
  var descr: String?
  var shape: [Int]?
  var isFortran: Bool?

  init(_ text: String) {
    func value(_ key: String) -> Substring? {
      guard let found = text.range(of: "'\(key)':") else { return nil }
      return text[found.upperBound...].drop { $0 == " " }
    }
    descr = value("descr").flatMap { rest in
      guard rest.first == "'" else { return nil }
      return rest.dropFirst().split(separator: "'", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
    }
    isFortran = value("fortran_order").flatMap { $0.hasPrefix("True") ? true : $0.hasPrefix("False") ? false : nil }
    shape = value("shape").flatMap { rest in
      guard rest.first == "(", let end = rest.firstIndex(of: ")") else { return nil }
      let words = rest[..<end].dropFirst().split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
      let sizes = words.compactMap { Int($0) }
      return sizes.count == words.count && sizes.count <= 8 && sizes.allSatisfy { $0 >= 0 } ? sizes : nil
    }
  }
}
