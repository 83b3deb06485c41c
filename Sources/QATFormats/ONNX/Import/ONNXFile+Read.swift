import Foundation
import QATFiles
import QATGraph
import SwiftProtobuf

extension ONNXFile {
  /// Operator set versions that are read.
  static let opsets = 7...25

  /// Reads a network.
  ///
  /// Constants and shape arithmetic are folded, identities dropped, nodes that no output needs left out. Weights and biases of Conv, Gemm and MatMul and
  /// batch norm's gamma and beta become parameters, its mean and variance statistics, everything else fixed. A first input dimension that is dynamic,
  /// or fixed in the file, becomes the batch. Half and double precision weights become float32. Batch normalisation is taken in every form that
  /// exporters write it in. Data outside the file is read from the file's own folder only.
  /// - Parameters:
  ///   - path: path of the file.
  ///   - inputShapes: dimensions of inputs by name, for those that the file leaves open or in which the first dimension is not the batch. A dimension that
  ///     the file fixes can only become the batch.
  /// - Returns: the network, validated; tensor and node names as in the file.
  /// - Throws: `ONNXError`; if operators are not supported, one error lists them all.
  public static func read(contentsOf path: String, inputShapes: [TensorName: [QATGraph.Dimension]] = [:]) throws -> Graph {
    do throws(ONNXError) {
      let data: Data
      do throws(FileError) { data = try contents(ofFile: path) } catch { throw ONNXError(error.reason) }
      return try decode(data, directory: URL(fileURLWithPath: path).deletingLastPathComponent().path, inputShapes: inputShapes)
    } catch var error {
      error.file = path
      throw error
    }
  }

  /// Reads a network from the bytes of a file. External data is refused, as there is no folder to read it from.
  /// - Parameters:
  ///   - bytes: a whole file.
  ///   - inputShapes: dimensions of inputs by name, as for `read(contentsOf:inputShapes:)`.
  /// - Returns: the network, as `read(contentsOf:inputShapes:)` gives it.
  /// - Throws: `ONNXError` as `read(contentsOf:inputShapes:)`.
  public static func decode(_ bytes: [UInt8], inputShapes: [TensorName: [QATGraph.Dimension]] = [:]) throws -> Graph {
    try decode(Data(bytes), directory: nil, inputShapes: inputShapes)
  }

  /// The operator types that are read; those of other domains as `domain::type`.
  public static var operatorTypes: [String] { ONNXImporter.operators.keys.sorted() }

  static func decode(_ data: Data, directory: String?, inputShapes: [TensorName: [QATGraph.Dimension]]) throws(ONNXError) -> Graph {
    let model: ONNXModelProto
    do {
      model = try ONNXModelProto(serializedBytes: data)
    } catch BinaryDecodingError.messageDepthLimit {
      throw ONNXError(
        "graphs inside of graphs are nested too deeply: what a network computes is fixed before it runs, export it without conditions and loops")
    } catch {
      throw ONNXError("this is not an ONNX file, or it is truncated (\(data.count) bytes)")
    }
    guard model.hasGraph else { throw ONNXError("this is not an ONNX file: it holds no graph") }
    var versions: [String: Int] = [:]
    for set in model.opsetImport { versions[set.domain == "ai.onnx" ? "" : set.domain] = Int(set.version) }
    let version = versions["", default: 0]
    guard opsets.contains(version) else {
      throw ONNXError(
        "the file asks for ONNX opset \(version); supported are \(opsets.lowerBound) to \(opsets.upperBound): export it with one of these")
    }
    let external = ONNXExternalData(directory: directory)
    var importer = try ONNXImporter(model.graph, external: external, inputShapes: inputShapes, foldingBudget: data.count + 1 << 20)
    var functions = try ONNXFunctions(model, budget: model.graph.node.count + data.count / 16 + 1 << 14)
    try importer.importNodes(functions.inlined(model.graph.node, versions: versions))
    return try importer.finished(outputs: model.graph.output.map(\.name))
  }

  /// What a user should know about a network that was read, one paragraph each; empty when there is nothing.
  /// - Parameter graph: a network.
  /// - Returns: a note when the network has convolutions but no batch normalisation.
  public static func notes(for graph: Graph) -> [String] {
    let types = Set(graph.nodes.map(\.type))
    guard types.contains(Convolution.type), types.isDisjoint(with: [BatchNormalization.type, FakeQuantize.type]) else { return [] }
    return [
      """
      No batch normalization is left in this network: the exporter seems to have folded it into the convolutions. Training works, but what belongs to \
      batch normalization (adaptation of its statistics, freezing) does nothing. To keep it, export from PyTorch with \
      torch.onnx.export(model.eval(), ..., dynamo=False, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False).
      """
    ]
  }
}
