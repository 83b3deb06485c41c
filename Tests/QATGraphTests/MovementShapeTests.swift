import QATGraph
import QATTensor
import Testing

@Suite struct MovementShapeTests {
  private static let x: [Dimension] = [.batch, 6, 4, 5]

  static let cuts: [ShapeCase] = [
    ShapeCase(Slice(axes: [1], starts: [1], ends: [3]), x, gives: [.batch, 2, 4, 5]),
    ShapeCase(Slice(axes: [-1, 2], starts: [-1, 0], ends: [.min, .max], steps: [-2, 3]), x, gives: [.batch, 6, 2, 3]),
    ShapeCase(Slice(axes: [0], starts: [0], ends: [.max]), x, gives: x),
    ShapeCase(Slice(axes: [1], starts: [9], ends: [.max]), x, gives: [.batch, 0, 4, 5]),
    ShapeCase(Slice(axes: [1], starts: [.max], ends: [.min], steps: [.min]), x, gives: [.batch, 1, 4, 5]),
    ShapeCase(Slice(axes: [0], starts: [0], ends: [1]), x, refused: "batch"),
    ShapeCase(Slice(axes: [0], starts: [1], ends: [.max]), x, refused: "batch"),
    ShapeCase(Slice(axes: [4], starts: [0], ends: [1]), x, refused: "axis 4"),
    ShapeCase(Slice(axes: [1, -3], starts: [0, 0], ends: [1, 1]), x, refused: "twice"),
    ShapeCase(Slice(axes: [1], starts: [0], ends: [1], steps: [0]), x, refused: "step"),
    ShapeCase(Slice(axes: [1], starts: [], ends: [1]), x, refused: "start"),
    ShapeCase(Pad(pads: [0, 0, 1, 2, 0, 0, 3, -1]), x, gives: [.batch, 6, 8, 6]), ShapeCase(Pad(pads: [0, 1]), x, refused: "2 pads"),
    ShapeCase(Pad(pads: [1, 0, 0, 0, 0, 0, 0, 0]), x, refused: "batch"), ShapeCase(Pad(pads: [0, -7, 0, 0, 0, 9, 0, 0]), x, refused: "cannot add"),
    ShapeCase(Pad(pads: [0, 0, 4, 0, 0, 0, 0, 0], mode: .reflect), x, refused: "cannot add"),
    ShapeCase(Pad(pads: [0, 0, 3, 0, 0, 0, 3, 0], mode: .reflect), x, gives: [.batch, 6, 10, 5]),
    ShapeCase(Pad(pads: [0, 0, 9, 0, 0, 0, 0, 0], mode: .edge), x, gives: [.batch, 6, 13, 5]),
    ShapeCase(Pad(pads: [0, .min, 0, 0, 0, .max, 0, 0]), x, refused: "cannot add"), ShapeCase(Pad(pads: [.max, .max]), [3], refused: "cannot add"),
  ]

  static let repetitions: [ShapeCase] = [
    ShapeCase(Expand(shape: [.batch, 3, 4]), [1, 3, 1], gives: [.batch, 3, 4]),
    ShapeCase(Expand(shape: [2, 1]), [.batch, 1, 5], gives: [.batch, 2, 5]),
    ShapeCase(Expand(shape: [3]), [2], refused: "cannot broadcast"), ShapeCase(Expand(shape: []), [2], gives: [2]),
    ShapeCase(Tile(repeats: [1, 2, 3, 1]), x, gives: [.batch, 12, 12, 5]), ShapeCase(Tile(repeats: [2, 1, 1, 1]), x, refused: "axis 0"),
    ShapeCase(Tile(repeats: [2]), x, refused: "repeats [2]"), ShapeCase(Tile(repeats: [1, -1, 1, 1]), x, refused: "at least 0"),
    ShapeCase(Tile(repeats: [.max]), [3], refused: "cannot repeat"), ShapeCase(Trilu(), [.batch, 3, 4], gives: [.batch, 3, 4]),
    ShapeCase(Trilu(), [.batch, 3], refused: "matrices"), ShapeCase(Trilu(), [3], refused: "matrices"),
  ]

  static let blocks: [ShapeCase] = [
    ShapeCase(DepthToSpace(blockSize: 2), [.batch, 8, 3, 5], gives: [.batch, 2, 6, 10]), ShapeCase(DepthToSpace(blockSize: 2), x, refused: "2×2"),
    ShapeCase(SpaceToDepth(blockSize: 2), [.batch, 3, 4, 6], gives: [.batch, 12, 2, 3]), ShapeCase(SpaceToDepth(blockSize: 2), x, refused: "2×2"),
    ShapeCase(SpaceToDepth(blockSize: 0), x, refused: "blocks of 0"), ShapeCase(DepthToSpace(blockSize: .max), x, refused: "blocks of"),
    ShapeCase(DepthToSpace(blockSize: 1), [6, 4, 5], refused: "[batch, channels, height, width]"),
  ]

