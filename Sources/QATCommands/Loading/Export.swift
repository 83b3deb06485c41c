import QAT

/// Writes a trained network to files, each in its format.
///
/// A quantized network becomes integers first; what stays in floating point, and what the integers had to change, is said on stderr.
/// - Parameters:
///   - graph: the network with its trained values.
///   - destinations: where to write, and in which format.
///   - metadata: notes for the files.
///   - session: rank 0 writes; an error ends all ranks.
/// - Throws: `LoweringError` when the network cannot become integers; `CommandError` when a file cannot be written.
func export(_ graph: Graph, to destinations: [ExportDestination], metadata: [String: String], _ session: Session) throws {
  if destinations.isEmpty { return }
  try session.onRoot {
    WorkPhase.exporting.begin()
    var network = try ModelFormat.Network(graph, metadata: metadata)
    let lowered = network.lowered
    for adjustment in lowered?.adjustments ?? [] { session.note("export: \(adjustment.node): \(adjustment.reason)") }
    for layer in lowered?.floatOperators ?? [] { session.note("export: \(layer.name) (\(layer.type)) stays in floating point: \(layer.reason)") }
    for certificate in lowered?.overflowCertificates ?? [] where !certificate.isProven { session.warn("export: \(certificate.warning)") }
    for destination in destinations {
      let file = destination.file
      network.target = destination.target
      for note in destination.format.notes(network) { session.warn("export: \(file): \(note)") }
      do {
        try destination.format.write(network, to: file)
      } catch {
        throw CommandError(.storage, "the export failed: \(error)")
      }
      session.note("wrote \(file) (\(Numbers.bytes(destination.byteCount(at: file))), \(lowered == nil ? "fp32" : "INT8"))")
    }
  }
}

extension ExportDestination {
  /// Bytes of the file that was written to a path, with the one that belongs to it.
  func byteCount(at path: String) -> Int { [path, format.companion?(path)].compactMap { $0.flatMap(LoadedModel.size(ofFile:)) }.reduce(0, +) }
}
