import Foundation

/// What of a data set's targets is read.
public enum TargetReading: Sendable, Hashable {
  /// Nothing: they need not be there.
  case none
  /// Whole numbers as indices of classes, others as numbers.
  case asStored
  /// All as numbers.
  case asNumbers
}

/// Opens the data at `path`, whose kind is recognised:
///
/// - `synthetic` or `synthetic:C,H,W,classes,count`: a data set made by a formula (28 × 28, 10 classes, 6000 samples to learn from and 1000 to judge by, when not said);
/// - a file of images in IDX form, with its labels beside it under the name that says `labels` and `idx1` where the images' says `images` and `idx3`; one of CIFAR's
///   `.bin` files; a `.npz` or `.npy` file of NumPy's; a `.tar` file in WebDataset's form, or several, as `train-{000..012}.tar`. `split` is not asked but for Keras's
///   `.npz` files, which hold both;
/// - a folder with MNIST's, CIFAR-10's or CIFAR-100's files;
/// - a folder with the folders `train` and `val`, `validation`, `valid` or `test`, or with `.npz` files of such names; each of them one of the following;
/// - a folder of `.npy` files; a folder with one folder of images a class, or, where targets are not read, images alone. `split` is not asked.
/// - Parameters:
///   - path: the data.
///   - split: which part of them.
///   - targets: what of the targets is read.
///   - channels: channels of decoded images: 3, or 1 for grey.
/// - Returns: the data set.
/// - Throws: `DataError` that names the file and the fault, or what was looked for.
public func openDataset(_ path: String, split: Split, targets: TargetReading = .asStored, channels: Int = 3) throws -> any Dataset {
  if path == "synthetic" || path.hasPrefix("synthetic:") { return try SyntheticDataset(specification: path, split: split) }
  if path.hasSuffix(".tar"), let shards = ShardDataset.expand(path) { return try ShardDataset(shards: shards, reading: targets, channels: channels) }
  let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  guard FileManager.default.fileExists(atPath: path) else {
    throw DataError(
      .unreadable, path,
      "there is no such file or folder. Give a folder with IDX files (MNIST's names), CIFAR's files, .npy, .npz or .tar files, or images of each class; or 'synthetic'"
    )
  }
  let place = DataPlace(path: path, split: split, targets: targets, channels: channels)
  return ImageFolder.isFolder(path) ? try place.openFolder() : try place.openFile()
}

/// A place that is being recognised.
private struct DataPlace {
  let path: String
  let split: Split
  let targets: TargetReading
  let channels: Int

  private var readsLabels: Bool { targets != .none }

  /// Names of the folders and files of a split.
  private var splitNames: [String] { split == .train ? ["train", "training"] : ["val", "validation", "valid", "test"] }

  func openFile() throws -> any Dataset {
    let file = URL(fileURLWithPath: path).lastPathComponent
    if path.hasSuffix(".npz") { return try ArrayDataset(npz: path, split: split, reading: targets) }
    if path.hasSuffix(".tar") { return try ShardDataset(shards: [path], reading: targets, channels: channels) }
    if path.hasSuffix(".npy") { return try ArrayDataset(npy: path, reading: targets) }
    if let kind = CIFARDataset.Kind(fileName: file) { return try CIFARDataset(kind, files: [path]) }
    guard !readsLabels || file.contains("images") || file.contains("idx3") else {
      throw DataError(
        .unfit, path,
        "its name is of no kind of file that is read: expected .npz, .npy, .tar, IDX images (train-images-idx3-ubyte, also .gz), or one of CIFAR's .bin files"
      )
    }
    return try IDXDataset(imagesFile: path, readsLabels: readsLabels)
  }

