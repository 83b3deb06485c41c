import QATCommunication
import QATJSON

extension QuantizationConfiguration {
  /// A fingerprint of what decides the quantizers: this section with every default filled in and the scopes of the root, and the device. Sixteen hexadecimal digits.
  ///
  /// Order of keys, white space, comments, and defaults written or left out make no difference; neither does where HAWQ's traces lie. Scopes keep their order: of two
  /// overrides that match, the later one holds.
  /// - Parameter device: the hardware table (`target_device`).
  /// - Returns: the fingerprint, the same on every machine.
  public func fingerprint(device: TargetDevice) -> String {
    var section = self
    section.precision?.hawq.tracesPath = nil
    var fingerprint = Fingerprint()
    fingerprint.feed(device.rawValue)
    fingerprint.feed(Self.schema.write(section).text(.oneLine))
    return fingerprint.text
  }
}
