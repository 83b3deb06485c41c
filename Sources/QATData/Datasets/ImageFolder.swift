import Foundation

/// Images in a folder with one folder a class, `class/…/image.jpg`; without classes all images of a folder, for data without labels.
///
/// Classes are the names of the folders in the order of their bytes, samples the files in the order of their paths. Nothing but names and sizes is read before a
/// sample is asked for; the fingerprint is of paths, sizes and labels, not of what is in the files.
public struct ImageFolder: Dataset {
  /// The folder.
  public let name: String
  /// The image.
  public let inputs: [SampleInput]
  /// One class, or none.
  public let target: SampleTarget
  /// Names of the classes; empty without classes.
  public let classNames: [String]
  /// A fingerprint of paths, sizes and labels.
  public let contentHash: UInt64
  private let channels: Int
  private let labels: [Int32]
  /// All paths one after the other, for a million of strings would take much more memory.
  private let paths: [UInt8]
  private let pathEnds: [Int]

  /// Endings of the files that are taken for images, in any case of letters.
  static let suffixes = [".jpg", ".jpeg", ".png"]

  /// Lists the images of a folder.
  /// - Parameters:
  ///   - path: the folder.
  ///   - channels: 1 for grey, 3 for colours.
  ///   - classNames: names of the classes in their order; those of the folder when nil.
  ///   - hasLabels: whether the folders are classes; otherwise samples have no target.
  /// - Throws: `DataError` when the folder cannot be read, holds no image, or holds a class that is not among those given.
  public init(path: String, channels: Int = 3, classNames: [String]? = nil, hasLabels: Bool = true) throws {
    name = path
    self.channels = channels
    inputs = [SampleInput(nil, .image(channels: channels, size: nil))]
    let found = hasLabels ? try Self.classes(in: path) : []
    let names = classNames ?? found
    var (labels, paths, ends): ([Int32], [UInt8], [Int]) = ([], [], [])
    var hash = ContentHash()
    func add(_ files: [(path: String, size: Int)], label: Int32) {
      for file in files {
        paths += Array(file.path.utf8)
        ends.append(paths.count)
        labels.append(label)
        hash.feed(file.path)
        hash.feed(file.size)
        hash.feed(Int(label))
      }
    }
    if hasLabels {
      for folder in found {
        guard let label = names.firstIndex(of: folder) else {
          throw DataError(
            .unfit, "\(path)/\(folder)",
            "this class is none of those that are trained, \(names.prefix(5).joined(separator: ", "))\(names.count > 5 ? " …" : "")")
        }
        add(try Self.images(in: path, below: folder), label: Int32(label))
      }
    } else {
      add(try Self.images(in: path, below: ""), label: 0)
    }
    guard !ends.isEmpty else {
      throw DataError(.unreadable, path, "it holds no image: looked for files ending in \(Self.suffixes.joined(separator: ", "))")
    }
    for name in names { hash.feed(name) }
    contentHash = hash.value
    self.classNames = names
    self.labels = hasLabels ? labels : []
    self.paths = paths
    pathEnds = ends
    target = hasLabels ? .classes(shape: [], count: names.count) : .none
  }

  /// Number of samples.
  public var count: Int { pathEnds.count }

  /// The class of sample `index`; nil without classes.
  public func classLabel(at index: Int) -> Int32? { labels.isEmpty ? nil : labels[index] }

  /// Path of sample `index`.
  public func path(at index: Int) -> String {
    "\(name)/" + String(decoding: paths[(index == 0 ? 0 : pathEnds[index - 1])..<pathEnds[index]], as: UTF8.self)
  }

  /// Reads and decodes sample `index`.
  /// - Throws: `DataError` naming the file.
  public func read(_ index: Int, into sample: Sample) throws {
    let path = path(at: index)
    let bytes = try WholeFile.read(path, into: sample)
    try ImageDecoder.decode(bytes, name: path, channels: channels, into: sample)
    if !labels.isEmpty { sample.classes[0] = labels[index] }
  }

  /// Names of the folders in a folder, hidden ones left out, in the order of their bytes.
  static func classes(in path: String) throws(DataError) -> [String] {
    try entries(of: path).filter { isFolder("\(path)/\($0)") }
  }

  /// Whether a file's name is that of an image.
  private static func isImage(_ name: String) -> Bool { suffixes.contains { name.lowercased().hasSuffix($0) } }

  /// Whether there is an image anywhere below a folder: looks no further than the first.
  static func holdsImage(_ folder: String, depth: Int = 0) -> Bool {
    guard depth < 16, let names = try? entries(of: folder) else { return false }
    return names.contains { isImage($0) && !isFolder("\(folder)/\($0)") }
      || names.contains { isFolder("\(folder)/\($0)") && holdsImage("\(folder)/\($0)", depth: depth + 1) }
  }

  static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  private static func entries(of path: String) throws(DataError) -> [String] {
    do {
      let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }
      return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
      throw DataError(.unreadable, path, "the folder cannot be read: \(error.localizedDescription)")
    }
  }

  /// The images anywhere below a folder, with their sizes, by paths that begin at `root`.
  private static func images(in root: String, below folder: String, depth: Int = 0) throws(DataError) -> [(path: String, size: Int)] {
    guard depth < 16 else { throw DataError(.unfit, "\(root)/\(folder)", "folders are nested more than 16 deep: is there a link to a folder above?") }
    var images: [(path: String, size: Int)] = []
    for entry in try entries(of: folder.isEmpty ? root : "\(root)/\(folder)") {
      let path = folder.isEmpty ? entry : "\(folder)/\(entry)"
      var status = stat()
      guard stat("\(root)/\(path)", &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        images += try Self.images(in: root, below: path, depth: depth + 1)
      } else if isImage(entry) {
        images.append((path, Int(status.st_size)))
      }
    }
    return images
  }
}
