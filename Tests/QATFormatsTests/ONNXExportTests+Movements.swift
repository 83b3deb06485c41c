import QATGraph
import QATTensor

extension ONNXExportTests {
  /// A network of `op` on inputs of the given types and an int64 constant.
  private static func network(_ op: any Operator, _ inputs: [TensorType], integers: [Int64]? = nil) -> Graph {
    var graph = Graph(name: "one", outputs: ["y"])
    for (index, type) in inputs.enumerated() { graph.inputs.append(.init(name: "x\(index)", type: type)) }
    var names = graph.inputs.map(\.name)
    if let integers {
      graph.constants["i"] = .init(Tensor(int64: integers), .fixed)
      names.append("i")
    }
    graph.nodes = [Node(name: "n", op: op, inputs: names, outputs: ["y"])]
    return graph
  }

  /// A constant that is repeated for each sample.
  private static var token: Graph {
    var graph = network(Expand(shape: [.batch, 3, 4]), [TensorType([.batch, 2])])
    graph.constants["token"] = .init(Tensor(repeating: 0.5, shape: [1, 3, 1]), .fixed)
    graph.nodes[0].inputs = ["token"]
    return graph
  }

  /// Rows that each sample writes into a table.
  private static var scattered: Graph {
    var graph = network(ScatterND(.add), [TensorType([.batch, 1], .int64), TensorType([.batch, 4])])
    graph.constants["table"] = .init(Tensor(repeating: 0.5, shape: [5, 4]), .fixed)
    graph.nodes[0].inputs = ["table", "x0", "x1"]
    return graph
  }

  private static let image = TensorType([.batch, 4, 6, 6])
  private static let truth = TensorType([.batch, 5], .bool)
  private static let numbers = TensorType([.batch, 5], .int64)

  static let movements: [Graph] =
    [
      network(Slice(axes: [1, 3], starts: [1, -1], ends: [3, .min], steps: [1, -2]), [image]),
      network(Pad(pads: [0, 0, 1, 2, 0, 0, 3, -1]), [image]),
      network(Pad(pads: [0, 0, 1, 2, 0, 0, 3, 0], mode: .constant(0.5)), [image]),
      network(Pad(pads: [0, 0, 1, 2, 0, 0, 3, 0], mode: .reflect), [image]),
      network(Pad(pads: [0, 0, 1, 2, 0, 0, 3, 0], mode: .edge), [image]), network(Pad(pads: [0, 0, 1, 2, 0, 0, 3, 0], mode: .wrap), [image]),
      network(Expand(shape: [3, 1]), [TensorType([.batch, 1, 5])]), token, network(Tile(repeats: [1, 2, 3, 1]), [image]), network(Trilu(), [image]),
      network(Trilu(keepsUpper: false, diagonal: -1), [image]), network(DepthToSpace(blockSize: 2), [image]),
      network(DepthToSpace(blockSize: 2, order: .columnRowDepth), [image]), network(SpaceToDepth(blockSize: 2), [image]),
      network(Gather(axis: 1), [image], integers: [3, -1, 0]),
      network(GatherElements(axis: 1), [TensorType([.batch, 3]), TensorType([.batch, 3], .int64)]),
      network(GatherND(batchDimensions: 1), [image, TensorType([.batch, 3, 2], .int64)]),
      network(ScatterElements(axis: 1), [TensorType([.batch, 3]), TensorType([.batch, 2], .int64), TensorType([.batch, 2])]),
      network(ScatterElements(axis: -1, .minimum), [TensorType([.batch, 3]), TensorType([.batch, 2], .int64), TensorType([.batch, 2])]),
      scattered,
      network(IsNaN(), [image]),
      network(Where(), [truth, TensorType([.batch, 5]), TensorType([.batch, 1])]), network(Cast(to: .float32), [numbers]),
      network(Cast(to: .bool), [numbers]),
      network(Equal(), [numbers, numbers]), network(Less(), [image, image]), network(LessOrEqual(), [image, image]),
      network(Greater(), [image, image]),
      network(GreaterOrEqual(), [image, image]), network(And(), [truth, truth]), network(Or(), [truth, truth]), network(Xor(), [truth, truth]),
      network(Not(), [truth]),
    ]
}
