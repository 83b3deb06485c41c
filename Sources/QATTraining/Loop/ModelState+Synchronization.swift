import CTrainingSupport
import QATCommunication
import QATEngine
import QATQuantization
import QATTensor

extension ModelState {
  /// Gives every rank the parameters and statistics of rank 0, after checking that they have the same names and shapes, and checks that it worked.
  /// - Throws: `CommunicationError` naming the rank that differs.
  public func synchronize(_ communicator: any Communicator) throws {
    guard communicator.size > 1 else { return }
    var layout = Fingerprint()
    for slot in parameterSlots + statisticSlots { layout.feed("\(slot.name) \(slot.shape) \(slot.momentum)") }
    try communicator.verifyEqual(layout.value, what: "the network's layout")
    var values = Fingerprint()
    for buffer in [parameters, statistics] where buffer.count > 0 {
      try communicator.broadcast(UnsafeMutableRawBufferPointer(buffer.elements), from: 0)
      values.feed(UnsafeRawBufferPointer(buffer.elements))
    }
    try communicator.verifyEqual(values.value, what: "the parameters")
  }

  /// Checks that all ranks still hold the same parameters and running statistics: they make the same updates, so only a fault of a machine or of the program
  /// can drive them apart.
  /// - Throws: `CommunicationError` naming a rank that differs from most, and its node. Exit code 3.
  func verifyAgreement(_ communicator: any Communicator) throws {
    guard communicator.size > 1 else { return }
    var values = Fingerprint()
    for buffer in [parameters, statistics] { values.feed(qat_fast_hash(buffer.pointer, buffer.count * MemoryLayout<Float>.stride)) }
    try communicator.verifyEqual([
      SharedValue(
        "the model in training", values.text,
        remedy: "Ranks that make the same updates have drifted apart: have that node's memory checked, and go on from the last checkpoint without it")
    ])
  }

  /// Takes over the values of a checkpoint, all of them.
  /// - Throws: `TrainingError` naming every tensor that is missing, has another shape or has no place here.
  func restore(_ tensors: [String: Tensor]) throws(TrainingError) {
    let match = match(tensors)
    guard match.isComplete else {
      throw TrainingError(.mismatch, "the checkpoint does not fit the network: " + match.faults.joined(separator: "; "))
    }
    load(tensors)
  }
}

extension Communicator {
  /// Checks that the ranks may train a quantized network together.
  /// - Throws: on every rank, an error with the remedy.
  func requireDistributed(_ controller: CompressionController?) throws {
    guard size > 1, let controller else { return }
    var fault: String?
    if controller.communicator.size != size {
      fault = "its quantizers were made by \(controller.communicator.size) ranks: pass the same communicator to createCompressedModel, or none"
    } else if !controller.isDistributed {
      fault = "they have not agreed on its quantizers: call `try controller.distributed()` on every rank before training"
    }
    let error = fault.map { TrainingError(.mismatch, "\(size) ranks are to train the network '\(controller.graph.name)' together, but \($0)") }
    try agree(error, exitCode: TrainingError.Kind.mismatch.exitCode)
  }
}
