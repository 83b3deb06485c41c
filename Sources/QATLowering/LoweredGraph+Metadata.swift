extension LoweredGraph {
  /// The keys that `metadata(for:form:joining:)` writes: they hold for one file, and are said anew for the next.
  public static let metadataKeys = ["quantization", "target"]

  /// What a file of the network says of itself: `quantization`, how many layers are integers and how many operators floats, and `target`, the runtime that it is for.
  /// - Parameters:
  ///   - target: the runtime.
  ///   - form: how the file says quantizers, where its format has several forms.
  ///   - given: what else the file says; its values stand before these.
  /// - Returns: all of it.
  public func metadata(for target: Runtime, form: String? = nil, joining given: [String: String]) -> [String: String] {
    let counts = "\(integerLayers.count) integer layers, \(floatOperators.count) float operators"
    return ["quantization": form.map { "\($0), \(counts)" } ?? counts, "target": target.rawValue].merging(given) { _, given in given }
  }
}
