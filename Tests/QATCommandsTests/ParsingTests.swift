import ArgumentParser
import QAT
import Testing

@testable import QATCommands

@Suite struct ParsingTests {
  /// The command lines of the contract: job files depend on them.
  @Test(arguments: [
    """
    train --config C --model M --data D --checkpoint-dir DIR --resume auto --epochs 2 --max-steps 9 --batch-size 8 --seed 3 --checkpoint-every 5 \
    --export a.onnx --export b.onnx
    """,
    "train --config C --checkpoint-dir DIR", "quantize --config C --model M --data D --export FILE.onnx --json",
    "evaluate --model M --config C --data D --split test --json", "evaluate --model M", "export --checkpoint DIR --to FILE.onnx --format onnx",
    "inspect --model M --config C --quantizers --json",
    "bench --model M --config C --mode qat --batch-size 4 --image-size 64 --steps 2 --json", "bench --model M --mode fp32", "config check C",
    "config print C",
  ])
  func takesTheContractsCommandLines(line: String) throws {
    _ = try QATCommand.parseAsRoot(line.split(separator: " ").map(String.init))
  }

  @Test(
    arguments: [
      ("1,3,224,224", nil, [1, 3, 224, 224]), ("pixels:8,16", "pixels", [8, 16]), ("scope/x:0:2,5", "scope/x:0", [2, 5]), ("7", nil, [7]),
    ] as [(String, String?, [Int])])
  func takesShapesOfInputs(argument: String, name: String?, sizes: [Int]) throws {
    let shape = try #require(InputShape(argument: argument))
    #expect(shape.name == name && shape.sizes == sizes)
    #expect(try InspectCommand.parse(["--model", "M", "--shape", argument, "--shape", argument]).model.shape.shapes.count == 2)
  }

  @Test(arguments: ["", "x:", ":1,2", "1,,2", "1,0", "-1,2", "1x3", "1,99999999999"]) func refusesWhatIsNoShape(argument: String) {
    #expect(InputShape(argument: argument) == nil)
  }

  /// The first size is the batch; `--shape` goes before `input_info`, which speaks only where the file leaves something open.
  @Test func shapesAreGivenToInputs() throws {
    let inputs = [ModelFormat.FileInput(name: "image", sizes: [1, 3, nil, nil]), ModelFormat.FileInput(name: "scale", sizes: [4])]
    var info = InputInfo()
    info.sampleSize = [1, 3, 32, 32]
    var fixed = InputInfo()
    fixed.sampleSize = [9]
    let given = [try #require(InputShape(argument: "image:2,3,64,48"))]
    #expect(try [InputShape]().resolved(for: inputs, [info, fixed]) == ["image": [.batch, 3, 32, 32]])
    #expect(try given.resolved(for: inputs, [info]) == ["image": [.batch, 3, 64, 48]])
    let scale = try #require(InputShape(argument: "scale:4"))
    #expect(try [scale].resolved(for: inputs, []) == ["scale": [4]])
    let nameless = [try #require(InputShape(argument: "1,3,64,64"))]
    #expect(try nameless.resolved(for: [inputs[0]], []) == ["image": [.batch, 3, 64, 64]])
    let error = #expect(throws: CommandError.self) { try nameless.resolved(for: inputs, []) }
    #expect(error?.description.contains("--shape NAME:1,3,64,64") == true)
    let stranger = try #require(InputShape(argument: "picture:1,3,8,8"))
    #expect(throws: CommandError.self) { try [stranger].resolved(for: inputs, []) }
  }

  @Test func keepsEveryFlagOfTraining() throws {
    let line =
      "--config C --model M --data D --checkpoint-dir DIR --resume best --epochs 2 --max-steps 9 --batch-size 8 --seed 3 --checkpoint-every 5"
    let command = try TrainCommand.parse(line.split(separator: " ").map(String.init) + ["--export", "a.onnx", "--export", "b.onnx"])
    #expect(command.config.path == "C" && command.model.model == "M" && command.data.path == "D" && command.checkpointDirectory == "DIR")
    #expect(command.resume == "best")
    #expect(command.output.files == ["a.onnx", "b.onnx"])
    var configuration = RunConfiguration()
    command.overrides.apply(&configuration)
    #expect(configuration.epochs == 2 && configuration.maxSteps == 9 && configuration.batchSize == 8)
    #expect(configuration.seed == 3 && configuration.checkpoint.every == 5)
  }

  @Test func flagsThatAreNotGivenLeaveTheConfigurationAlone() throws {
    let command = try TrainCommand.parse(["--config", "C", "--checkpoint-dir", "DIR"])
    var configuration = RunConfiguration()
    configuration.epochs = 17
    configuration.maxSteps = 4
    let before = configuration
    command.overrides.apply(&configuration)
    #expect(configuration == before)
  }

  @Test(arguments: [
    ("train --config C", "--checkpoint-dir"), ("train --checkpoint-dir D", "--config"),
    ("train --config C --checkpoint-dir D --epochs 0", "--epochs is 0"),
    ("train --config C --checkpoint-dir D --batch-size x", "--batch-size"), ("train --config C --checkpoint-dir D --seed -1", "--seed"),
    ("train --config C --checkpoint-dir D --export a.pt", "'a.pt'"), ("train --config C --checkpoint-dir D --reproducible 0", "--reproducible"),
    ("quantize --config C --model M", "--export"), ("evaluate", "--model"), ("evaluate --model M --split valid", "valid"),
    ("export --checkpoint D --to a.txt", "'a.txt'"), ("export --checkpoint D --to a.onnx --format pt", "pt"), ("bench --model M", "--mode"),
    ("bench --model M --mode int8", "int8"), ("bench --model M --mode qat --steps 0", "--steps is 0"),
    ("bench --model M --mode qat --evaluation --accumulation-steps 2", "--accumulation-steps"), ("config check", "file"), ("trian", "trian"),
  ])
  func refusesAWrongCommandLineWithExitCode64(line: String, names: String) throws {
    let error = try #require(throws: (any Error).self) { try QATCommand.parseAsRoot(line.split(separator: " ").map(String.init)) }
    #expect(QATCommand.exitCode(for: error).rawValue == 64)
    #expect(QATCommand.fullMessage(for: error).contains(names))
  }
}
