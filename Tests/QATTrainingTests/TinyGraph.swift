import QATGraph
import QATTensor

/// A linear classifier x [batch, C·H·W flattened] → scores, with deterministic weights: enough of a network for the training loop.
func linearGraph(inputs: Int, classes: Int) -> Graph {
  let weight = (0..<inputs * classes).map { Float(($0 * 7919) % 101 - 50) / 500 }
  return Graph(
    name: "linear", inputs: [.init(name: "x", type: TensorType([.batch, .fixed(inputs)]))], outputs: ["scores"],
    nodes: [Node(name: "fc", op: Gemm(transposesB: true), inputs: ["x", "fc.weight", "fc.bias"], outputs: ["scores"])],
    constants: [
      "fc.weight": .init(Tensor(weight, shape: [classes, inputs]), .parameter),
      "fc.bias": .init(Tensor(repeating: 0, shape: [classes]), .parameter),
    ])
}
