import Foundation
import QATCommunication
import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@Suite("A compression state restores quantizers without data, or says point by point why it cannot")
struct CompressionStateTests {
  private let network: Graph = {
    var net = NetworkBuilder.small(channels: 2)
    let x = net.relu(net.batchNormalization(net.conv(net.input, "conv1"), "bn1"), "relu")
    return net.finished(net.linear(net.flatten(net.globalAveragePool(x, "pool"), "flatten"), "fc", features: 3))
  }()

  private func created(_ change: (inout QuantizationConfiguration) -> Void = { _ in }) throws -> CompressionController {
    var configuration = QuantizationConfiguration()
    change(&configuration)
    return try createCompressedModel(network, configuration, device: .any, calibration: nil, communicator: SingleProcess())
  }

  private func restored(_ state: CompressionState) throws -> CompressionController {
    try createCompressedModel(
      network, QuantizationConfiguration(), device: .any, calibration: nil, communicator: SingleProcess(), compressionState: state)
  }

  @Test("a state written as JSON restores the same quantizers without data, and the tensors fill in by name")
  func roundTrip() throws {
    let controller = try created { $0.preset = .mixed }
    controller.scheduler.epochStep()
    controller.scheduler.step()
    controller.scheduler.step()
    let json = try JSONEncoder().encode(controller.compressionState)
    let state = try JSONDecoder().decode(CompressionState.self, from: json)
    #expect(state == controller.compressionState)
    let restored = try restored(state)
    #expect(restored.setup == controller.setup)
    #expect(restored.scheduler.state == .init(currentStep: 1, currentEpoch: 0))
    #expect(restored.graph.nodes.map(\.name) == controller.graph.nodes.map(\.name))
    #expect(restored.graph.constants.mapValues(\.tensor.shape) == controller.graph.constants.mapValues(\.tensor.shape))
    #expect(restored.graph.tensor("input|OUTPUT.input_range") == Tensor([1], shape: [1]))
  }

  @Test("the state has NNCF's outline")
  func outline() throws {
    let json = try JSONEncoder().encode(created().compressionState)
    let root = try #require(try JSONSerialization.jsonObject(with: json) as? [String: [String: [String: Any]]])
    let builder = try #require(root["builder_state"]?["quantization"])
    #expect(builder["version"] as? Int == 2)
    let setup = try #require(builder["quantizer_setup"] as? [String: Any])
    let points = try #require(setup["quantization_points"] as? [String: [String: Any]])
    #expect(Set(points.keys) == ["0", "1", "2", "3", "4"])
    #expect(Set(try #require(points["0"]).keys) == ["id", "target_point", "qspec", "directly_quantized_operator_node_names"])
    #expect(setup["unified_scale_groups"] as? [String: [Int]] == [:])
    #expect((setup["shared_input_operation_set_groups"] as? [String: [Int]])?.isEmpty == false)
    let control = try #require(root["ctrl_state"]?["quantization"])
    #expect(control["scheduler_state"] as? [String: Int] == ["current_step": -1, "current_epoch": -1])
    #expect(control["compression_stage"] as? Int == 2)
  }

