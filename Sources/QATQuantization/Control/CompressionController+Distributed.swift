import Foundation
import QATCommunication
import QATGraph
import QATTensor

extension CompressionController {
  /// Makes this network ready to be trained by several ranks: what rank 0 holds of quantization — setup, scheduler, parameters — becomes every rank's.
  ///
  /// All ranks call it together, after `createCompressedModel` and before the network is trained; a second call does nothing. A `Trainer` on several
  /// ranks refuses a network without it. Ranks whose quantizers differ are an error rather than overruled: they have read another model or configuration.
  /// - Throws: `CommunicationError` naming the rank that differs.
  public func distributed() throws {
    guard !isDistributed else { return }
    try communicator.verifyEqual(setup.fingerprint, what: "the quantizer setup")
    let saved = try communicator.broadcast(communicator.isRoot ? Array(JSONEncoder().encode(compressionState)) : [])
    let state = try JSONDecoder().decode(CompressionState.self, from: Data(saved))
    setup = state.setup
    scheduler.state = state.scheduler
    try broadcastParameters()
    isDistributed = true
  }

  private func broadcastParameters() throws {
    if let state { graph = state.applied(to: graph) }
    let tensors = setup.parameterNames.compactMap { name in graph.tensor(name).map { (name, $0.shape, $0.floats ?? []) } }
    let received = try communicator.broadcast(tensors.flatMap(\.2).withUnsafeBytes { Array($0) })
    let values = received.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    var offset = 0
    for (name, shape, own) in tensors {
      graph.constants[name]?.tensor = Tensor(Array(values[offset..<offset + own.count]), shape: shape)
      offset += own.count
    }
    state?.load(graph.constants.mapValues(\.tensor))
  }
}

extension QuantizerSetup {
  /// Names of the parameters in the quantized network, each once, sorted.
  var parameterNames: [TensorName] {
    let owners = parameterOwners
    let names = points.flatMap { point in point.specification.parameters.map { "\(owners[point.id] ?? point.id).\($0.suffix)" } }
    return Set(names).sorted()
  }
}
