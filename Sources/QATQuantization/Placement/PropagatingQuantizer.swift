/// An activation quantizer on its way up, against the flow of data.
struct PropagatingQuantizer {
  /// A place in the quantization graph.
  enum Location: Hashable {
    /// In front of one port.
    case slot(Int)
    /// Behind a vertex, for all its readers.
    case output(Int)
  }

  /// The ways in which it may quantize, best first.
  var options: [QuantizerOption]
  /// Where it is.
  var location: Location
  /// The slots of the operators that wanted it.
  var sinks: Set<Int>
  /// How many edges it has come up.
  var distance = 0
  /// Number of the unified group, if it belongs to one.
  var group: Int?
}
