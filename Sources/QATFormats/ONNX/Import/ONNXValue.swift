import QATGraph
import QATImporting
import QATTensor

/// What the importer knows of one tensor of the file.
enum ONNXValue {
  /// A tensor of the graph being built, under the name it has there.
  case computed(TensorName)
  /// Known now: an initializer, or what was computed from initializers alone.
  case constant(Tensor)
  /// Integers made from shapes; some depend on the batch size.
  case integers(SymbolicIntegers)
  /// A tensor of the graph rounded to integers, which a DequantizeLinear turns back into floating point.
  case codes(ONNXCodes)
  /// Integers that count samples.
  case sampleIndices(SampleIndices)
  /// Several tensors in a row.
  case sequence([ONNXValue])
  /// Made by an operator that is not supported. Whoever reads it is passed over, so that one message can list all such operators.
  case unavailable
}
