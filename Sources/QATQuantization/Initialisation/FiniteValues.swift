/// A value that no range can hold.
struct NonFiniteValue: Hashable {
  /// Where it stands.
  var index: Int
  /// NaN or an infinity.
  var value: Float

  /// The first value of a tensor that is NaN or infinite; nil when there is none.
  init?(in values: UnsafeBufferPointer<Float>) {
    // The bits of a magnitude order like integers, so that this pass is one of the fastest over memory.
    let largest = values.reduce(UInt32(0)) { max($0, $1.bitPattern & 0x7fff_ffff) }
    guard largest >= Float.infinity.bitPattern, let index = values.firstIndex(where: { !$0.isFinite }) else { return nil }
    self.index = index
    value = values[index]
  }
}