  @Test("groups are written by the numbers of their points, in order, and a number without a point is refused")
  func groups() throws {
    let points = (0..<12).map {
      QuantizationPoint(id: "n\($0)|OUTPUT", target: .init(.output, "n\($0)"), specification: .init(), quantizedOperators: [])
    }
    let setup = QuantizerSetup(
      points: points, unifiedScaleGroups: [["n2|OUTPUT", "n10|OUTPUT"]], sharedInputGroups: (0..<12).map { ["n\($0)|OUTPUT"] })
    let json = String(decoding: try JSONEncoder().encode(setup), as: UTF8.self)
    #expect(try JSONDecoder().decode(QuantizerSetup.self, from: Data(json.utf8)) == setup)
    let broken = json.replacing("[2,10]", with: "[2,12]")
    #expect(broken != json)
    #expect { try JSONDecoder().decode(QuantizerSetup.self, from: Data(broken.utf8)) } throws: {
      "\($0)" == "'unified_scale_groups' of the quantizer setup: the group 0 names the point 12, which is not there"
    }
    var unlisted = setup
    unlisted.unifiedScaleGroups = [["n2|OUTPUT", "nowhere"]]
    #expect(throws: QuantizationError.self) { try JSONEncoder().encode(unlisted) }
  }

  @Test("a state of another version, or of something else, is refused")
  func foreignState() throws {
    let json = String(decoding: try JSONEncoder().encode(created().compressionState), as: UTF8.self)
    let newer = json.replacing("\"version\":2", with: "\"version\":3")
    #expect(newer != json)
    #expect { try JSONDecoder().decode(CompressionState.self, from: Data(newer.utf8)) } throws: { "\($0)".contains("version 3") }
    #expect(throws: (any Error).self) { try JSONDecoder().decode(CompressionState.self, from: Data("{}".utf8)) }
    let other = "{\"builder_state\": {\"pruning\": {\"version\": 2}}, \"ctrl_state\": {}}"
    #expect(throws: (any Error).self) { try JSONDecoder().decode(CompressionState.self, from: Data(other.utf8)) }
  }

  @Test("a state of another network is refused point by point")
  func foreignNetwork() throws {
    let state = try created().compressionState
    var net = NetworkBuilder.small(channels: 2)
    let x = net.relu(net.batchNormalization(net.conv(net.input, "conv1", channels: 5), "bn1"), "relu")
    let other = net.finished(net.linear(net.flatten(net.globalAveragePool(x, "mean"), "flatten"), "fc", features: 3))
    #expect {
      try createCompressedModel(
        other, QuantizationConfiguration(), device: .any, calibration: nil, communicator: SingleProcess(), compressionState: state)
    } throws: { error in
      let text = "\(error)"
      return text.contains("'conv1|WEIGHT': it has parameters of shape [4]") && text.contains("'pool|OUTPUT': the network has no node 'pool'")
        && !text.contains("'fc|WEIGHT'")
    }
  }

  @Test("everything that does not fit is named at once")
  func misfits() throws {
    var setup = try created().setup
    func change(_ id: String, _ body: (inout QuantizationPoint) -> Void) throws {
      body(&setup.points[try #require(setup.points.firstIndex { $0.id == id })])
    }
    try change("conv1|WEIGHT") { $0.target.port = 0 }
    try change("fc|WEIGHT") { $0.specification.bits = 2 }
    try change("pool|OUTPUT") { $0.id = "pool" }
    try change("input|OUTPUT") { $0.specification.forcedSign = true }
    setup.points.append(QuantizationPoint(id: "again", target: .init(.output, "relu"), specification: .init(), quantizedOperators: []))
    setup.points.append(QuantizationPoint(id: "bias", target: .init(.input, "fc", port: 2), specification: .init(), quantizedOperators: []))
    setup.unifiedScaleGroups = [["again", "relu|OUTPUT"], ["again"]]
    let error = #expect(throws: QuantizationError.self) { try restored(CompressionState(setup: setup)) }
    let text = error?.description ?? ""
    for fault in [
      "'conv1|WEIGHT': the tensor 'input' is computed, expected a weight", "'fc|WEIGHT': it has 2 bits of which it uses half",
      "'pool': the network has a node or a tensor of that name", "'input|OUTPUT': it is unsigned, its sign is forced to be the other",
      "'again': it sits where 'relu|OUTPUT' sits", "'bias': the tensor 'fc.bias' is a constant, expected an activation",
      "'again': it is named twice by unified groups",
    ] {
      #expect(text.contains(fault), "\(fault) in \(text)")
    }
  }

  @Test("whatever one value of a state becomes, it is refused with a place, or restores a network")
  func mutations() throws {
    let json = try JSONEncoder().encode(created { $0.preset = .mixed }.compressionState)
    let root = try JSONSerialization.jsonObject(with: json)
    let strangers: [Any] = [NSNull(), -1, 3, 99, 1e300, true, "", "relu", "conv1|WEIGHT", [7, 7]]
    var (restoredCount, refusedCount) = (0, 0)
    // Of the points, a weight and an activation.
    for path in paths(root) where path.isEmpty || Set(path).isDisjoint(with: ["1", "2", "3"]) {
      for stranger in strangers {
        let mutated = try JSONSerialization.data(withJSONObject: replacing(root, path[...], by: stranger), options: .fragmentsAllowed)
        do {
          let state = try JSONDecoder().decode(CompressionState.self, from: mutated)
          _ = try restored(state).graph.validated()
          restoredCount += 1
        } catch is DecodingError {
          refusedCount += 1
        } catch let error as QuantizationError {
          refusedCount += 1
          #expect(error.description.contains("'") || error.description.contains("version"), "\(path) = \(stranger): \(error)")
        }
      }
    }
    #expect(restoredCount > 20 && refusedCount > 200)
  }

  /// Every value of a document, by its keys from the root.
  private func paths(_ value: Any) -> [[String]] {
    guard let object = value as? [String: Any] else { return [[]] }
    return [[]] + object.sorted { $0.key < $1.key }.flatMap { key, value in paths(value).map { [key] + $0 } }
  }

  private func replacing(_ value: Any, _ path: ArraySlice<String>, by stranger: Any) -> Any {
    guard let key = path.first, var object = value as? [String: Any] else { return stranger }
    object[key] = replacing(object[key] as Any, path.dropFirst(), by: stranger)
    return object
  }
}
