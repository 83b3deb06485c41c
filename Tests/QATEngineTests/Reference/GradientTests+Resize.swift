import QATGraph

extension GradientTests {
  private static let interpolations: [Resize.Interpolation] =
    Resize.Rounding.allCases.map { .nearest($0) } + [
      .linear, .cubic(coefficient: -0.75, excludesOutside: false), .cubic(coefficient: -0.5, excludesOutside: true),
    ]

  static let resizes: [GradientCase] = Resize.Coordinates.allCases.flatMap { coordinates in
    interpolations.flatMap { interpolation in
      [
        Resize.Extent.scales([1, 1, 2, 2]), .scales([1, 1, 0.6, 2.5]), .scales([1, 1, 0.3, 1]), .sizes([nil, nil, 7, 2]), .sizes([nil, nil, 1, 5]),
        .sizes([nil, 3, nil, nil]),
      ].map { GradientCase(Resize($0, interpolation, coordinates), [[1, 2, 4, 3]]) }
    }
  }
}
