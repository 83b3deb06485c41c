import Foundation
import QATGraph
import QATONNX
import QATTensor
import Testing

/// A file that must be refused, and what the message must say.
struct FaultyModel: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let bytes: [UInt8]
  let message: [String]

  init(_ name: String, saying message: [String], input: [Any] = ["N", 3, 8, 8], _ build: (inout ModelBytes) -> Void) {
    testDescription = name
    self.message = message
    var model = ModelBytes(input: input)
    build(&model)
    bytes = model.bytes
  }

  static let all: [FaultyModel] = [
    FaultyModel("a tensor nobody makes", saying: ["node 'n'", "'z'", "nothing before it makes"]) { $0.node("Relu", ["z"], name: "n") },
    FaultyModel("a cycle", saying: ["node 'a'", "cycle"]) {
      $0.node("Relu", ["b"], ["a"], name: "a")
      $0.node("Relu", ["a"], ["b"], name: "b")
    },
    FaultyModel("a node that reads itself", saying: ["node 'a'", "cycle"]) { $0.node("Relu", ["y"], name: "a") },
    FaultyModel("a tensor made twice", saying: ["node 'b'", "'y'", "exists already"]) {
      $0.node("Relu", ["x"], name: "a")
      $0.node("Relu", ["x"], name: "b")
    },
    FaultyModel("a node that makes an input", saying: ["node 'a'", "'x'", "exists already"]) {
      $0.node("Constant", [], ["x"], name: "a", [("value_float", .float(1))])
      $0.node("Relu", ["x"], ["y"], name: "b")
    },
    FaultyModel("initializers of one name", saying: ["tensor 'w'", "two initializers"]) {
      $0.weights("w", [1])
      $0.weights("w", [1])
      $0.node("Relu", ["x"])
    },
    FaultyModel("an output that is not computed", saying: ["tensor 'y'", "no node computes it"]) { $0.node("Relu", ["x"], ["z"]) },
    FaultyModel("raw data too short", saying: ["tensor 'w'", "raw_data has 8 bytes"]) {
      $0.initializers.append(ModelBytes.tensor("w", [2, 3], 1, raw: [UInt8](repeating: 0, count: 8)))
      $0.node("Add", ["x", "w"])
    },
    FaultyModel("dimensions whose product overflows", saying: ["tensor 'w'", "too large"]) {
      $0.initializers.append(ModelBytes.tensor("w", [1 << 40, 1 << 40], 1, raw: []))
      $0.node("Add", ["x", "w"])
    },
    FaultyModel("a zero beside dimensions that overflow", saying: ["tensor 'w'", "too large"]) {
      $0.initializers.append(ModelBytes.tensor("w", [0, 1 << 40, 1 << 40], 1, raw: []))
      $0.node("Add", ["x", "w"])
    },
    FaultyModel("a negative dimension", saying: ["tensor 'w'", "negative"]) {
      $0.initializers.append(ModelBytes.tensor("w", [-1], 1, raw: []))
      $0.node("Add", ["x", "w"])
    },
    FaultyModel("an element type without counterpart", saying: ["tensor 'w'", "data_type 8"]) {
      $0.initializers.append(ModelBytes.tensor("w", [1], 8, raw: [0]))
      $0.node("Add", ["x", "w"])
    },
    FaultyModel(
      "a dynamic height", saying: ["tensor 'x'", "only the first dimension", "--shape x:1,3,224,8", "dynamic ('H')"], input: ["N", 3, "H", 8]
    ) { $0.node("Relu", ["x"]) },
    FaultyModel("an input that is too large", saying: ["tensor 'x'", "too large"], input: ["N", 1 << 31, 1 << 31, 1 << 31]) {
      $0.node("Relu", ["x"])
    },
    FaultyModel("a weight that does not fit", saying: ["node 'c'", "cannot take x"]) {
      $0.weights("w", [4, 5, 3, 3])
      $0.node("Conv", ["x", "w"], name: "c")
    },
    FaultyModel("a window of enormous dilation", saying: ["node 'p'", "dilations"]) {
      $0.node("MaxPool", ["x"], name: "p", [("kernel_shape", .ints([2, 2])), ("dilations", .ints([Int.max, 1]))])
    },
    FaultyModel("a missing attribute", saying: ["node 'p'", "kernel_shape"]) { $0.node("MaxPool", ["x"], name: "p") },
    FaultyModel("an attribute of another type", saying: ["node 'l'", "'alpha'"]) { $0.node("LeakyRelu", ["x"], name: "l", [("alpha", .int(1))]) },
    FaultyModel("an attribute given twice", saying: ["node 'l'", "'alpha'", "twice"]) {
      $0.node("LeakyRelu", ["x"], name: "l", [("alpha", .float(1)), ("alpha", .float(1))])
    },
    FaultyModel("a reshape that loses elements", saying: ["node 'r'", "fixed batch of 1"], input: [1, 3, 8, 8]) {
      $0.integers("s", [1, 191])
      $0.node("Reshape", ["x", "s"], name: "r")
    },
    FaultyModel("a reshape that swallows the batch", saying: ["node 'r'", "Reshape"]) {
      $0.integers("s", [192])
      $0.node("Reshape", ["x", "s"], name: "r")
    },
    FaultyModel("a constant out of proportion", saying: ["node 'e'", "out of proportion"]) {
      $0.integers("s", [1 << 30])
      $0.node("ConstantOfShape", ["s"], ["e"], name: "e")
      $0.node("Add", ["x", "e"])
    },
    FaultyModel("an opset of the future", saying: ["opset 99", "7 to 25"]) {
      $0.opset = 99
      $0.node("Relu", ["x"])
    },
    FaultyModel("a momentum beyond one", saying: ["node 'b'", "momentum"]) {
      for name in ["g", "b", "m", "v"] { $0.weights(name, [3]) }
      $0.node("BatchNormalization", ["x", "g", "b", "m", "v"], name: "b", [("momentum", .float(2))])
    },
  ]
}

