import QATGraph
import Testing

@testable import QATQuantization

@Suite("Each quantizer gets the one initializer that the configuration means")
struct RangeInitializersTests {
  private typealias Entry = QuantizationConfiguration.LayerRangeInitializer

  private let setup = QuantizerSetup(points: [
    point(.init(.weight, "conv1", port: 1)), point(.init(.weight, "conv2", port: 1)), point(.init(.networkInput, "x")),
    point(.init(.output, "relu1")), point(.init(.input, "add", port: 1)),
  ])

  private static func point(_ target: QuantizationTarget) -> QuantizationPoint {
    QuantizationPoint(id: target.id, target: target, specification: QuantizerSpecification(), quantizedOperators: [])
  }

  private func entry(
    _ kind: QuantizationConfiguration.RangeInitializer.Kind, _ group: Entry.Group? = nil, targets: [String]? = nil, ignored: [String] = []
  ) -> Entry {
    var entry = Entry(.init(kind))
    (entry.group, entry.targetScopes, entry.ignoredScopes) = (group, targets, ignored)
    return entry
  }

  private func kinds(_ entries: [Entry], validates: Bool = true) throws -> [String: QuantizationConfiguration.RangeInitializer.Kind] {
    var configuration = QuantizationConfiguration()
    configuration.range = .perLayer(entries)
    configuration.validatesScopes = validates
    return try configuration.rangeInitializers(for: setup).mapValues(\.kind)
  }

  @Test("one object serves all")
  func everywhere() throws {
    var configuration = QuantizationConfiguration()
    configuration.range = .everywhere(.init(.percentile, sampleCount: 7))
    let found = try configuration.rangeInitializers(for: setup)
    #expect(found.count == 5 && found.values.allSatisfy { $0 == .init(.percentile, sampleCount: 7) })
  }

  @Test("entries mean quantizers by group, by id, by the name of the node, and by pattern")
  func entries() throws {
    let found = try kinds([
      entry(.minMax, .weights, targets: ["{re}.*"]), entry(.percentile, .activations, targets: ["relu1|OUTPUT", "add"]),
      entry(.threeSigma, .activations, ignored: ["{re}^relu", "add|INPUT1"]),
    ])
    #expect(
      found == [
        "conv1|WEIGHT": .minMax, "conv2|WEIGHT": .minMax, "relu1|OUTPUT": .percentile, "add|INPUT1": .percentile, "x|OUTPUT": .threeSigma,
      ])
  }

  @Test("every quantizer without an entry or with two, and every scope that means nothing, is named at once")
  func faults() throws {
    let entries = [
      entry(.minMax, .weights, targets: ["{re}.*"]), entry(.percentile, targets: ["conv2", "rellu1|OUTPUT"]),
    ]
    let error = #expect(throws: QuantizationError.self) { try kinds(entries) }
    let lines = error?.description.split(separator: "\n").map(String.init) ?? []
    #expect(
      lines.dropFirst() == [
        "  the quantizer 'conv2|WEIGHT' is meant by range[0] and range[1]", "  no entry means 'x|OUTPUT', 'relu1|OUTPUT', 'add|INPUT1'",
        "  range[1].target_scopes: 'rellu1|OUTPUT' means no quantizer; nearest: 'relu1|OUTPUT', 'x|OUTPUT', 'conv1|WEIGHT'",
      ])
  }

  @Test("scopes that mean nothing may stand when scopes are not validated")
  func unvalidated() throws {
    let entries = [entry(.minMax, targets: ["{re}.*"]), entry(.percentile, targets: ["nowhere"])]
    #expect(throws: QuantizationError.self) { try kinds(entries) }
    #expect(Set(try kinds(entries, validates: false).values) == [.minMax])
  }

  @Test("an override of an operator is stronger than the range of all, and makes an entry needless; of two the later one holds")
  func overrides() throws {
    var setup = setup
    for index in setup.points.indices { setup.points[index].quantizedOperators = ["op\(index)"] }
    var configuration = QuantizationConfiguration()
    configuration.weights.overrides = [.init("{re}op", range: .init(.minMax)), .init("op1", range: .init(.percentile)), .init("op0")]
    configuration.activations.overrides = [.init("op3", range: .init(.threeSigma))]
    func kinds() throws -> [String: QuantizationConfiguration.RangeInitializer.Kind] {
      try configuration.rangeInitializers(for: setup).mapValues(\.kind)
    }
    let expected: [String: QuantizationConfiguration.RangeInitializer.Kind] = [
      "conv1|WEIGHT": .minMax, "conv2|WEIGHT": .percentile, "x|OUTPUT": .mixedMinMax, "relu1|OUTPUT": .threeSigma, "add|INPUT1": .mixedMinMax,
    ]
    #expect(try kinds() == expected)
    configuration.range = .perLayer([entry(.mixedMinMax, targets: ["x", "add"])])
    #expect(try kinds() == expected)
  }

  @Test("samples are counted in whole batches: the most that any initializer or the adaptation of batch norm wants")
  func sampleCounts() {
    var configuration = QuantizationConfiguration()
    #expect(configuration.calibrationSampleCount(batchSize: 32) == 2016)
    configuration.batchNormAdaptationSampleCount = 0
    #expect(configuration.calibrationSampleCount(batchSize: 32) == 256)
    configuration.range = .perLayer([Entry(.init(.minMax, sampleCount: 300)), Entry(.init(.minMax, sampleCount: .max))])
    #expect(configuration.calibrationSampleCount(batchSize: 32) == .max)
    configuration.range = .everywhere(.init(.minMax, sampleCount: 0))
    #expect(configuration.calibrationSampleCount(batchSize: 32) == 0)
    configuration.activations.overrides = [.init("fc", range: .init(.minMax, sampleCount: 33))]
    #expect(configuration.calibrationSampleCount(batchSize: 32) == 64)
  }
}
