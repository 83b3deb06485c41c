import QATGraph
import QATTensor
import RealModule

// Both operators know for each element of the updates where in data it goes; everything else follows from that.

/// A scattering given by the places of its updates.
protocol ScatteringKernel: ReferenceKernel, ScatteringOperator {
  /// For each element of the updates its place in data; nil where data has none.
  func targets<S>(_ shape: [Int], _ indices: NDArray<S>) -> [Int?]
}

extension ScatteringKernel {
  /// Copies data and applies one update after the other.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    var y = operand(inputs, 0)
    let updates = operand(inputs, 2).elements
    for (index, target) in targets(y.shape, operand(inputs, 1)).enumerated() {
      guard let target else { continue }
      y.elements[target] = reduction.result(y.elements[target], updates[index])
    }
    return KernelResult([y])
  }

  /// The gradient at each place goes to the number that stood there and to its updates, by their part in the result.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (data, updates) = (operand(inputs, 0), operand(inputs, 2))
    var dData = outputGradients[0]
    var dUpdates = NDArray<S>(repeating: 0, shape: updates.shape)
    var places: [Int: [Int]] = [:]
    for (index, target) in targets(data.shape, operand(inputs, 1)).enumerated() { if let target { places[target, default: []].append(index) } }
    for (place, indices) in places {
      let dy = outputGradients[0].elements[place]
      let slopes = reduction.slopes([data.elements[place]] + indices.map { updates.elements[$0] })
      dData.elements[place] = dy * slopes[0]
      for (index, slope) in zip(indices, slopes.dropFirst()) { dUpdates.elements[index] = dy * slope }
    }
    return [dData, nil, dUpdates]
  }
}

extension Scattering {
  fileprivate func result<S: Real>(_ old: S, _ new: S) -> S {
    switch self {
    case .replace: new
    case .add: old + new
    case .multiply: old * new
    case .maximum: old >= new || old.isNaN ? old : new
    case .minimum: old <= new || old.isNaN ? old : new
    }
  }

  /// The derivative of the result by what stood at a place, the first of `values`, and by each update.
  fileprivate func slopes<S: Real>(_ values: [S]) -> [S] {
    switch self {
    case .replace: return values.indices.map { $0 == values.count - 1 ? 1 : 0 }
    case .add: return values.map { _ in 1 }
    case .multiply: return values.indices.map { place in values.indices.reduce(1) { $1 == place ? $0 : $0 * values[$1] } }
    case .maximum, .minimum:
      let winner = values.dropFirst().reduce(values[0]) { result($0, $1) }
      let share = S(1) / S(Swift.max(values.count { $0 == winner }, 1))
      return values.map { $0 == winner ? share : 0 }
    }
  }
}

extension ScatterND: ScatteringKernel {
  func targets<S>(_ shape: [Int], _ indices: NDArray<S>) -> [Int?] {
    let runs = NamedRuns(shape, indices)
    return runs.starts.flatMap { start in (0..<runs.length).map { offset in start.map { $0 + offset } } }
  }
}

extension ScatterElements: ScatteringKernel {
  func targets<S>(_ shape: [Int], _ indices: NDArray<S>) -> [Int?] { GatherElements(axis: axis).sources(shape, indices) }
}