  func openFolder() throws -> any Dataset {
    let names = Set((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
    if names.contains(where: { $0.contains("idx3-ubyte") }) { return try IDXDataset(folder: path, split: split, readsLabels: readsLabels) }
    for kind in [CIFARDataset.Kind.ten, .hundred] {
      let files = CIFARDataset.Kind.files(kind, split)
      if files.contains(where: names.contains) { return try CIFARDataset(kind, files: files.map { "\(path)/\($0)" }) }
    }
    for name in splitNames {
      if names.contains("\(name).npz") { return try ArrayDataset(npz: "\(path)/\(name).npz", split: split, reading: targets) }
    }
    let shards = names.filter { $0.hasSuffix(".tar") }.sorted()
    if !shards.isEmpty {
      // Shards that are named for a split belong to it.
      let own = splitNames.lazy.map { name in shards.filter { $0.hasPrefix(name) } }.first { !$0.isEmpty }
      return try ShardDataset(shards: (own ?? shards).map { "\(path)/\($0)" }, reading: targets, channels: channels)
    }
    let hasSplits = ["train", "training", "val", "validation", "valid", "test"].contains { ImageFolder.isFolder("\(path)/\($0)") }
    guard hasSplits else { return try openSamples(in: path, names: names, classNames: nil) }
    guard let part = splitNames.first(where: { ImageFolder.isFolder("\(path)/\($0)") }) else {
      throw DataError(.unreadable, path, "it holds no folder of the \(split.rawValue) split: looked for \(splitNames.joined(separator: ", "))")
    }
    let folder = "\(path)/\(part)"
    // Numbers of classes are those of the training data, also where a class is missing from the rest.
    let training = split == .test && readsLabels ? ["train", "training"].map { "\(path)/\($0)" }.first(where: ImageFolder.isFolder) : nil
    let classes = try training.map { try ImageFolder.classes(in: $0) }
    return try openSamples(
      in: folder, names: Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []),
      classNames: classes?.isEmpty == false ? classes : nil)
  }

  /// A folder of arrays or images.
  private func openSamples(in folder: String, names: Set<String>, classNames: [String]?) throws -> any Dataset {
    let shards = names.filter { $0.hasSuffix(".tar") }.sorted()
    if !shards.isEmpty { return try ShardDataset(shards: shards.map { "\(folder)/\($0)" }, reading: targets, channels: channels) }
    if names.contains(where: { $0.hasSuffix(".npy") }) { return try ArrayDataset(folder: folder, reading: targets) }
    let classes = try ImageFolder.classes(in: folder)
    guard ImageFolder.holdsImage(folder) else {
      throw DataError(
        .unreadable, folder,
        "the folder holds no \(split.rawValue) data: looked for MNIST's files (\(split == .train ? "train" : "t10k")-images-idx3-ubyte), CIFAR's "
          + "(\((CIFARDataset.Kind.files(.ten, split) + CIFARDataset.Kind.files(.hundred, split)).joined(separator: ", "))), "
          + "\(splitNames.map { "\($0).npz" }.joined(separator: ", ")), .npy files, .tar files, the folders \(splitNames.joined(separator: ", ")), and images (\(ImageFolder.suffixes.joined(separator: ", "))) in folders of classes"
      )
    }
    guard !classes.isEmpty || !readsLabels else {
      throw DataError(
        .unfit, folder,
        "it holds images, but no folders that say their classes: expected CLASS/IMAGE.jpg, or \"loss\": \"none\" to learn without labels")
    }
    return try ImageFolder(path: folder, channels: channels, classNames: classNames, hasLabels: readsLabels)
  }
}

extension SyntheticDataset {
  /// The data set that `synthetic` or `synthetic:C,H,W,classes,count` names.
  init(specification: String, split: Split) throws {
    guard specification != "synthetic" else {
      self.init(sampleShape: [1, 28, 28], classCount: 10, count: split == .train ? 6000 : 1000, split: split)
      return
    }
    let numbers = specification.dropFirst("synthetic:".count).split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let limits = [4096, 1 << 16, 1 << 16, 1 << 20, 1 << 31]
    let sizes = zip(numbers, limits).compactMap { number, limit in number.flatMap { (1...limit).contains($0) ? $0 : nil } }
    guard numbers.count == 5, sizes.count == 5 else {
      throw DataError(
        .unfit, specification, "expected synthetic:C,H,W,classes,count with five positive whole numbers, such as synthetic:3,224,224,1000,5000")
    }
    // The waves of all classes are kept in memory, as is a sample: both are bounded before anything is allocated.
    guard sizes[0] * sizes[1] * sizes[2] <= 1 << 28, sizes[3] * sizes[0] * (sizes[1] + sizes[2]) <= 1 << 28 else {
      throw DataError(.unfit, specification, "the samples or the classes would take more than a gigabyte: choose smaller sizes")
    }
    self.init(sampleShape: Array(sizes[..<3]), classCount: sizes[3], count: sizes[4], split: split)
  }
}
