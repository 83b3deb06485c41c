import Foundation
import QATGraph
import QATTensor
import QATTensorFlow
import Testing

/// A frozen graph that must be refused, and what the message must say.
struct FaultyGraphDef: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let bytes: [UInt8]
  let message: [String]

  init(_ name: String, saying message: [String], input: [Int]? = [-1, 8, 6, 3], _ build: (inout GraphDefBytes) -> Void) {
    testDescription = name
    self.message = message
    var graph = GraphDefBytes(input: input)
    build(&graph)
    bytes = graph.bytes
  }

  static let all: [FaultyGraphDef] = [
    FaultyGraphDef("a tensor nobody makes", saying: ["node 'y'", "'z'", "no node makes"]) { $0.node("Relu", "y", ["z"]) },
    FaultyGraphDef("an output that its node does not have", saying: ["node 'y'", "'a:3'"]) {
      $0.node("Relu", "a", ["x"])
      $0.node("Relu", "y", ["a:3"])
    },
    FaultyGraphDef("a cycle", saying: ["cycle"]) {
      $0.node("Relu", "a", ["b"])
      $0.node("Relu", "b", ["a"])
      $0.node("Relu", "y", ["b"])
    },
    FaultyGraphDef("two nodes of one name", saying: ["node 'y'", "two nodes"]) {
      $0.node("Relu", "y", ["x"])
      $0.node("Relu", "y", ["x"])
    },
    FaultyGraphDef("a node without a name", saying: ["type Relu has no name"]) { $0.node("Relu", "", ["x"]) },
    FaultyGraphDef("nothing to compute", saying: ["no node computes anything"]) { _ in },
    FaultyGraphDef("an attribute given twice", saying: ["node 'y'", "'alpha'", "twice"]) {
      $0.node("LeakyRelu", "y", ["x"], [("alpha", .float(1)), ("alpha", .float(2))])
    },
    FaultyGraphDef("an attribute of another type", saying: ["node 'y'", "'alpha'", "not a float"]) {
      $0.node("LeakyRelu", "y", ["x"], [("alpha", .string("much"))])
    },
    FaultyGraphDef("an input of unknown size", saying: ["node 'x'", "dimension 2", "open"], input: [-1, 8, -1, 3]) { $0.node("Relu", "y", ["x"]) },
    FaultyGraphDef("an input that is empty", saying: ["node 'x'", "empty"], input: [-1, 0, 4, 3]) { $0.node("Relu", "y", ["x"]) },
    FaultyGraphDef("an input that is too large", saying: ["node 'x'", "too large"], input: [-1, 1 << 40, 1 << 40, 3]) { $0.node("Relu", "y", ["x"]) },
    FaultyGraphDef("an input without a type", saying: ["node 'z'", "dtInvalid"]) {
      $0.node("Placeholder", "z", [], [("shape", .shape([-1, 2]))])
      $0.node("Relu", "y", ["z"])
    },
    FaultyGraphDef("a constant of too few bytes", saying: ["node 'c'", "tensor_content has 4 bytes"]) {
      $0.node("Const", "c", [], [("value", .tensor(GraphDefBytes.tensor(1, [3], content: [0, 0, 0, 0])))])
      $0.node("AddV2", "y", ["x", "c"])
    },
    FaultyGraphDef("a constant whose size overflows", saying: ["node 'c'", "too large"]) {
      $0.node("Const", "c", [], [("value", .tensor(GraphDefBytes.tensor(1, [1 << 40, 1 << 40], floats: [1])))])
      $0.node("AddV2", "y", ["x", "c"])
    },
    FaultyGraphDef("a few bytes that ask for a gigabyte", saying: ["node 'c'", "1 elements", "asks for"]) {
      $0.node("Const", "c", [], [("value", .tensor(GraphDefBytes.tensor(1, [1 << 30], floats: [1])))])
      $0.node("AddV2", "y", ["x", "c"])
    },
    FaultyGraphDef("a constant of another type", saying: ["Const (node 'c')", "dtComplex64"]) {
      $0.node("Const", "c", [], [("value", .tensor(GraphDefBytes.tensor(8, [1], content: [0])))])
      $0.node("AddV2", "y", ["x", "c"])
    },
    FaultyGraphDef("an unknown padding", saying: ["node 'y'", "'padding'", "'MIDDLE'"]) { $0.convolution(padding: "MIDDLE") },
    FaultyGraphDef("strides over channels", saying: ["node 'y'", "'strides'"]) { $0.convolution(strides: [1, 2, 2, 2]) },
    FaultyGraphDef("strides without end", saying: ["node 'y'", "'strides'"]) { $0.convolution(strides: [1, 1 << 40, 1, 1]) },
    FaultyGraphDef("a filter for other channels", saying: ["node 'y'", "filter"]) { $0.convolution([3, 3, 2, 4]) },
    FaultyGraphDef("a call of nothing", saying: ["node 'y'", "'f'", "library"]) { $0.node("PartitionedCall", "y", ["x"], [("f", .function("f"))]) },
    FaultyGraphDef("a function that calls itself", saying: ["'f' calls itself"]) {
      let call = GraphDefBytes.node("PartitionedCall", "again", ["a"], [("f", .function("f"))])
      $0.function("f", ["a"], [call], [("r", "again:output:0")])
      $0.node("PartitionedCall", "y", ["x"], [("f", .function("f"))])
    },
    FaultyGraphDef("functions that double from call to call", saying: ["more nodes than any network"]) {
      for level in 0..<40 {
        let calls = ["p", "q"].map { GraphDefBytes.node("PartitionedCall", $0, ["a"], [("f", .function("f\(level + 1)"))]) }
        $0.function("f\(level)", ["a"], calls, [("r", "q:output:0")])
      }
      $0.function("f40", ["a"], [GraphDefBytes.node("Relu", "r", ["a"])], [("r", "r:activations:0")])
      $0.node("PartitionedCall", "y", ["x"], [("f", .function("f0"))])
    },
    FaultyGraphDef("a constant out of proportion", saying: ["node 'big'", "out of proportion"]) {
      $0.integers("shape", [1 << 15, 1 << 15])
      $0.floats("zero", [], [0])
      $0.node("Fill", "big", ["shape", "zero"])
      $0.node("AddV2", "y", ["x", "big"])
    },
    FaultyGraphDef("a graph that is not frozen", saying: ["VarHandleOp (node 'v')", "convert_variables_to_constants_v2"]) {
      $0.node("VarHandleOp", "v", [])
      $0.node("ReadVariableOp", "r", ["v"])
      $0.node("AddV2", "y", ["x", "r"])
    },
    FaultyGraphDef("a batch norm that trains", saying: ["FusedBatchNormV3 (node 'y')", "is_training"]) {
      for name in ["g", "b", "m", "v"] { $0.floats(name, [3]) }
      $0.node("FusedBatchNormV3", "y", ["x", "g", "b", "m", "v"], [("is_training", .flag(true))])
    },
    FaultyGraphDef("a quantizer without a range", saying: ["node 'y'", "empty"]) {
      $0.floats("low", [], [1])
      $0.floats("high", [], [1])
      $0.node("FakeQuantWithMinMaxVars", "y", ["x", "low", "high"])
    },
    FaultyGraphDef("a quantizer of 16 bits", saying: ["FakeQuantWithMinMaxVars (node 'y')", "16 bits"]) {
      $0.floats("low", [], [0])
      $0.floats("high", [], [1])
      $0.node("FakeQuantWithMinMaxVars", "y", ["x", "low", "high"], [("num_bits", .int(16))])
    },
  ]
}

