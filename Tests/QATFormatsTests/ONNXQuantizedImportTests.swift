import QATEngine
import QATGraph
import QATONNX
import QATTensor
import Testing

/// QuantizeLinear and DequantizeLinear as the importer reads them, in files written byte by byte.
@Suite struct ONNXQuantizedImportTests {
  /// A pair around an activation.
  struct Pair: Sendable, CustomTestStringConvertible {
    var type: ElementType
    var zero: Int
    var limits: ClosedRange<Int>?
    var mode: FakeQuantize.Mode
    var bits = 8
    var narrow = false
    var needsClip = false
    var testDescription: String { "\(type), zero-point \(zero), codes \(limits.map { "\($0)" } ?? "all")" }
  }

  private static let scale: Float = 0.0371

  private static func model(_ pair: Pair) -> ModelBytes {
    var model = ModelBytes(input: ["N", 40])
    let dataType = pair.type == .int8 ? 3 : 2
    func byte(_ name: String, _ value: Int) -> [UInt8] { ModelBytes.tensor(name, [], dataType, raw: [UInt8(truncatingIfNeeded: value)]) }
    model.weights("s", [], [scale])
    model.initializers.append(byte("z", pair.zero))
    model.node("QuantizeLinear", ["x", "s", "z"], ["q"])
    var codes = "q"
    if let limits = pair.limits {
      model.initializers += [byte("low", limits.lowerBound), byte("high", limits.upperBound)]
      model.node("Clip", ["q", "low", "high"], ["c"])
      codes = "c"
    }
    model.node("DequantizeLinear", [codes, "s", "z"], ["d1"])
    model.node("DequantizeLinear", [codes, "s", "z"], ["d2"])
    model.node("Add", ["d1", "d2"])
    return model
  }

  @Test(arguments: [
    Pair(type: .uint8, zero: 0, mode: .symmetric(signed: false)),
    Pair(type: .uint8, zero: 128, mode: .symmetric(signed: true)),
    Pair(type: .int8, zero: 0, mode: .symmetric(signed: true)),
    Pair(type: .int8, zero: -128, mode: .symmetric(signed: false)),
    Pair(type: .uint8, zero: 77, mode: .asymmetric),
    Pair(type: .int8, zero: 5, mode: .asymmetric),
    Pair(type: .uint8, zero: 255, mode: .asymmetric),
    Pair(type: .uint8, zero: 0, limits: 0...15, mode: .symmetric(signed: false), bits: 4),
    Pair(type: .uint8, zero: 8, limits: 0...15, mode: .symmetric(signed: true), bits: 4),
    Pair(type: .int8, zero: 0, limits: -127...127, mode: .symmetric(signed: true), narrow: true),
    Pair(type: .uint8, zero: 0, limits: 0...241, mode: .symmetric(signed: false), needsClip: true),
    Pair(type: .uint8, zero: 90, limits: 20...200, mode: .asymmetric, needsClip: true),
  ])
  func aPairBecomesAFakeQuantizerWithItsLevels(pair: Pair) throws {
    let graph = try ONNXFile.decode(Self.model(pair).bytes)
    let quantizer = try #require(graph.node(named: "x|OUTPUT")?.as(FakeQuantize.self))
    #expect(quantizer == FakeQuantize(mode: pair.mode, bits: pair.bits, narrowRange: pair.narrow))
    // Both readers share it.
    #expect(graph.nodes.map(\.type) == (pair.needsClip ? ["Clip"] : []) + ["FakeQuantize", "Add"])

    let x = (0..<40).map { (Float($0) - 19.3) * 0.61 }
    var executor = try ReferenceExecutor<Float>(graph, batchSize: 1)
    let y = try #require(try executor.forward(["x": NDArray(x, shape: [1, 40])], mode: .evaluation)["y"])
    let all = pair.limits ?? (pair.type == .int8 ? -128...127 : 0...255)
    for (x, y) in zip(x, y.elements) {
      // The operators' definition.
      let code = min(max(Int((x / Self.scale).rounded(.toNearestOrEven)) + pair.zero, all.lowerBound), all.upperBound)
      #expect(abs(y / 2 - Float(code - pair.zero) * Self.scale) < 1e-5, "x \(x)")
    }
  }

