import QATGraph
import QATImporting
import QATTensor

/// What writes into places of a copy, and what reads from places that rows of indices name.
extension ONNXImporter {
  static let scatterings: [String: OperatorImporter] = [
    "GatherND": { importer, node throws(ONNXError) in
      try importer.apply(GatherND(batchDimensions: try node.int("batch_dims", default: 0)), to: ["data", "indices"], node)
    },
    "ScatterND": { importer, node throws(ONNXError) in
      try importer.apply(ScatterND(try reduction(node)), to: ["data", "indices", "updates"], node)
    },
    "ScatterElements": scatterElements,
    "Scatter": scatterElements,
  ]

  private static func scatterElements(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let op = ScatterElements(axis: try node.int("axis", default: 0), try reduction(node))
    try importer.apply(op, to: ["data", "indices", "updates"], node)
  }

  private static func reduction(_ node: ONNXImportNode) throws(ONNXError) -> Scattering {
    let name = try node.string("reduction") ?? "none"
    guard let reduction = Scattering(rawValue: name) else {
      throw node.error("the attribute 'reduction' is '\(name)', expected \(Scattering.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return reduction
  }
}
