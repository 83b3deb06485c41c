import Foundation
import QATData
import Testing

@Suite("IDX files")
struct IDXTests {
  /// Three images of 2 × 3 pixels.
  static let images = idx([3, 2, 3], (0..<18).map { UInt8($0 * 15) })
  static let labels = idx([3], [2, 0, 4])

  @Test("pixels come scaled to [0, 1], with their labels", arguments: ["", ".gz"])
  func knownAnswer(suffix: String) throws {
    let folder = try TemporaryFolder()
    let pack = suffix.isEmpty ? { $0 } : gzip
    let file = try folder.write(pack(Self.images), to: "t10k-images-idx3-ubyte" + suffix)
    try folder.write(pack(Self.labels), to: "t10k-labels-idx1-ubyte" + suffix)
    for path in [folder.path, file] {
      let dataset = try openDataset(path, split: .test)
      #expect(dataset.count == 3 && dataset.sampleShape == [1, 2, 3] && dataset.classCount == 5)
      #expect((0..<3).map(dataset.label(at:)) == [2, 0, 4])
      #expect(try dataset.pixels(of: 1) == [90, 105, 120, 135, 150, 165].map { Float($0) / 255 })
    }
  }

  /// Shapes, labels and sums of pixel values as numpy reads them.
  @Test(
    "Debian's Fashion-MNIST reads as it should",
    arguments: [
      (Split.train, 60_000, [9, 0, 0, 3, 0, 2, 7, 2, 5, 5], [76_247, 84_598, 16_684]),
      (Split.test, 10_000, [9, 2, 1, 1, 6, 1, 4, 6, 5, 7], [33_456, 100_994, 24_390]),
    ] as [(Split, Int, [Int32], [Int])])
  func fashionMNIST(split: Split, count: Int, labels: [Int32], sums: [Int]) throws {
    let dataset = try openDataset("/usr/share/datasets/fashion-mnist", split: split)
    #expect(dataset.count == count && dataset.sampleShape == [1, 28, 28] && dataset.classCount == 10)
    #expect((0..<10).map(dataset.label(at:)) == labels)
    for (index, sum) in zip([0, 1, count - 1], sums) {
      #expect(try dataset.pixels(of: index).reduce(0) { $0 + Int(($1 * 255).rounded()) } == sum)
    }
  }