  @Test func integersOfTheFileBecomeFloatingPoint() throws {
    var model = ModelBytes(input: ["N", 3])
    model.initializers.append(ModelBytes.tensor("w", [2, 3], 3, raw: [10, 256 - 20, 127, 256 - 127, 0, 1].map { UInt8($0) }))
    model.weights("ws", [2], [0.5, 0.25])
    model.initializers.append(ModelBytes.tensor("wz", [2], 3, raw: [0, 0]))
    model.node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], [("axis", .int(0))])
    model.initializers.append(ModelBytes.tensor("b", [2], 6, raw: Int32(-3).littleBytes + Int32((1 << 25) + 1).littleBytes))
    model.weights("bs", [2], [0.125, 0.0625])
    model.node("DequantizeLinear", ["b", "bs"], ["bd"], [("axis", .int(0))])
    model.node("Gemm", ["x", "wd", "bd"], ["y"], [("transB", .int(1))])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.tensor("w") == Tensor([5, -10, 63.5, -31.75, 0, 0.25], shape: [2, 3]))
    #expect(graph.tensor("b") == Tensor([-0.375, Float(1 << 25) * 0.0625], shape: [2]))
    let quantizer = try #require(graph.node(named: "w|WEIGHT"))
    #expect(
      quantizer.as(FakeQuantize.self) == FakeQuantize(mode: .symmetric(signed: true), narrowRange: true, channelAxis: 0, hasPowerOfTwoStep: true))
    #expect(graph.tensor("w|WEIGHT.scale") == Tensor([63.5, 31.75], shape: [2]))
    #expect(graph.constants["w"]?.role == .parameter)
  }

  @Test func aFloatWeightWithItsPairIsTheSameAsItsIntegers() throws {
    var model = ModelBytes(input: ["N", 2])
    model.weights("w", [2, 2], [0.6, -0.4, 10, 0.24])
    model.weights("s", [], [0.5])
    model.initializers.append(ModelBytes.tensor("z", [], 3, raw: [0]))
    model.node("QuantizeLinear", ["w", "s", "z"], ["wq"])
    model.node("DequantizeLinear", ["wq", "s", "z"], ["wd"])
    model.node("MatMul", ["x", "wd"])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.tensor("wq") == Tensor([0.5, -0.5, 10, 0], shape: [2, 2]))
    #expect(graph.nodes.map(\.type) == ["FakeQuantize", "MatMul"])
  }

  /// Codes of every integer type for weights, with one zero-point or one a channel.
  @Test(arguments: [
    (3, [0, 0], FakeQuantize(mode: .symmetric(signed: true), narrowRange: true, channelAxis: 0, hasPowerOfTwoStep: true)),
    (3, [4, -3], FakeQuantize(mode: .asymmetric, channelAxis: 0)),
    (2, [128, 128], FakeQuantize(mode: .symmetric(signed: true), narrowRange: true, channelAxis: 0, hasPowerOfTwoStep: true)),
    (2, [0, 0], FakeQuantize(mode: .symmetric(signed: false), channelAxis: 0, hasPowerOfTwoStep: true)),
    (2, [5, 77], FakeQuantize(mode: .asymmetric, channelAxis: 0)),
    (22, [0, 0], FakeQuantize(mode: .symmetric(signed: true), bits: 4, narrowRange: true, channelAxis: 0, hasPowerOfTwoStep: true)),
    (22, [1, -2], FakeQuantize(mode: .asymmetric, bits: 4, channelAxis: 0)),
    (21, [8, 8], FakeQuantize(mode: .symmetric(signed: true), bits: 4, narrowRange: true, channelAxis: 0, hasPowerOfTwoStep: true)),
    (21, [3, 11], FakeQuantize(mode: .asymmetric, bits: 4, channelAxis: 0)),
  ])
  func weightsOfEveryIntegerTypeHaveAQuantizer(type: Int, zeros: [Int], quantizer: FakeQuantize) throws {
    // The lowest code occurs in none, so that symmetric ones are narrow.
    let codes = [3, 1, 7, 2, 6, 5]
    func raw(_ values: [Int]) -> [UInt8] {
      if type < 20 { return values.map { UInt8(truncatingIfNeeded: $0) } }
      return stride(from: 0, to: values.count, by: 2).map { index in
        UInt8(values[index] & 0xF) | UInt8(index + 1 < values.count ? values[index + 1] & 0xF : 0) << 4
      }
    }
    var model = ModelBytes(input: ["N", 3])
    model.opset = 21
    model.initializers.append(ModelBytes.tensor("w", [2, 3], type, raw: raw(codes)))
    model.weights("s", [2], [0.5, 0.25])
    model.initializers.append(ModelBytes.tensor("z", [2], type, raw: raw(zeros)))
    model.node("DequantizeLinear", ["w", "s", "z"], ["d"], [("axis", .int(0))])
    model.node("Gemm", ["x", "d"], ["y"], [("transB", .int(1))])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.node(named: "w|WEIGHT")?.as(FakeQuantize.self) == quantizer)
    var executor = try ReferenceExecutor<Float>(graph, batchSize: 3)
    let y = try #require(try executor.forward(["x": NDArray([1, 0, 0, 0, 1, 0, 0, 0, 1], shape: [3, 3])], mode: .evaluation)["y"])
    for (index, code) in codes.enumerated() {
      let expected = Float(code - zeros[index / 3]) * [0.5, 0.25][index / 3]
      #expect(abs(y.elements[index % 3 * 2 + index / 3] - expected) < 1e-5, "\(code)")
    }
  }

  /// Numbers of four bits as exporters write them: an odd count of them, in bytes or one byte an entry of int32_data.
  @Test func halvesOfBytesAreReadInBothForms() throws {
    for tensor in [ModelBytes.tensor("w", [3, 1], 22, raw: [0x2F, 0x07]), ModelBytes.tensor("w", [3, 1], 22, int32: [0x2F, 0x07])] {
      var model = ModelBytes(input: ["N", 3])
      model.opset = 21
      model.initializers.append(tensor)
      model.weights("s", [], [0.5])
      model.node("DequantizeLinear", ["w", "s"], ["d"])
      model.node("MatMul", ["x", "d"])
      #expect(try ONNXFile.decode(model.bytes).tensor("w") == Tensor([-0.5, 1, 3.5], shape: [3, 1]))
    }
  }

  /// A QuantizeLinear says its integers by the zero-point, or since opset 21 by an attribute.
  @Test(arguments: [(2, 8, false), (3, 8, true), (21, 4, false), (22, 4, true)])
  func theIntegersOfAQuantizerMayBeAnAttribute(type: Int, bits: Int, signed: Bool) throws {
    var model = ModelBytes(input: ["N", 3])
    model.opset = 21
    model.weights("s", [], [0.5])
    model.node("QuantizeLinear", ["x", "s"], ["q"], [("output_dtype", .int(type))])
    model.node("DequantizeLinear", ["q", "s"])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.nodes.first?.as(FakeQuantize.self) == FakeQuantize(mode: .symmetric(signed: signed), bits: bits, hasPowerOfTwoStep: true))
  }

  static let faults: [FaultyModel] = [
    FaultyModel("codes of sixteen bits", saying: ["node 'n'", "int8 and uint8, int4 and uint4"]) {
      $0.weights("s", [], [1])
      $0.node("QuantizeLinear", ["x", "s"], name: "n", [("output_dtype", .int(4))])
    },
    FaultyModel("halves of bytes that are too few", saying: ["tensor 'w'", "raw_data has 1 bytes", "have 2"]) {
      $0.weights("s", [], [1])
      $0.initializers.append(ModelBytes.tensor("w", [3], 22, raw: [0]))
      $0.node("DequantizeLinear", ["w", "s"])
    },
    FaultyModel("a scale of zero", saying: ["node 'n'", "scale holds 0.0"]) {
      $0.weights("s", [], [0])
      $0.node("QuantizeLinear", ["x", "s"], name: "n")
    },
    FaultyModel("a scale that is not a number", saying: ["node 'n'", "scale holds nan"]) {
      $0.weights("s", [], [.nan])
      $0.node("QuantizeLinear", ["x", "s"], name: "n")
    },
    FaultyModel("more zero-points than scales", saying: ["node 'n'", "1 scales and 2 zero-points"]) {
      $0.weights("s", [], [1])
      $0.initializers.append(ModelBytes.tensor("z", [2], 2, raw: [0, 0]))
      $0.node("QuantizeLinear", ["x", "s", "z"], name: "n")
    },
    FaultyModel("an axis that the tensor does not have", saying: ["node 'n'", "axis is 4"]) {
      $0.weights("s", [3], [1, 1, 1])
      $0.node("QuantizeLinear", ["x", "s"], name: "n", [("axis", .int(4))])
    },
    FaultyModel("scales that do not fit the axis", saying: ["node 'n'", "2 scales for axis 0"]) {
      $0.initializers.append(ModelBytes.tensor("w", [3, 1], 3, raw: [1, 2, 3]))
      $0.weights("s", [2], [1, 1])
      $0.node("DequantizeLinear", ["w", "s"], ["d"], name: "n", [("axis", .int(0))])
      $0.node("Add", ["x", "d"])
    },
    FaultyModel("a pair with two scales", saying: ["node 'n'", "differ from those of the QuantizeLinear"]) {
      $0.weights("s", [], [1])
      $0.weights("t", [], [2])
      $0.node("QuantizeLinear", ["x", "s"], ["q"])
      $0.node("DequantizeLinear", ["q", "t"], name: "n")
    },
    FaultyModel("an operator on integers", saying: ["node 'n'", "between QuantizeLinear and DequantizeLinear"]) {
      $0.weights("s", [], [1])
      $0.node("QuantizeLinear", ["x", "s"], ["q"])
      $0.node("Relu", ["q"], ["r"], name: "n")
      $0.node("DequantizeLinear", ["r", "s"])
    },
    FaultyModel("a clip that leaves no codes", saying: ["node 'n'", "codes from 9 to 3"]) {
      $0.weights("s", [], [1])
      $0.initializers.append(ModelBytes.tensor("low", [], 2, raw: [9]))
      $0.initializers.append(ModelBytes.tensor("high", [], 2, raw: [3]))
      $0.node("QuantizeLinear", ["x", "s"], ["q"])
      $0.node("Clip", ["q", "low", "high"], ["c"], name: "n")
      $0.node("DequantizeLinear", ["c", "s"])
    },
    FaultyModel("a scale that is computed", saying: ["node 'n'", "constant float32 scale"]) {
      $0.add(input: "s", [1])
      $0.node("QuantizeLinear", ["x", "s"], name: "n")
    },
    FaultyModel("32-bit codes", saying: ["node 'n'", "int8 and uint8"]) {
      $0.weights("s", [], [1])
      $0.initializers.append(ModelBytes.tensor("z", [], 6, raw: [0, 0, 0, 0]))
      $0.node("QuantizeLinear", ["x", "s", "z"], name: "n")
    },
    FaultyModel("an output of integers", saying: ["tensor 'y'"]) {
      $0.weights("s", [], [1])
      $0.node("QuantizeLinear", ["x", "s"])
    },
  ]

  @Test(arguments: faults)
  func faultyPairsAreRefusedWithTheReason(fault: FaultyModel) throws {
    let error = try #require(throws: ONNXError.self) { try ONNXFile.decode(fault.bytes) }
    for part in fault.message { #expect(error.description.contains(part), "\(error)") }
  }

  @Test func damagedFilesNeverCrash() throws {
    let intact = Self.model(Pair(type: .uint8, zero: 90, limits: 20...200, mode: .asymmetric, needsClip: true)).bytes
    var random = SeededGenerator(seed: 11)
    var refused = 0
    for _ in 0..<2000 {
      do { _ = try ONNXFile.decode(intact.mutated(using: &random)) } catch { refused += 1 }
    }
    #expect(refused > 200)
  }
}
