import QATGraph

extension GradientTests {
  private static let interpolations: [Resize.Interpolation] =
    Resize.Rounding.allCases.map { .nearest($0) } + [
      .linear, .cubic(coefficient: -0.75, excludesOutside: false), .cubic(coefficient: -0.5, excludesOutside: true),
    ]

  static let resizes: [GradientCase] =
    plainResizes
    + [Resize.Interpolation.linear, .cubic(coefficient: -0.5, excludesOutside: true)].flatMap { interpolation in
      [Resize.Extent.scales([1, 1, 0.4, 0.7]), .sizes([nil, nil, 2, 5])].map { extent in
        var op = Resize(extent, interpolation)
        op.antialiases = true
        return GradientCase(op, [[1, 2, 6, 5]])
      }
    }
    + [Resize.AspectRatio.notLarger, .notSmaller].map { ratio in
      var op = Resize(.sizes([nil, nil, 7, 3]), .linear)
      op.aspectRatio = ratio
      return GradientCase(op, [[1, 2, 4, 5]])
    }
    + interpolations.map { interpolation in
      var op = Resize(.scales([1, 1, 1.5, 1]), interpolation, .cropAndResize)
      op.region = Resize.Region(starts: [0, 0, 0.2, -0.3], ends: [1, 1, 0.7, 1.2], filling: 3)
      return GradientCase(op, [[1, 2, 4, 5]])
    }

  private static let plainResizes: [GradientCase] = Resize.Coordinates.allCases.flatMap { coordinates in
    interpolations.flatMap { interpolation in
      [
        Resize.Extent.scales([1, 1, 2, 2]), .scales([1, 1, 0.6, 2.5]), .scales([1, 1, 0.3, 1]), .sizes([nil, nil, 7, 2]), .sizes([nil, nil, 1, 5]),
        .sizes([nil, 3, nil, nil]),
      ].map { GradientCase(Resize($0, interpolation, coordinates), [[1, 2, 4, 3]]) }
    }
  }
}
