import COneDNN

extension PlanCompiler {
  /// Appends a copy from one layout to another.
  func appendReorder(_ source: PlanValue, _ destination: PlanValue, _ label: String) throws {
    let descriptor = PrimitiveDescriptor { pd in
      withUnsafePointer(to: source.layout.descriptor) { from in
        withUnsafePointer(to: destination.layout.descriptor) { to in qat_dnnl_reorder_pd(pd, context.engine, from, to) }
      }
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

/// Calls `body` with pointers to the descriptors of layouts; nil for an absent one.
func withDescriptors<R>(
  _ a: Layout, _ b: Layout, _ c: Layout, _ d: Layout?,
  _ body: (UnsafePointer<qat_layout>, UnsafePointer<qat_layout>, UnsafePointer<qat_layout>, UnsafePointer<qat_layout>?) -> R
) -> R {
  withUnsafePointer(to: a.descriptor) { a in
    withUnsafePointer(to: b.descriptor) { b in
      withUnsafePointer(to: c.descriptor) { c in
        guard let d else { return body(a, b, c, nil) }
        return withUnsafePointer(to: d.descriptor) { body(a, b, c, $0) }
      }
    }
  }
}
