import Foundation
import QATDeployment
import QATEngine
import QATGraph
import QATLowering
import QATONNX
import Testing

/// Whether products of layers with extreme weights saturate in the runtimes' kernels: without VNNI they add two of them in 16 bits.
@Suite struct OverflowTests {
  private struct Machine: Decodable {
    let hasVNNI: Bool
  }

  private struct Comparison {
    var layerCount = 0
    var layersThatDiffer: Set<String> = []
    var codes = 0
    var unproven: Set<String> = []
  }

  /// 10,000 layers with QAT_TEST_CAMPAIGNS=full.
  private static let networkCount = ProcessInfo.processInfo.environment["QAT_TEST_CAMPAIGNS"] == "full" ? 1000 : 40

  /// Runs networks of random layers in a runtime and in its deployed evaluation, whose sums are exact.
  private static func compare(_ runtime: Runtime, _ fix: RandomLayers.OverflowFix, networks: Int) throws -> (Comparison, Machine) {
    let folder = try TemporaryFolder()
    var expected: [[UInt8]] = []
    var names: [[(layer: String, count: Int, grid: ActivationCodes)]] = []
    var result = Comparison()
    for index in 0..<networks {
      var layers = RandomLayers(seed: UInt64(index), fix)
      let lowered = try lower(layers.graph())
      let images = layers.images()
      try ONNXFile.write(lowered, to: folder.file("\(index).onnx"), target: runtime)
      try images.elements.withUnsafeBytes { Data($0) }.write(to: URL(filePath: folder.file("\(index).in")))
      try Data("\(images.shape)".utf8).write(to: URL(filePath: folder.file("\(index).shape")))
      let outputs = try DeployedNetwork(lowered, target: runtime, batchSize: images.shape[0]).run(["image": images])
      var all: [UInt8] = []
      var list: [(layer: String, count: Int, grid: ActivationCodes)] = []
      for name in lowered.simulation.outputs {
        let codes = try #require(outputs[name]?.codes)
        all += codes
        list.append(("\(index) \(name)", codes.count, try #require(lowered.activations[name])))
      }
      expected.append(all)
      names.append(list)
      try #require(lowered.integerLayers.count == RandomLayers.layersOfANetwork)
      for certificate in lowered.overflowCertificates where !certificate.isProven {
        result.unproven.insert("\(index) \(certificate.layer)_out|OUTPUT_out")
      }
    }
    let machine = try PythonRuntime.run("run_layers.py", [runtime.rawValue, folder.path], as: Machine.self)
    for index in 0..<networks {
      let data = try Data(contentsOf: URL(filePath: folder.file("\(index).out")))
      let values = data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      try #require(values.count == expected[index].count)
      var first = 0
      for (layer, count, grid) in names[index] {
        let range = first..<first + count
        if zip(values[range], expected[index][range]).contains(where: { grid.code($0) != Int($1) }) {
          result.layersThatDiffer.insert(layer)
        }
        first += count
        result.codes += count
        result.layerCount += 1
      }
    }
    return (result, machine)
  }

  @Test(
    "with pairwise or halved weights, and of fewer bits, every code is that of exact sums, and a certificate says so beforehand",
    arguments: Runtime.withIntegerKernels,
    [RandomLayers.OverflowFix.pairwise, .halfRange])
  func protected(runtime: Runtime, fix: RandomLayers.OverflowFix) throws {
    let (result, _) = try Self.compare(runtime, fix, networks: Self.networkCount)
    #expect(result.layersThatDiffer.isEmpty, "\(result.layersThatDiffer.sorted()) of \(result.layerCount) layers, \(result.codes) codes")
    #expect(result.unproven.isEmpty)
    #expect(result.codes > 100 * result.layerCount)
  }

  @Test(
    "with the whole range and no fix layers saturate where there is no VNNI, and only such whose certificate is refused",
    arguments: Runtime.withIntegerKernels)
  func unprotected(runtime: Runtime) throws {
    let (result, machine) = try Self.compare(runtime, .none, networks: 40)
    #expect(machine.hasVNNI || result.layersThatDiffer.count > 40, "\(result.layersThatDiffer.count) of \(result.layerCount)")
    #expect(!machine.hasVNNI || result.layersThatDiffer.isEmpty)
    #expect(result.layersThatDiffer.isSubset(of: result.unproven), "\(result.layersThatDiffer.subtracting(result.unproven))")
  }
}
