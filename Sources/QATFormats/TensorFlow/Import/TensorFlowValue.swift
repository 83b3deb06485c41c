import QATGraph
import QATImporting
import QATTensor

/// What the importer knows of one tensor of the file.
enum TensorFlowValue {
  /// A tensor of the graph being built, under the name it has there, and how its order relates to the file's.
  case computed(TensorName, TensorFlowLayout)
  /// Known now: a constant of the file, or what was computed from constants alone. `origin` names the constant it comes from.
  case constant(Tensor, origin: TensorName)
  /// Integers made from shapes; some depend on the batch size.
  case integers(SymbolicIntegers)
  /// A constant behind a fake quantizer: a weight.
  case quantized(QuantizedConstant)
  /// Made by an operator that is not supported. Whoever reads it is passed over, so that one message can list all such operators.
  case unavailable

  /// The value as integers for shape arithmetic, or nil when it is none.
  var integers: SymbolicIntegers? {
    switch self {
    case .integers(let value): value
    case .constant(let tensor, _): SymbolicIntegers(tensor)
    case .computed, .quantized, .unavailable: nil
    }
  }

  /// Whether the value is made of shapes and depends on the batch size.
  var isSymbolic: Bool { if case .integers = self { true } else { false } }
}

/// A constant behind a fake quantizer.
struct QuantizedConstant {
  /// The values before the quantizer, in the file's order.
  var tensor: Tensor
  /// The constant it comes from.
  var origin: TensorName
  /// The quantizer.
  var quantizer: FileQuantizer
  /// Which parameters an element has: `index / inner % quantizer.count`. 1 where the channels are the last axis.
  var inner = 1

  /// The axis whose indices have parameters of their own; nil for one set of parameters in all.
  /// - Parameter shape: dimensions of the tensor in some order in which the elements have been left.
  /// - Returns: the axis, or −1 when no single axis of `shape` is the channels'.
  func channelAxis(in shape: [Int]) -> Int? {
    if quantizer.count == 1 { return nil }
    var behind = 1
    for axis in shape.indices.reversed() {
      if shape[axis] == quantizer.count, behind == inner { return axis }
      behind *= shape[axis]
    }
    return -1
  }
}
