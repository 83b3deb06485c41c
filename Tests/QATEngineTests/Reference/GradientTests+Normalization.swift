import QATGraph

extension GradientTests {
  static let sampleNormalizations: [GradientCase] =
    [-1, 1, -2, 0].flatMap { axis -> [GradientCase] in
      let shape = [3, 2, 4]
      let normalized = Array(shape[(axis < 0 ? axis + 3 : axis)...])
      return [
        GradientCase(LayerNormalization(axis: axis, epsilon: 1e-3), [shape, normalized, normalized]),
        GradientCase(LayerNormalization(axis: axis, epsilon: 1e-3), [shape, normalized]),
        GradientCase(LayerNormalization(axis: axis, epsilon: 0.1), [shape, normalized, nil]),
        GradientCase(LayerNormalization(axis: axis, epsilon: 0.1), [shape, [4], [1]]),
        GradientCase(RMSNormalization(axisCount: normalized.count, epsilon: 1e-3), [shape, normalized]),
        GradientCase(RMSNormalization(axisCount: normalized.count, epsilon: 0.1), [shape, [2, 1]]),
      ]
    }
    + [[2, 4, 3, 2], [3, 4, 5], [1, 4, 2, 2, 2]].flatMap { shape -> [GradientCase] in
      [GradientCase(InstanceNormalization(epsilon: 1e-2), [shape, [4], [4]])]
        + [1, 2, 4].map { GradientCase(GroupNormalization(groups: $0, epsilon: 1e-2), [shape, [4], [4]]) }
        + [1, 2, 3, 5, 20].map {
          GradientCase(LocalResponseNormalization(size: $0, alpha: 0.5, beta: 0.75, bias: $0 == 2 ? 2 : 1), [shape])
        }
    } + [
      GradientCase(GroupNormalization(groups: 2, epsilon: 1e-2), [[3, 6], [6], [6]]), GradientCase(LocalResponseNormalization(size: 3), [[2, 5]]),
    ]
}