  @Test(arguments: cuts + repetitions + blocks) func shapesFollowFromAttributes(_ shapes: ShapeCase) { shapes.check() }

  @Test func gatheringPutsTheIndicesInThePlaceOfTheAxis() throws {
    let indices = TensorType([.batch, 7], .int64)
    #expect(try Gather().outputTypes(for: [TensorType([30, 8]), indices]) == [TensorType([.batch, 7, 8])])
    #expect(try Gather(axis: -1).outputTypes(for: [TensorType([.batch, 3, 5]), TensorType([], .int32)]) == [TensorType([.batch, 3])])
    #expect(try GatherElements(axis: 1).outputTypes(for: [TensorType([4, 5]), TensorType([3, 9], .int64)]) == [TensorType([3, 9])])
    #expect(throws: ShapeError.self) { try Gather().outputTypes(for: [TensorType([30, 8]), TensorType([2])]) }
    #expect(throws: ShapeError.self) { try Gather().outputTypes(for: [TensorType([.batch, 8]), indices]) }
    #expect(throws: ShapeError.self) { try GatherElements(axis: 1).outputTypes(for: [TensorType([4, 5]), TensorType([5, 5], .int64)]) }
  }

  @Test func rowsOfIndicesNamePlaces() throws {
    let pairs = TensorType([.batch, 7, 2], .int64)
    #expect(try GatherND(batchDimensions: 1).outputTypes(for: [TensorType([.batch, 4, 5, 6]), pairs]) == [TensorType([.batch, 7, 6])])
    #expect(try GatherND().outputTypes(for: [TensorType([4, 5, .batch]), pairs]) == [TensorType([.batch, 7, .batch])])
    #expect(throws: ShapeError.self) { try GatherND().outputTypes(for: [TensorType([.batch, 4, 5]), pairs]) }
    #expect(throws: ShapeError.self) { try GatherND(batchDimensions: 2).outputTypes(for: [TensorType([.batch, 4, 5]), pairs]) }
    let (data, places) = (TensorType([4, 5, 6]), TensorType([3, 2], .int32))
    for reduction in Scattering.allCases {
      #expect(try ScatterND(reduction).outputTypes(for: [data, places, TensorType([3, 6])]) == [data])
    }
    #expect(throws: ShapeError.self) { try ScatterND().outputTypes(for: [data, places, TensorType([3, 5])]) }
    #expect(throws: ShapeError.self) { try ScatterND().outputTypes(for: [TensorType([.batch, 5, 6]), places, TensorType([3, 6])]) }
    let (image, numbers) = (TensorType([.batch, 5]), TensorType([.batch, 9], .int64))
    #expect(try ScatterElements(axis: 1).outputTypes(for: [image, numbers, TensorType([.batch, 9])]) == [image])
    #expect(throws: ShapeError.self) { try ScatterElements(axis: 1).outputTypes(for: [image, numbers, image]) }
    #expect(throws: ShapeError.self) { try ScatterElements(axis: 0).outputTypes(for: [image, numbers, TensorType([.batch, 9])]) }
  }

  @Test func conditionsAreTruthValues() throws {
    let (floats, truth) = (TensorType([.batch, 3]), TensorType([.batch, 1], .bool))
    #expect(try Where().outputTypes(for: [truth, floats, TensorType([])]) == [floats])
    #expect(try Equal().outputTypes(for: [floats, TensorType([3])]) == [TensorType([.batch, 3], .bool)])
    #expect(try And().outputTypes(for: [truth, truth]) == [truth])
    #expect(try Not().outputTypes(for: [truth]) == [truth])
    #expect(try IsNaN().outputTypes(for: [floats]) == [TensorType([.batch, 3], .bool)])
    #expect(try Cast(to: .int64).outputTypes(for: [floats]) == [TensorType([.batch, 3], .int64)])
    #expect(throws: ShapeError.self) { try Where().outputTypes(for: [floats, floats, floats]) }
    #expect(throws: ShapeError.self) { try Where().outputTypes(for: [truth, floats, truth]) }
    #expect(throws: ShapeError.self) { try Less().outputTypes(for: [floats, truth]) }
    #expect(throws: ShapeError.self) { try Or().outputTypes(for: [floats, floats]) }
    #expect(throws: ShapeError.self) { try Not().outputTypes(for: [floats]) }
    #expect(throws: ShapeError.self) { try Cast(to: .uint8).outputTypes(for: [floats]) }
  }
}
