import QATJSON
import QATQuantization
import Testing

@Suite("NNCF's configuration") struct NNCFConfigTests {
  private func read(_ text: String) throws -> NNCFConfig { try NNCFConfig(document: JSONDocument.parse(text, file: "c.json")) }

  @Test("Without a compression section nothing is quantized", arguments: ["{}", #"{ "compression": [] }"#])
  func noCompression(text: String) throws {
    #expect(try read(text) == NNCFConfig())
  }

  @Test(
    "A bare quantization section means NNCF's defaults, as an object or in an array",
    arguments: [#"{ "compression": { "algorithm": "quantization" } }"#, #"{ "compression": [{ "algorithm": "quantization" }] }"#])
  func defaults(text: String) throws {
    let quantization = try #require(try read(text).quantization)
    var expected = QuantizationConfiguration()
    expected.preset = .performance
    expected.overflowFix = .enable
    #expect(quantization == expected)
    #expect(quantization.overflowFix == .enable)
    #expect(quantization.range == .everywhere(.init(.mixedMinMax, sampleCount: 256)))
    #expect(quantization.batchNormAdaptationSampleCount == 2000)
    #expect(quantization.quantizesInputs && !quantization.quantizesOutputs)
    #expect(quantization.weights.demands.mode == nil && quantization.weights.demands.bits == nil && quantization.weights.demands.perChannel == nil)
  }

  @Test("The documented example is read value by value") func example() throws {
    let config = try read(
      """
      {
        "model": "resnet50",  // unknown root key: ignored
        "input_info": [{ "sample_size": [1, 3, 224, 224], "type": "float", "filler": "ones" }],
        "target_device": "CPU",
        "compression": [{
          "algorithm": "quantization",
          "preset": "mixed",
          "overflow_fix": "first_layer_only",
          "quantize_inputs": true,
          "quantize_outputs": false,
          "ignored_scopes": ["{re}.*Sigmoid.*"],
          "initializer": {
            "range": [
              { "type": "min_max", "num_init_samples": 64, "target_scopes": ["{re}.*"], "target_quantizer_group": "weights" },
              { "type": "percentile", "num_init_samples": 512, "params": { "min_percentile": 0.05, "max_percentile": 99.95 },
                "target_scopes": ["{re}.*"], "target_quantizer_group": "activations" },
            ],
            "batchnorm_adaptation": { "num_bn_adaptation_samples": 1024 },
          },
          "weights": { "mode": "symmetric", "bits": 8, "per_channel": true },
          "activations": { "bits": 8, "per_channel": false },
        }],
      }
      """)
    #expect(config.targetDevice == .cpu)
    #expect(config.inputInfo.count == 1)
    #expect(config.inputInfo.first?.sampleSize == [1, 3, 224, 224])
    let quantization = try #require(config.quantization)
    #expect(quantization.preset == .mixed)
    #expect(quantization.overflowFix == .firstLayerOnly)
    #expect(quantization.ignoredScopes == ["{re}.*Sigmoid.*"])
    guard case .perLayer(let entries) = quantization.range else { throw Missing(description: "no entries") }
    #expect(entries.map(\.initializer.kind) == [.minMax, .percentile])
    #expect(entries.map(\.initializer.sampleCount) == [64, 512])
    #expect(entries.map(\.initializer.minimumPercentile) == [0.1, 0.05] && entries.map(\.initializer.maximumPercentile) == [99.9, 99.95])
    #expect(entries.map(\.group) == [.weights, .activations] && entries.map(\.targetScopes) == [["{re}.*"], ["{re}.*"]])
    #expect(quantization.batchNormAdaptationSampleCount == 1024)
    #expect(quantization.weights.demands.mode == .symmetric)
    #expect(quantization.weights.demands.bits == 8)
    #expect(quantization.weights.demands.perChannel == true)
    #expect(quantization.activations.demands.mode == nil)
    #expect(quantization.activations.demands.perChannel == false)
  }

  @Test("Scopes of the root join the section's; target scopes of the section come first") func rootScopes() throws {
    let both = try read(
      #"""
      { "ignored_scopes": ["a", "b"], "target_scopes": "r",
        "compression": { "algorithm": "quantization", "ignored_scopes": ["b", "c"], "target_scopes": ["s"] } }
      """#)
    #expect(both.quantization?.ignoredScopes == ["a", "b", "c"])
    #expect(both.quantization?.targetScopes == ["s"])
    let root = try read(#"{ "ignored_scopes": "a", "target_scopes": ["r"], "compression": { "algorithm": "quantization" } }"#)
    #expect(root.quantization?.ignoredScopes == ["a"])
    #expect(root.quantization?.targetScopes == ["r"])
  }

  @Test("An empty list of target scopes is not an absent one") func emptyTargetScopes() throws {
    let config = try read(#"{ "compression": { "algorithm": "quantization", "target_scopes": [] } }"#)
    #expect(config.quantization?.targetScopes == [])
    #expect(try NNCFConfig(document: JSONDocument.parse(config.resolvedJSON().text(), file: "r.json")) == config)
  }

  @Test(
    "What NNCF refuses is refused with the path",
    arguments: [
      (#"{ "algorithm": "quantization", "bits": 8 }"#, "compression.bits"),
      (#"{ "algorithm": "quantization", "weights": { "mode": "symetric" } }"#, "compression.weights.mode"),
      (#"{ "algorithm": "quantization", "initializer": { "range": { "type": "bogus" } } }"#, "compression.initializer.range.type"),
      (#"{ "algorithm": "quantization", "initializer": { "range": { "num_init_samples": -1 } } }"#, "compression.initializer.range.num_init_samples"),
      (#"{ "algorithm": "quantization", "weights": { "bits": 4 } }"#, "compression.weights.bits"),
      (#"{ "algorithm": "quantization", "weights": { "bits": true } }"#, "compression.weights.bits"),
      (#"{ "algorithm": "quantization", "Preset": "mixed" }"#, "compression.Preset"),
    ])
  func refusals(section: String, path: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try read("{ \"compression\":\n\(section) }") }
    #expect(error.problems.map(\.path) == [path])
    #expect(error.problems.map(\.line) == [2])
  }

  @Test("The resolved form shows the defaults and reads back") func resolved() throws {
    let config = try read(#"{ "input_info": { "sample_size": [1, 1, 28, 28] }, "compression": { "algorithm": "quantization" } }"#)
    let json = config.resolvedJSON()
    #expect(json["target_device"] == "ANY")
    #expect(json["compression"]?["preset"] == "performance")
    #expect(json["compression"]?["initializer"]?["range"] == ["num_init_samples": 256, "type": "mixed_min_max"])
    #expect(json["compression"]?["initializer"]?["batchnorm_adaptation"] == ["num_bn_adaptation_samples": 2000])
    #expect(try NNCFConfig(document: JSONDocument.parse(json.text(), file: "r.json")) == config)
  }

  private struct Missing: Error { let description: String }

  private func fingerprint(_ text: String) throws -> String {
    let config = try read(text)
    return try #require(config.quantization).fingerprint(device: config.targetDevice)
  }

  @Test(
    "The fingerprint is of what the section says, however it is written",
    arguments: [
      #"{"compression":{"preset":"mixed","algorithm":"quantization","ignored_scopes":["a"]}}"#,
      """
      {
        "compression": [{
          "algorithm": "quantization",  // a comment
          "ignored_scopes": "a", "preset" : "mixed",
        }],
        "batch_size": 7
      }
      """,
      #"{ "ignored_scopes": ["a"], "target_device": "ANY", "compression": { "algorithm": "quantization", "preset": "mixed", "quantize_inputs": true } }"#,
      #"{ "compression": [{ "algorithm": "quantization", "preset": "mixed", "ignored_scopes": ["a"] }, { "algorithm": "knowledge_distillation", "type": "mse" }] }"#,
    ])
  func oneFingerprint(text: String) throws {
    let plain = #"{ "compression": { "algorithm": "quantization", "preset": "mixed", "ignored_scopes": ["a"] } }"#
    #expect(try fingerprint(text) == fingerprint(plain))
    #expect(try fingerprint(read(text).resolvedJSON().text()) == fingerprint(plain))
    #expect(try fingerprint(text).wholeMatch(of: /[0-9a-f]{16}/) != nil)
  }

  @Test(
    "Everything that decides the quantizers changes the fingerprint",
    arguments: [
      #"{ "compression": { "algorithm": "quantization", "preset": "mixed" } }"#,
      #"{ "compression": { "algorithm": "quantization" }, "target_device": "TRIAL" }"#,
      #"{ "compression": { "algorithm": "quantization", "weights": { "mode": "asymmetric" } } }"#,
      #"{ "compression": { "algorithm": "quantization", "overflow_fix": "disable" } }"#,
      #"{ "compression": { "algorithm": "quantization", "initializer": { "range": { "num_init_samples": 7 } } } }"#,
      #"{ "compression": { "algorithm": "quantization", "ignored_scopes": ["a"] } }"#,
    ])
  func otherFingerprints(text: String) throws {
    #expect(try fingerprint(text) != fingerprint(#"{ "compression": { "algorithm": "quantization" } }"#))
  }

  @Test("Where HAWQ's traces lie makes no difference") func fingerprintWithoutPaths() throws {
    func text(_ path: String) -> String {
      #"{ "target_device": "NPU", "compression": { "algorithm": "quantization", "initializer": { "precision": { "type": "hawq", "traces_per_layer_path": "\#(path)" } } } }"#
    }
    #expect(try fingerprint(text("/a/t")) == fingerprint(text("b/t")))
  }
}
