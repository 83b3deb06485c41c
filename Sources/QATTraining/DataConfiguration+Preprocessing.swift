import QATData

extension DataConfiguration {
  /// What the section asks to be done to an image; without `normalize`, pixels stay in [0, 1].
  public var preprocessing: Preprocessing {
    Preprocessing(
      mean: normalize?.mean.map { Float($0) } ?? [0], std: normalize?.std.map { Float($0) } ?? [1], flip: augment.flip,
      cropPadding: augment.cropPadding, resize: resize, crop: crop, randomCrop: augment.randomCrop, colour: augment.colour)
  }

  /// Says what preprocessing says.
  public mutating func set(_ preprocessing: Preprocessing) {
    let isPlain = preprocessing.mean == [0] && preprocessing.std == [1]
    normalize = isPlain ? nil : Normalization(mean: preprocessing.mean.map { Double($0) }, std: preprocessing.std.map { Double($0) })
    augment.flip = preprocessing.flip
    augment.cropPadding = preprocessing.cropPadding
    augment.randomCrop = preprocessing.randomCrop
    augment.colour = preprocessing.colour
    resize = preprocessing.resize
    crop = preprocessing.crop
  }
}

extension RunConfiguration {
  /// How the training samples are mixed; nil when they are not.
  var mixing: SampleMixing? { SampleMixing(mixup: data.augment.mixup, cutmix: data.augment.cutmix) }

  /// How samples of one data set are read.
  public var loadingOptions: LoadingOptions {
    var options = LoadingOptions()
    options.workers = data.workers
    options.unreadable = UnreadableSamples(limit: data.maxCorrupt)
    return options
  }
}
