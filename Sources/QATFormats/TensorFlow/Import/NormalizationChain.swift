import QATGraph
import QATTensor

/// A batch normalisation that the file spells with several operators, as Keras 3 freezes it:
/// k = rsqrt(variance + epsilon) · gamma, y = x · k + (beta − mean · k), where gamma and beta may be absent.
struct NormalizationChain {
  /// The tensor that is normalised.
  var x: String
  /// Tensors of the file that are constants; gamma and beta nil where the layer has none.
  var gamma: String?
  var beta: String?
  var mean: String
  var variance: String
  var epsilon: String

  /// All chains of a file, by the name of their last node.
  static func all(in file: FrozenGraph) -> [String: NormalizationChain] {
    let matcher = Matcher(file: file)
    var result: [String: NormalizationChain] = [:]
    for node in file.nodes {
      if let chain = matcher.chain(endingWith: node) { result[node.name] = chain }
    }
    return result
  }

  /// Reads the file's nodes as formulas.
  private struct Matcher {
    let file: FrozenGraph
    /// Tensors that are constants or made of constants alone.
    private let constants: Set<String>

    init(file: FrozenGraph) {
      self.file = file
      var constants = Set<String>()
      for node in file.nodes
      where node.type == "Const" || (!node.inputs.isEmpty && node.inputs.allSatisfy { constants.contains(TensorFlowNode.maker(of: $0)) }) {
        constants.insert(node.name)
      }
      self.constants = constants
    }

    private func isConstant(_ tensor: String) -> Bool { constants.contains(TensorFlowNode.maker(of: tensor)) }

    /// The two ways to read a sum or product.
    private func operands(_ node: TensorFlowNode?, _ types: String...) -> [(String, String)] {
      guard let node, types.contains(node.type), node.inputs.count == 2 else { return [] }
      return [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])]
    }

    func chain(endingWith node: TensorFlowNode) -> NormalizationChain? {
      if node.type == "Sub", node.inputs.count == 2 {
        return chain(product: node.inputs[0], shift: node.inputs[1])
      }
      for (product, shift) in operands(node, "Add", "AddV2") where isConstant(shift) {
        guard let source = file.source(of: shift) else { continue }
        if source.type == "Sub", source.inputs.count == 2 {
          if let found = chain(product: product, shift: source.inputs[1], beta: source.inputs[0]) { return found }
        } else if source.type == "Neg", let input = source.inputs.first {
          if let found = chain(product: product, shift: input) { return found }
        } else if source.type == "Mul" {
          if let found = chain(product: product, shift: shift, isNegated: true) { return found }
        }
      }
      return nil
    }

    /// The chain with x · k, and mean · k in `shift`.
    private func chain(
      product: String, shift: String, beta: String? = nil, isNegated: Bool = false
    ) -> NormalizationChain? {
      for (x, k) in operands(file.source(of: product), "Mul") where !isConstant(x) && isConstant(k) {
        for (mean, other) in operands(file.source(of: shift), "Mul") where file.source(of: other)?.name == file.source(of: k)?.name {
          guard let (gamma, variance, epsilon) = factor(k), let mean = isNegated ? negated(mean) : mean else { continue }
          return NormalizationChain(x: x, gamma: gamma, beta: beta, mean: mean, variance: variance, epsilon: epsilon)
        }
      }
      return nil
    }

    /// x of −x.
    private func negated(_ tensor: String) -> String? {
      guard let node = file.source(of: tensor), node.type == "Neg" else { return nil }
      return node.inputs.first
    }

    /// Gamma, variance and epsilon of k.
    private func factor(_ k: String) -> (gamma: String?, variance: String, epsilon: String)? {
      if let (variance, epsilon) = root(k) { return (nil, variance, epsilon) }
      for (root, gamma) in operands(file.source(of: k), "Mul") {
        if let (variance, epsilon) = self.root(root) { return (gamma, variance, epsilon) }
      }
      return nil
    }

    /// Variance and epsilon of rsqrt(variance + epsilon); epsilon is the single number of the two.
    private func root(_ tensor: String) -> (variance: String, epsilon: String)? {
      guard let node = file.source(of: tensor), node.type == "Rsqrt", let sum = node.inputs.first else { return nil }
      return operands(file.source(of: sum), "Add", "AddV2").first { isScalar($0.1) }
    }

    private func isScalar(_ tensor: String) -> Bool {
      guard let node = file.source(of: tensor), node.type == "Const", let proto = try? node.tensor("value") else { return false }
      return proto.tensorShape.dim.isEmpty
    }
  }
}
