import QAT

/// What an exported file says of itself, so that it can be evaluated without the configuration it came from.
enum ModelMetadata {
  /// Notes for a network that is fed with `preprocessing`, and whose quantizers a controller has made.
  static func strings(_ preprocessing: Preprocessing, _ controller: CompressionController? = nil) -> [String: String] {
    (controller?.metadata ?? [:]).merging(preprocessing.notes) { $1 }
  }

  /// The fingerprint of the configuration that made the quantizers, as a file's notes say it; nil when they say none.
  static func fingerprint(_ metadata: [String: String]) -> String? { metadata[CompressionController.fingerprintKey] }

  /// The runtime that a file's notes say it is for, nil when they say none.
  static func target(_ metadata: [String: String]) -> Runtime? { metadata["target"].flatMap(Runtime.init(rawValue:)) }
}
