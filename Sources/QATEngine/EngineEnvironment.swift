import CVectorKernels

/// What the engine runs on.
public enum EngineEnvironment {
  /// Number of threads of our loops and of oneDNN, which share OpenMP's pool. Starts as OMP_NUM_THREADS, else the CPUs of the affinity mask.
  ///
  /// OpenMP keeps this number for each calling thread: set it on the thread that runs the plans.
  public static var threadCount: Int {
    get { Int(qat_thread_limit()) }
    set { qat_set_thread_limit(Int32(clamping: newValue)) }
  }

  /// Measures, in some 50 ms, how many additions and multiplications of float32 all threads compute in a second where nothing waits for memory: the ceiling
  /// of direct kernels. Williams et al. 2009, "Roofline: an insightful visual performance model for multicore architectures".
  public static func measuredPeak() -> Double { qat_peak_operations_per_second() }

  /// oneDNN's version and the instruction set it uses here: results are bit-identical only where these and the thread count agree.
  public static var description: String { "\(libraryVersion), \(instructionSet)" }

  /// oneDNN's name and version.
  public static var libraryVersion: String { DNNLContext.version }

  /// The instruction set that oneDNN uses here, as in "AVX2".
  public static var instructionSet: String { DNNLContext.instructionSet }
}
