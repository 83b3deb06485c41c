import QATData

extension DataConfiguration {
  /// What the section asks to be done to a sample; without `normalize`, pixels stay in [0, 1].
  public var preprocessing: Preprocessing {
    Preprocessing(
      mean: normalize?.mean.map { Float($0) } ?? [0], std: normalize?.std.map { Float($0) } ?? [1], flip: augment.flip,
      cropPadding: augment.cropPadding)
  }

  /// Says what preprocessing says.
  public mutating func set(_ preprocessing: Preprocessing) {
    let isPlain = preprocessing.mean == [0] && preprocessing.std == [1]
    normalize = isPlain ? nil : Normalization(mean: preprocessing.mean.map { Double($0) }, std: preprocessing.std.map { Double($0) })
    augment.flip = preprocessing.flip
    augment.cropPadding = preprocessing.cropPadding
  }
}
