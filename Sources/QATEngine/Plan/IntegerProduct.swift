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

/// Why a layer runs in floats.
struct ReasonForFloat: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

extension PlanCompiler {
  /// Decides by the graph alone, whatever the batch size, whether a convolution runs on codes.
  /// - Throws: why it does not.
  func integerProduct(_ node: Node, _ shapes: ConvolutionShapes) throws(ReasonForFloat) -> IntegerProduct {
    guard forwardArithmetic == .integer else { throw ReasonForFloat("float arithmetic was asked for") }
    guard shapes.source.count == 4 else { throw ReasonForFloat("it has \(shapes.source.count - 2) spatial axes, integer kernels are for 2") }
    guard let input = quantizer(behind: node.inputs[0]) else { throw ReasonForFloat("its input is not quantized") }
    guard input.op.channelAxis == nil, input.op.pairing == nil else { throw ReasonForFloat("its input has a grid for each channel") }
    guard let weight = quantizers[node.inputs[1]] else { throw ReasonForFloat("its weight is not quantized") }
    guard weight.op.mode == .symmetric(signed: true), weight.op.channelAxis ?? 0 == 0 else {
      throw ReasonForFloat("its weight is not on signed symmetric grids, of the whole tensor or of output channels")
    }
    let product = IntegerProduct(
      input: input, weight: weight, terms: shapes.groupedWeights.suffix(3).reduce(1, *),
      isPaired: weight.op.pairing != nil && weight.op.pairing == node.weightPairing(port: 1, shape: shape(node.inputs[1])))
    guard product.isFree(ofSaturation: DNNLContext.addsProductsInSixteenBits) else {
      let sum = product.largestLevel * product.largestPair
      throw ReasonForFloat("sums of two products could reach \(sum) and, without VNNI, saturate at \(Int16.max); \"overflow_fix\" prevents that")
    }
    guard product.fitsAccumulator else { throw ReasonForFloat("sums of \(product.terms) products could leave 32 bits") }
    guard shapes.gainsByIntegers else {
      throw ReasonForFloat("with \(product.terms) products an output, conversions would cost more than integers gain")
    }
    return product
  }
}

extension ConvolutionShapes {
  /// Whether integer products save more time than the passes around them cost: the rule for all layers, independent of machine and batch size.
  ///
  /// Measured on an AVX2 core without VNNI: a product costs 1/80 ns less than in floats; the pass that scales the sums 0.7 ns an output, and, of a training
  /// step, the one that turns codes into floats for the weight gradient 0.4 ns an input. Depthwise kernels are slower in integers than in floats.
  var gainsByIntegers: Bool {
    let terms = groupedWeights.suffix(3).reduce(1, *)
    let (inputs, outputs) = (source[1...].reduce(1, *), destination[1...].reduce(1, *))
    return terms * outputs >= 56 * outputs + 32 * inputs
  }
}
