// Without optimisation Swift itself boxes values: the promise is about what users run.
#if !DEBUG
  import CAllocationCounter
  import QATCommunication
  import QATData
  import QATEngine
  import QATModels
  import QATQuantization
  import Testing

  @testable import QATTraining

  @Suite("A training step")
  struct TrainerAllocationTests {
    /// Allocations of the training thread in a run of so many steps, with metrics and a checkpoint at its end.
    private func allocations(_ type: OptimizerConfiguration.Kind, distils: Bool = false, steps: Int) throws -> Int {
      let folder = TemporaryFolder()
      let graph = try #require(architecture(named: "resnet_small", classes: 10))
      let data = try openDataset("synthetic:1,28,28,10,1000", split: .train)
      var configuration = RunConfiguration()
      configuration.optimizer = OptimizerConfiguration(type)
      configuration.batchSize = 4
      configuration.maxSteps = steps
      if distils { configuration.nncf.distillation = KnowledgeDistillation(.softmax) }
      let directory = CheckpointDirectory(folder.path)
      try directory.prepare()
      var task = Trainer.Task(
        graph: graph, state: try ModelState(graph), training: data, validation: nil, configuration: configuration, directory: directory,
        identity: RunIdentity(model: graph, configuration: configuration, dataset: data))
      task.teacher = graph
      let trainer = try Trainer(task, communicator: SingleProcess(), showsProgress: false)
      allocation_counter_start()
      let result = try trainer.run()
      let count = allocation_counter_stop()
      #expect(result.steps == steps && result.checkpoint != nil)
      return count
    }

    @Test("allocates nothing, its line in the log included", arguments: OptimizerConfiguration.Kind.allCases)
    func allocatesNothing(_ type: OptimizerConfiguration.Kind) throws {
      _ = try allocations(type, steps: 2)
      let (short, long) = (try allocations(type, steps: 3), try allocations(type, steps: 13))
      #expect(short > 0, "the checkpoint at the end allocates: the counter counts")
      #expect(long - short < 10, "ten more steps allocated \(long - short) times more")
    }

    @Test("allocates nothing with a teacher either")
    func distillation() throws {
      _ = try allocations(.sgd, distils: true, steps: 2)
      let (short, long) = (try allocations(.sgd, distils: true, steps: 3), try allocations(.sgd, distils: true, steps: 13))
      #expect(long - short < 10, "ten more steps allocated \(long - short) times more")
    }
  }
#endif
