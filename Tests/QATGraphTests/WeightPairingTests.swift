import QATGraph
import QATTensor
import Testing

@Suite("Codes that meet in 16 bits")
struct WeightPairingTests {
  @Test("are channels 2i and 2i + 1 at one position of the kernel")
  func evenChannels() {
    let pairs = WeightPairing(inputAxis: 1, outputAxis: 0).neighbours(shape: [5, 4, 1, 2])
    // Offsets are channel · 2 + position.
    #expect(Set(pairs.map { [$0.0, $0.1] }) == [[0, 2], [1, 3], [4, 6], [5, 7]])
  }

  @Test("with an odd number of channels also those that follow each other in the order position, channel")
  func oddChannels() {
    let pairs = WeightPairing(inputAxis: 1, outputAxis: 0).neighbours(shape: [5, 3, 1, 2])
    // Within positions 0–1; in order p0c0 p0c1 | p0c2 p1c0 | p1c1 p1c2.
    #expect(Set(pairs.map { [$0.0, $0.1] }) == [[0, 2], [1, 3], [4, 1], [3, 5]])
  }

  @Test("of one channel are neighbouring positions, of one position neighbouring channels")
  func degenerateShapes() {
    #expect(WeightPairing(inputAxis: 1, outputAxis: 0).neighbours(shape: [2, 1, 1, 5]).map { [$0.0, $0.1] } == [[0, 1], [2, 3]])
    #expect(WeightPairing(inputAxis: 1, outputAxis: 0).neighbours(shape: [2, 5, 1, 1]).map { [$0.0, $0.1] } == [[0, 1], [2, 3]])
  }

  @Test("of a linear layer are any two consecutive inputs")
  func linearLayers() {
    #expect(WeightPairing(inputAxis: 1, outputAxis: 0).neighbours(shape: [2, 4]).map { [$0.0, $0.1] } == [[0, 1], [1, 2], [2, 3]])
    #expect(WeightPairing(inputAxis: 0, outputAxis: 1).neighbours(shape: [4, 2]).map { [$0.0, $0.1] } == [[0, 2], [2, 4], [4, 6]])
    #expect(WeightPairing(inputAxis: 1, outputAxis: 0).neighbours(shape: [2, 1]).isEmpty)
  }

  @Test("are given for each kind of layer, and not for depthwise convolutions")
  func layers() {
    func pairing(_ op: any Operator, _ shape: [Int]) -> WeightPairing? {
      Node(name: "layer", op: op, inputs: ["x", "w"], outputs: ["y"]).weightPairing(port: 1, shape: shape)
    }
    let rows = WeightPairing(inputAxis: 1, outputAxis: 0)
    let columns = WeightPairing(inputAxis: 0, outputAxis: 1)
    #expect(pairing(Convolution(window: Window(square: 3)), [8, 4, 3, 3]) == rows)
    #expect(pairing(Convolution(window: Window(square: 3), groups: 2), [8, 2, 3, 3]) == rows)
    #expect(pairing(Convolution(window: Window(square: 3), groups: 8), [8, 1, 3, 3]) == nil)
    #expect(pairing(Convolution(window: Window(square: 3), groups: 4), [8, 1, 3, 3]) == rows)
    #expect(pairing(Gemm(transposesB: true), [8, 4]) == rows)
    #expect(pairing(Gemm(), [4, 8]) == columns)
    #expect(pairing(MatMul(), [4, 8]) == columns)
    #expect(pairing(MatMul(), [2, 4, 8]) == nil)
  }

  @Test(
    "move towards zero by half of what is too much, the larger by the odd one",
    arguments: [
      ([127, 127], [64, 64]), ([127, 1], [127, 1]), ([127, 2], [126, 2]), ([-127, -4], [-125, -3]), ([3, 127], [2, 126]),
      ([127, -127], [127, -127]),
      ([65, 64], [64, 64]), ([64, 65], [64, 64]), ([-128, 0], [-128, 0]), ([100, 60], [84, 44]),
    ] as [([Float], [Float])])
  func limit(codes: [Float], expected: [Float]) {
    var limited = codes
    WeightPairing(inputAxis: 1, outputAxis: 0).limit(&limited, shape: [1, 2])
    #expect(limited == expected)
  }

  @Test(
    "keep the limit afterwards in every order, keep their signs, and stay when limited again",
    arguments: [[6, 4, 3, 3], [6, 3, 3, 3], [4, 7, 1, 5], [5, 1, 5, 5], [3, 9]])
  func property(shape: [Int]) {
    let pairing = WeightPairing(inputAxis: 1, outputAxis: 0)
    for round in 0..<50 {
      let key = RandomKey(seed: 1, purpose: .initialWeights, round)
      let codes = (0..<shape.reduce(1, *)).map { Double(key.integer(below: 255, at: $0) - 127) }
      var limited = codes
      pairing.limit(&limited, shape: shape)
      let positions = shape.dropFirst(2).reduce(1, *)
      // Written apart from the definition: channel c at position p of output o, in both orders.
      for output in 0..<shape[0] {
        func code(_ position: Int, _ channel: Int) -> Double { limited[(output * shape[1] + channel) * positions + position] }
        let inOrder = (0..<positions).flatMap { position in (0..<shape[1]).map { code(position, $0) } }
        for index in stride(from: 0, to: inOrder.count - 1, by: shape.count == 2 ? 1 : 2) { #expect(abs(inOrder[index] + inOrder[index + 1]) <= 128) }
        for position in 0..<positions {
          for channel in stride(from: 0, to: shape[1] - 1, by: 2) { #expect(abs(code(position, channel) + code(position, channel + 1)) <= 128) }
        }
      }
      for (before, after) in zip(codes, limited) { #expect(abs(after) <= abs(before) && after * before >= 0) }
      var again = limited
      pairing.limit(&again, shape: shape)
      #expect(again == limited)
    }
  }

  @Test("are refused for axes that the weight does not have, and for quantizers that are not signed and symmetric")
  func refused() {
    let weight = TensorType([4, 2, 3, 3])
    func types(_ mode: FakeQuantize.Mode, _ pairing: WeightPairing, axis: Int?) throws -> [TensorType] {
      let scales = TensorType([axis == nil ? 1 : 4])
      return try FakeQuantize(mode: mode, pairing: pairing, channelAxis: axis).outputTypes(for: [weight, scales])
    }
    #expect(throws: Never.self) { try types(.symmetric(signed: true), WeightPairing(inputAxis: 1, outputAxis: 0), axis: 0) }
    #expect(throws: Never.self) { try types(.symmetric(signed: true), WeightPairing(inputAxis: 1, outputAxis: 0), axis: nil) }
    #expect(throws: ShapeError.self) { try types(.symmetric(signed: true), WeightPairing(inputAxis: 4, outputAxis: 0), axis: 0) }
    #expect(throws: ShapeError.self) { try types(.symmetric(signed: true), WeightPairing(inputAxis: 0, outputAxis: 1), axis: 0) }
    #expect(throws: ShapeError.self) { try types(.symmetric(signed: true), WeightPairing(inputAxis: 1, outputAxis: 1), axis: nil) }
    #expect(throws: ShapeError.self) { try types(.symmetric(signed: false), WeightPairing(inputAxis: 1, outputAxis: 0), axis: 0) }
  }
}
