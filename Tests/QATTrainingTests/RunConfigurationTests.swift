import Foundation
import QATData
import QATJSON
import QATTraining
import Testing

@Suite("A run's configuration") struct RunConfigurationTests {
  private func read(_ text: String, file: String = "/conf/run.json", folder: String? = nil) throws -> RunConfiguration {
    try RunConfiguration(document: JSONDocument.parse(text, file: file), folder: folder)
  }

  @Test("An empty file means the defaults") func emptyFile() throws {
    #expect(try read("{}") == RunConfiguration())
    let defaults = RunConfiguration()
    #expect(defaults.batchSize == 64)
    #expect(defaults.epochs == 3)
    #expect(defaults.seed == 0)
    #expect(defaults.optimizer.kind == .sgd)
    #expect(defaults.optimizer.schedule.kind == .cosine)
    #expect(defaults.nncf.quantization == nil)
  }

  @Test("Every key arrives in its property") func everyKey() throws {
    let path = try #require(try ConfigurationFixture.all("valid").map(\.path).first { $0.hasSuffix("every-key.json") })
    let run = try RunConfiguration(contentsOf: path)
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    #expect(run.model == "mobilenet_small")
    #expect(run.batchSize == 32)
    #expect(run.accumulationSteps == 2 && run.divergenceCheckEvery == 10 && run.tensorBoardEvery == 25)
    #expect(run.epochs == 0)
    #expect(run.forward == .float)
    #expect(run.maxSteps == 100)
    #expect(run.seed == 9_223_372_036_854_775_807)
    #expect(run.labelSmoothing == 0.1)
    #expect(run.checkpoint.every == 50 && run.checkpoint.keepLast == 5 && run.checkpoint.keepEveryEpochs == 10 && run.checkpoint.onError == .fail)
    #expect(run.optimizer.baseLearningRate == 0.05)
    #expect(run.optimizer.momentum == 0.8)
    #expect(run.optimizer.nesterov)
    #expect(run.optimizer.weightDecay == 0)
    #expect(run.optimizer.schedule.kind == .step)
    #expect(run.optimizer.schedule.milestones == [2, 4])
    #expect(run.optimizer.schedule.gamma == 0.5)
    #expect(run.optimizer.schedule.warmupEpochs == 0.5)
    #expect(run.data.train == "synthetic:3,32,32,10,1000")
    #expect(run.data.validation == "\(folder)/val")
    #expect(run.data.normalize == .init(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]))
    #expect(run.data.augment.cropPadding == 4)
    #expect(run.nncf.inputInfo.map(\.keyword) == ["image", nil])
    #expect(run.nncf.inputInfo.map(\.kind) == [.float, .long])
    let quantization = try #require(run.nncf.quantization)
    #expect(quantization.ignoredScopes == ["/head/MatMul", "{re}pool\\d+$", "/stem/Conv"])
    #expect(quantization.targetScopes == ["{re}^/body"])
    #expect(quantization.activations.ignoredScopes == ["a"])
    #expect(quantization.activations.targetScopes == ["b"])
    #expect(!quantization.activations.validatesScopes)
    #expect(quantization.weights.demands.mode == .symmetric)
    #expect(quantization.weights.overrides.map(\.scope) == ["/body/Conv"])
    #expect(quantization.weights.overrides.map(\.demands.mode) == [.asymmetric])
    #expect(quantization.activations.overrides.map(\.demands.signed) == [true])
    #expect(quantization.activations.unifiedScaleOperators == [["/body/Conv", "/body/Relu"]])
    #expect(quantization.range == .everywhere(.init(.meanMinMax, sampleCount: 0)))
    #expect(quantization.batchNormAdaptationSampleCount == 0)
  }

