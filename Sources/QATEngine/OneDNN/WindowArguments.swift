import COneDNN
import QATGraph

/// A window in oneDNN's terms: dilations count the gaps, and the trailing pads reach exactly to the last window.
struct WindowArguments {
  let kernel, strides, dilations, padsBegin, padsEnd: [Int64]

  init(_ window: Window, input: [Int], output: [Int]) {
    kernel = window.kernel.map(Int64.init)
    strides = window.strides.map(Int64.init)
    dilations = window.dilations.map { Int64($0 - 1) }
    let rank = window.kernel.count
    padsBegin = window.pads[..<rank].map(Int64.init)
    padsEnd = (0..<rank).map { axis in
      let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
      return Int64((output[axis + 2] - 1) * window.strides[axis] + reach - input[axis + 2] - window.pads[axis])
    }
  }
}
