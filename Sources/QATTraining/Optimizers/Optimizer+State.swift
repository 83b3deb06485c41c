import QATEngine
import QATGraph
import QATTensor

extension Optimizer {
  /// The state as one tensor a parameter and memory, named `<parameter>.<memory>`, shaped as the parameter.
  /// - Precondition: the optimizer moves all parameters.
  public func tensors(slots: [ModelState.Slot]) -> [String: Tensor] {
    precondition(share.count == slots.last?.range.upperBound ?? 0, "an optimizer of a share does not know the state of all parameters")
    var result: [String: Tensor] = [:]
    for (name, values) in memories {
      for slot in slots { result["\(slot.name).\(name)"] = Tensor(Array(values.elements[slot.range]), shape: slot.shape) }
    }
    return result
  }

  /// Takes the state of its share over from the tensors of all parameters, as a checkpoint has them.
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
        share.forEachPart(of: slot.range) { part, offset in
          for (index, place) in zip(part, offset...) { values.pointer[place] = floats[index - slot.offset] }
        }
      }
    }
  }
}
