import Foundation

/// Grey images and their classes from two files in IDX form, kept in memory as bytes.
public struct IDXDataset: ImageDataset {
  /// The file with the images.
  public let name: String
  /// Shape of a sample: [channels, height, width].
  public let sampleShape: [Int]
  /// The greatest label plus one: the files do not say how many classes there could be.
  public let classCount: Int
  /// A fingerprint of pixels, labels and shape.
  public let contentHash: UInt64
  /// One class, or none where labels were not read.
  public let target: SampleTarget
  /// Number of samples.
  public let count: Int
  private let pixels: [UInt8]
  private let labels: [UInt8]

  /// Reads images and labels, and checks them to the last byte. Without a file of labels samples have no target.
  /// - Throws: `DataError` that names the file: missing, foreign, truncated, damaged, or counts that differ.
  public init(images imagesPath: String, labels labelsPath: String?) throws {
    let labels = try labelsPath.map { try IDXFile(path: $0, rank: 1, content: "labels") }
    let images = try IDXFile(path: imagesPath, rank: 3, content: "images")
    if let labels, let labelsPath, images.dimensions[0] != labels.dimensions[0] {
      throw DataError(
        .corrupt, imagesPath,
        "it has \(images.dimensions[0]) images, but \(labelsPath) has \(labels.dimensions[0]) labels: the files do not belong together")
    }
    name = imagesPath
    sampleShape = [1, images.dimensions[1], images.dimensions[2]]
    classCount = Int(labels?.bytes.max() ?? 0) + 1
    pixels = images.bytes
    count = images.dimensions[0]
    self.labels = labels?.bytes ?? []
    target = labels == nil ? .none : .classes(shape: [], count: classCount)
    let shape = images.dimensions.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    contentHash = shape ^ (UInt64(images.checksum) << 32 | UInt64(labels?.checksum ?? 0))
  }

  /// The images of one file, with the labels beside it unless they are not wanted.
  /// - Throws: `DataError` as above, and when the name does not tell where the labels are.
  public init(imagesFile path: String, readsLabels: Bool = true) throws {
    guard readsLabels else {
      try self.init(images: path, labels: nil)
      return
    }
    let url = URL(fileURLWithPath: path)
    let labels = url.lastPathComponent.replacingOccurrences(of: "images", with: "labels").replacingOccurrences(of: "idx3", with: "idx1")
    guard labels != url.lastPathComponent else {
      throw DataError(
        .unfit, path, "its name does not say where the labels are: expected a name with 'images' in it, or a folder with MNIST's file names")
    }
    let plain = labels.hasSuffix(".gz") ? String(labels.dropLast(3)) : labels
    let candidates = [labels, plain, plain + ".gz"].map { url.deletingLastPathComponent().appendingPathComponent($0).path }
    guard let labelsPath = candidates.first(where: FileManager.default.fileExists(atPath:)) else {
      throw DataError(.unreadable, path, "the file with its labels is missing: expected \(candidates[0])")
    }
    try self.init(images: path, labels: labelsPath)
  }

  /// The split of a folder with MNIST's file names, with its labels unless they are not wanted.
  /// - Throws: `DataError` as above, and with the names it has looked for.
  public init(folder: String, split: Split, readsLabels: Bool = true) throws {
    let part = split == .train ? "train" : "t10k"
    func find(_ content: String, _ form: String) throws -> String {
      let names = ["\(part)-\(content)-\(form)-ubyte", "\(part)-\(content).\(form)-ubyte"].flatMap { [$0, $0 + ".gz"] }
      let paths = names.map { URL(fileURLWithPath: folder).appendingPathComponent($0).path }
      if let path = paths.first(where: FileManager.default.fileExists(atPath:)) { return path }
      throw DataError(.unreadable, folder, "the folder holds no \(split.rawValue) \(content): looked for \(names.joined(separator: ", "))")
    }
    try self.init(images: find("images", "idx3"), labels: readsLabels ? find("labels", "idx1") : nil)
  }

  /// The class of sample `index`; 0 where labels were not read.
  public func label(at index: Int) -> Int32 { labels.isEmpty ? 0 : Int32(labels[index]) }

  /// The class of sample `index`; nil where labels were not read.
  public func classLabel(at index: Int) -> Int32? { labels.isEmpty ? nil : Int32(labels[index]) }

  /// Writes the pixels of sample `index`, in [0, 1].
  public func readSample(_ index: Int, into destination: UnsafeMutableBufferPointer<Float>) {
    let size = sampleShape[1] * sampleShape[2]
    precondition((0..<count).contains(index) && destination.count == size, "sample \(index) of \(count), \(destination.count) pixels")
    pixels.withUnsafeBufferPointer { pixels in
      for place in 0..<size { destination[place] = Float(pixels[index * size + place]) / 255 }
    }
  }
}
