import QAT

/// Samples of whatever a network takes and gives: images, token numbers, a class for each sample, pixel or token. What is timed are steps, not what they learn.
struct BenchDataset: Dataset {
  let name = "synthetic samples"
  let count: Int
  let inputs: [SampleInput]
  let target: SampleTarget
  let contentHash: UInt64 = 0
  /// For each input the number of rows of the smallest table that it chooses from; nil for an input of values.
  private let rowCounts: [Int?]

  /// Samples for a network with a classifier's output.
  /// - Throws: `GraphError` when the network is none; `CommandError` when its sizes are open or its output is none of scores.
  init(for network: Graph, count: Int) throws {
    self.count = count
    let types = try network.tensorTypes()
    inputs = try network.inputs.map { input in
      let shape = input.type.dimensions.dropFirst().map(\.fixedSize)
      guard input.type.dimensions.first == .batch, !shape.contains(nil) else {
        throw CommandError(
          .input, "the input '\(input.name)' of the network '\(network.name)' is \(input.type); samples have fixed sizes behind the batch")
      }
      return SampleInput(input.name, shape: shape.compactMap { $0 })
    }
    rowCounts = network.inputs.map { input in
      input.type.elementType == .float32
        ? nil
        : network.nodes.filter { $0.op is Gather && $0.inputs.last == input.name }.compactMap { network.constants[$0.inputs[0]]?.tensor.shape.first }
          .min() ?? 2
    }
    let output = network.outputs.first.flatMap { types[$0] }
    let sizes = output?.dimensions.dropFirst().map { $0.fixedSize ?? 0 } ?? []
    guard network.outputs.count == 1, output?.dimensions.first == .batch, let classes = sizes.first, classes > 0 else {
      throw CommandError(
        .input, "the network '\(network.name)' has the outputs \(network.outputs), steps are timed with one of scores, [batch, classes, …]")
    }
    let places = Array(sizes.dropFirst())
    target = .classes(shape: places.allSatisfy { $0 == 1 } ? [] : places, count: classes)
  }

  func read(_ index: Int, into sample: Sample) {
    for (number, rows) in rowCounts.enumerated() {
      let values = sample.input(number)
      for place in values.indices {
        let draw = (index &* 7919 &+ place &* 104_729) & 0xff_ffff
        values[place] = if let rows { Float(draw % max(rows, 1)) } else { Float(draw % 256) / 255 }
      }
    }
    for place in sample.classes.indices { sample.classes[place] = Int32((index + place) % max(target.classCount, 1)) }
  }
}
