extension QuantizerSetup {
  /// A number that differs, in all likelihood, when anything in the setup does: the same in every process, unlike `hashValue`.
  /// FNV-1a over the setup's parts in their order.
  public var fingerprint: UInt64 {
    var hash = Fingerprint()
    for point in points {
      let target = point.target
      let specification = point.specification
      hash.add(point.id, target.place.rawValue, target.name, target.port, specification.bits, specification.mode.rawValue)
      hash.add(specification.forcedSign, specification.signed, specification.channelAxis, specification.parameterShape)
      hash.add(specification.narrowRange, specification.halfRange, point.quantizedOperators)
      hash.add(specification.isLogarithmic, specification.learningRateMultiplier)
    }
    hash.add(unifiedScaleGroups, sharedInputGroups)
    return hash.value
  }
}

private struct Fingerprint {
  private(set) var value: UInt64 = 14_695_981_039_346_656_037

  /// Adds the text of each part and an end mark, so that parts cannot run into each other.
  mutating func add(_ parts: Any?...) {
    for part in parts {
      let text = part.map { String(reflecting: $0) } ?? "none"
      for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 1_099_511_628_211 }
      value = (value ^ 0xff) &* 1_099_511_628_211
    }
  }
}
