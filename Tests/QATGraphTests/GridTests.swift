import Foundation
import QATGraph
import Testing

/// The grid's arithmetic against values recorded from NNCF 3.4 on PyTorch 2.13.
@Suite struct GridTests {
  struct Recorded: Decodable {
    struct Case: Decodable {
      struct Parameter: Decodable {
        let shape: [Int]
        let value: [Float]
      }
      let kind: String
      let name: String
      let levelLow: Int
      let levelHigh: Int
      let shape: [Int]
      let x: [Float]
      let y: [Float]
      let params: [String: Parameter]
    }
    struct Tuning: Decodable {
      let levels: Int
      let inputLow: Float
      let inputRange: Float
      let tunedLow: Float
      let tunedRange: Float
    }
    let cases: [Case]
    let zeroPointTuning: [Tuning]
  }

  static func recorded() throws -> Recorded {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/nncf-quantizers.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Recorded.self, from: Data(contentsOf: file))
  }

  /// The quantizer that has the recorded levels.
  private static func quantizer(_ recorded: Recorded.Case) throws -> FakeQuantize {
    for bits in 2...8 {
      for narrow in [false, true] {
        let modes: [FakeQuantize.Mode] = recorded.kind == "asymmetric" ? [.asymmetric] : [.symmetric(signed: true), .symmetric(signed: false)]
        for mode in modes {
          let candidate = FakeQuantize(mode: mode, bits: bits, narrowRange: narrow)
          if candidate.levelLow == recorded.levelLow, candidate.levelHigh == recorded.levelHigh { return candidate }
        }
      }
    }
    throw GraphError("no quantizer has the levels of \(recorded.name)")
  }

  @Test func valuesEqualNNCFBitForBit() throws {
    let cases = try Self.recorded().cases
    #expect(cases.count == 51)
    for recorded in cases {
      let quantizer = try Self.quantizer(recorded)
      let names = quantizer.mode == .asymmetric ? ["input_low", "input_range"] : ["scale"]
      let parameters = try names.map { try #require(recorded.params[$0]) }
      let axis = parameters[0].shape.firstIndex { $0 > 1 }
      let inner = axis.map { recorded.shape.dropFirst($0 + 1).reduce(1, *) } ?? recorded.x.count
      let grids = parameters[0].value.indices.map { quantizer.grid(parameters: parameters.map(\.value), at: $0) }
      for (index, x) in recorded.x.enumerated() {
        let value = grids[index / inner % grids.count].value(x)
        if value != recorded.y[index] { Issue.record("\(recorded.name)[\(index)]: x \(x) gives \(value), NNCF \(recorded.y[index])") }
      }
    }
  }

  @Test func tuningEqualsNNCFBitForBit() throws {
    let cases = try Self.recorded().zeroPointTuning
    #expect(cases.count == 27)
    for recorded in cases {
      let tuned = FakeQuantize.tuned(low: recorded.inputLow, range: abs(recorded.inputRange) + Float(FakeQuantize.epsilon), levels: recorded.levels)
      #expect(tuned.low == recorded.tunedLow, "low \(recorded.inputLow), range \(recorded.inputRange), levels \(recorded.levels)")
      #expect(tuned.range == recorded.tunedRange, "low \(recorded.inputLow), range \(recorded.inputRange), levels \(recorded.levels)")
    }
  }

  @Test(arguments: [
    (-0.31, 1.5, -0.3122277, 1.5022277), (-0.05, 0.9, -0.05, 0.9107143), (-0.7, 0.9, -0.7, 0.9015152), (0.2, 0.8, 0, 1), (-1, 0.5, -1, 1),
    (-0.001, 1, -0.001, 1),
  ])
  func tuningPutsZeroOnALevel(low: Double, range: Double, expectedLow: Double, expectedRange: Double) {
    let tuned = FakeQuantize.tuned(low: low, range: range, levels: 256)
    #expect(abs(tuned.low - expectedLow) < 1e-7)
    #expect(abs(tuned.range - expectedRange) < 1e-7)
  }

  @Test(arguments: [FakeQuantize.Mode.symmetric(signed: true), .symmetric(signed: false), .asymmetric])
  func zeroStaysZeroAndCodesStayInRange(mode: FakeQuantize.Mode) {
    let quantizer = FakeQuantize(mode: mode)
    let grid = quantizer.grid(parameters: [[Float(-0.37)], [1.9]], at: 0)
    #expect(grid.value(0) == 0)
    #expect(grid.code(.infinity) - grid.code(-.infinity) == Float(quantizer.levels - 1))
    #expect(grid.code(.nan).isNaN)
  }
}
