import QATGraph
import Testing

/// Output sizes computed with ONNX Runtime 1.32 and, where it allows the pads, PyTorch 2.13.
@Suite struct WindowTests {
  /// One spatial dimension of a window.
  struct Line: Sendable, CustomTestStringConvertible {
    var size, kernel, stride: Int
    var pads = (0, 0)
    var dilation = 1
    var rounded: Int?
    var roundedUp: Int?

    var testDescription: String { "size \(size), kernel \(kernel), stride \(stride), pads \(pads), dilation \(dilation)" }

    /// The window, with this line as its height or as its width.
    func window(axis: Int, roundsUp: Bool) -> Window {
      var window = Window(kernel: [1, 1], roundsUp: roundsUp)
      window.kernel[axis] = kernel
      window.strides[axis] = stride
      window.dilations[axis] = dilation
      window.pads[axis] = pads.0
      window.pads[axis + 2] = pads.1
      return window
    }
  }

  static let lines: [Line] = [
    Line(size: 224, kernel: 7, stride: 2, pads: (3, 3), rounded: 112, roundedUp: 113), Line(size: 1, kernel: 1, stride: 1, rounded: 1, roundedUp: 1),
    Line(size: 112, kernel: 3, stride: 2, pads: (1, 1), rounded: 56, roundedUp: 57), Line(size: 5, kernel: 2, stride: 2, rounded: 2, roundedUp: 3),
    Line(size: 7, kernel: 3, stride: 2, dilation: 2, rounded: 2, roundedUp: 2), Line(size: 3, kernel: 1, stride: 2, rounded: 2, roundedUp: 2),
    // The window that rounding up adds would begin in the trailing padding.
    Line(size: 3, kernel: 2, stride: 2, pads: (1, 1), rounded: 2, roundedUp: 2),
    Line(size: 4, kernel: 2, stride: 3, pads: (1, 1), rounded: 2, roundedUp: 2),
    Line(size: 9, kernel: 3, stride: 4, pads: (2, 2), rounded: 3, roundedUp: 3),
    // No whole window fits.
    Line(size: 2, kernel: 3, stride: 2, rounded: nil, roundedUp: 1), Line(size: 1, kernel: 3, stride: 3, rounded: nil, roundedUp: 1),
    Line(size: 2, kernel: 4, stride: 4, pads: (1, 1), dilation: 2, rounded: nil, roundedUp: 1),
    // Not even one that reaches beyond by less than a stride.
    Line(size: 1, kernel: 3, stride: 2, pads: (0, 2), dilation: 2, rounded: nil, roundedUp: nil),
    Line(size: 2, kernel: 3, stride: 1, rounded: nil, roundedUp: nil),
  ]

  @Test(arguments: lines)
  func countsPositionsAsONNX(_ line: Line) {
    for axis in 0..<2 {
      let size = axis == 0 ? [line.size, 4] : [4, line.size]
      let expected = { (count: Int?) in count.map { axis == 0 ? [$0, 4] : [4, $0] } }
      #expect((try? line.window(axis: axis, roundsUp: false).outputSize(for: size)) == expected(line.rounded))
      #expect((try? line.window(axis: axis, roundsUp: true).outputSize(for: size)) == expected(line.roundedUp))
    }
  }

  @Test func aWindowThatDoesNotFitIsNamedWithItsReach() {
    #expect(throws: ShapeError("a window of 5 does not fit into 4 padded rows or columns")) {
      try Window(kernel: [3, 1], pads: [1, 0, 1, 0], dilations: [2, 1]).outputSize(for: [2, 2])
    }
  }

  @Test(arguments: [
    Window(kernel: [3]), Window(kernel: [3, 3, 3]), Window(kernel: []), Window(kernel: [0, 1]), Window(kernel: [1, -1]),
    Window(kernel: [1, 1], strides: [0, 1]), Window(kernel: [1, 1], strides: [1]), Window(kernel: [1, 1], dilations: [1, 0]),
    Window(kernel: [1, 1], pads: [0, 0]), Window(kernel: [1, 1], pads: [-1, 0, 0, 0]), Window(kernel: [1, 1], pads: [0, 0, 0, Int.min]),
    Window(kernel: [Int.max, 1]), Window(kernel: [1, Int.max], dilations: [1, Int.max]), Window(kernel: [2, 2], dilations: [Int.max, 1]),
    Window(kernel: [1, 1], strides: [Int.max, 1]), Window(kernel: [1, 1], pads: [Int.max, 0, Int.max, 0]),
    Window(kernel: [1, 1], pads: [0, 0, 1 << 31, 0]),
  ])
  func attributesThatMakeNoSenseAreRefused(_ window: Window) {
    for roundsUp in [false, true] {
      var window = window
      window.roundsUp = roundsUp
      #expect(throws: ShapeError.self) { try window.outputSize(for: [8, 8]) }
    }
  }

  @Test(arguments: [[], [8], [8, 8, 8], [0, 8], [8, -1], [Int.max, 8], [8, Int.min]])
  func sizesThatAreNoImageAreRefused(_ size: [Int]) {
    #expect(throws: ShapeError.self) { try Window(square: 1).outputSize(for: size) }
  }

  @Test func theLargestNumbersDoNotOverflow() throws {
    let most = (1 << 31) - 1
    let wide = Window(kernel: [1, 1], pads: [most, most, most, most])
    #expect(try wide.outputSize(for: [most, 1]) == [3 * most, 2 * most + 1])
    #expect(try Window(kernel: [1, 1], strides: [most, most], roundsUp: true).outputSize(for: [most, 2]) == [1, 1])
    #expect(throws: ShapeError.self) { try Window(kernel: [most, most], dilations: [most, most]).outputSize(for: [most, most]) }
  }
}
