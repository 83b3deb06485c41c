import CVectorKernels

/// Runs `body` for every index below `count`, on the threads that all loops share. Calls for different indices may run at the same time, so that they
/// must write to different places.
func parallel(_ count: Int, _ body: (Int) -> Void) {
  withoutActuallyEscaping(body) { body in
    var escaping = body
    withUnsafeMutablePointer(to: &escaping) { pointer in
      qat_parallel_for(
        count, 1,
        { context, first, last in
          guard let body = context?.assumingMemoryBound(to: ((Int) -> Void).self).pointee else { return }
          for index in first..<last { body(index) }
        }, pointer)
    }
  }
}
