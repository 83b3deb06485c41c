import Foundation
import QAT
import Testing

@testable import QATCommands

@Suite struct InitTests {
  @Test(arguments: ["resnet_small", "mobilenet_small", "bert_small", "resnet18"])
  func whatIsWrittenIsAConfiguration(name: String) throws {
    let template = try ConfigurationTemplate(model: name, LoadedModel(name, classes: nil, seed: 0), data: nil, nil)
    let configuration = try RunConfiguration(document: JSONDocument.parse(template.text, file: "init"))
    #expect(configuration.warnings.isEmpty, "\(configuration.warnings)")
    #expect(configuration.nncf.quantization != nil && !configuration.nncf.inputInfo.isEmpty)
    let graph = try #require(architecture(named: name, classes: 10))
    try graph.requireInputs(configuration.nncf.inputInfo)
    let channels = graph.inputs[0].type.rank == 4 ? graph.inputs[0].type.dimensions[1].fixedSize : nil
    #expect(configuration.data.normalize?.mean.count == channels)
    #expect(template.text.split(separator: "\n").count { $0.contains("//") } > 8, "it is annotated")
  }

  @Test func namesFromFilesStayInTheirCommentsAndTexts() throws {
    var net = NetworkBuilder(name: "a\n}, \"seed\": 7 //", input: [3, 8, 8])
    let x = net.relu(net.convolution(net.input, "conv\n\"epochs\": 99,", channels: 4, kernel: 3), "relu")
    let loaded = try LoadedModel("resnet_small", classes: nil, seed: 0)
    var hostile = loaded
    hostile.graph = net.graph(output: x)
    let template = try ConfigurationTemplate(model: "m\"odel\\.onnx", hostile, data: "da\"ta", nil)
    let configuration = try RunConfiguration(document: JSONDocument.parse(template.text, file: "init"))
    #expect(configuration.seed == 0 && configuration.epochs == 3)
    #expect(configuration.model?.hasSuffix("m\"odel\\.onnx") == true && configuration.data.train?.hasSuffix("da\"ta") == true)
  }
}

extension ToolTests {
  @Suite struct InitCommandTests {
    @Test func aRunBeginsFromWhatInitWrites() throws {
      let folder = try Scratch()
      let written = try ToolRun("init --model resnet_small --data \(Scratch.data) --output new.json", in: folder)
      try #require(written.exitCode == 0, "\(written.errors)")
      #expect(written.output.isEmpty && written.errors.contains("qat train --dry-run --config new.json"))
      let text = try String(contentsOf: folder.url("new.json"), encoding: .utf8)
      #expect(text.contains("Measured on 256 samples"))
      let checked = try ToolRun("config check new.json", in: folder)
      #expect(checked.exitCode == 0 && checked.output.contains("no errors\n"), "\(checked.errors)")
      let dry = try ToolRun("train --dry-run --config new.json --checkpoint-dir run", in: folder)
      #expect(dry.exitCode == 0, "\(dry.errors)")
      let again = try ToolRun("init --model resnet_small --output new.json", in: folder)
      #expect(again.exitCode == ExitStatus.storage.rawValue && again.errors.contains("exists already"))
      #expect(try String(contentsOf: folder.url("new.json"), encoding: .utf8) == text)
    }
  }
}
