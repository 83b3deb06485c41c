import Foundation
import Testing

extension ToolTests {
  /// From a signal to the end of all processes it takes at most one step and two seconds, whoever starts the ranks and whoever gets the signal.
  ///
  /// The steps are as long as the run itself has measured, so a slow machine has the time that it needs for them. What other work on the machine takes away is not
  /// the run's: of three attempts the quickest counts.
  @Suite("Prompt stops", .serialized) struct PromptStopTests {
    private static let line = "train --config fp32.json --data \(Scratch.data) --checkpoint-dir run --epochs 5000 --resume auto"

    @Test("of a process alone", arguments: zip([SIGUSR1, SIGUSR2, SIGTERM, SIGINT], [75, 75, 75, 130] as [Int32]))
    func alone(signal: Int32, code: Int32) throws {
      try expectPromptStop(signal, to: \.asList, code) { folder, strike in try ToolRun(Self.line, in: folder, timeout: 60, whileRunning: strike) }
    }

    @Test("by signals that mpirun passes on", arguments: [SIGUSR1, SIGUSR2])
    func mpirun(signal: Int32) throws {
      try expectPromptStop(signal, to: \.asList, 75) { folder, strike in
        try ToolRun(Self.line, in: folder, ranks: 2, timeout: 60, whileRunning: strike)
      }
    }

    @Test("by a signal to one rank alone", arguments: zip([SIGTERM, SIGINT], [75, 130] as [Int32]))
    func oneRank(signal: Int32, code: Int32) throws {
      try expectPromptStop(signal, to: { ToolRun.ranks(of: $0).suffix(1) }, code) { folder, strike in
        try ToolRun(Self.line, in: folder, ranks: 2, timeout: 60, whileRunning: strike)
      }
    }

    @Test("in steps that take longer than all else")
    func longSteps() throws {
      let line = Self.line.replacingOccurrences(of: Scratch.data, with: "synthetic:1,28,28,10,4096") + " --batch-size 1024 --checkpoint-every 1"
      try expectPromptStop(SIGUSR1, to: \.asList, 75) { folder, strike in try ToolRun(line, in: folder, ranks: 2, timeout: 60, whileRunning: strike) }
    }

    @Test("by scripts/qat-mpirun", arguments: zip([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2], [75, 130, 75, 75, 75] as [Int32]))
    func wrapper(signal: Int32, code: Int32) throws {
      try expectPromptStop(signal, to: \.asList, code) { folder, strike in
        try ToolRun(wrapped: "-n 2", Self.line, in: folder, timeout: 60, whileRunning: strike)
      }
    }

    /// Without Slurm: a program of srun's name starts the ranks. The batch system warns the ranks (SIGUSR1), and sends SIGTERM to them and to the script.
    @Test("of a job of srun's", arguments: [SIGUSR1, SIGTERM])
    func srun(signal: Int32) throws {
      let receivers = { (process: Process) in ToolRun.ranks(of: process) + (signal == SIGTERM ? process.asList : []) }
      try expectPromptStop(signal, to: receivers, 75) { folder, strike in
        let launcher = (["mpirun"] + ToolRun.launcherOptions + ["-n", "2"]).joined(separator: " ")
        try folder.writeProgram("srun", "while case $1 in --*) true ;; *) false ;; esac; do shift; done; exec \(launcher) \"$@\"")
        return try job("srun", in: folder, strike)
      }
    }

    /// `--signal=B:USR1` asks the script alone.
    @Test("of a job of mpirun's", arguments: [SIGUSR1, SIGTERM])
    func mpirunJob(signal: Int32) throws {
      try expectPromptStop(signal, to: \.asList, 75) { folder, strike in
        // The script places two ranks of 16 cores on each node.
        try folder.writeProgram(
          "wrapper", "while [ \"$1\" != \(try ToolRun.tool().path) ]; do shift; done; exec \(ToolRun.script("qat-mpirun")) -n 2 \"$@\"")
        return try job("mpirun", in: folder, strike)
      }
    }

    /// Runs hostfiles/slurm/`script`.sbatch as Slurm would, and checks that the job goes back into the queue.
    private func job(_ script: String, in folder: Scratch, _ strike: @escaping (Process) -> Bool) throws -> ToolRun {
      try folder.writeProgram("scontrol", "echo scontrol $* >>told")
      let variables = [
        "PATH=\(folder.root.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")", "QAT=\(try ToolRun.tool().path)",
        "QAT_MPIRUN=\(folder.url("wrapper").path)", "SLURM_JOB_ID=42", "SLURM_NTASKS_PER_NODE=2", "SLURM_CPUS_PER_TASK=1",
        "SLURM_SUBMIT_DIR=\(folder.root.path)",
      ]
      let words = ["bash", ToolRun.script("../hostfiles/slurm/\(script).sbatch")] + Self.line.split(separator: " ").dropLast(2).map(String.init)
      let run = try ToolRun(words: variables + words, in: folder, timeout: 60, whileRunning: strike)
      #expect(try String(contentsOf: folder.url("told"), encoding: .utf8) == "scontrol requeue 42\n")
      return run
    }

    /// Sends a signal to a run that has a checkpoint.
    private func expectPromptStop(
      _ signal: Int32, to receivers: @escaping (Process) -> [Int32], _ code: Int32,
      _ start: (_ folder: Scratch, _ strike: @escaping (Process) -> Bool) throws -> ToolRun
    ) throws {
      var found: [String] = []
      for _ in 0..<3 {
        let folder = try Scratch()
        let run = try start(folder) { process in
          guard folder.exists("run/latest") else { return true }
          for receiver in receivers(process) { kill(receiver, signal) }
          return false
        }
        #expect(run.exitCode == code, "\(run.errors)")
        #expect(run.errors.contains("--resume auto goes on"), "\(run.errors)")
        let step = try longestStep(folder)
        if run.secondsToEnd <= step + 2 { return }
        found.append("\(run.secondsToEnd) s with steps of \(step) s at most")
      }
      Issue.record("it took too long to stop, each time: \(found)")
    }

    /// In seconds, as the run has noted.
    private func longestStep(_ folder: Scratch) throws -> Double {
      struct Line: Decodable { var step_seconds: Double? }
      let lines = try String(contentsOf: folder.url("run/metrics.jsonl"), encoding: .utf8).split(separator: "\n")
      return try #require(lines.compactMap { try JSONDecoder().decode(Line.self, from: Data($0.utf8)).step_seconds }.max())
    }
  }
}

extension Process {
  /// The number of this process alone.
  fileprivate var asList: [Int32] { [processIdentifier] }
}
