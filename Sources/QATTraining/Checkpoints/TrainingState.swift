import Foundation
import QATQuantization

/// Where a run stands: `state.json`. Holds neither times nor names of machines, so that the same run writes the same bytes.
public struct TrainingState: Sendable, Hashable, Codable {
  /// The best evaluation so far.
  public struct Best: Sendable, Hashable, Codable {
    /// Steps that were done then.
    public var step: Int
    /// Fraction of samples whose class scored highest.
    public var top1: Double
    /// How good the network was by the first of the configuration's metrics, or by its loss where there are no classes, more being better; nil where top-1 decides.
    public var score: Double?
    /// How far compression had come. Of two evaluations the one further on is the better one.
    public var stage = CompressionStage.fullyCompressed

    /// Whether this evaluation is better than another one.
    func isBetter(than other: Best?) -> Bool { other.map { (stage.rawValue, score ?? top1) > ($0.stage.rawValue, $0.score ?? $0.top1) } ?? true }
  }

  /// The evaluation after an epoch.
  public struct EpochResult: Sendable, Hashable, Codable {
    /// The epoch, counted from 0.
    public var epoch: Int
    /// Steps that were done then.
    public var step: Int
    /// What the evaluation found.
    public var evaluation: Evaluation
  }

  /// Steps whose loss or gradients were not finite, and which changed nothing but the counters.
  public struct Skipped: Sendable, Hashable, Codable {
    /// In the whole run.
    public var total = 0
    /// Since the last step that was not skipped.
    public var inARow = 0

    /// None.
    public init() {}
  }

  /// The version of the record that is written and read.
  public static let currentVersion = 2

  /// Version of this record.
  public var formatVersion = Self.currentVersion
  /// Steps done.
  public var step: Int
  /// The epoch that the next step belongs to.
  public var epoch: Int
  /// Samples of that epoch that all ranks together have consumed.
  public var position: Int
  /// The seed from which order, augmentation and dropout follow.
  public var seed: UInt64
  /// Samples in a step over all ranks.
  public var globalBatchSize: Int
  /// Steps that the optimizer has counted.
  public var optimizerStep: Int
  /// Steps that were skipped.
  public var skipped = Skipped()
  /// Quantizers and their scheduler; nil for an fp32 network.
  public var compression: CompressionState?
  /// The best evaluation so far.
  public var best: Best?
  /// The evaluation after each whole epoch, in their order.
  public var history: [EpochResult] = []
  /// What the run is of.
  public var identity: RunIdentity
  /// What the run computes with.
  public var environment = ComputeEnvironment()
}

extension TrainingState {
  /// Reads `state.json`.
  /// - Throws: `TrainingError` when it is of another version, is not understood, or says what cannot be.
  init(json: [UInt8], file: String) throws(TrainingError) {
    struct Version: Decodable { var formatVersion: Int }
    do {
      let version = try JSONDecoder().decode(Version.self, from: Data(json)).formatVersion
      guard version == Self.currentVersion else {
        throw TrainingError(.checkpoint, "\(file) has version \(version), this program reads version \(Self.currentVersion)")
      }
      self = try JSONDecoder().decode(Self.self, from: Data(json))
    } catch let error as TrainingError {
      throw error
    } catch {
      throw TrainingError(.checkpoint, "\(file) cannot be understood: \(error)")
    }
    func counts(_ number: Int, upTo limit: Int) -> Bool { number >= 0 && number <= limit }
    let epochs = history.map(\.epoch)
    let faults = [
      (counts(optimizerStep, upTo: step), "\(step) steps done, \(optimizerStep) of them by the optimizer"),
      (counts(epoch, upTo: Int(UInt32.max)) && position >= 0, "epoch \(epoch), position \(position)"),
      (globalBatchSize > 0, "\(globalBatchSize) samples in a step"),
      (counts(skipped.total, upTo: step) && counts(skipped.inARow, upTo: skipped.total), "\(skipped.inARow) of \(skipped.total) skipped in a row"),
      (
        best.map { counts($0.step, upTo: step) && (0...1).contains($0.top1) && $0.score?.isFinite ?? true } ?? true,
        "a best evaluation that cannot be"
      ),
      (zip(epochs, epochs.dropFirst()).allSatisfy { $0 < $1 } && history.allSatisfy { counts($0.step, upTo: step) }, "epochs out of order"),
    ].filter { !$0.0 }
    if let fault = faults.first { throw TrainingError(.checkpoint, "\(file) says what cannot be: \(fault.1)") }
  }
}
