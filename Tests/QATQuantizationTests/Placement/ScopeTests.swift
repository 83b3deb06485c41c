import QATGraph
import QATModels
import QATQuantization
import Testing

@Suite("Scopes say which operators are quantized")
struct ScopeTests {
  private let network: Graph = {
    var net = NetworkBuilder.small()
    var x = net.relu(net.conv(net.input, "stem.conv"), "stem.relu")
    x = net.relu(net.conv(x, "layer1.0.conv1"), "layer1.0.relu")
    return net.finished(net.conv(x, "layer1.1.conv1"))
  }()

  @Test("an ignored operator has no quantizers, and those below it stay below", arguments: ["layer1.0.conv1", "{re}1\\.0\\.conv"])
  func ignored(_ scope: String) throws {
    let setup = try place(network) { $0.ignoredScopes = [scope] }
    #expect(setup.weightIDs == ["stem.conv|WEIGHT", "layer1.1.conv1|WEIGHT"])
    #expect(setup.activationIDs == ["input|OUTPUT", "layer1.0.relu|OUTPUT"])
  }

  @Test("an ignored pooling is no longer transparent")
  func ignoredPooling() throws {
    var net = NetworkBuilder.small()
    let x = net.maxPool(net.relu(net.conv(net.input, "conv1"), "relu"), "pool", kernel: 2, stride: 2)
    let graph = net.finished(net.conv(x, "conv2"))
    #expect(try place(graph) { $0.ignoredScopes = ["pool"] }.activationIDs == ["input|OUTPUT", "pool|OUTPUT"])
  }

  @Test("an exact name is no prefix")
  func exact() throws {
    #expect(throws: QuantizationError.self) { try place(network) { $0.ignoredScopes = ["layer1"] } }
  }

  @Test("only targets are quantized")
  func targets() throws {
    let setup = try place(network) { $0.targetScopes = ["{re}^stem"] }
    #expect(setup.weightIDs == ["stem.conv|WEIGHT"])
    #expect(setup.activationIDs == ["input|OUTPUT"])
  }

  @Test("a group's lists concern its quantizers: ignored scopes add up, targets replace the section's")
  func groups() throws {
    let ignored = try place(network) {
      $0.ignoredScopes = ["stem.conv"]
      $0.weights.ignoredScopes = ["layer1.0.conv1"]
    }
    #expect(ignored.weightIDs == ["layer1.1.conv1|WEIGHT"])
    #expect(ignored.activationIDs == ["stem.relu|OUTPUT", "layer1.0.relu|OUTPUT"])
    let targeted = try place(network) {
      $0.targetScopes = ["stem.conv"]
      $0.weights.targetScopes = ["layer1.0.conv1"]
    }
    #expect(targeted.weightIDs == ["layer1.0.conv1|WEIGHT"])
    #expect(targeted.activationIDs == ["input|OUTPUT"])
  }

  @Test("scopes that match nothing are listed together, each with the nearest names")
  func unmatched() throws {
    #expect {
      try place(network) {
        $0.ignoredScopes = ["layer1.0.conv2", "{re}stem.*"]
        $0.weights.targetScopes = ["stem.con"]
      }
    } throws: { error in
      let text = "\(error)"
      return text.contains("ignored_scopes: 'layer1.0.conv2'") && text.contains("nearest: 'layer1.0.conv1'")
        && text.contains("weights.target_scopes: 'stem.con'") && text.contains("'stem.conv'") && !text.contains("stem.*")
    }
  }

  @Test("scopes that match nothing are accepted when they are not to be validated")
  func notValidated() throws {
    let setup = try place(network) {
      $0.validatesScopes = false
      $0.ignoredScopes = ["nothing"]
    }
    #expect(setup == (try place(network)))
    #expect(throws: QuantizationError.self) {
      try place(network) {
        $0.validatesScopes = false
        $0.weights.ignoredScopes = ["nothing"]
      }
    }
  }

  @Test("an invalid regular expression is an error that shows it")
  func invalidExpression() throws {
    #expect { try place(network) { $0.ignoredScopes = ["{re}conv("] } } throws: { "\($0)".contains("conv(") }
  }
}
