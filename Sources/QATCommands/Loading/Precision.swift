import QAT

/// What HAWQ needs besides samples, where the configuration asks for it: the loss of the training, and a line on stderr now and then.
/// - Parameters:
///   - graph: the fp32 network, a classifier.
///   - configuration: what the file says of quantization.
///   - hasSamples: whether bit widths are chosen on samples.
///   - session: rank 0 speaks.
///   - seed: the seed of the run.
///   - loss: the loss of the training; the cross-entropy of classes when nil.
/// - Returns: the task; nil when none is needed.
/// - Throws: `TrainingError` when the network is no classifier.
func precisionTask(
  of graph: Graph, _ configuration: NNCFConfig, hasSamples: Bool, _ session: Session, seed: UInt64, loss: (any OutputLoss)? = nil
) throws -> PrecisionTask? {
  guard hasSamples, let precision = configuration.quantization?.precision, precision.measuresCurvature else { return nil }
  if precision.hawq.dumpsData, configuration.logDirectory == nil {
    session.warn("\"dump_init_precision_data\" has no effect: the configuration has no \"log_dir\" to write to")
  }
  var nextLine = ContinuousClock.now + .seconds(5)
  return PrecisionTask(objective: try loss ?? CrossEntropy(of: graph), seed: seed) { progress in
    guard ContinuousClock.now >= nextLine else { return }
    nextLine = ContinuousClock.now + .seconds(5)
    session.note(
      "HAWQ: \(progress.probes) of at most \(progress.limit) probes of the curvature"
        + (progress.probes > 1 ? ", the last one changed the mean trace by \(Numbers.percent(progress.change))" : ""))
  }
}

/// Writes what HAWQ has measured and chosen, where the configuration asks for it (`dump_init_precision_data`).
/// - Parameters:
///   - report: what was measured and chosen.
///   - configuration: says whether, and where.
///   - session: rank 0 writes; an error ends all ranks.
/// - Throws: `CommandError` when a file cannot be written.
func writePrecisionData(_ report: PrecisionReport, _ configuration: NNCFConfig, _ session: Session) throws {
  guard configuration.quantization?.precision?.hawq.dumpsData == true, let folder = configuration.logDirectory else { return }
  try session.onRoot {
    for (name, text) in report.files { session.note("wrote \(try writeLog(name, text, in: folder))") }
  }
}
