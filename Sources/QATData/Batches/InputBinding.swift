import QATEngine
import QATGraph

/// Which inputs of a data set's samples feed which inputs of a network: the only one whatever the two are called, several by their names.
public struct InputBinding: Sendable {
  /// An input of the network and what feeds it.
  public struct Feed: Sendable, Hashable {
    /// Name of the network's input.
    public var input: TensorName
    /// Number of the data set's input.
    public var index: Int
  }

  /// Every input of the network.
  public let feeds: [Feed]

  /// Finds what feeds each input of a network, and that the shapes fit. Inputs of the data set that the network does not have are not read from batches.
  /// - Parameters:
  ///   - graph: the network.
  ///   - dataset: the samples.
  ///   - preprocessing: what changes the shapes of images.
  /// - Throws: `DataError` with what the network takes and what the samples are.
  public init(_ graph: Graph, _ dataset: any Dataset, _ preprocessing: Preprocessing) throws {
    let shapes = try preprocessing.shapes(of: dataset)
    let taken = graph.inputs.map { "'\($0.name)' \($0.type)" }.joined(separator: ", ")
    let given = zip(dataset.inputs, shapes).map { input, shape in (input.name.map { "'\($0)' " } ?? "") + "\(shape)" }.joined(separator: ", ")
    let names = dataset.inputs.map(\.name)
    feeds = try graph.inputs.map { input in
      let index = graph.inputs.count == 1 && names.count == 1 ? 0 : names.firstIndex(of: input.name)
      guard let index else {
        throw DataError(
          .unfit, dataset.name,
          "the network '\(graph.name)' takes \(taken), a sample has the inputs \(given): none is called '\(input.name)'. Give the arrays of the data the "
            + "names of the network's inputs")
      }
      guard input.type.dimensions.dropFirst().map(\.fixedSize) == shapes[index] else {
        throw DataError(
          .unfit, dataset.name,
          "the network '\(graph.name)' takes '\(input.name)' \(input.type), a sample is \(shapes[index])"
            + "\(shapes[index].count == 3 ? " (channels, height, width). Give data of the network's size, or \"resize\" and \"crop\" it" : "")")
      }
      return Feed(input: input.name, index: index)
    }
  }

  /// Copies a batch into a plan's inputs. Of a batch smaller than the plan's, what the last one left stays behind it.
  public func feed(_ batch: LoadedBatch, to plan: Plan) {
    for feed in feeds { _ = plan.input(feed.input).update(fromContentsOf: batch.input(feed.index)) }
  }
}

extension Dataset {
  /// Number of the input that feeds a network's input of some name.
  /// - Throws: `DataError` with the names that there are.
  func index(ofInput name: TensorName) throws(DataError) -> Int {
    let names = inputs.map(\.name)
    if names.count == 1 { return 0 }
    if let index = names.firstIndex(of: name) { return index }
    throw DataError(.unfit, self.name, "a sample has no input '\(name)', it has \(names.compactMap { $0 })")
  }
}
