import QATTensor

/// Reads samples of a data set and preprocesses them into a batch's memory. Used by one thread at a time, which is the invariant behind the shared scratch.
struct SampleReader: Sendable {
  let dataset: any Dataset
  let preprocessing: Preprocessing
  private let shape: [Int]
  private let scratch: AlignedBuffer<Float>

  init(dataset: any Dataset, preprocessing: Preprocessing) {
    self.dataset = dataset
    self.preprocessing = preprocessing
    shape = dataset.sampleShape
    scratch = AlignedBuffer(count: shape.elementCount)
  }

  /// Number of pixels of a sample.
  var sampleSize: Int { scratch.count }

  /// Writes sample number `sample`, preprocessed, into as many pixels as a sample has.
  func read(_ sample: Int, augmentKey: RandomKey?, into destination: UnsafeMutableBufferPointer<Float>) throws {
    try dataset.readSample(sample, into: scratch.elements)
    preprocessing.apply(UnsafeBufferPointer(scratch.elements), shape: shape, augmentKey: augmentKey, into: destination)
  }

  /// Writes sample number `sample` and its label to place number `place` of a batch.
  func read(_ sample: Int, augmentKey: RandomKey?, into slot: BatchSlot, place: Int) throws {
    let destination = UnsafeMutableBufferPointer(start: slot.pixels.pointer + place * sampleSize, count: sampleSize)
    try read(sample, augmentKey: augmentKey, into: destination)
    slot.labels.pointer[place] = dataset.label(at: sample)
  }
}
