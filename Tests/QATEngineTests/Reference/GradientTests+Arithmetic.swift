import QATEngine
import QATGraph

extension GradientTests {
  static let moreArithmetic: [GradientCase] =
    broadcasting.flatMap { shapes in
      [
        GradientCase(Sub(), shapes), GradientCase(Div(), shapes, values: .positive), GradientCase(Pow(), shapes, values: .positive),
        GradientCase(Mean(), shapes), GradientCase(Mean(), shapes + [[1]]), GradientCase(Max(), shapes), GradientCase(Min(), shapes),
        GradientCase(Mod(), shapes, values: .positive), GradientCase(Mod(roundsDown: true), shapes, values: .positive),
        GradientCase(Max(), shapes + [[]]), GradientCase(Min(), shapes + [[1]]),
      ]
    } + ([Max(), Min(), Mean()] as [any ReferenceKernel]).map { GradientCase($0, [[2, 3]]) }
    + [[4, 1, 1], [1], [4, 5, 1], [], [4, 5, 6], [2, 4, 5, 6]].map { GradientCase(PRelu(), [[2, 4, 5, 6], $0], values: .awayFrom([0])) }

  static let reductions: [GradientCase] = [[], [0], [-1], [1, 2], [-1, 0], [0, 1, 2]].flatMap { axes in
    [true, false].flatMap { keeps in
      [
        GradientCase(ReduceSum(axes: axes, keepsDimensions: keeps), [[2, 3, 4]]),
        GradientCase(ReduceProd(axes: axes, keepsDimensions: keeps), [[2, 3, 4]], values: .positive),
        GradientCase(ReduceMax(axes: axes, keepsDimensions: keeps), [[2, 3, 4]], values: .distinct),
        GradientCase(ReduceMin(axes: axes, keepsDimensions: keeps), [[2, 3, 4]], values: .distinct),
        GradientCase(ReduceL1(axes: axes, keepsDimensions: keeps), [[2, 3, 4]], values: .awayFrom([0])),
        GradientCase(ReduceL2(axes: axes, keepsDimensions: keeps), [[2, 3, 4]]),
        GradientCase(ReduceSumSquare(axes: axes, keepsDimensions: keeps), [[2, 3, 4]]),
        GradientCase(ReduceLogSum(axes: axes, keepsDimensions: keeps), [[2, 3, 4]], values: .positive),
        GradientCase(ReduceLogSumExp(axes: axes, keepsDimensions: keeps), [[2, 3, 4]]),
      ]
    }
  }
}
