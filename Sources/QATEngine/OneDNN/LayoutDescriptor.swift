import COneDNN

/// oneDNN's description of a layout, freed with its owner.
final class LayoutDescriptor {
  private let layout: qat_layout

  /// Takes over what `make` creates.
  /// - Throws: `EngineError` when oneDNN refuses.
  init(_ words: @autoclosure () -> String, _ make: (UnsafeMutablePointer<qat_layout?>) -> dnnl_status_t) throws(EngineError) {
    var layout: qat_layout?
    try check(make(&layout), words())
    guard let layout else { throw EngineError("oneDNN gave no description of \(words())") }
    self.layout = layout
  }

  deinit { qat_dnnl_free(layout) }

  /// Lends the description to a call.
  func use<R>(_ body: (qat_layout) -> R) -> R { withExtendedLifetime(self) { body(layout) } }
}
