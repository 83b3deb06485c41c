import Foundation
import Testing

/// The job scripts' own decisions. There is no Slurm here: programs of its names note what they are told, and end as the test says.
@Suite("Slurm scripts")
struct SlurmScriptTests {
  @Test(
    "a job goes back into the queue when going on makes sense", arguments: ["srun", "mpirun"],
    [(0, false), (75, true), (65, false), (3, false), (130, false)] as [(Int32, Bool)])
  func requeues(script: String, outcome: (code: Int32, requeues: Bool)) throws {
    let (code, told) = try run(script, code: outcome.code)
    #expect(code == outcome.code)
    #expect(told.contains("scontrol requeue 42") == outcome.requeues, "\(told)")
  }

  @Test("a rank or node that was lost: srun's job is queued again, mpirun's wrapper has restarted it already")
  func losses() throws {
    #expect(try run("srun", code: 137).told.contains("scontrol requeue 42"))
    #expect(try !run("mpirun", code: 137).told.contains("scontrol"))
  }

  @Test("a job is not queued for ever", arguments: ["srun", "mpirun"])
  func bounded(script: String) throws {
    let (code, told) = try run(script, code: 75, environment: ["SLURM_RESTART_COUNT": "20"])
    #expect(code == 75 && !told.contains("scontrol"))
  }

  @Test("ranks are started as the job's numbers say, and go on from checkpoints")
  func starts() throws {
    #expect(
      try run("srun", code: 0).told == "srun --mpi=pmix --cpu-bind=cores --kill-on-bad-exit=1 qat train --seed 1 --resume auto\n")
    #expect(
      try run("mpirun", code: 0, environment: ["QAT_NETWORK": "ib0"]).told
        == "wrapper --max-restarts 3 --restart-pause 30 --network ib0 --map-by ppr:2:node:PE=16 --bind-to core qat train --seed 1 --resume auto\n")
  }

  /// Runs hostfiles/slurm/`script`.sbatch with the arguments `train --seed 1`, where what it starts ends with `code`.
  private func run(_ script: String, code: Int32, environment: [String: String] = [:]) throws -> (code: Int32, told: String) {
    let folder = try Scratch()
    for name in ["srun", "wrapper", "scontrol"] {
      try folder.writeProgram(name, "echo \(name) $* >>told\n\(name == "scontrol" ? "" : "exit \(code)")")
    }
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [package.appendingPathComponent("hostfiles/slurm/\(script).sbatch").path, "train", "--seed", "1"]
    process.currentDirectoryURL = folder.root
    let slurm = ["SLURM_JOB_ID": "42", "SLURM_NTASKS_PER_NODE": "2", "SLURM_CPUS_PER_TASK": "16", "SLURM_SUBMIT_DIR": folder.root.path]
    let path = "\(folder.root.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
    process.environment = slurm.merging(["PATH": path, "QAT_MPIRUN": folder.url("wrapper").path]) { $1 }.merging(environment) { $1 }
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, try String(contentsOf: folder.url("told"), encoding: .utf8))
  }
}
