import QATGraph
import QATONNX
import QATTensor
import Testing

/// Inputs of ONNX files: open dimensions, element types, and initializers among them.
@Suite struct ONNXInputTests {
  @Test func shapesFixEveryOpenDimensionAndWhatIsComputedFromThem() throws {
    var model = ModelBytes(input: ["N", "C", "H", 6])
    model.integers("spatial", [2, 3])
    model.integers("rest", [0, -1])
    model.node("Shape", ["x"], ["shape"])
    model.node("Gather", ["shape", "spatial"], ["size"])
    model.node("ReduceProd", ["size"], ["area"], [("keepdims", .int(1)), ("axes", .ints([0]))])
    model.node("Concat", ["rest", "area"], ["target"], [("axis", .int(0))])
    model.node("Reshape", ["x", "target"])
    #expect(throws: ONNXError.self) { try ONNXFile.decode(model.bytes) }
    let graph = try ONNXFile.decode(model.bytes, inputShapes: ["x": [.batch, 3, 4, 6]])
    #expect(graph.inputs.map(\.type) == [TensorType([.batch, 3, 4, 6])])
    #expect(try graph.tensorTypes()["y"] == TensorType([.batch, 3, 24]))
    #expect(graph.nodes.map(\.type) == ["Reshape"])
  }

  @Test(
    arguments: [
      ("x", [.batch, 3, 9, 8], "the file says [dynamic ('N'), 3, 8, 8]"), ("x", [.batch, 3, 8], "the file says"),
      ("x", [.batch, 3, 8, 0], "the file says"),
      ("z", [.batch, 3, 8, 8], "the inputs are [\"x\"]"),
    ] as [(String, [QATGraph.Dimension], String)])
  func shapesThatDoNotFitAreRefused(name: String, shape: [QATGraph.Dimension], reason: String) throws {
    var model = ModelBytes()
    model.node("Relu", ["x"])
    let error = #expect(throws: ONNXError.self) { try ONNXFile.decode(model.bytes, inputShapes: [name: shape]) }
    #expect(error?.tensor == name && error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }

  /// Files of IR version 3 list every initializer as an input.
  @Test(arguments: [7, 8, 17]) func initializersAmongTheInputsAreConstants(opset: Int) throws {
    var model = ModelBytes()
    model.opset = opset
    model.add(input: "w", [4, 3, 3, 3])
    model.weights("w", [4, 3, 3, 3])
    model.node("Conv", ["x", "w"])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.inputs.map(\.name) == ["x"] && graph.constants["w"]?.role == .parameter)
  }

  /// float16, bfloat16 and float64, from input to output, with casts to the type and back.
  @Test(
    arguments: [(10, [0x00, 0x3C, 0x00, 0xC0]), (16, [0x80, 0x3F, 0x00, 0xC0]), (11, (1.0).bitPattern.littleBytes + (-2.0).bitPattern.littleBytes)]
      as [(Int, [UInt8])])
  func networksOfOtherWidthsComputeInFloat32(type: Int, weights: [UInt8]) throws {
    var model = ModelBytes(input: ["N", 2])
    model.inputs = []
    model.add(input: "x", ["N", 2], elementType: type)
    model.initializers.append(ModelBytes.tensor("w", [2], type, raw: weights))
    model.node("Mul", ["x", "w"], ["a"])
    model.node("Cast", ["a"], ["b"], [("to", .int(1))])
    model.node("Relu", ["b"], ["c"])
    model.node("Cast", ["c"], ["y"], [("to", .int(type))])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(try graph.tensorTypes().values.allSatisfy { $0.elementType == .float32 })
    #expect(graph.tensor("w")?.floats == [1, -2])
  }
}
