import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATTraining

/// Trains a network from the newest checkpoint of a folder, or from the start when there is none, and leaves its checkpoints there.
func trainFromNewest(
  _ folder: String, _ graph: Graph, _ configuration: RunConfiguration, _ data: any Dataset, validation: (any Dataset)? = nil,
  _ communicator: any Communicator
) throws -> TrainingResult {
  let run = try OpenedRun(
    of: graph, configuration, training: data, validation: validation, in: CheckpointDirectory(folder),
    resume: (choice: .auto, allowed: []), communicator)
  defer { withExtendedLifetime(run) {} }
  let task = run.task(graph: graph, state: try ModelState(graph), controller: nil)
  return try Trainer(task, communicator: communicator, resuming: run.loaded?.checkpoint, showsProgress: false).run()
}
