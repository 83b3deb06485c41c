import Foundation

/// How this process was started, read from the environment that mpirun and srun leave.
struct Launch {
  /// What started the process, for messages; nil when it runs alone.
  let launcher: String?
  /// Number of processes the launcher says it has started, when it says so.
  let size: Int?
  /// This process's number, when the launcher says it.
  let rank: Int?

  /// Reads the environment.
  init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    rank = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].lazy.compactMap(number).first
    if let size = number("OMPI_COMM_WORLD_SIZE") {
      (launcher, self.size) = ("Open MPI's mpirun", size)
    } else if number("SLURM_PROCID") != nil, let size = number("SLURM_STEP_NUM_TASKS"), size > 1 || environment["PMIX_RANK"] != nil {
      (launcher, self.size) = ("srun", size)
    } else if environment["PMIX_RANK"] != nil {
      (launcher, size) = ("a PMIx launcher", nil)
    } else if environment["PMI_RANK"] != nil {
      (launcher, size) = ("a PMI launcher", number("PMI_SIZE"))
    } else {
      (launcher, size) = (nil, nil)
    }
  }

  /// What to say when the launcher started `size` processes but MPI sees `found`.
  func mismatch(found: Int) -> CommunicationError? {
    guard let launcher, let size, size != found else { return nil }
    return CommunicationError(
      .launch,
      "\(launcher) has started \(size) processes, but each sees \(found): this program is linked to another MPI library than the launcher's. "
        + "Use the mpirun of the Open MPI that the program was built with, or srun --mpi=pmix", exitCode: 2)
  }
}
