import QATEngine
import QATGraph
import QATTensor

/// Moves parameters along their gradients. All buffers are flat, in the order of `ModelState.parameterSlots`; a step allocates nothing.
public protocol Optimizer: AnyObject {
  /// Number of steps made, which is part of the state of some rules.
  var stepCount: Int { get set }
  /// What the rule remembers of each parameter: a name, as PyTorch calls it, and one value an element. Saved and restored with the run.
  var memories: [(name: String, values: AlignedBuffer<Float>)] { get }
  /// Makes one step with `rate`, from `state.gradients`, on `state.parameters`.
  func step(_ state: ModelState, rate: Double)
}

extension Optimizer {
  /// The state as one tensor a parameter and memory, named `<parameter>.<memory>`, shaped as the parameter.
  public func tensors(slots: [ModelState.Slot]) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (name, values) in memories {
      for slot in slots { result["\(slot.name).\(name)"] = Tensor(Array(values.elements[slot.range]), shape: slot.shape) }
    }
    return result
  }

  /// Takes the state over from tensors that `tensors(slots:)` made.
  /// - Throws: `TrainingError` naming the tensor that is missing or has another shape.
  public func load(_ tensors: [String: Tensor], slots: [ModelState.Slot]) throws(TrainingError) {
    for (name, values) in memories {
      for slot in slots {
        let key = "\(slot.name).\(name)"
        guard let found = tensors[key], let floats = found.floats, found.shape == slot.shape else {
          let what = tensors[key].map { "\($0.elementType) \($0.shape)" } ?? "nothing"
          throw TrainingError(
            .checkpoint, "the optimizer's state has \(what) for '\(key)', expected float32 \(slot.shape): it is of another optimizer or model")
        }
        for (index, value) in zip(slot.range, floats) { values.pointer[index] = value }
      }
    }
  }
}
