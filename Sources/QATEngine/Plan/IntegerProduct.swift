import QATGraph
import QATTensor

/// A layer whose sums of products are computed on codes: 8-bit unsigned levels of its input by 8-bit signed codes of its weight, into 32 bits.
struct IntegerProduct {
  let input: CompiledQuantizer
  let weight: CompiledQuantizer
  /// Products that are added up for one output.
  let terms: Int
  /// Whether the weight's quantizer limits the sums of just the codes that meet in this layer.
  let isPaired: Bool

  /// The largest level of the input: levels count from 0.
  var largestLevel: Int { input.op.levels - 1 }
  /// The largest size of a weight's code.
  var largestCode: Int { max(-weight.op.levelLow, weight.op.levelHigh) }
  /// The largest size of the sum of two weights' codes that meet.
  var largestPair: Int { isPaired ? WeightPairing.limit : 2 * largestCode }

  /// Whether the level that stands for zero may be another than the lowest.
  var hasZeroPoint: Bool { input.op.mode != .symmetric(signed: false) }

  /// Whether no sum leaves 32 bits, whatever the input.
  var fitsAccumulator: Bool { terms * largestLevel * largestCode <= Int(Int32.max) }

  /// Whether the kernels' sums of two products cannot saturate, whatever the input. Without VNNI they are added in 16 bits.
  func isFree(ofSaturation addsInSixteenBits: Bool) -> Bool { !addsInSixteenBits || largestLevel * largestPair <= Int(Int16.max) }
}

/// A layer that multiplies a tensor by a weight, in what decides whether it runs on codes.
struct IntegerCandidate {
  /// The tensor.
  let input: TensorName
  /// The weight, as its quantizer leaves it.
  let weight: TensorName
  /// The weight's axis of output channels.
  let outputAxis: Int
  /// Which codes of the weight meet in sums of two products.
  let pairing: WeightPairing?
  /// Products that are added up for one output.
  let terms: Int
  /// Why integers would cost time; nil where they save some.
  let loss: ReasonForFloat?
}

/// Why a layer runs in floats.
struct ReasonForFloat: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

extension PlanCompiler {
  /// Appends a layer in the arithmetic of codes where that is asked for and `append` finds no reason against it, which it throws before it has appended
  /// anything, and notes in `layers` how the layer runs.
  /// - Returns: whether the layer was appended.
  func runsOnCodes(_ node: Node, _ append: () throws -> Void) throws -> Bool {
    do {
      guard forwardArithmetic == .integer else { throw ReasonForFloat("float arithmetic was asked for") }
      try append()
      layers.append(LayerArithmetic(node: node.name, reasonForFloat: nil))
      return true
    } catch let reason as ReasonForFloat {
      layers.append(LayerArithmetic(node: node.name, reasonForFloat: reason.text))
      return false
    }
  }

  /// Decides by the graph alone, whatever the batch size, whether a layer runs on codes.
  /// - Throws: why it does not.
  func integerProduct(_ layer: IntegerCandidate) throws(ReasonForFloat) -> IntegerProduct {
    guard let input = quantizer(behind: layer.input) else { throw ReasonForFloat("its input is not quantized") }
    guard input.op.channelAxis == nil, input.op.pairing == nil else { throw ReasonForFloat("its input has a grid for each channel") }
    guard let weight = quantizers[layer.weight] else { throw ReasonForFloat("its weight is not quantized") }
    let axis = weight.op.channelAxis.map { $0 < 0 ? $0 + shape(layer.weight).count : $0 }
    guard weight.op.mode == .symmetric(signed: true), axis == nil || axis == layer.outputAxis else {
      throw ReasonForFloat("its weight is not on signed symmetric grids, of the whole tensor or of output channels")
    }
    let product = IntegerProduct(
      input: input, weight: weight, terms: layer.terms,
      isPaired: weight.op.pairing != nil && weight.op.pairing == layer.pairing && DNNLContext.addsNeighbours(terms: layer.terms))
    guard product.isFree(ofSaturation: DNNLContext.addsProductsInSixteenBits) else {
      let sum = product.largestLevel * product.largestPair
      throw ReasonForFloat("sums of two products could reach \(sum) and, without VNNI, saturate at \(Int16.max); \"overflow_fix\" prevents that")
    }
    guard product.fitsAccumulator else { throw ReasonForFloat("sums of \(product.terms) products could leave 32 bits") }
    if let loss = layer.loss { throw loss }
    return product
  }
}
