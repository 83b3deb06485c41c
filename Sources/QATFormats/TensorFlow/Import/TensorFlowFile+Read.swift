import Foundation
import QATFiles
import QATGraph
import SwiftProtobuf

extension TensorFlowFile {
  /// Reads a network from a frozen graph, as Keras models are frozen by `convert_variables_to_constants_v2`.
  ///
  /// Images become NCHW; the inputs of the network are [batch, channels, height, width] where the file has [batch, height, width, channels]. Constants and
  /// shape arithmetic are folded, identities dropped, functions of the file's library written out, nodes that no output needs left out. Filters, kernels and
  /// biases become parameters; batch normalisation is recognised also where it is spelled with several operators, its mean and variance become statistics.
  /// Fake quantizers stay quantizers. The outputs are the nodes that no other node reads.
  /// - Parameters:
  ///   - path: path of the file.
  ///   - inputShapes: dimensions of inputs by node name, in the file's order of axes, for those that the file leaves open or in which the first dimension is
  ///     not the batch. A dimension that the file fixes can only become the batch.
  /// - Returns: the network, validated; a tensor has the name of the node that makes it.
  /// - Throws: `TensorFlowError`; if operators are not supported, one error lists them all.
  public static func read(contentsOf path: String, inputShapes: [TensorName: [QATGraph.Dimension]] = [:]) throws -> Graph {
    do throws(TensorFlowError) {
      return try decode(contents(of: path), inputShapes: inputShapes)
    } catch var error {
      error.file = path
      throw error
    }
  }

  /// Reads a network from the bytes of a file.
  /// - Parameters:
  ///   - bytes: a whole file.
  ///   - inputShapes: dimensions of inputs by node name, as for `read(contentsOf:inputShapes:)`.
  /// - Returns: the network, as `read(contentsOf:inputShapes:)` gives it.
  /// - Throws: `TensorFlowError` as `read(contentsOf:inputShapes:)`.
  public static func decode(_ bytes: [UInt8], inputShapes: [TensorName: [QATGraph.Dimension]] = [:]) throws -> Graph {
    try decode(Data(bytes), inputShapes: inputShapes)
  }

  /// What a file says of itself besides the network: what `write(_:to:metadata:)` has left at its first input.
  /// - Parameter path: path of the file.
  /// - Returns: the strings by key.
  /// - Throws: `TensorFlowError` when the file cannot be read.
  public static func metadata(contentsOf path: String) throws -> [String: String] {
    do throws(TensorFlowError) {
      let placeholders = try graphDef(contents(of: path)).node.filter { $0.op == "Placeholder" }
      var result: [String: String] = [:]
      for entry in placeholders.flatMap(\.attr) where entry.key.hasPrefix(metadataPrefix) {
        result[String(entry.key.dropFirst(metadataPrefix.count))] = String(decoding: entry.value.s, as: UTF8.self)
      }
      return result
    } catch var error {
      error.file = path
      throw error
    }
  }

  /// The operators that are read.
  public static var operatorTypes: [String] { (TensorFlowImporter.operators.keys + GraphDefInlining.calls).sorted() }

  /// What attributes with metadata begin with. TensorFlow ignores attributes that begin with an underscore.
  static let metadataPrefix = "_qat."

  private static func contents(of path: String) throws(TensorFlowError) -> Data {
    do throws(FileError) { return try QATFiles.contents(ofFile: path) } catch { throw TensorFlowError(error.reason) }
  }

  private static func graphDef(_ data: Data) throws(TensorFlowError) -> TFGraphDef {
    let graph: TFGraphDef
    do {
      graph = try TFGraphDef(serializedBytes: data)
    } catch {
      throw TensorFlowError("this is not a TensorFlow graph, or it is truncated (\(data.count) bytes)")
    }
    guard !graph.node.isEmpty else {
      throw TensorFlowError(
        "this is not a frozen TensorFlow graph: it holds no node. A SavedModel must be frozen with convert_variables_to_constants_v2")
    }
    return graph
  }

  static func decode(_ data: Data, inputShapes: [TensorName: [QATGraph.Dimension]]) throws(TensorFlowError) -> Graph {
    let definition = try graphDef(data)
    var inlining = GraphDefInlining(definition)
    let file = try FrozenGraph(try inlining.inlined())
    var importer = try TensorFlowImporter(file, inputShapes: inputShapes, foldingBudget: data.count + 1 << 20)
    try importer.importNodes()
    return try importer.finished()
  }
}
