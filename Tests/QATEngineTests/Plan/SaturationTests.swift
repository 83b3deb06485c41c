import COneDNN
import QATGraph
import QATTensor
import Testing

@testable import QATEngine

@Suite("Sums of two products saturate where they are added in 16 bits, and only beyond the condition for that")
struct SaturationTests {
  @Test(
    "of a 1×1 convolution with the largest operands",
    arguments: [(255, 127), (255, 64), (255, -64), (127, 127), (128, 128), (15, 127), (255, 65)])
  func extremes(_ level: Int, _ code: Int) throws {
    let (inputs, outputs, size) = (16, 8, 4)
    let sum = try Self.sum(level: UInt8(level), code: Int8(clamping: code), inputs: inputs, outputs: outputs, size: size)
    let exact = level * Int(Int8(clamping: code)) * inputs
    let isFree = !DNNLContext.addsProductsInSixteenBits || 2 * level * abs(Int(Int8(clamping: code))) <= Int(Int16.max)
    #expect((Int(sum) == exact) == isFree, "\(sum), exact \(exact)")
  }

  @Test(
    "so the plan gives integers what cannot saturate",
    arguments: [
      (FakeQuantize(mode: .symmetric(signed: false)), FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: 0), true),
      (FakeQuantize(mode: .symmetric(signed: false)), FakeQuantize(mode: .symmetric(signed: true), bits: 7, channelAxis: 0), true),
      (FakeQuantize(mode: .symmetric(signed: false)), FakeQuantize(mode: .symmetric(signed: true), channelAxis: 0), false),
      (FakeQuantize(mode: .symmetric(signed: true)), FakeQuantize(mode: .symmetric(signed: true), channelAxis: 0), false),
      (FakeQuantize(mode: .asymmetric), FakeQuantize(mode: .symmetric(signed: true), channelAxis: 0), false),
      (FakeQuantize(mode: .asymmetric, bits: 6), FakeQuantize(mode: .symmetric(signed: true), channelAxis: 0), true),
    ])
  func decision(_ activation: FakeQuantize, _ weight: FakeQuantize, isFree: Bool) throws {
    let cases: [any IntegerLayer] = [
      IntegerCase(name: "convolution", activation: activation, weight: weight), LinearCase(name: "Gemm", activation: activation, grid: weight),
    ]
    for graph in cases.map(\.graph) {
      let layers = try Plan(graph, state: ModelState(graph), batchSize: 1, mode: .training).layers
      #expect(layers.map(\.isInteger) == [isFree || !DNNLContext.addsProductsInSixteenBits], "\(layers)")
    }
  }

  @Test(
    "of a matrix product, consecutive inputs meet, wherever the sums begin, and no others",
    arguments: [1, 3, 33], [2, 5, 129, 385, 490, 1537])
  func neighbours(_ rows: Int, _ inputs: Int) throws {
    for (outputs, isTransposed) in [(1, false), (7, true), (16, false), (33, true)] {
      // Pairs of one sign whose sum is 128, from either parity; and what saturates wherever two of three neighbours meet.
      for (pattern, isFree) in [([127, 1], true), ([1, 127], true), ([-127, -1], true), ([127, -128], true), ([127, 127], false)] {
        let sums = try Self.sums(level: 255, pattern.map { Int8($0) }, rows: rows, inputs: inputs, outputs: outputs, isTransposed: isTransposed)
        let exact = (0..<inputs).reduce(0) { $0 + 255 * pattern[$1 % 2] }
        // Where others meet, the plan relies on none.
        if isFree, !DNNLContext.addsNeighbours(terms: inputs) { continue }
        #expect(sums.allSatisfy { Int($0) == exact } == (isFree || !DNNLContext.addsProductsInSixteenBits), "\(outputs) outputs of \(pattern)")
      }
    }
  }

  /// The sums of a matrix product whose input is constant and whose weights repeat `pattern` along the inputs.
  private static func sums(level: UInt8, _ pattern: [Int8], rows: Int, inputs: Int, outputs: Int, isTransposed: Bool) throws -> [Int32] {
    let context = try DNNLContext()
    let from = try Layout.plain([rows, inputs], of: dnnl_u8)
    let matrix = try Layout.matrix(rows: inputs, columns: outputs, isTransposed: isTransposed, of: dnnl_s8)
    let to = try Layout.plain([rows, outputs], of: dnnl_s32)
    let descriptor = withDescriptors(from, matrix, to, nil) { source, weights, destination, _ in
      PrimitiveDescriptor { qat_dnnl_integer_matmul_pd($0, context.engine, 0, source, weights, destination) }
    }
    let source = AlignedBuffer<UInt8>(count: rows * inputs)
    source.elements.update(repeating: level)
    let weights = AlignedBuffer<Int8>(count: inputs * outputs)
    for place in 0..<inputs * outputs { weights.elements[place] = pattern[(isTransposed ? place % inputs : place / outputs) % 2] }
    let sums = AlignedBuffer<Int32>(count: rows * outputs)
    let step = try PrimitiveStep(
      "product", try #require(descriptor), context,
      reads: [argument(DNNL_ARG_SRC, from, source), argument(DNNL_ARG_WEIGHTS, matrix, weights)], writes: [argument(DNNL_ARG_DST, to, sums)])
    try step.bind()
    step.run()
    return Array(sums.elements)
  }

  private static func argument<Element>(_ index: Int32, _ layout: Layout, _ memory: AlignedBuffer<Element>) -> PrimitiveStep.Argument {
    let buffer = PlanBuffer(byteCount: layout.byteCount)
    buffer.place(at: UnsafeMutableRawPointer(memory.pointer))
    return .init(index: index, layout: layout, buffer: buffer)
  }

  /// One sum of a 1×1 convolution whose input and weight are constant.
  private static func sum(level: UInt8, code: Int8, inputs: Int, outputs: Int, size: Int) throws -> Int32 {
    let (from, to, weights) = ([1, inputs, size, size], [1, outputs, size, size], [outputs, inputs, 1, 1])
    let context = try DNNLContext()
    let descriptor = withDescriptors(
      try .channelsLast(from, of: dnnl_u8), try .any(weights, of: dnnl_s8), try .channelsLast(to, of: dnnl_s32), nil
    ) { source, weights, destination, _ in
      PrimitiveDescriptor {
        qat_dnnl_integer_convolution_pd($0, context.engine, 0, source, weights, destination, [1, 1], [0, 0], [0, 0], [0, 0])
      }
    }
    let found = try #require(descriptor)
    let packedLayout = try found.layout(dnnl_query_weights_md, shape: weights)
    let source = AlignedBuffer<UInt8>(count: from.elementCount)
    source.elements.update(repeating: level)
    let plain = AlignedBuffer<Int8>(count: weights.elementCount)
    plain.elements.update(repeating: code)
    let packed = AlignedBuffer<Int8>(count: packedLayout.byteCount)
    let sums = AlignedBuffer<Int32>(count: to.elementCount)
    let reorder = try #require(
      withDescriptors(try .plain(weights, of: dnnl_s8), packedLayout, packedLayout, nil) { from, to, _, _ in
        PrimitiveDescriptor { qat_dnnl_reorder_pd($0, context.engine, from, to) }
      })
    let steps = [
      try PrimitiveStep(
        "pack", reorder, context, reads: [argument(DNNL_ARG_FROM, try .plain(weights, of: dnnl_s8), plain)],
        writes: [argument(DNNL_ARG_TO, packedLayout, packed)]),
      try PrimitiveStep(
        "convolution", found, context,
        reads: [argument(DNNL_ARG_SRC, try .channelsLast(from, of: dnnl_u8), source), argument(DNNL_ARG_WEIGHTS, packedLayout, packed)],
        writes: [argument(DNNL_ARG_DST, try .channelsLast(to, of: dnnl_s32), sums)]),
    ]
    for step in steps {
      try step.bind()
      step.run()
    }
    return sums.elements[0]
  }
}
