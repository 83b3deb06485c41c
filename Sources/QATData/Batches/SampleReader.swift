import QATTensor

/// What batches of a data set consist of, and how one sample becomes a part of one.
struct SampleReader: Sendable {
  let dataset: any Dataset
  let preprocessing: Preprocessing
  /// Shape of each input as the network sees it.
  let shapes: [[Int]]
  private let inputs: [SampleInput]
  let options: LoadingOptions
  /// What a batch says of the network's output: where samples are mixed, shares of classes instead of one.
  let target: SampleTarget

  /// A reader.
  /// - Throws: `DataError` when the preprocessing does not fit the samples, or they cannot be mixed.
  init(dataset: any Dataset, preprocessing: Preprocessing, options: LoadingOptions = .init()) throws {
    self.dataset = dataset
    self.preprocessing = preprocessing
    self.options = options
    inputs = dataset.inputs
    shapes = try preprocessing.shapes(of: dataset)
    target = options.mixing == nil ? dataset.target : try Self.mixedTarget(dataset, options.classes)
  }

  /// The target of mixed samples.
  private static func mixedTarget(_ dataset: any Dataset, _ rule: ClassRule?) throws(DataError) -> SampleTarget {
    func fail(_ found: String) -> DataError {
      DataError(.unfit, dataset.name, "\(found): \"mixup\" and \"cutmix\" are for images with one class, or with numbers. Leave them out")
    }
    for input in dataset.inputs {
      if case .tensor(let shape) = input.content { throw fail("a sample has an input of the shape \(shape), which is no image") }
    }
    switch dataset.target {
    case .none: return .none
    case .numbers: return dataset.target
    case .classes(let shape, let count):
      guard shape.isEmpty else { throw fail("a sample has classes of the shape \(shape)") }
      return .numbers(shape: [rule?.classCount ?? count])
    }
  }

  /// What one thread needs to read.
  final class Workspace {
    let sample: Sample
    let images = ImageWorkspace()

    fileprivate init(for dataset: any Dataset) { sample = Sample(for: dataset) }
  }

  /// What one thread needs to read.
  func makeWorkspace() -> Workspace { Workspace(for: dataset) }

  /// Reads sample number `index` into the workspace, or the next one in the data set's order that is not corrupt.
  /// - Parameters:
  ///   - index: the sample.
  ///   - workspace: this thread's.
  ///   - replaces: whether another sample may stand in for one that is corrupt.
  /// - Returns: whether there is something to use: false for a corrupt sample that must not be replaced.
  /// - Throws: what the data set throws; `DataError` when too many samples are corrupt.
  func load(_ index: Int, _ workspace: Workspace, replaces: Bool) throws -> Bool {
    var candidate = index
    repeat {
      if !options.unreadable.contains(candidate) {
        do {
          try dataset.read(candidate, into: workspace.sample)
          return true
        } catch let error as DataError where error.code == .corrupt {
          try options.unreadable.note(candidate, error)
        }
      }
      if !replaces { return false }
      candidate = (candidate + 1) % dataset.count
    } while candidate != index
    throw DataError(.corrupt, dataset.name, "all \(dataset.count) samples are corrupt")
  }

  /// Writes input number `input` of the sample that was loaded last, preprocessed.
  func write(input: Int, augmentKey: RandomKey?, from workspace: Workspace, to destination: UnsafeMutableBufferPointer<Float>) {
    switch inputs[input].content {
    case .image(let channels, _):
      preprocessing.apply(
        UnsafeBufferPointer(workspace.sample.input(input)), channels: channels, size: workspace.sample.size(ofInput: input), augmentKey: augmentKey,
        workspace: workspace.images, into: destination)
    case .tensor:
      _ = destination.update(fromContentsOf: workspace.sample.input(input))
    }
  }

  /// Reads sample number `index` to place number `place` of a batch.
  /// - Returns: whether there is one: false for a corrupt sample that must not be replaced.
  /// - Throws: what the data set throws; `DataError` naming the sample when its class is none of the network's.
  func read(_ index: Int, augmentKey: RandomKey?, _ workspace: Workspace, into slot: BatchSlot, place: Int, replaces: Bool) throws -> Bool {
    guard try load(index, workspace, replaces: replaces) else { return false }
    for input in shapes.indices { write(input: input, augmentKey: augmentKey, from: workspace, to: slot.input(input, ofSample: place)) }
    try writeTarget(of: index, from: workspace, classes: slot.classes(ofSample: place), numbers: slot.numbers(ofSample: place))
    return true
  }

  /// Writes the target of the sample that was loaded last.
  func writeTarget(
    of index: Int, from workspace: Workspace, classes: UnsafeMutableBufferPointer<Int32>, numbers: UnsafeMutableBufferPointer<Float>
  ) throws {
    let sample = workspace.sample
    // The class of a sample that is to be mixed is the whole share of that class.
    if !sample.classes.isEmpty, classes.isEmpty {
      var label: Int32 = -1
      try withUnsafeMutablePointer(to: &label) {
        try writeTarget(of: index, from: workspace, classes: .init(start: $0, count: 1), numbers: .init(start: nil, count: 0))
      }
      numbers.update(repeating: 0)
      if numbers.indices.contains(Int(label)) { numbers[Int(label)] = 1 }
      return
    }
    if let rule = options.classes, let base = classes.baseAddress, !sample.classes.isEmpty {
      guard let fault = rule.copy(sample.classes, to: base) else { return }
      let ignored = rule.ignoreIndex.map { ", and \($0) where a position does not count" } ?? ""
      let place = sample.classes.count > 1 ? " at position \(fault)" : ""
      throw DataError(
        .unfit, dataset.name,
        "sample \(index) has the label \(sample.classes[fault])\(place), but the network tells \(rule.classCount) classes apart, 0 to \(rule.classCount - 1)"
          + "\(ignored). Set \"ignore_index\" of the loss, or give data of the network's classes")
    }
    if !classes.isEmpty { _ = classes.update(fromContentsOf: sample.classes) }
    if !numbers.isEmpty { _ = numbers.update(fromContentsOf: sample.numbers) }
  }
}

/// How batches are read, besides what they hold.
public struct LoadingOptions: Sendable {
  /// Threads that read and prepare samples. Changes no result.
  public var workers = 1
  /// Which classes targets may have; nil takes them as they are.
  public var classes: ClassRule?
  /// How samples of training are mixed; nil leaves each as it is.
  public var mixing: SampleMixing?
  /// The corrupt samples that may be skipped.
  public var unreadable = UnreadableSamples(limit: 0)

  /// One thread, all classes, nothing skipped.
  public init() {}
}