@Suite("Faulty TensorFlow graphs") struct TensorFlowErrorTests {
  @Test(arguments: FaultyGraphDef.all) func areRefusedWithPlaceAndReason(graph: FaultyGraphDef) {
    let error = #expect(throws: TensorFlowError.self) { try TensorFlowFile.decode(graph.bytes) }
    for part in graph.message { #expect(error?.description.contains(part) == true, "\(error?.description ?? "")") }
  }

  @Test func allUnsupportedOperatorsAreListedAtOnce() {
    var graph = GraphDefBytes()
    graph.node("Relu", "a", ["x"])
    graph.node("Fancy", "first", ["a"])
    graph.node("Relu", "passed over", ["first"])
    graph.node("Cumsum", "second", ["passed over"])
    graph.node("MirrorPad", "third", ["x", "a"])
    graph.node("AddV2", "y", ["second", "third"])
    let error = #expect(throws: TensorFlowError.self) { try TensorFlowFile.decode(graph.bytes) }
    #expect(error?.unsupported.map(\.node) == ["first", "second", "third"])
    #expect(error?.unsupported.map(\.type) == ["Fancy", "Cumsum", "MirrorPad"])
    #expect(error?.description.contains("Fancy (node 'first')") == true)
  }

  @Test(arguments: [[], [0x0A], Array("not a graph at all".utf8), [UInt8](repeating: 0xFF, count: 64)] as [[UInt8]])
  func otherFilesAreRefused(bytes: [UInt8]) {
    let error = #expect(throws: TensorFlowError.self) { try TensorFlowFile.decode(bytes) }
    #expect(error?.description.contains("not a") == true)
  }

  @Test func aMissingFileIsNamed() {
    let error = #expect(throws: TensorFlowError.self) { try TensorFlowFile.read(contentsOf: "/nowhere/model.pb") }
    #expect(error?.description.hasPrefix("/nowhere/model.pb: the file cannot be read") == true)
  }

  /// One graph that goes through most of the importer.
  private static var rich: GraphDefBytes {
    var graph = GraphDefBytes()
    graph.integers("paddings", [0, 0, 1, 1, 1, 1, 0, 0], shape: [4, 2])
    graph.node("Pad", "pad", ["x", "paddings"])
    graph.floats("w", [3, 3, 3, 4])
    graph.floats("low", [4], [-1, -1, -2, -1])
    graph.floats("high", [4], [1, 1, 2, 1])
    graph.node("FakeQuantWithMinMaxVarsPerChannel", "wq", ["w", "low", "high"], [("narrow_range", .flag(true)), ("num_bits", .int(8))])
    graph.node("Conv2D", "conv", ["pad", "wq"], [("padding", .string("VALID")), ("strides", .ints([1, 2, 2, 1]))])
    graph.floats("b", [4])
    graph.node("BiasAdd", "bias", ["conv", "b"])
    for name in ["variance", "gamma", "beta", "mean"] { graph.floats(name, [4], [1, 2, 0.5, 1]) }
    graph.floats("epsilon", [], [0.001])
    graph.node("AddV2", "shifted", ["variance", "epsilon"])
    graph.node("Rsqrt", "root", ["shifted"])
    graph.node("Mul", "k", ["root", "gamma"])
    graph.node("Mul", "scaled", ["bias", "k"])
    graph.node("Mul", "scaled_mean", ["mean", "k"])
    graph.node("Sub", "shift", ["beta", "scaled_mean"])
    graph.node("AddV2", "norm", ["scaled", "shift"])
    let relu = GraphDefBytes.node("Relu6", "relu", ["a"])
    graph.function("f", ["a"], [relu], [("r", "relu:activations:0")])
    graph.node("StatefulPartitionedCall", "call", ["norm"], [("f", .function("f"))])
    graph.node("MaxPool", "pool", ["call"], [("ksize", .ints([1, 2, 2, 1])), ("padding", .string("SAME")), ("strides", .ints([1, 2, 2, 1]))])
    graph.integers("axis", [3], shape: [])
    graph.node("Split", "split", ["axis", "pool"], [("num_split", .int(2))])
    graph.node("ConcatV2", "joined", ["split:1", "split", "axis"], [("N", .int(2))])
    graph.node("Shape", "shape", ["joined"])
    for (name, value) in [("begin", 0), ("end", 1), ("step", 1)] { graph.integers(name, [value]) }
    graph.node("StridedSlice", "batch", ["shape", "begin", "end", "step"], [("shrink_axis_mask", .int(1))])
    graph.integers("rest", [16], shape: [])
    graph.node("Pack", "target", ["batch", "rest"], [("N", .int(2))])
    graph.node("Reshape", "flat", ["joined", "target"])
    graph.floats("kernel", [16, 5])
    graph.node("MatMul", "dense", ["flat", "kernel"])
    graph.node("Softmax", "y", ["dense"])
    return graph
  }

  @Test func readsTheGraphThatIsMutated() throws {
    let graph = try TensorFlowFile.decode(Self.rich.bytes)
    #expect(
      graph.nodes.map(\.type).filter { $0 != "Slice" } == [
        "FakeQuantize", "Conv", "BatchNormalization", "Clip", "MaxPool", "Concat", "Flatten", "MatMul", "Softmax",
      ])
  }

  @Test func damagedFilesNeverCrash() {
    let intact = Self.rich.bytes
    var random = SeededGenerator(seed: 11)
    var refused = 0
    for _ in 0..<4_000 {
      do { _ = try TensorFlowFile.decode(intact.mutated(using: &random)) } catch { refused += 1 }
    }
    #expect(refused > 1_000 && refused < 4_000)
  }

  @Test func aTruncatedFileIsRefusedOrSmaller() {
    let intact = Self.rich.bytes
    for count in stride(from: 1, to: intact.count - 1, by: 7) { _ = try? TensorFlowFile.decode(Array(intact.prefix(count))) }
  }
}
