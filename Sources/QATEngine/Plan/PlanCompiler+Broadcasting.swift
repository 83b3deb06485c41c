import QATGraph
import QATTensor

/// How a small tensor is repeated over a large one: runs of the large one that meet one element of the small one, or as many that follow each other.
private struct Repetition {
  /// Elements of a run.
  var length: Int
  /// Whether a run meets consecutive elements rather than a single one.
  var isConsecutive: Bool
  /// Where each run begins in the small tensor.
  var bases: [Int32]

  /// For dimensions of both in the order in which they lie; those of `small` are 1 or the same.
  init(_ large: [Int], small: [Int]) {
    let strides = zip(small, small.rowMajorStrides).map { $0 == 1 ? 0 : $1 }
    var axis = large.count
    length = 1
    var kind: Bool?
    while axis > 0 {
      let size = large[axis - 1]
      let isOwn = small[axis - 1] != 1
      guard size == 1 || kind == nil || kind == isOwn else { break }
      if size != 1 { kind = isOwn }
      length *= size
      axis -= 1
    }
    isConsecutive = kind ?? false
    bases = stridedOffsets(shape: Array(large[..<axis]), strides: Array(strides[..<axis])).map { Int32($0) }
  }
}

extension PlanCompiler {
  /// A sum or product of two tensors of which one is repeated along axes that it lacks or has at size 1: biases, gates of channels, scales.
  func broadcasting(multiplies: Bool, _ node: Node, _ index: Int) throws -> Bool {
    let output = shape(node.outputs[0])
    guard let port = node.inputs.firstIndex(where: { shape($0) == output }), output.elementCount < Int(Int32.max) else { return false }
    let (largeName, smallName) = (node.inputs[port], node.inputs[1 - port])
    let own = [Int](repeating: 1, count: output.count - shape(smallName).count) + shape(smallName)
    // In blocks where the large one lies in blocks without padding, which a sum would fill, and the small one can follow.
    let block = try value(largeName).layout.channelBlock
    let isBlocked = block > 1 && output[1] % block == 0 && (own[1] == 1 || own[1] == output[1])
    let layout = isBlocked ? try value(largeName).layout : try .plain(output)
    let smallLayout: Layout = isBlocked && own[1] != 1 ? try .blocked(own) : try .plain(own)
    let large = try value(largeName, in: layout)
    let given = try plainValue(smallName)
    let small = smallLayout.isPlain ? PlanValue(layout: smallLayout, buffer: given.buffer) : try blocked(given, smallLayout, node)
    let repetition = isBlocked ? Repetition(physical(output, block), small: physical(own, own[1] == 1 ? 1 : block)) : Repetition(output, small: own)
    let result = allocate(layout)
    let (x, s, y) = (large.buffer, small.buffer, result.buffer)
    append(
      KernelStep("\(node.type) \(node.name)", reads: [x, s], writes: [y]) { Self.combine(repetition, x.floats, s.floats, y.floats, multiplies) })
    define(node.outputs[0], result)
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      if multiplies {
        try contributeGradient(of: largeName, in: layout) { dx in
          KernelStep("Mul backward \(node.name)", reads: [dy.buffer, s], writes: [dx.buffer]) {
            Self.combine(repetition, dy.buffer.floats, s.floats, dx.buffer.floats, true)
          }
        }
      } else {
        try contribute(dy, to: largeName)
      }
      guard wantsGradient(smallName) else { return }
      let count = smallLayout.elementCount
      let sums = allocate(bytes: count * MemoryLayout<Double>.size)
      let destination = smallLayout.isPlain ? gradientDestination(smallName, try .plain(shape(smallName))) : allocate(smallLayout)
      let (upstream, wanted) = (dy.buffer, destination.buffer)
      append(
        KernelStep("\(node.type) backward \(node.name)", reads: multiplies ? [upstream, x] : [upstream], writes: [sums, wanted]) {
          Self.sum(repetition, upstream.floats, multiplies ? x.floats : nil, sums.doubles, count)
          for index in 0..<count { wanted.floats[index] = Float(sums.doubles[index]) }
        })
      guard !smallLayout.isPlain else { return try contribute(destination, to: smallName) }
      let plain = try reordered(destination, to: .plain(own), "gradient of \(smallName)")
      try contribute(PlanValue(layout: try .plain(shape(smallName)), buffer: plain.buffer), to: smallName)
    }
    return true
  }

  /// The small tensor with its channels in blocks.
  private func blocked(_ value: PlanValue, _ layout: Layout, _ node: Node) throws -> PlanValue {
    try reordered(PlanValue(layout: try .plain(layout.shape), buffer: value.buffer), to: layout, "reorder for \(node.name)")
  }

  /// Dimensions in the order in which they lie, with channels in blocks.
  private func physical(_ shape: [Int], _ block: Int) -> [Int] { [shape[0], shape[1] / block, shape[2], shape[3], block] }

  /// y = x + s or x · s.
  private static func combine(
    _ repetition: Repetition, _ x: UnsafePointer<Float>, _ s: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ multiplies: Bool
  ) {
    let length = repetition.length
    for (run, base) in repetition.bases.enumerated() {
      let (from, to, other) = (x + run * length, y + run * length, s + Int(base))
      switch (repetition.isConsecutive, multiplies) {
      case (true, true): for index in 0..<length { to[index] = from[index] * other[index] }
      case (true, false): for index in 0..<length { to[index] = from[index] + other[index] }
      case (false, true):
        let factor = other[0]
        for index in 0..<length { to[index] = from[index] * factor }
      case (false, false):
        let summand = other[0]
        for index in 0..<length { to[index] = from[index] + summand }
      }
    }
  }

  /// The gradient of what is repeated: dy, times x for a product, summed over all places that one element meets.
  private static func sum(
    _ repetition: Repetition, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>?, _ sums: UnsafeMutablePointer<Double>, _ count: Int
  ) {
    sums.update(repeating: 0, count: count)
    let length = repetition.length
    for (run, base) in repetition.bases.enumerated() {
      let (upstream, other) = (dy + run * length, x.map { $0 + run * length })
      let target = sums + Int(base)
      if repetition.isConsecutive {
        if let other {
          for index in 0..<length { target[index] += Double(upstream[index] * other[index]) }
        } else {
          for index in 0..<length { target[index] += Double(upstream[index]) }
        }
      } else {
        var total = 0.0
        if let other {
          for index in 0..<length { total += Double(upstream[index] * other[index]) }
        } else {
          for index in 0..<length { total += Double(upstream[index]) }
        }
        target[0] += total
      }
    }
  }
}
