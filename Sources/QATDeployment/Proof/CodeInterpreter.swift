import QATEngine
import QATGraph
import QATLowering
import QATTensor
import RealModule

/// Computes a lowered network with the plain kernels in double precision, operator by operator, each from what was observed in front of it.
struct CodeInterpreter: Sendable {
  /// What was compared on one sample.
  struct Result: Sendable {
    var comparisons: [ExportProof.Comparison] = []
    var isComplete = true
  }

  private let graph: Graph
  private let kernels: [any ReferenceKernel]
  private let activations: [TensorName: ActivationCodes]

  init(_ lowered: LoweredGraph) throws(GraphError) {
    graph = lowered.simulation
    activations = lowered.activations
    var kernels: [any ReferenceKernel] = []
    for node in graph.nodes { kernels.append(try requireKernel(for: node)) }
    self.kernels = kernels
  }

  /// The results of all samples as one, in the order of the first.
  static func merged(_ results: [Result]) -> [ExportProof.Comparison] {
    var merged: [ExportProof.Comparison] = []
    var indices: [TensorName: Int] = [:]
    for comparison in results.flatMap(\.comparisons) {
      if let index = indices[comparison.tensor] {
        merged[index].count += comparison.count
        merged[index].besideTies += comparison.besideTies
        merged[index].wrong += comparison.wrong
        merged[index].undefined += comparison.undefined
      } else {
        indices[comparison.tensor] = merged.count
        merged.append(comparison)
      }
    }
    return merged
  }

  /// Compares every observed tensor of a sample with what the plain kernels make of the observed tensors before it.
  func compare(_ inputs: [TensorName: NDArray<Float>], _ observed: [TensorName: DeployedTensor], until deadline: ContinuousClock.Instant) -> Result {
    var result = Result()
    var values: [TensorName: NDArray<Double>] = [:]
    for (name, array) in inputs { values[name] = NDArray(array.elements.map { Double($0) }, shape: array.shape) }
    // Where a tensor was rounded that nobody observes: the same with every code beside a tie on its other side.
    var alternatives: [TensorName: NDArray<Double>] = [:]
    for (index, node) in graph.nodes.enumerated() {
      guard ContinuousClock.now < deadline else {
        result.isComplete = false
        return result
      }
      let context = KernelContext(mode: .evaluation, node: index, batchSize: 1)
      let output = node.outputs[0]
      let quantized = node.op is FakeQuantize ? activations[output] : nil
      // A constant is converted where it is read: all of a large network at once would take twice its size.
      func operands(_ values: [TensorName: NDArray<Double>]) -> [NDArray<Double>?] {
        node.inputs.map { name in values[name] ?? graph.constants[name].map { NDArray($0.tensor) } }
      }
      func computed(_ values: [TensorName: NDArray<Double>]) -> [NDArray<Double>] {
        // A quantizer's own rounding is what is compared: up to there it passes values on.
        if quantized != nil { return operands(values)[0].map { [$0] } ?? [] }
        return kernels[index].forwardInDouble(operands(values), context).outputs
      }
      let exact = computed(values)
      let other = node.inputs.contains { alternatives[$0] != nil } ? computed(values.merging(alternatives) { $1 }) : nil
      for (port, name) in node.outputs.enumerated() where exact.indices.contains(port) {
        if let seen = observed[name] {
          // What a quantizer of many scales makes has no codes to be compared.
          let rounded = quantized == nil ? nil : kernels[index].forwardInDouble(operands(values), context).outputs[0]
          if rounded != nil || !(node.op is FakeQuantize) {
            result.comparisons.append(Self.compare(name, seen, exact[port], other?[port], rounded))
          }
          values[name] = seen.exactValues
        } else if let grid = quantized {
          let rounded = Self.rounded(exact[port], grid)
          values[name] = rounded.exact
          alternatives[name] = rounded.other
        } else {
          values[name] = exact[port]
          alternatives[name] = other?[port]
        }
      }
    }
    return result
  }

