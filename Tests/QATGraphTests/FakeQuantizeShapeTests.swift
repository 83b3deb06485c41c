import QATGraph
import QATTensor
import Testing

@Suite struct FakeQuantizeShapeTests {
  /// A row of NNCF's table of levels, at some width in use.
  struct Levels: Sendable {
    var mode: FakeQuantize.Mode
    var isNarrow = false
    var low: @Sendable (Int) -> Int
    var high: @Sendable (Int) -> Int
  }

  static let table: [Levels] = [
    Levels(mode: .symmetric(signed: true), low: { -power($0 - 1) }, high: { power($0 - 1) - 1 }),
    Levels(mode: .symmetric(signed: false), low: { _ in 0 }, high: { power($0) - 1 }),
    Levels(mode: .symmetric(signed: true), isNarrow: true, low: { -power($0 - 1) + 1 }, high: { power($0 - 1) - 1 }),
    Levels(mode: .symmetric(signed: false), isNarrow: true, low: { _ in 0 }, high: { power($0) - 2 }),
    Levels(mode: .asymmetric, low: { _ in 0 }, high: { power($0) - 1 }),
    // An asymmetric quantizer has no narrow range.
    Levels(mode: .asymmetric, isNarrow: true, low: { _ in 0 }, high: { power($0) - 1 }),
  ]

  private static func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { result, _ in 2 * result } }

  @Test(arguments: table.indices)
  func levelsFollowTheTable(row: Int) {
    let levels = Self.table[row]
    for bits in 2...8 {
      let whole = FakeQuantize(mode: levels.mode, bits: bits, narrowRange: levels.isNarrow)
      #expect(whole.effectiveBits == bits)
      #expect(whole.levelLow == levels.low(bits))
      #expect(whole.levelHigh == levels.high(bits))
      #expect(whole.levels == levels.high(bits) - levels.low(bits) + 1)
      guard bits > 2 else { continue }
      let half = FakeQuantize(mode: levels.mode, bits: bits, narrowRange: levels.isNarrow, halfRange: true)
      #expect(half.effectiveBits == bits - 1)
      #expect(half.levelLow == levels.low(bits - 1))
      #expect(half.levelHigh == levels.high(bits - 1))
    }
  }

  @Test(arguments: [
    (FakeQuantize(mode: .symmetric(signed: true)), -128, 127, 256), (FakeQuantize(mode: .symmetric(signed: true), narrowRange: true), -127, 127, 255),
    (FakeQuantize(mode: .symmetric(signed: true), halfRange: true), -64, 63, 128), (FakeQuantize(mode: .symmetric(signed: true), bits: 4), -8, 7, 16),
    (FakeQuantize(mode: .symmetric(signed: false)), 0, 255, 256),
    (FakeQuantize(mode: .symmetric(signed: false), bits: 2, narrowRange: true), 0, 2, 3),
    (FakeQuantize(mode: .asymmetric, halfRange: true), 0, 127, 128),
    (FakeQuantize(mode: .symmetric(signed: true), bits: 2, narrowRange: true), -1, 1, 3),
  ])
  func wellKnownQuantizersHaveTheirLevels(quantizer: FakeQuantize, low: Int, high: Int, levels: Int) {
    #expect([quantizer.levelLow, quantizer.levelHigh, quantizer.levels] == [low, high, levels])
  }

  @Test func onlyUnsignedQuantizersLackNegativeCodes() {
    #expect(FakeQuantize(mode: .symmetric(signed: true)).isSigned)
    #expect(!FakeQuantize(mode: .symmetric(signed: false)).isSigned)
    #expect(FakeQuantize(mode: .asymmetric).isSigned)
  }

  private static let symmetric = FakeQuantize(mode: .symmetric(signed: true))
  private static let perChannel = FakeQuantize(mode: .symmetric(signed: true), channelAxis: 0)
  private static let asymmetric = FakeQuantize(mode: .asymmetric)
  private static let weight: [Dimension] = [16, 3, 3, 3]

  static let shapes: [ShapeCase] = [
    ShapeCase(symmetric, [.batch, 3, 4, 4], [1], gives: [.batch, 3, 4, 4]), ShapeCase(perChannel, weight, [16], gives: weight),
    ShapeCase(asymmetric, [.batch, 3], [1], [1], gives: [.batch, 3]), ShapeCase(symmetric, [], [1], gives: []),
    ShapeCase(FakeQuantize(mode: .asymmetric, channelAxis: 1), [.batch, 3, 4, 4], [3], [3], gives: [.batch, 3, 4, 4]),
    ShapeCase(FakeQuantize(mode: .symmetric(signed: true), channelAxis: -1), [5, 7], [7], gives: [5, 7]),
    ShapeCase(symmetric, weight, [16], refused: "scale [1]", "float32[16]"), ShapeCase(symmetric, weight, [], refused: "scale [1]"),
    ShapeCase(perChannel, weight, [1], refused: "scale [16]"), ShapeCase(perChannel, weight, [16, 1, 1, 1], refused: "scale [16]"),
    ShapeCase(symmetric, weight, [1], [1], refused: "takes x, scale"), ShapeCase(symmetric, weight, refused: "takes x, scale"),
    ShapeCase(asymmetric, weight, [1], refused: "takes x, input_low, input_range"), ShapeCase(asymmetric, weight, [1], nil, refused: "'input_range'"),
    ShapeCase(asymmetric, weight, [1], [2], refused: "input_range [1]"), ShapeCase(symmetric, nil, [1], refused: "'x'"),
    ShapeCase(FakeQuantize(mode: .asymmetric, channelAxis: 4), weight, [1], [1], refused: "axis 4"),
    ShapeCase(FakeQuantize(mode: .asymmetric, channelAxis: .min), weight, [1], [1], refused: "axis"),
    ShapeCase(FakeQuantize(mode: .symmetric(signed: true), channelAxis: 0), [.batch, 3], [3], refused: "scale [batch]"),
  ]

  @Test(arguments: shapes) func parametersHaveOneElementOrOneAChannel(_ shapes: ShapeCase) { shapes.check() }

  @Test(arguments: [Int.min, -8, 0, 1, 9, 16, 64, Int.max], [false, true])
  func widthsBeyond2To8BitsAreRefused(bits: Int, halfRange: Bool) {
    ShapeCase(FakeQuantize(mode: .symmetric(signed: true), bits: bits, halfRange: halfRange), [4], [1], refused: "\(bits) bits").check()
  }

  @Test func halfOfTwoBitsIsNoGrid() {
    ShapeCase(FakeQuantize(mode: .symmetric(signed: true), bits: 2, halfRange: true), [4], [1], refused: "2 bits").check()
    ShapeCase(FakeQuantize(mode: .symmetric(signed: true), bits: 3, halfRange: true), [4], [1], gives: [4]).check()
  }
}