  @Test("images without labels are read where none are wanted")
  func withoutLabels() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Self.images, to: "train-images-idx3-ubyte")
    let data = try openDataset(folder.path, split: .train, targets: .none)
    #expect(data.count == 3 && data.sampleShape == [1, 2, 3] && data.target == .none && data.classLabel(at: 2) == nil)
    #expect(try openDataset(file, split: .train, targets: .none).contentHash == data.contentHash)
    #expect { try openDataset(folder.path, split: .train) } throws: { "\($0)".contains("labels") }
  }

  @Test("the fingerprint is that of the contents: one pixel, one label or the shape changes it, packing does not")
  func contentHash() throws {
    let folder = try TemporaryFolder()
    func hash(_ images: [UInt8], _ labels: [UInt8]) throws -> UInt64 {
      try IDXDataset(images: folder.write(images, to: "images"), labels: folder.write(labels, to: "labels")).contentHash
    }
    var (pixel, label) = (Self.images, Self.labels)
    pixel[20] ^= 1
    label[9] ^= 1
    let original = try hash(Self.images, Self.labels)
    #expect(try hash(gzip(Self.images), gzip(Self.labels)) == original)
    let others = try [hash(pixel, Self.labels), hash(Self.images, label), hash(idx([3, 3, 2], Array(Self.images[16...])), Self.labels)]
    #expect(Set(others + [original]).count == 4)
  }

  /// What is wrong, the images' file, the labels' file, and what the message must say.
  static let broken: [(String, [UInt8], [UInt8], String)] = [
    ("empty file", [], labels, "ends after 0 of the 16 bytes of its header"),
    ("short header", Array(images[..<10]), labels, "ends after 10 of the 16 bytes of its header"),
    ("foreign file", Array("PNG? certainly not IDX".utf8), labels, "it begins with the bytes 50 4e 47 3f"),
    ("labels for images", idx([16, 1], [UInt8](repeating: 0, count: 16)), labels, "begins with 00 00 08 03"),
    ("floats", idx(type: 0x0d, [1, 1, 1], [0, 0, 0, 0]), labels, "it begins with the bytes 00 00 0d 03"),
    ("truncated", Array(images.dropLast()), labels, "promises 34 bytes (dimensions [3, 2, 3]), the file has 33"),
    ("appended", images + [0], labels, "promises 34 bytes (dimensions [3, 2, 3]), the file has 35"),
    ("no image", idx([0, 2, 3], []), labels, "every one must be positive"),
    ("overflow", idx([.max, .max, .max], []), labels, "more than any file of images holds"),
    ("four gigabytes promised", idx([1 << 16, 1 << 8, 1 << 8], []), labels, "the file has 16"),
    ("four gigabytes packed", gzip(idx([1 << 16, 1 << 8, 1 << 8], [])), labels, "more than 39 compressed bytes can hold"),
    ("truncated gzip", Array(gzip(images).dropLast(20)), labels, "the gzip data is truncated or damaged"),
    ("gzip without its end", Array(gzip(images).dropLast(4)), labels, "the gzip data is truncated or damaged"),
    ("damaged gzip", gzip(images).enumerated().map { $0 == 35 ? $1 ^ 8 : $1 }, labels, "the gzip data is truncated or damaged"),
    ("gzip of too little", gzip(Array(images.dropLast())), labels, "ends after 17 of the 18 bytes of its values"),
    ("gzip of too much", gzip(images + [0]), labels, "more data follows the 34 bytes"),
    ("fewer labels", images, idx([2], [0, 1]), "it has 3 images, but"),
    ("truncated labels", images, Array(labels.dropLast()), "promises 11 bytes (dimensions [3]), the file has 10"),
  ]

  @Test("a broken file is refused with its name and the fault", arguments: broken)
  func refused(name: String, images: [UInt8], labels: [UInt8], message: String) throws {
    let folder = try TemporaryFolder()
    let (imagesPath, labelsPath) = try (folder.write(images, to: "images"), folder.write(labels, to: "labels"))
    let error = try #require(throws: DataError.self) { try IDXDataset(images: imagesPath, labels: labelsPath) }
    #expect(error.code == .corrupt)
    #expect(error.file == (name.hasSuffix("truncated labels") ? labelsPath : imagesPath))
    #expect(error.description.contains(message), "\(error)")
  }

  @Test("missing files are named")
  func missing() throws {
    let folder = try TemporaryFolder()
    let nothing = try #require(throws: DataError.self) { try openDataset(folder.path + "/nothing", split: .train) }
    #expect(nothing.code == .unreadable && nothing.description.contains("/nothing: there is no such file or folder"))
    let empty = try #require(throws: DataError.self) { try openDataset(folder.path, split: .test) }
    #expect(empty.description.contains("the folder holds no test data: looked for MNIST's files (t10k-images-idx3-ubyte)"))
    let images = try folder.write(Self.images, to: "train-images-idx3-ubyte")
    let lonely = try #require(throws: DataError.self) { try openDataset(images, split: .train) }
    #expect(lonely.description.contains("expected \(folder.path)/train-labels-idx1-ubyte"))
    let unnamed = try folder.write(Self.images, to: "pictures")
    #expect(throws: DataError.self) { try openDataset(unnamed, split: .train) }
    #expect(throws: DataError.self) { try IDXDataset(images: folder.path, labels: folder.path) }
  }

  @Test("a label that the network has no output for is named with its sample")
  func labelOutOfRange() throws {
    let folder = try TemporaryFolder()
    let dataset = try IDXDataset(images: folder.write(Self.images, to: "images"), labels: folder.write(Self.labels, to: "labels"))
    try dataset.requireLabels(below: 5)
    let error = try #require(throws: DataError.self) { try dataset.requireLabels(below: 4) }
    #expect(error.description.contains("sample 2 has the label 4, but the network tells 4 classes apart, 0 to 3"))
  }
}

extension Dataset {
  /// All pixels of a sample.
  func pixels(of index: Int) throws -> [Float] {
    let sample = Sample(for: self)
    try read(index, into: sample)
    return withExtendedLifetime(sample) { Array(sample.input(0)) }
  }

  /// The class of a sample.
  func label(at index: Int) -> Int32 { classLabel(at: index) ?? -1 }

  /// Shape of the one input, an image of a known size.
  var sampleShape: [Int] {
    if case .image(let channels, let size?) = inputs[0].content { [channels, size.height, size.width] } else { [] }
  }
}
