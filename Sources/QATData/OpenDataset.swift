import Foundation

/// Opens the data at `path`.
///
/// - `synthetic` or `synthetic:C,H,W,classes,count`: a data set made by a formula (28 × 28, 10 classes, 6000 samples to learn from and 1000 to judge by, when not said);
/// - a folder with MNIST's file names, plain or `.gz`: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`;
/// - one file of images in IDX form, with its labels beside it under the name that says `labels` and `idx1` where the images' says `images` and `idx3`. `split` is not asked.
/// - Parameters:
///   - path: the data.
///   - split: which part of them.
///   - readsLabels: whether files need labels; otherwise theirs are not looked at, and every sample counts as of class 0.
/// - Returns: the data set.
/// - Throws: `DataError` that names the file and the fault.
public func openDataset(_ path: String, split: Split, readsLabels: Bool = true) throws -> any Dataset {
  if path == "synthetic" || path.hasPrefix("synthetic:") { return try SyntheticDataset(specification: path, split: split) }
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
    throw DataError(
      .unreadable, path, "there is no such file or folder. Give a folder with IDX files (MNIST's names), an IDX file of images, or 'synthetic'")
  }
  return isFolder.boolValue
    ? try IDXDataset(folder: path, split: split, readsLabels: readsLabels) : try IDXDataset(imagesFile: path, readsLabels: readsLabels)
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