@Suite("Faulty ONNX files") struct ONNXErrorTests {
  @Test(arguments: FaultyModel.all) func areRefusedWithPlaceAndReason(model: FaultyModel) {
    let error = #expect(throws: ONNXError.self) { try ONNXFile.decode(model.bytes) }
    for part in model.message { #expect(error?.description.contains(part) == true, "\(error?.description ?? "")") }
  }

  @Test func allUnsupportedOperatorsAreListedAtOnce() {
    var model = ModelBytes()
    model.domains = ["com.example"]
    model.node("Relu", ["x"], ["a"])
    model.node("STFT", ["a"], ["b"], name: "first")
    model.node("Relu", ["b"], ["c"])
    model.node("Fancy", ["c"], ["d"], name: "second", domain: "com.example")
    model.node("Tile", ["x", "a"], ["e"], name: "third")
    model.node("Add", ["d", "e"])
    let error = #expect(throws: ONNXError.self) { try ONNXFile.decode(model.bytes) }
    #expect(error?.unsupported.map(\.node) == ["first", "second", "third"])
    #expect(error?.unsupported.map(\.type) == ["STFT", "Fancy", "Tile"])
    #expect(error?.unsupported.map(\.domain) == ["", "com.example", ""])
    #expect(error?.unsupported.map(\.opset) == [17, 1, 17])
    #expect(error?.description.contains("com.example::Fancy (node 'second', opset 1)") == true)
  }

  /// Known operators that are used in a way that is not read, behind one that is unknown: by their attributes, and where the file states shapes, by these.
  @Test(arguments: [("N", 8), ("N", 7), ("M", 8), (nil, 0)] as [(String?, Int)]) func theListGoesOnBehindARefusal(batch: String?, height: Int) {
    var model = ModelBytes()
    model.weights("scales", [4], [1, 1, 2, 2])
    model.integers("ones", [1, 1, 1, 1])
    model.node("Fancy", ["x"], ["a"], name: "unknown")
    if let batch { model.state("a", [batch, 3, height, 8]) }
    // By its attribute alone.
    model.node("Resize", ["a", "", "scales"], ["b"], name: "attribute", [("coordinate_transformation_mode", .string("fancy"))])
    model.node("Relu", ["a"], ["c"])
    // By the rank of what it reads.
    model.node("Flatten", ["c"], ["d"])
    model.node("LpPool", ["d"], ["e"], name: "rank", [("kernel_shape", .ints([2, 2]))])
    // Sound, and faulty only if the file's word on shapes is wrong: neither is in the list.
    model.node("Tile", ["c", "ones"], ["f"])
    model.node("Add", ["f", "x"], ["g"])
    model.node("Tile", ["g", "g"], ["y"], name: "numbers")
    let error = #expect(throws: ONNXError.self) { try ONNXFile.decode(model.bytes) }
    let isWhole = batch == "N"
    let expected = ["unknown", "attribute"] + (isWhole ? ["rank"] : []) + (isWhole && height == 8 ? ["numbers"] : [])
    #expect(error?.unsupported.map(\.node) == expected, "\(error?.description ?? "")")
  }

  /// What would have been known from constants is not taken for something computed, which a reader might refuse.
  @Test func whatNobodyRefusedIsNotListed() {
    var model = ModelBytes()
    model.integers("four", [4])
    model.node("Fancy", ["four"], ["a"], name: "unknown")
    model.state("a", [4], elementType: 7)
    model.node("Fancy", ["four"], ["b"], name: "another")
    model.state("b", [4], elementType: 1)
    model.node("Tile", ["x", "a"], ["c"])
    model.node("Upsample", ["x", "b"])
    let error = #expect(throws: ONNXError.self) { try ONNXFile.decode(model.bytes) }
    #expect(error?.unsupported.map(\.node) == ["unknown", "another"], "\(error?.description ?? "")")
  }

  @Test(arguments: [("DynamicQuantizeLinear", "statically"), ("Loop", "before it runs"), ("NonMaxSuppression", "tail"), ("LSTM", "recurrent")])
  func whatIsKnownWellIsRefusedWithAReason(type: String, reason: String) {
    var model = ModelBytes()
    model.node(type, ["x"])
    let error = #expect(throws: ONNXError.self) { try ONNXFile.decode(model.bytes) }
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [(3, "If (node 'If_0', opset 17)"), (1000, "nested too deeply")]) func deepNestingIsRefused(depth: Int, message: String) {
    var model = ModelBytes()
    model.node("Relu", ["x"])
    for _ in 0..<depth {
      let inside = model.nodes
      model.nodes = []
      model.node("If", ["x"], ["y"], [("then_branch", .graph(inside))])
    }
    let error = #expect(throws: ONNXError.self) { try ONNXFile.decode(model.bytes) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func nodesInAnyOrderAreSorted() throws {
    var model = ModelBytes()
    model.node("Relu", ["a"])
    model.node("Sigmoid", ["x"], ["a"])
    #expect(try ONNXFile.decode(model.bytes).nodes.map(\.type) == ["Sigmoid", "Relu"])
  }

  @Test func namelessAndEquallyNamedNodesGetNames() throws {
    var model = ModelBytes()
    model.node("Relu", ["x"], ["a"], name: "r")
    model.node("Relu", ["a"], ["b"], name: "r")
    model.node("Relu", ["b"])
    #expect(try ONNXFile.decode(model.bytes).nodes.map(\.name) == ["r", "r_1", "Relu_2"])
  }

  @Test(arguments: [[], [0x0A], Array("not a model at all".utf8), [UInt8](repeating: 0xFF, count: 64)] as [[UInt8]])
  func otherFilesAreRefused(bytes: [UInt8]) {
    let error = #expect(throws: ONNXError.self) { try ONNXFile.decode(bytes) }
    #expect(error?.description.contains("not an ONNX file") == true)
  }

  @Test func aTruncatedFileIsRefused() {
    var model = ModelBytes()
    model.node("Relu", ["x"])
    for count in stride(from: 0, to: model.bytes.count - 1, by: 3) {
      #expect(throws: ONNXError.self) { try ONNXFile.decode(Array(model.bytes.prefix(count))) }
    }
  }

  @Test func aMissingFileIsNamed() {
    let error = #expect(throws: ONNXError.self) { try ONNXFile.read(contentsOf: "/nowhere/model.onnx") }
    #expect(error?.description.hasPrefix("/nowhere/model.onnx: the file cannot be read") == true)
  }
}
