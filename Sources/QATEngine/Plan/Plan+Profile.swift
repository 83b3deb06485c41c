import Dispatch

extension Plan {
  /// Runs one step and measures each of its parts.
  /// - Returns: label and seconds of every part, in order of execution.
  public func profileOnce() -> [(label: String, seconds: Double)] {
    (forwardSteps + backwardSteps).map { step in
      let start = DispatchTime.now().uptimeNanoseconds
      step.run()
      return (step.label, Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    }
  }
}
