import QATCommunication

extension QuantizerSetup {
  /// A number that differs, in all likelihood, when anything in the setup does: the same in every process, unlike `hashValue`.
  public var fingerprint: UInt64 {
    var hash = Fingerprint()
    for point in points {
      let target = point.target
      let specification = point.specification
      hash.feed(point.id, target.place.rawValue, target.name, target.port, specification.bits, specification.mode.rawValue)
      hash.feed(specification.forcedSign, specification.signed, specification.channelAxis, specification.parameterShape)
      hash.feed(specification.narrowRange, specification.halfRange, specification.pairing, point.quantizedOperators)
      hash.feed(specification.isLogarithmic, specification.learningRateMultiplier, specification.hasPowerOfTwoStep)
    }
    hash.feed(unifiedScaleGroups, sharedInputGroups)
    return hash.value
  }
}

extension Fingerprint {
  /// Feeds the text of each part.
  fileprivate mutating func feed(_ parts: Any?...) {
    for part in parts { feed(part.map { String(reflecting: $0) } ?? "none") }
  }
}
