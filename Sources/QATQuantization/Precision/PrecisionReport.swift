import QATJSON

/// What HAWQ has measured, weighed and chosen.
public struct PrecisionReport: Sendable, Hashable {
  /// A weight, by rising trace.
  public struct Layer: Sendable, Hashable {
    /// A bit width, and how far quantizing to it moves the weight.
    public struct Width: Sendable, Hashable {
      /// The bit width.
      public var bits: Int
      /// Σ (Q(w) − w)².
      public var squaredError: Double
    }

    /// The quantizer's id.
    public var id: String
    /// The trace of the weight's block of the Hessian, over its number of elements.
    public var averageTrace: Double
    /// Elements of the weight.
    public var elementCount: Int
    /// Multiply-adds of the operators that read it, for one sample.
    public var operations: Int
    /// The widths that were on offer.
    public var errors: [Width]
    /// The width that was chosen.
    public var bits: Int
  }

  /// A choice that was weighed.
  public struct Candidate: Sendable, Hashable {
    /// How many times fewer bit operations there are than with 8 bits everywhere.
    public var ratio: Double
    /// Σ trace · squared error.
    public var perturbation: Double
    /// Bits of the weights, by rising trace.
    public var bits: [Int]
  }

  /// The weights, by rising trace.
  public var layers: [Layer]
  /// Every quantizer and its bit width, as `bitwidth_per_scope` takes them.
  public var assignments: [QuantizationConfiguration.PrecisionInitializer.Assignment]
  /// How the measurement of traces ended; nil when they came from a file.
  public var progress: HessianProgress?
  /// The ratio that was asked for.
  public var requestedRatio: Double
  /// The ratio of the choice: how many times fewer bit operations it needs than 8 bits everywhere.
  public var ratio: Double
  /// What the loss suffers by the choice, as far as curvature tells.
  public var perturbation: Double
  /// How many choices keep the order of the traces.
  public var candidateCount: Int
  /// The lowest ratio of them.
  public var lowestRatio: Double
  /// The highest ratio of them.
  public var highestRatio: Double
  /// All of them, when they are to be written.
  public var candidates: [Candidate]
}

extension PrecisionReport: CustomStringConvertible {
  /// A table of the weights with what decided, and a sentence.
  public var description: String {
    let rows = layers.map { layer in
      [layer.id, "\(layer.elementCount)", layer.averageTrace.threeDigits, "\(layer.bits)"]
    }
    let table = StatisticsTable("Bit widths by the curvature of the loss", rows, heads: ["Weight", "Elements", "Average Hessian trace", "Bits"])
    let source = progress.map {
      "\($0.probes) probes\($0.hasConverged ? "" : " (not converged: the last one changed the mean by \($0.change.threeDigits))")"
    }
    return
      "\(table)\nTraces from \(source ?? "a file"). Of \(candidateCount) choices this one needs \(ratio.threeDigits) times fewer bit operations than 8 bits "
      + "everywhere (asked for \(requestedRatio.threeDigits), possible \(lowestRatio.threeDigits) to \(highestRatio.threeDigits))."
  }

  /// The files that `dump_init_precision_data` asks for: name and contents.
  public var files: [(name: String, text: String)] {
    let pairs = JSONValue.object([.init("bitwidth_per_scope", .array(assignments.map { .array([.integer($0.bits), .string($0.scope)]) }))])
    var lines = ["ratio,perturbation,\(layers.map { "\"\($0.id.replacing("\"", with: "\"\""))\"" }.joined(separator: ","))"]
    lines += candidates.map { "\($0.ratio),\($0.perturbation),\($0.bits.map(String.init).joined(separator: ","))" }
    return [
      (HessianTraces.fileName, HessianTraces.json(of: layers).text() + "\n"), ("bitwidth_per_scope.json", pairs.text() + "\n"),
      ("hawq_candidates.csv", lines.joined(separator: "\n") + "\n"),
    ]
  }
}

extension Double {
  /// Three significant digits.
  fileprivate var threeDigits: String {
    guard isFinite, self != 0 else { return "\(self)" }
    var (mantissa, exponent) = (abs(self), 0)
    while mantissa >= 9.995 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 0.9995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    let digits = Int((mantissa * 100).rounded())
    let sign = self < 0 ? "-" : ""
    let text = "\(sign)\(digits / 100).\(digits % 100 < 10 ? "0" : "")\(digits % 100)"
    return exponent == 0 ? text : "\(text)e\(exponent)"
  }
}