  /// Compares what was observed of a tensor with what the plain kernels make before it is rounded, also from codes on the other side of ties, and with
  /// what the quantizer's own kernel makes of that where there is one.
  private static func compare(
    _ name: TensorName, _ seen: DeployedTensor, _ exact: NDArray<Double>, _ other: NDArray<Double>?, _ rounded: NDArray<Double>?
  ) -> ExportProof.Comparison {
    var comparison = ExportProof.Comparison(tensor: name)
    comparison.count = exact.count
    comparison.undefined = exact.elements.count(where: \.isNaN)
    switch seen.elements {
    case .codes(let codes, let grid):
      guard codes.count == exact.count else {
        comparison.wrong = exact.count
        return comparison
      }
      // Runtimes make some code or other of what is no number.
      for (index, code) in codes.enumerated() where !exact.elements[index].isNaN {
        let place = grid.place(exact.elements[index])
        // What the quantizer's own kernel makes, or what was only moved, is a code as it stands: the table of codes in use, which may be wrong, has no say in it.
        let right = (rounded.map { grid.place($0.elements[index]) } ?? place).rounded()
        if Double(code) == right { continue }
        let isBesideTie = grid.isBesideTie(place, Int(code)) || other.map { grid.isBesideTie(grid.place($0.elements[index]), Int(code)) } ?? false
        if isBesideTie { comparison.besideTies += 1 } else { comparison.wrong += 1 }
      }
    case .floats(let floats):
      let tolerance = ExportProof.floatTolerance * (exact.elements.lazy.filter { !$0.isNaN }.map { abs($0) }.max() ?? 0)
      comparison.wrong =
        floats.count == exact.count
        ? zip(floats, exact.elements).count { $1.isNaN ? !$0.isNaN : !(abs(Double($0) - $1) <= tolerance) } : exact.count
    }
    return comparison
  }

  /// Values on a grid; where some are beside a tie, also with these on its other side.
  private static func rounded(_ exact: NDArray<Double>, _ grid: ActivationCodes) -> (exact: NDArray<Double>, other: NDArray<Double>?) {
    var (result, other) = (exact, exact)
    var hasOther = false
    for (index, value) in exact.elements.enumerated() {
      let place = grid.place(value)
      let code = grid.nearestCode(place)
      result.elements[index] = grid.value(code)
      let neighbour = grid.kept(place > Double(code) ? code + 1 : code - 1)
      let isBesideTie = neighbour != code && grid.isBesideTie(place, neighbour)
      other.elements[index] = grid.value(isBesideTie ? neighbour : code)
      hasOther = hasOther || isBesideTie
    }
    return (result, hasOther ? other : nil)
  }
}

extension ActivationCodes {
  /// Where a value lies among the codes, before any rounding.
  fileprivate func place(_ value: Double) -> Double { value / Double(scale) + Double(zeroPoint) }

  /// A code kept to those in use.
  fileprivate func kept(_ code: Int) -> Int { Swift.min(Swift.max(code, range.lowerBound), range.upperBound) }

  /// The code of a place; the lowest one where it is no number.
  fileprivate func nearestCode(_ place: Double) -> Int {
    let rounded = Swift.min(Swift.max(place.rounded(.toNearestOrEven), Double(range.lowerBound)), Double(range.upperBound))
    return rounded.isNaN ? range.lowerBound : Int(rounded)
  }

  /// Whether a place is so near to the tie between a code and its neighbour that either is right.
  fileprivate func isBesideTie(_ place: Double, _ code: Int) -> Bool { abs(place - Double(code)) <= 0.5 + ExportProof.tieWidth }

  /// The value of a code, exactly.
  fileprivate func value(_ code: Int) -> Double { Double(code - zeroPoint) * Double(scale) }
}

extension DeployedTensor {
  /// The values: codes exactly, floats as they are.
  fileprivate var exactValues: NDArray<Double> {
    switch elements {
    case .floats(let values): return NDArray(values.map { Double($0) }, shape: shape)
    case .codes(let codes, let grid):
      let table = (0...255).map { Double($0 - grid.zeroPoint) * Double(grid.scale) }
      return NDArray(codes.map { table[Int($0)] }, shape: shape)
    }
  }
}
