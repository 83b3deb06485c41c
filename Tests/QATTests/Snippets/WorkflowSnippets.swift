import Foundation
import QAT
import Testing

/// The blocks of docs/workflow.md, each run in a process and a folder of its own.
@Suite("docs/workflow.md", .serialized)
struct WorkflowSnippets {
  @Test func importing() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        // snippet docs/workflow.md
        let fp32 = try Model.load("net.onnx")
        let dataset = try openDataset("data", split: .train)
        let loader = DataLoader(dataset, batchSize: 16, preprocessing: Preprocessing(mean: [0.286], std: [0.353]))
        print(try fp32.evaluate(loader).top1)
        // end of snippet
      }
    }
  }

  @Test func configurationFromADictionary() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (_, loader, _, _, _) = try Workspace.quantized()
        // snippet docs/workflow.md
        let dictionary: JSONValue = [
          "input_info": ["sample_size": [1, 1, 28, 28]],  // checked against the model
          "compression": ["algorithm": "quantization"],  // 8 bits with the default settings
        ]
        let nncf = try NNCFConfig(dictionary)
        let config = registerDefaultInitArgs(nncf, loader)
        // end of snippet
        guard config.nncf.quantization != nil, config.batchSize == 16 else { throw Workspace.Missing(file: "quantization") }
      }
    }
  }

  @Test func configurationFromAFile() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (_, loader, _, _, _) = try Workspace.quantized()
        // snippet docs/workflow.md
        let nncf = try NNCFConfig(contentsOf: "int8.json")
        let config = registerDefaultInitArgs(nncf, loader, batchSize: 1)
        // end of snippet
        guard config.nncf.quantization != nil, config.batchSize == 1 else { throw Workspace.Missing(file: "quantization") }
      }
    }
  }

  @Test func applying() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (fp32, loader, config, _, _) = try Workspace.quantized()
        // snippet docs/workflow.md
        let (controller, model) = try createCompressedModel(fp32, config)
        print(try model.evaluate(loader).top1)
        // end of snippet
        guard controller.statistics().weights.total > 0 else { throw Workspace.Missing(file: "quantizers") }
      }
    }
  }

  @Test func aLoopOfYourOwn() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (_, loader, _, controller, model) = try Workspace.quantized()
        // snippet docs/workflow.md
        let optimizer = model.makeOptimizer(OptimizerConfiguration(.sgd))
        optimizer.learningRate = 1e-4
        for epoch in 0..<5 {
          controller.scheduler.epochStep()  // epoch control
          let batches = try loader.batches(inEpoch: epoch)
          while let batch = try batches.next() {
            controller.scheduler.step()  // iteration control
            let loss = try model.loss(batch) + controller.loss()
            try loss.backward()
            try optimizer.step()
          }
        }
        // end of snippet
        guard controller.scheduler.state.currentStep == 19 else { throw Workspace.Missing(file: "20 steps") }
      }
    }
  }

  @Test func fitting() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (_, loader, _, controller, model) = try Workspace.quantized()
        // snippet docs/workflow.md
        let callbacks = createCompressionCallbacks(controller, logDirectory: "compression_log")
        try model.fit(loader, epochs: 5, callbacks: callbacks)
        print(controller.statistics(), controller.compressionStage)
        // end of snippet
        try Workspace.require("compression_log/compression_statistics.jsonl")
      }
    }
  }

  @Test func addingCallbacks() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (_, loader, _, _, model) = try Workspace.quantized()
        // snippet docs/workflow.md
        var optimizer = OptimizerConfiguration(.adam)
        optimizer.baseLearningRate = 1e-4
        let validation = try openDataset("data", split: .test)
        let result = try model.fit(
          loader, validation: validation, epochs: 20, optimizer: optimizer,
          callbacks: [EarlyStopping(.loss, patience: 2), LearningRateScheduler { epoch, rate in epoch < 10 ? rate : rate / 10 }])
        print(result.steps, result.endedEarly)
        // end of snippet
      }
    }
  }

  @Test func asLongAsAccuracyAsksFor() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (fp32, loader, _, _, _) = try Workspace.quantized()
        // snippet docs/workflow.md
        let nncf = try NNCFConfig([
          "compression": ["algorithm": "quantization"],
          "accuracy_aware_training": [
            "mode": "early_exit", "params": ["maximal_absolute_accuracy_degradation": 1, "maximal_total_epochs": 10],
          ],
        ])
        let (_, accurate) = try createCompressedModel(fp32, registerDefaultInitArgs(nncf, loader))
        let validation = try openDataset("data", split: .test)
        try accurate.fit(loader, validation: validation, epochs: 10)
        // end of snippet
      }
    }
  }

  @Test func aCallbackOfYourOwn() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (_, loader, _, _, model) = try Workspace.quantized()
        // snippet docs/workflow.md
        final class LossCurve: TrainingCallback {
          private(set) var losses: [Double] = []

          func stepEnded(_ report: StepReport, _ trainer: Trainer) { losses.append(report.loss) }
        }
        let curve = LossCurve()
        try model.fit(loader, epochs: 1, callbacks: [curve])
        print(curve.losses.first ?? 0, curve.losses.last ?? 0)
        // end of snippet
        guard curve.losses.count == 4 else { throw Workspace.Missing(file: "4 steps") }
      }
    }
  }

  @Test func severalProcesses() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (fp32, loader, config, _, _) = try Workspace.quantized()
        // snippet docs/workflow.md
        try withCommunicator { ranks in
          let (controller, model) = try createCompressedModel(fp32, config)
          try controller.distributed()  // call it before the training
          try model.fit(loader, epochs: 5)
          try controller.exportModel(to: "compressed_model.onnx")  // rank 0 writes
          print("rank \(ranks.rank) of \(ranks.size) is done")
        }
        // end of snippet
        try Workspace.require("compressed_model.onnx")
      }
    }
  }

  @Test func exporting() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (_, _, _, controller, _) = try Workspace.quantized()
        // snippet docs/workflow.md
        try controller.exportModel(to: "compressed_model.onnx")
        try controller.exportModel(to: "compressed_model.pb")  // a frozen graph
        try controller.exportModel(to: "compressed_model.xml")  // OpenVINO IR, with its constants in compressed_model.bin
        // end of snippet
        for file in ["compressed_model.onnx", "compressed_model.pb"] {
          guard try Model.load(file).graph.isQuantized else { throw Workspace.Missing(file: file) }
        }
      }
    }
  }

  @Test func savingAndRestoring() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (fp32, loader, config, trained, _) = try Workspace.quantized()
        do {
          let (_, _, _, controller, model) = try Workspace.quantized()
          let optimizer = model.makeOptimizer(OptimizerConfiguration(.sgd))
          controller.scheduler.step()
          if let batch = try loader.batches().next() { try model.loss(batch).backward() }
          try optimizer.step()
          // snippet docs/workflow.md
          let checkpoint = try Checkpoint(
            stateDictionary: model.stateDictionary, compressionState: controller.compressionState,
            optimizer: optimizer.stateDictionary, objects: ["epoch": 3, "learner": "a first try"])
          try checkpoint.save(to: "checkpoint")
          // end of snippet
        }
        // snippet docs/workflow.md
        let saved = try Checkpoint.restore(from: "checkpoint")
        let (controller, model) = try createCompressedModel(fp32, config, compressionState: saved.compressionState)
        try model.load(stateDictionary: saved.stateDictionary)
        let optimizer = model.makeOptimizer(OptimizerConfiguration(.sgd))
        try optimizer.load(stateDictionary: saved.optimizer)
        let epoch: Int = try saved.objects.object("epoch")
        print("going on after epoch \(epoch), step \(controller.scheduler.state.currentStep)")
        // end of snippet
        guard epoch == 3, model.stateDictionary == saved.stateDictionary, controller.setup == trained.setup else {
          throw Workspace.Missing(file: "state")
        }
      }
    }
  }

  @Test func checkpointsOfFit() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (_, loader, _, _, model) = try Workspace.quantized()
        do {
          // snippet docs/workflow.md
          let manager = CheckpointManagerCallback("run")
          let often = CheckpointManagerCallback("often", saveFrequency: .steps(2)) { ["learner": "a second try"] }
          try model.fit(loader, epochs: 1, callbacks: [often])
          try model.fit(loader, epochs: 2, callbacks: [manager])
          print(manager.latest ?? "none")
          // end of snippet
          guard manager.latest == "run/step-000000008" else { throw Workspace.Missing(file: "latest") }
        }
        try Workspace.require("run/run.json", "run/step-000000004/MANIFEST.json", "often/step-000000002/objects.json")
      }
    }
  }

  @Test func goingOn() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (_, loader, _, _, model) = try Workspace.quantized()
        // snippet docs/workflow.md
        let manager = CheckpointManagerCallback("run")
        try model.fit(loader, epochs: 5, callbacks: [manager], resume: true)
        // end of snippet
        try Workspace.require("run/step-000000020/MANIFEST.json")
      }
    }
  }

  @Test func loadingWhatFits() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let (fp32, _, _, _, model) = try Workspace.quantized()
        // snippet docs/workflow.md
        let match = try model.load(stateDictionary: fp32.stateDictionary, strict: false)
        print(match.missing, match.unexpected, match.misfits)
        // end of snippet
        guard match.unexpected.isEmpty, match.misfits.isEmpty, !match.missing.isEmpty else { throw Workspace.Missing(file: "quantizers' ranges") }
      }
    }
  }
}
