import COneDNN

/// The description of a primitive with the layouts and the implementation that oneDNN chose. Freed with its owner.
final class PrimitiveDescriptor {
  let pd: dnnl_primitive_desc_t

  /// Takes over what `make` creates.
  /// - Returns: nil when oneDNN has no implementation.
  init?(_ make: (UnsafeMutablePointer<dnnl_primitive_desc_t?>) -> dnnl_status_t) {
    var pd: dnnl_primitive_desc_t?
    guard make(&pd) == dnnl_success, let pd else { return nil }
    self.pd = pd
  }

  deinit { dnnl_primitive_desc_destroy(pd) }

  /// The layout of one of the primitive's tensors.
  func layout(_ query: dnnl_query_t, index: Int32 = 0, shape: [Int]) throws(EngineError) -> Layout {
    guard let descriptor = dnnl_primitive_desc_query_md(pd, query, index) else { throw EngineError("oneDNN has no such tensor") }
    return try Layout(descriptor, shape: shape)
  }

  /// Size of the workspace that the forward pass leaves for the backward pass.
  func workspace() throws(EngineError) -> Layout? {
    guard let descriptor = dnnl_primitive_desc_query_md(pd, dnnl_query_workspace_md, 0), dnnl_memory_desc_get_size(descriptor) > 0 else { return nil }
    return try Layout(descriptor, shape: [])
  }

  /// Number of tensors that an execution reads. Versions of oneDNN differ in whether they want one that they do not need, and refuse one too many.
  var inputCount: Int {
    var count: Int32 = 0
    return dnnl_primitive_desc_query(pd, dnnl_query_num_of_inputs_s32, 0, &count) == dnnl_success ? Int(count) : 0
  }

  /// The implementation's name, such as `jit:avx512_core`.
  var implementation: String {
    var name: UnsafePointer<CChar>?
    let status = withUnsafeMutablePointer(to: &name) { dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, $0) }
    return status == dnnl_success ? name.map { String(cString: $0) } ?? "?" : "?"
  }

  /// Whether the implementation is oneDNN's plain loop.
  var isPlainLoop: Bool { implementation.hasPrefix("ref") }

  /// Of a convolution: whether the implementation is a fallback, many times slower than a generated kernel.
  var isSlow: Bool { isPlainLoop || implementation.hasPrefix("gemm") || implementation.hasPrefix("simple") }
}
