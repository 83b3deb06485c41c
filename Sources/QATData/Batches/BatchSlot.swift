import QATEngine
import QATTensor

/// Memory of one batch, made once and filled again and again. Used by whoever the queue says owns it.
final class BatchSlot {
  private let inputs: [AlignedBuffer<Float>]
  private let inputSizes: [Int]
  private let classes: AlignedBuffer<Int32>
  private let numbers: AlignedBuffer<Float>
  let target: SampleTarget
  let inputDescriptions: [SampleInput]
  private let targetSize: Int
  private let shapes: [[Int]]
  /// Numbers of the samples, place by place.
  var samples: [Int]
  /// Whether there is something at each place: not where a corrupt sample was left out.
  var isPresent: [Bool]
  var count = 0
  var epoch = 0
  var position = 0
  var firstSample = 0
  var next = DataPosition(epoch: 0, position: 0)
  var reading: LoadedBatch.Reading

  /// Room for `capacity` samples, as memory number `number`.
  init(number: Int, capacity: Int, reader: SampleReader) {
    reading = LoadedBatch.Reading(memory: number, start: 0, end: 0)
    inputSizes = reader.shapes.map(\.elementCount)
    inputs = inputSizes.map { AlignedBuffer(count: capacity * $0) }
    target = reader.target
    shapes = reader.shapes
    inputDescriptions = reader.dataset.inputs
    targetSize = target.elementCount
    let isClasses = if case .classes = target { true } else { false }
    classes = AlignedBuffer(count: isClasses ? capacity * targetSize : 0)
    numbers = AlignedBuffer(count: isClasses ? 0 : capacity * targetSize)
    samples = [Int](repeating: 0, count: capacity)
    isPresent = [Bool](repeating: false, count: capacity)
  }

  var inputCount: Int { inputs.count }

  /// Memory of the samples.
  var byteCount: Int { 4 * (inputs.reduce(0) { $0 + $1.count } + classes.count + numbers.count) }

  /// All samples of an input.
  func input(_ index: Int) -> UnsafeBufferPointer<Float> { UnsafeBufferPointer(start: inputs[index].pointer, count: count * inputSizes[index]) }

  func input(_ index: Int, ofSample place: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: inputs[index].pointer + place * inputSizes[index], count: inputSizes[index])
  }

  func classes(ofSample place: Int) -> UnsafeMutableBufferPointer<Int32> {
    classes.count == 0 ? .init(start: nil, count: 0) : .init(start: classes.pointer + place * targetSize, count: targetSize)
  }

  func numbers(ofSample place: Int) -> UnsafeMutableBufferPointer<Float> {
    numbers.count == 0 ? .init(start: nil, count: 0) : .init(start: numbers.pointer + place * targetSize, count: targetSize)
  }

  /// The targets of all samples.
  var targets: BatchTargets {
    switch target {
    case .none: BatchTargets(.none, count: count)
    case .classes: BatchTargets(.classes(UnsafeBufferPointer(start: classes.pointer, count: count * targetSize)), count: count)
    case .numbers: BatchTargets(.numbers(UnsafeBufferPointer(start: numbers.pointer, count: count * targetSize)), count: count)
    }
  }

  /// Does what is left to do when all places are filled: closes gaps, and mixes samples where that is asked for.
  func complete(_ mixing: SampleMixing?, seed: UInt64?) {
    closeGaps()
    if let mixing, let seed { mixing.apply(to: self, seed: seed, shapes: shapes) }
  }

  /// Closes the gaps where samples were left out.
  private func closeGaps() {
    var end = 0
    for place in 0..<count where isPresent[place] {
      if end < place {
        for index in inputs.indices { _ = input(index, ofSample: end).update(fromContentsOf: input(index, ofSample: place)) }
        if classes.count > 0 { _ = classes(ofSample: end).update(fromContentsOf: classes(ofSample: place)) }
        if numbers.count > 0 { _ = numbers(ofSample: end).update(fromContentsOf: numbers(ofSample: place)) }
        samples[end] = samples[place]
      }
      end += 1
    }
    count = end
  }
}
