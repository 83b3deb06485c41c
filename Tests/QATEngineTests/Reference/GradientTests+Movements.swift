import QATEngine
import QATGraph

extension GradientTests {
  static let movements: [GradientCase] = [
    GradientCase(Slice(axes: [1], starts: [1], ends: [3]), [[2, 4, 3]]),
    GradientCase(Slice(axes: [-1, 0], starts: [-1, 0], ends: [-9, 1], steps: [-2, 1]), [[2, 5]]),
    GradientCase(Slice(axes: [2, 1], starts: [0, -2], ends: [.max, .max], steps: [2, 1]), [[2, 3, 5]]),
    GradientCase(Slice(axes: [], starts: [], ends: []), [[2, 2]]),
    GradientCase(Pad(pads: [0, 1, 2, 3]), [[2, 3]]), GradientCase(Pad(pads: [0, 1, 0, -1], mode: .constant(0.5)), [[2, 3]]),
    GradientCase(Pad(pads: [0, 2, 1, 2], mode: .reflect), [[2, 3]]), GradientCase(Pad(pads: [1, 4, 0, 5], mode: .edge), [[2, 3]]),
    GradientCase(Pad(pads: [1, 3, 2, 1], mode: .wrap), [[2, 3]]), GradientCase(Pad(pads: [0, -1, 0, 2], mode: .reflect), [[2, 4]]),
    GradientCase(Expand(shape: [3, 1]), [[1, 4]]), GradientCase(Expand(shape: [2, 1, 1, 5]), [[3, 4, 1]]),
    GradientCase(Expand(shape: [1]), [[2, 3]]),
    GradientCase(Expand(shape: [2, 2]), [[]]), GradientCase(Tile(repeats: [2, 1, 3]), [[2, 3, 2]]), GradientCase(Tile(repeats: []), [[]]),
    GradientCase(Trilu(), [[2, 3, 4]]), GradientCase(Trilu(keepsUpper: false, diagonal: 1), [[4, 3]]), GradientCase(Trilu(diagonal: -1), [[4, 3]]),
    GradientCase(DepthToSpace(blockSize: 2), [[2, 8, 2, 3]]), GradientCase(DepthToSpace(blockSize: 3, order: .columnRowDepth), [[1, 18, 2, 1]]),
    GradientCase(SpaceToDepth(blockSize: 2), [[2, 3, 4, 6]]), GradientCase(SpaceToDepth(blockSize: 1), [[1, 2, 2, 2]]),
  ]

  static let selections: [GradientCase] = [
    gathering(Gather(axis: 0), [5, 3], [4]), gathering(Gather(axis: 1), [2, 5, 3], [2, 2]), gathering(Gather(axis: -1), [2, 5], []),
    gathering(GatherElements(axis: 0), [5, 3], [2, 3]), gathering(GatherElements(axis: 1), [2, 5, 3], [2, 7, 2]),
    gathering(GatherElements(axis: -1), [4, 5], [3, 1]), choice([2, 3], [2, 3], [2, 3]), choice([3], [2, 1], []), choice([2, 2, 1], [3], [2, 1, 3]),
    question(Equal()), question(Less()), question(LessOrEqual()), question(Greater()), question(GreaterOrEqual()), question(And()), question(Or()),
    question(Xor()), GradientCase(Cast(to: .int64), [[2, 3]], withoutGradient: [0]), GradientCase(Cast(to: .bool), [[2, 3]], withoutGradient: [0]),
    GradientCase(Not(), [[2, 3]], withoutGradient: [0]), GradientCase(IsNaN(), [[2, 3]], withoutGradient: [0]),
    gathering(GatherND(), [5, 5, 3], [4, 2]), gathering(GatherND(), [5, 3], [2, 2, 1]),
    gathering(GatherND(batchDimensions: 1), [2, 5, 3], [2, 4, 1]),
    gathering(GatherND(batchDimensions: 2), [2, 3, 5], [2, 3, 1]),
  ]

  static let scatterings: [GradientCase] = Scattering.allCases.flatMap { reduction in
    [
      scattering(ScatterND(reduction), [5, 3], [4, 1], [4, 3]), scattering(ScatterND(reduction), [5, 5, 2], [2, 2, 2], [2, 2, 2]),
      scattering(ScatterND(reduction), [5, 5], [7, 2], [7]), scattering(ScatterElements(axis: 0, reduction), [5, 3], [4, 2], [4, 2]),
      scattering(ScatterElements(axis: -1, reduction), [2, 5], [2, 7], [2, 7]),
    ]
  }

  private static func scattering(_ op: any ReferenceKernel, _ data: [Int], _ indices: [Int], _ updates: [Int]) -> GradientCase {
    GradientCase(op, [data, indices, updates], withoutGradient: [1], values: .whole(-5..<5, port: 1))
  }

  private static func gathering(_ op: any ReferenceKernel, _ data: [Int], _ indices: [Int]) -> GradientCase {
    GradientCase(op, [data, indices], withoutGradient: [1], values: .whole(-5..<5, port: 1))
  }

  private static func choice(_ shapes: [Int]...) -> GradientCase {
    GradientCase(Where(), shapes, withoutGradient: [0], values: .whole(0..<2, port: 0))
  }

  private static func question(_ op: any ReferenceKernel) -> GradientCase { GradientCase(op, [[2, 3], [3]], withoutGradient: [0, 1]) }
}
