import COneDNN

extension PlanCompiler {
  /// Appends a copy from one layout to another.
  func appendReorder(_ source: PlanValue, _ destination: PlanValue, _ label: String) throws {
    let descriptor = PrimitiveDescriptor { pd in
      source.layout.descriptor.use { from in destination.layout.descriptor.use { to in qat_dnnl_reorder_pd(pd, context.engine, from, to) } }
    }
    guard let descriptor else { throw EngineError("oneDNN has no copy between the layouts of \(label)") }
    append(
      try PrimitiveStep(
        label, descriptor, context, reads: [.init(index: DNNL_ARG_FROM, layout: source.layout, buffer: source.buffer)],
        writes: [.init(index: DNNL_ARG_TO, layout: destination.layout, buffer: destination.buffer)]))
  }

  /// `value` in `layout`: itself, or a copy that is appended here.
  func converted(_ value: PlanValue, to layout: Layout, _ label: String) throws -> PlanValue {
    value.layout == layout ? value : try reordered(value, to: layout, label)
  }

  /// One of a primitive's tensors.
  func argument(_ index: Int32, _ value: PlanValue) -> PrimitiveStep.Argument { .init(index: index, layout: value.layout, buffer: value.buffer) }
}

/// Calls `body` with the descriptions of layouts; nil for an absent one.
func withDescriptors<R>(
  _ a: Layout, _ b: Layout, _ c: Layout, _ d: Layout?, _ body: (qat_layout, qat_layout, qat_layout, qat_layout?) -> R
) -> R {
  a.descriptor.use { a in
    b.descriptor.use { b in c.descriptor.use { c in d.map { $0.descriptor.use { body(a, b, c, $0) } } ?? body(a, b, c, nil) } }
  }
}
