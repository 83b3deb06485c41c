import QAT

/// Writes the network before and after quantization as pictures for Graphviz, where the configuration asks for them: NNCF's `log_dir`.
/// - Parameters:
///   - original: the network before quantization.
///   - controller: holds the quantized network.
///   - folder: where to write `original_graph.dot` and `compressed_graph.dot`; made when it is missing. Nil writes nothing.
///   - session: rank 0 writes; an error ends all ranks.
/// - Throws: `CommandError` when a file cannot be written.
func drawGraphs(_ original: Graph, _ controller: CompressionController, to folder: String?, _ session: Session) throws {
  guard let folder else { return }
  try session.onRoot {
    for (name, graph) in [("original", original), ("compressed", controller.graph)] {
      let picture = try NetworkReport(graph, fileSize: nil, listsQuantizers: false, statistics: nil, reasons: [:]).picture()
      try writeLog("\(name)_graph.dot", picture.dot, in: folder)
    }
  }
}
