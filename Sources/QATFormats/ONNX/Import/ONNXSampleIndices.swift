import QATGraph
import QATImporting
import QATTensor

/// Integers that count samples: the number of the sample along one axis times `stride`, plus numbers that are known. PyTorch's exporter reads with them from
/// a tensor that it has flattened, batch and all.
struct SampleIndices {
  /// What each sample adds.
  var stride = 1
  /// What is added; one of them along the axis of the samples.
  var offsets = Tensor(int64: [0])
  /// The axis along which samples are counted.
  var axis = 0

  /// The indices times `factor`, or plus a tensor; nil when that counts no samples any more.
  func combined(with other: Tensor, multiplies: Bool) -> SampleIndices? {
    guard let numbers = other.integers, let own = offsets.integers else { return nil }
    var result = self
    if multiplies {
      guard numbers.count == 1, other.shape.count <= offsets.shape.count else { return nil }
      let (stride, overflow) = stride.multipliedReportingOverflow(by: numbers[0])
      let products = own.map { $0.multipliedReportingOverflow(by: numbers[0]) }
      guard !overflow, !products.contains(where: \.overflow) else { return nil }
      result.stride = stride
      result.offsets = Tensor(shape: offsets.shape, elements: .int64(products.map { Int64($0.partialValue) }))
      return result
    }
    let added = max(0, other.shape.count - offsets.shape.count)
    result.axis += added
    let place = result.axis - (added + offsets.shape.count - other.shape.count)
    guard place < 0 || other.shape[place] == 1, own.allSatisfy({ $0.magnitude < 1 << 24 }), numbers.allSatisfy({ $0.magnitude < 1 << 24 }),
      let operands = zipped(offsets, other), let sum = (Add() as any Operator as? any EvaluableOperator)?.evaluate(operands)?.first,
      let whole = (Cast(to: .int64) as any Operator as? any EvaluableOperator)?.evaluate([sum])?.first
    else { return nil }
    result.offsets = whole
    return result
  }

  private func zipped(_ a: Tensor, _ b: Tensor) -> [Tensor?]? {
    guard let x = a.integers, let y = b.integers else { return nil }
    return [Tensor(x.map { Float($0) }, shape: a.shape), Tensor(y.map { Float($0) }, shape: b.shape)]
  }
}

extension ONNXImporter {
  /// The sum or product of indices of samples and a constant.
  /// - Returns: whether the node computes one.
  mutating func combineSampleIndices(_ node: ONNXImportNode) throws(ONNXError) -> Bool {
    for (index, other) in [(0, 1), (1, 0)] {
      guard case .sampleIndices(let indices) = try inputValue(index, node) else { continue }
      guard ["Add", "Mul"].contains(node.type), let constant = try constant(other, node) else {
        throw node.unsupported("of the numbers of samples only with a constant is")
      }
      try spend(max(constant.count, indices.offsets.count), node)
      guard let result = indices.combined(with: constant, multiplies: node.type == "Mul") else {
        throw node.unsupported("of the numbers of samples only with such a constant is: \(constant.shape)")
      }
      try bind(node.output, to: .sampleIndices(result), node)
      return true
    }
    return false
  }

  /// Reads what indices of samples name in a tensor whose first dimension holds the batch: a choice within each sample.
  mutating func gatherSamples(_ indices: SampleIndices, _ node: ONNXImportNode) throws(ONNXError) {
    let x = try tensor(0, "data", node)
    let shape = indices.offsets.shape
    guard let type = types[x], type.dimensions.first == .batch(multiple: indices.stride), indices.axis < shape.count,
      shape[..<indices.axis].allSatisfy({ $0 == 1 }), let offsets = indices.offsets.integers, offsets.allSatisfy((0..<indices.stride).contains)
    else { throw node.unsupported("of the numbers of samples only within each sample is") }
    let rest = type.dimensions.dropFirst().compactMap(\.fixedSize)
    let leading = [Int](repeating: 1, count: indices.axis)
    let result = leading + [-1] + shape[(indices.axis + 1)...] + rest
    var source = x
    if offsets != Array(0..<indices.stride) {
      source = try emitHelper(Reshape(shape: [-1, indices.stride] + rest), [x], "samples", node)
      let places = add(Tensor(int64: offsets.map(Int64.init)), named: uniqueName("\(node.name)/places"), .fixed)
      source = try emitHelper(Gather(axis: 1), [source, places], "chosen", node)
    }
    try emit(Reshape(shape: result), [source], node)
  }
}
