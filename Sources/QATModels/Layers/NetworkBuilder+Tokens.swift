import QATGraph
import QATTensor

/// Layers on sequences of tokens [N, T, C].
extension NetworkBuilder {
  /// Rows of a trained table. Input token numbers [N, T] of int64, table [count, features], output [N, T, features].
  public mutating func embedding(_ x: Value, _ name: String, count: Int, features: Int, weights: Initializer = .normal(deviation: 1)) -> Value {
    add(Gather(), [parameter(named: "\(name).weight", weights, shape: [count, features]), x], name)
  }

  /// Layer normalisation over the last axis with a trained scale and shift. Source: Ba et al. 2016, arXiv:1607.06450.
  public mutating func layerNormalization(_ x: Value, _ name: String, epsilon: Float = 1e-5) -> Value {
    let shape = [x.features]
    return add(
      LayerNormalization(epsilon: epsilon), [x], name,
      parameters: [parameter(name, "weight", .constant(1), shape: shape), parameter(name, "bias", .constant(0), shape: shape)])
  }

  /// Adds a trained tensor that is broadcast to x, such as the embedding of positions.
  /// - Parameters:
  ///   - x: the input.
  ///   - name: the node's name.
  ///   - parameterName: the tensor's full name.
  ///   - shape: its shape.
  ///   - weights: how it starts.
  ///   - rows: the part of its first axis that is added; all of it when nil.
  /// - Returns: the sum.
  public mutating func addingParameter(
    _ x: Value, _ name: String, parameterName: String, shape: [Int], weights: Initializer, rows: Range<Int>? = nil
  ) -> Value {
    var term = parameter(named: parameterName, weights, shape: shape)
    if let rows, rows != 0..<shape[0] { term = add(Slice(axes: [0], starts: [rows.lowerBound], ends: [rows.upperBound]), [term], "\(name).rows") }
    return sum(x, term, name)
  }

  /// Self-attention of several heads, each token looking at all: softmax(Q · Kᵀ / √D) · V for each head of D = C / heads features.
  /// Source: Vaswani et al. 2017, arXiv:1706.03762.
  /// - Parameters:
  ///   - queries: Q of all heads, [N, T, C].
  ///   - keys: K of all heads, [N, T, C].
  ///   - values: V of all heads, [N, T, C].
  ///   - name: the layer's name.
  ///   - heads: number of heads, a divisor of C.
  /// - Returns: the heads' results side by side, [N, T, C].
  public mutating func attention(queries: Value, keys: Value, values: Value, _ name: String, heads: Int) -> Value {
    let features = queries.features
    let split = [0, 0, heads, features / max(heads, 1)]
    let q = transpose(reshape(queries, "\(name).q", split), "\(name).q_heads", [0, 2, 1, 3])
    let k = transpose(reshape(keys, "\(name).k", split), "\(name).k_heads", [0, 2, 3, 1])
    let v = transpose(reshape(values, "\(name).v", split), "\(name).v_heads", [0, 2, 1, 3])
    let scale = fixed(named: "\(name).scale", Tensor([1 / Float(features / max(heads, 1)).squareRoot()], shape: [1]))
    let scores = add(Mul(), [add(MatMul(), [q, k], "\(name).scores"), scale], "\(name).scaled")
    let mixed = add(MatMul(), [softmax(scores, "\(name).softmax"), v], "\(name).mixed")
    return reshape(transpose(mixed, "\(name).tokens", [0, 2, 1, 3]), "\(name).merged", [0, 0, features])
  }

  /// The same elements in another shape: 0 keeps a dimension, −1 takes what remains.
  public mutating func reshape(_ x: Value, _ name: String, _ shape: [Int]) -> Value { add(Reshape(shape: shape), [x], name) }

  /// The axes in another order.
  public mutating func transpose(_ x: Value, _ name: String, _ permutation: [Int]) -> Value { add(Transpose(permutation: permutation), [x], name) }

  /// A part of an axis.
  public mutating func slice(_ x: Value, _ name: String, axis: Int, _ range: Range<Int>) -> Value {
    add(Slice(axes: [axis], starts: [range.lowerBound], ends: [range.upperBound]), [x], name)
  }
}