  @Test(
    "The learning rate and the weight decay default by type",
    arguments: [("SGD", 1e-3, 1e-4), ("Adam", 1e-5, 0), ("AdamW", 1e-5, 1e-2)])
  func defaultsFollowTheType(type: String, rate: Double, decay: Double) throws {
    // The type decides wherever it stands in the object.
    let optimizer = try read(#"{ "optimizer": { "warmup_steps": 2, "type": "\#(type)" } }"#).optimizer
    #expect(optimizer.kind.rawValue == type)
    #expect(optimizer.baseLearningRate == rate)
    #expect(optimizer.weightDecay == decay)
    #expect(optimizer.schedule.warmupSteps == 2)
  }

  @Test(
    "Relative paths start at the file's folder; names of architectures and synthetic data are no paths",
    arguments: [
      ("net.onnx", "/conf/net.onnx"), ("./sub/net.pb", "/conf/sub/net.pb"), ("../net.onnx", "/conf/../net.onnx"), ("/abs/net.onnx", "/abs/net.onnx"),
      ("resnet18", "resnet18"), ("models/net", "/conf/models/net"),
    ])
  func modelPaths(written: String, resolved: String) throws {
    #expect(try read(#"{ "model": "\#(written)" }"#).model == resolved)
  }

  @Test(
    arguments: [
      ("data", "/conf/data"), ("/data", "/data"), ("synthetic", "synthetic"), ("synthetic:1,8,8,10,64", "synthetic:1,8,8,10,64"),
      ("synthetic-digits", "/conf/synthetic-digits"), (".", "/conf"), ("./.hidden", "/conf/.hidden"),
    ])
  func dataPaths(written: String, resolved: String) throws {
    let data = try read(#"{ "data": { "train": "\#(written)", "validation": "\#(written)" } }"#).data
    #expect(data.train == resolved)
    #expect(data.validation == resolved)
  }

  @Test("A file named relatively leads to absolute paths") func relativeFile() throws {
    let current = FileManager.default.currentDirectoryPath
    #expect(try read(#"{ "model": "net.onnx" }"#, file: "run.json").model == "\(current)/net.onnx")
    #expect(try read(#"{ "model": "net.onnx" }"#, file: "./conf/run.json").model == "\(current)/conf/net.onnx")
    #expect(try read(#"{ "model": "net.onnx" }"#, folder: "/other").model == "/other/net.onnx")
  }

  @Test("Values that flags have set are checked like those of a file") func validation() throws {
    var run = RunConfiguration()
    try run.validate()
    run.batchSize = 0
    run.optimizer.baseLearningRate = -1
    run.data.normalize = .init(mean: [0.1], std: [0])
    let error = try #require(throws: ConfigurationError.self) { try run.validate() }
    #expect(Set(error.problems.map(\.path)) == ["batch_size", "optimizer.base_lr", "data.normalize.std[0]"])
  }

  @Test("A rate that is no number does not pass for one") func notANumber() {
    var run = RunConfiguration()
    run.optimizer.baseLearningRate = .nan
    #expect(throws: ConfigurationError.self) { try run.validate() }
  }

  @Test("The data section says what is done to samples") func preprocessing() throws {
    #expect(RunConfiguration().data.preprocessing == Preprocessing())
    let data = try read(#"{ "data": { "normalize": { "mean": [0.286], "std": [0.353] }, "augment": { "flip": true, "crop_padding": 2 } } }"#).data
    #expect(data.preprocessing == Preprocessing(mean: [0.286], std: [0.353], flip: true, cropPadding: 2))
  }

  @Test("A seed is saved as it is, and one that JSON cannot carry is refused") func seeds() throws {
    var run = try read(#"{ "seed": 9007199254740993 }"#)
    #expect(run.seed == 9_007_199_254_740_993)
    #expect(run.resolvedJSON()["seed"] == 9_007_199_254_740_993)
    run.seed = .max
    let error = try #require(throws: ConfigurationError.self) { try run.validate() }
    #expect(error.problems.map(\.path) == ["seed"])
  }

  @Test("Many errors are counted, and the first ones shown") func manyErrors() throws {
    let keys = (0..<100).map { "\"key \($0)\": 0" }.joined(separator: ",\n")
    let error = try #require(throws: ConfigurationError.self) { try read("{ \"optimizer\": {\n\(keys) } }") }
    #expect(error.problems.count == 100)
    #expect(error.description.hasPrefix("100 errors in the configuration:\n  /conf/run.json:2: optimizer[\"key 0\"]: unknown key"))
    #expect(error.description.hasSuffix("and 60 more"))
  }

  @Test("A file that cannot be read says why", arguments: [("/no/such/file.json", "No such file"), ("/", "directory")])
  func unreadableFile(path: String, reason: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try RunConfiguration(contentsOf: path) }
    #expect(error.description.hasPrefix("\(path): cannot be read: "))
    #expect(error.description.contains(reason))
  }

  @Test(
    "Stages that the run does not reach are known before it begins",
    arguments: [
      ("2", "", []), ("1", "", ["weights are never quantized: \"weights_quant_start_epoch\" is 1, counted from 0, and the run ends after 1 epoch."]),
      ("0", "", ["weights are never"]), ("2", "\"max_steps\": 11,", []), ("2", "\"max_steps\": 10,", ["weights are never"]),
    ])
  func unreachedStages(epochs: String, limit: String, starts: [String]) throws {
    let stages = #""params": { "activations_quant_start_epoch": 0, "weights_quant_start_epoch": 1 }"#
    let run = try read(#"{ "epochs": \#(epochs), \#(limit) "compression": { "algorithm": "quantization", \#(stages) } }"#)
    let found = run.stagesBeyondTheEnd(stepsPerEpoch: 10)
    #expect(found.count == starts.count && zip(found, starts).allSatisfy { $0.hasPrefix($1) }, "\(found)")
  }

  @Test("The manual names every key") func manualIsComplete() throws {
    let manual = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../docs/configuration.md")
    let text = try String(contentsOf: manual, encoding: .utf8)
    func keys(_ value: JSONValue) -> [String] {
      switch value {
      // Below the two groups of overrides the keys are scopes.
      case .object(let members):
        members.flatMap { member in [member.key] + (member.key == "scope_overrides" ? keys(scopesRemoved(member.value)) : keys(member.value)) }
      case .array(let elements): elements.flatMap(keys)
      default: []
      }
    }
    func scopesRemoved(_ overrides: JSONValue) -> JSONValue {
      guard case .object(let groups) = overrides else { return overrides }
      return .object(
        groups.map { group in
          guard case .object(let scopes) = group.value else { return group }
          return .init(group.key, .array(scopes.map(\.value)))
        })
    }
    let fixtures = try ConfigurationFixture.all("valid").map { keys(JSONValue(try JSONDocument.read(contentsOf: $0.path).root)) }
    let written = keys(try read(#"{ "compression": { "algorithm": "quantization" } }"#).resolvedJSON())
    let strangers = ["pretrained", "workers", "my key"]
    let rootKeys = RunConfiguration.schema.keys.map(\.name)
    for key in Set(fixtures.joined() + written + rootKeys).subtracting(strangers) { #expect(text.contains("`\(key)`"), "\(key)") }
  }
}
