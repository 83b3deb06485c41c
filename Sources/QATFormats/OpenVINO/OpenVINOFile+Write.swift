import Foundation
import QATFiles
import QATGraph
import QATLowering

extension OpenVINOFile {
  /// Writes a graph as fp32 IR: names of nodes and tensors as in the graph, batch normalisation kept, the batch dynamic.
  ///
  /// Equal graphs give equal bytes. Both files appear complete or not at all.
  /// - Parameters:
  ///   - graph: a network without fake quantizers.
  ///   - path: where to write the `.xml`; the constants go into a file of the same name that ends with `.bin`. Existing files are replaced.
  ///   - metadata: strings for the model's `rt_info`.
  /// - Throws: `OpenVINOError` when the graph is not a network, holds what OpenVINO cannot say, or a file cannot be written.
  public static func write(_ graph: Graph, to path: String, metadata: [String: String] = [:]) throws {
    try replaceFiles(at: path) { () throws(OpenVINOError) in try encode(graph, nil, metadata: metadata) }
  }

  /// Writes a lowered network: int8 weights as constants with their scales, FakeQuantize of 256 levels on activations, batch norm folded.
  ///
  /// The forms are those that OpenVINO replaces by integer kernels. Codes of less than 8 bits, or cut off by a clip, are 8-bit codes with a Clamp of bytes, since other numbers
  /// of levels run in floating point. An activation of slope 1 keeps the rounding of each `ResidualBranch`.
  /// - Parameters:
  ///   - lowered: what `lower(_:)` made of a fake-quantized network.
  ///   - path: where to write the `.xml`; the constants go into a file of the same name that ends with `.bin`. Existing files are replaced.
  ///   - target: what the file says it is for: OpenVINO, or as a network whose codes are the same everywhere.
  ///   - metadata: strings for the model's `rt_info`; `quantization` and `target` are added.
  /// - Throws: `OpenVINOError` when the network holds what OpenVINO cannot say, or a file cannot be written.
  public static func write(_ lowered: LoweredGraph, to path: String, target: Runtime = .openVINO, metadata: [String: String] = [:]) throws {
    let metadata = lowered.metadata(for: target, joining: metadata)
    try replaceFiles(at: path) { () throws(OpenVINOError) in try encode(lowered.simulation, lowered, metadata: metadata) }
  }

  /// The contents of the two files that `write` writes.
  static func encode(_ graph: Graph, _ lowered: LoweredGraph?, metadata: [String: String] = [:]) throws(OpenVINOError) -> (xml: Data, constants: Data)
  {
    var writer = try IRWriter(graph, lowered)
    for node in graph.nodes { try writer.write(node) }
    try writer.writeOutputs()
    return writer.builder.encoded(metadata: metadata)
  }

  /// The path of the constants beside the `.xml` at `path`, where OpenVINO looks for them.
  public static func constantsPath(beside path: String) -> String {
    (path.hasSuffix(".xml") ? String(path.dropLast(4)) : path) + ".bin"
  }

  /// Writes both files; readers open the one with the layers, which comes last.
  private static func replaceFiles(at path: String, _ encode: () throws(OpenVINOError) -> (xml: Data, constants: Data)) throws {
    do throws(OpenVINOError) {
      let (xml, constants) = try encode()
      do throws(FileError) {
        try QATFiles.replaceFiles([(constantsPath(beside: path), constants), (path, xml)])
      } catch {
        throw OpenVINOError(error.reason)
      }
    } catch var error {
      error.file = path
      throw error
    }
  }
}
