import Foundation
import QAT

/// What an export is given besides the network.
struct ExportRequest {
  /// Where to write, and in which format.
  var destinations: [ExportDestination]
  /// Notes for the files.
  var metadata: [String: String]
  /// Makes the samples that files are proven on; without it they are drawn.
  var samples: () throws -> (any BatchSource)? = { nil }
  /// How many inputs and outputs are stored beside each file.
  var testVectorCount = 0
}

/// Writes a trained network to files, each in its format, and proves that they compute what was trained.
///
/// A quantized network becomes integers first; what stays in floating point, and what the integers had to change, is said on stderr. A file is then read back and computed a
/// second time by kernels that share nothing with training.
/// - Parameters:
///   - graph: the network with its trained values.
///   - request: where to write.
///   - session: rank 0 writes; an error ends all ranks.
/// - Throws: `LoweringError` when the network cannot become integers; `CommandError` when a file cannot be written, or, when all are, one of them computes something else.
func export(_ graph: Graph, _ request: ExportRequest, _ session: Session) throws {
  if request.destinations.isEmpty { return }
  try session.onRoot {
    WorkPhase.exporting.begin()
    let whole = try ModelFormat.Network(graph, metadata: request.metadata)
    let lowered = whole.lowered
    for adjustment in lowered?.adjustments ?? [] { session.note("export: \(adjustment.node): \(adjustment.reason)") }
    for certificate in lowered?.overflowCertificates ?? [] where !certificate.isProven { session.warn("export: \(certificate.warning)") }
    if let lowered { session.note(try KernelTable(lowered).text) }
    let samples = try lowered == nil ? [] : whole.samples(ModelFormat.proofSampleCount, from: request.samples())
    var faults: [String] = []
    for destination in request.destinations {
      let file = destination.file
      let network = try whole.targeting(destination.target)
      if network.target == .portable, let exceptions = lowered?.portability.exceptions, !exceptions.isEmpty {
        session.warn("export: codes beside ties may differ between runtimes at \(exceptions.joined(separator: "; "))")
      }
      for note in destination.format.notes(network) { session.warn("export: \(file): \(note)") }
      do {
        try destination.format.write(network, to: file)
      } catch {
        throw CommandError(.storage, "the export failed: \(error)")
      }
      session.note("wrote \(file) (\(Numbers.bytes(destination.byteCount(at: file))), \(lowered == nil ? "fp32" : "INT8"))")
      if let proof = try destination.format.proof(of: file, against: network, samples: samples) {
        session.note("\(file): \(proof.summary)")
        if let first = proof.undefined.first {
          session.warn(
            "export: \(file): \(proof.undefined.count) tensors of the quantized network hold what is no number, first '\(first.tensor)' (\(first.undefined) of \(first.count) values): "
              + "a divisor, root or logarithm whose operand was quantized to 0. Runtimes differ there; leave its quantizer out with 'ignored_scopes'")
        }
        faults += proof.faults.map { "\(file): \($0)" }
      }
      if request.testVectorCount > 0 { try writeTestVectors(network, beside: file, request, session) }
    }
    guard faults.isEmpty else {
      throw CommandError(
        .apart,
        "what was written computes something else than what was trained, which is a fault of this program; do not deploy it\n  "
          + faults.joined(separator: "\n  "))
    }
  }
}

/// Stores inputs, and the outputs that the network's runtime makes of them, for `qat verify`.
private func writeTestVectors(_ network: ModelFormat.Network, beside file: String, _ request: ExportRequest, _ session: Session) throws {
  let samples = try network.samples(request.testVectorCount, from: request.samples())
  var arrays: [(name: String, tensor: Tensor)] = []
  func append(_ name: String, _ parts: [NDArray<Float>]) {
    guard let first = parts.first else { return }
    arrays.append((name, Tensor(parts.flatMap(\.elements), shape: [first.shape[0] * parts.count] + first.shape.dropFirst())))
  }
  for input in network.graph.inputs { append(input.name, samples.compactMap { $0[input.name] }) }
  let outputs = try network.evaluate(samples)
  for name in network.graph.outputs { append(name, outputs.compactMap { $0[name] }) }
  let path = "\(file).vectors.npz"
  try replaceFiles([(path, NumPyFile.archive(arrays))])
  session.note(
    "wrote \(path): \(samples.count) inputs with their outputs; 'qat verify --model \(file) --vectors \(path) --tolerance 0' repeats the check")
}

extension ExportProof {
  /// What was compared, in one sentence.
  var summary: String {
    let ties = besideTies == 0 ? "" : ", \(Numbers.grouped(besideTies)) of them beside a tie and rounded to its other side"
    let limit = isComplete ? "" : "; the time limit left out the rest"
    return
      "read back and computed again without the code that trains: \(Numbers.grouped(count)) values of \(comparisons.count) tensors on \(sampleCount) samples are "
      + "\(faults.isEmpty ? "" : "NOT ")those of the network in \(target.name)'s arithmetic\(ties)\(limit)"
  }
}

extension ExportDestination {
  /// Bytes of the file that was written to a path, with the one that belongs to it.
  func byteCount(at path: String) -> Int { [path, format.companion?(path)].compactMap { $0.flatMap(LoadedModel.size(ofFile:)) }.reduce(0, +) }
}
