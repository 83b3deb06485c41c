import QATGraph
import QATImporting
import QATTensor

import func Foundation.cos
import func Foundation.erf
import func Foundation.exp
import func Foundation.log
import func Foundation.sin
import func Foundation.tanh

/// Functions of one number. Of constants, as exporters compute attention's scale, they are computed.
extension ONNXImporter {
  static let elementary: [String: OperatorImporter] = [
    "Exp": elementary(Exp(), exp),
    "Log": elementary(Log(), log),
    "Sqrt": elementary(Sqrt()) { $0.squareRoot() },
    "Reciprocal": elementary(Reciprocal()) { 1 / $0 },
    "Neg": { importer, node throws(ONNXError) in
      guard let integers = try importer.inputValue(0, node)?.integers else { return try elementary(Neg(), -)(&importer, node) }
      guard let negated = SymbolicIntegers.combine(SymbolicIntegers(elements: [0], isScalar: true), integers, Dimension.difference) else {
        throw node.unsupported("the opposite of \(integers.elements.prefix(8)) is no multiple of the batch size")
      }
      try importer.bind(node.output, to: .integers(negated), node)
    },
    "Abs": elementary(Abs(), abs),
    "Tanh": elementary(Tanh(), tanh),
    "Erf": elementary(Erf(), erf),
    "Sin": elementary(Sin(), sin),
    "Cos": elementary(Cos(), cos),
    "Floor": elementary(Floor()) { $0.rounded(.down) },
    "Ceil": elementary(Ceil()) { $0.rounded(.up) },
    "Round": elementary(Round()) { $0.rounded(.toNearestOrEven) },
    "Sign": { importer, node throws(ONNXError) in try importer.apply(Sign(), to: ["input"], node) },
  ]

  private static func elementary(_ op: any Operator, _ function: @escaping @Sendable (Float) -> Float) -> OperatorImporter {
    { importer, node throws(ONNXError) in
      guard let tensor = try importer.constant(0, node), let values = tensor.floats else {
        return try importer.emit(op, [try importer.tensor(0, "X", node)], node)
      }
      try importer.spend(values.count, node)
      try importer.bind(node.output, to: .constant(Tensor(values.map(function), shape: tensor.shape)), node)
    }
  }
}
