import QATEngine
import QATSafetensors
import QATTensor

/// The tensors of a checkpoint at one moment between two steps: copied in one go, so that they can be written while training goes on.
///
/// It is the bytes of the two tensor files themselves. Their headers and all their memory are made once; taking a snapshot moves nothing but elements.
/// Invariant behind `@unchecked Sendable`: between `take` and the end of writing nobody calls `take` again; `CheckpointWriter` sees to it.
final class CheckpointSnapshot: @unchecked Sendable {
  private let modelFile: TensorFile
  private let optimizerFile: TensorFile

  /// Room for what training changes.
  /// - Parameters:
  ///   - state: the network's parameters and statistics.
  ///   - average: their moving averages, which then are the model, while the values themselves stand with the optimizer; nil when there are none.
  ///   - memories: what the optimizer remembers of all these parameters.
  /// - Throws: `SafetensorsError` when the tensors' names cannot stand in a file.
  init(state: ModelState, average: WeightAverage? = nil, memories: [(name: String, values: AlignedBuffer<Float>)]) throws {
    func values(_ parameters: AlignedBuffer<Float>, _ statistics: AlignedBuffer<Float>, ending: String = "") -> [TensorFile.Source] {
      state.parameterSlots.map { .init(name: $0.name + ending, shape: $0.shape, buffer: parameters, range: $0.range) }
        + state.statisticSlots.map { .init(name: $0.name + ending, shape: $0.shape, buffer: statistics, range: $0.range) }
    }
    let (parameters, statistics) = average?.saved ?? (state.parameters, state.statistics)
    modelFile = try TensorFile(values(parameters, statistics))
    let remembered = memories.flatMap { name, buffer in
      state.parameterSlots.map { TensorFile.Source(name: "\($0.name).\(name)", shape: $0.shape, buffer: buffer, range: $0.range) }
    }
    optimizerFile = try TensorFile(remembered + (average == nil ? [] : values(state.parameters, state.statistics, ending: ".training")))
  }

  /// Copies the current values. Allocates nothing.
  func take() {
    modelFile.take()
    optimizerFile.take()
  }

  /// The file `model.safetensors`.
  var model: UnsafeRawBufferPointer { modelFile.bytes }
  /// The file `optimizer.safetensors`.
  var optimizer: UnsafeRawBufferPointer { optimizerFile.bytes }
  /// Size of both files.
  var byteCount: Int { model.count + optimizer.count }
}

/// A safetensors file in memory whose elements are slices of buffers.
private final class TensorFile {
  /// A tensor and where its values are.
  struct Source {
    var name: String
    var shape: [Int]
    var buffer: AlignedBuffer<Float>
    var range: Range<Int>
  }

  private let file: AlignedBuffer<UInt8>
  private let pieces: [(source: Source, destination: Int)]

  init(_ sources: [Source]) throws {
    let layout = try SafetensorsLayout(sources.map { ($0.name, .float32, $0.shape) }, metadata: CheckpointDirectory.metadata)
    file = AlignedBuffer(count: layout.byteCount)
    UnsafeMutableRawBufferPointer(file.elements).copyBytes(from: layout.header)
    pieces = sources.compactMap { source in layout.ranges[source.name].map { (source, $0.lowerBound) } }
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(file.elements) }

  func take() {
    let base = UnsafeMutableRawPointer(file.pointer)
    for (source, destination) in pieces {
      (base + destination).copyMemory(
        from: source.buffer.pointer + source.range.lowerBound, byteCount: source.range.count * MemoryLayout<Float>.stride)
    }
  }
}
