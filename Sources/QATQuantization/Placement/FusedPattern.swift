/// A chain of operators that runs as one: no quantizer goes inside it. Source: reference NNCF's fused patterns.
struct FusedPattern: Hashable {
  /// One link of a chain.
  enum Step: Hashable {
    /// An input of the network.
    case input
    /// A convolution or matrix product.
    case linear
    case batchNormalization
    /// A single operator such as Relu.
    case activation
    /// x · sigmoid(x), from two operators.
    case swish
    /// x · clip(x + 3, 0, 6), from three operators.
    case unscaledHardSwish
    /// x · clip(x + 3, 0, 6) / 6, from four operators.
    case hardSwish
    /// Addition or multiplication.
    case arithmetic
    case add
    case multiply

    var nodeCount: Int {
      switch self {
      case .swish: 2
      case .unscaledHardSwish: 3
      case .hardSwish: 4
      default: 1
      }
    }
  }

  let steps: [Step]

  /// How many operators the chain has.
  var nodeCount: Int { steps.reduce(0) { $0 + $1.nodeCount } }

  /// A scale and a shift behind a layer with weights, which not every device takes for one operator with it.
  static let linearScaleShift = FusedPattern(steps: [.linear, .multiply, .add])

  /// The patterns of a device, in the order in which they are matched.
  static func patterns(on device: TargetDevice) -> [FusedPattern] { device.fusesScaleAndShift ? all : all.filter { $0 != linearScaleShift } }

  /// Every pattern, longest first.
  static let all: [FusedPattern] = {
    let scaleShift: [Step] = [.multiply, .add]
    let shiftScale: [Step] = [.add, .multiply]
    let afterLinear: [[Step]] = [
      [.arithmetic], [.batchNormalization], [.activation], [.batchNormalization, .activation], [.activation, .batchNormalization], scaleShift,
      scaleShift + [.activation], [.activation] + scaleShift, shiftScale, [.batchNormalization] + scaleShift + [.activation],
      [.arithmetic, .activation], [.arithmetic, .activation, .arithmetic],
    ]
    let afterArithmetic: [[Step]] = [
      [.batchNormalization], [.activation], [.batchNormalization, .activation], [.activation, .batchNormalization], scaleShift,
      scaleShift + [.activation], [.activation] + scaleShift,
    ]
    let alone: [[Step]] = [
      [.batchNormalization, .activation], [.batchNormalization] + scaleShift + [.activation], [.activation, .batchNormalization],
      [.activation] + scaleShift, scaleShift, scaleShift + [.activation], shiftScale,
    ]
    let afterInput: [[Step]] = [scaleShift, shiftScale, [.add], [.multiply]]
    let chains = afterLinear.map { [.linear] + $0 } + afterArithmetic.map { [.arithmetic] + $0 } + alone + afterInput.map { [.input] + $0 }
    let patterns = chains.flatMap(variants).map(FusedPattern.init)
    // Stable: of two patterns of one length the one listed first is matched first.
    return patterns.enumerated().sorted { ($1.element.nodeCount, $0.offset) < ($0.element.nodeCount, $1.offset) }.map(\.element)
  }()

  /// The chain itself, and the chain with its activation written in elementary operators. An activation that begins a chain stays a single operator.
  private static func variants(of chain: [Step]) -> [[Step]] {
    guard let place = chain.firstIndex(of: .activation), place > 0 else { return [chain] }
    let activations: [Step] = [.activation, .swish, .unscaledHardSwish, .hardSwish]
    return activations.map { activation in
      var variant = chain
      variant[place] = activation
      return variant
    }
  }
}
