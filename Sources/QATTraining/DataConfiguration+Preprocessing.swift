import QATData

extension DataConfiguration {
  /// What the section asks to be done to a sample; without `normalize`, pixels stay in [0, 1].
  public var preprocessing: Preprocessing {
    Preprocessing(
      mean: normalize?.mean.map { Float($0) } ?? [0], std: normalize?.std.map { Float($0) } ?? [1], flip: augment.flip,
      cropPadding: augment.cropPadding)
  }
}
