import QATGraph

extension GradientTests {
  static let elementary: [GradientCase] = [
    GradientCase(Exp(), [[3, 5]]), GradientCase(Log(), [[3, 5]], values: .positive), GradientCase(Sqrt(), [[3, 5]], values: .positive),
    GradientCase(Reciprocal(), [[3, 5]], values: .positive), GradientCase(Neg(), [[3, 5]]), GradientCase(Abs(), [[3, 5]], values: .awayFrom([0])),
    GradientCase(Tanh(), [[3, 5]]), GradientCase(Erf(), [[3, 5]]), GradientCase(Sin(), [[3, 5]]), GradientCase(Cos(), [[3, 5]]),
    GradientCase(Floor(), [[31]], values: .distinct), GradientCase(Ceil(), [[31]], values: .distinct),
    GradientCase(Round(), [[31]], values: .distinct), GradientCase(Sign(), [[3, 5]], values: .awayFrom([0])),
  ]

  static let activations: [GradientCase] =
    [0.5, 1, 2.5].flatMap { alpha in
      [
        GradientCase(Elu(alpha: alpha), [[3, 7]], values: .awayFrom([0])),
        GradientCase(Selu(alpha: alpha, gamma: 0.7), [[3, 7]], values: .awayFrom([0])),
        GradientCase(Celu(alpha: alpha), [[3, 7]], values: .awayFrom([0])),
        GradientCase(ThresholdedRelu(alpha: alpha), [[3, 7]], values: .awayFrom([Double(alpha)])),
        GradientCase(Swish(alpha: alpha), [[3, 7]]),
      ]
    } + [
      GradientCase(Elu(alpha: -0.5), [[9]], values: .awayFrom([0])),
      GradientCase(HardSigmoid(), [[4, 25]], values: .awayFrom([-2.5, 2.5])),
      GradientCase(HardSigmoid(alpha: 0.5, beta: 0.25), [[101]], values: .distinct),
      GradientCase(Gelu(), [[3, 7]]), GradientCase(Gelu(approximation: .tanh), [[3, 7]]), GradientCase(Gelu(), [[101]], values: .distinct),
      GradientCase(Mish(), [[3, 7]]), GradientCase(Softplus(), [[3, 7]]), GradientCase(Softplus(), [[101]], values: .distinct),
      GradientCase(Softsign(), [[3, 7]], values: .awayFrom([0])),
    ]
}
