import QATTensor

/// Random changes of an image's colours, each by a factor uniform in [max(0, 1 − x), 1 + x]: first brightness, then contrast, then saturation.
///
/// Brightness multiplies, contrast moves away from the mean of the grey image, saturation from the grey image itself; after each, pixels are cut to [0, 1].
/// Grey is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). The formulas are torchvision's, whose order is random.
public struct ColourJitter: Codable, Sendable, Hashable {
  /// Largest change of brightness; 0 for none.
  public var brightness: Double
  /// Largest change of contrast.
  public var contrast: Double
  /// Largest change of saturation, for images of three channels.
  public var saturation: Double

  /// Changes; none unless said otherwise.
  public init(brightness: Double = 0, contrast: Double = 0, saturation: Double = 0) {
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
  }

  /// Whether it changes nothing.
  var isNone: Bool { brightness == 0 && contrast == 0 && saturation == 0 }

  /// Changes pixels, [channels, count], by the factors that numbers 8, 9 and 10 of the key say.
  func apply(to pixels: UnsafeMutableBufferPointer<Float>, channels: Int, _ key: RandomKey) {
    func factor(_ strength: Double, _ index: Int) -> Float {
      let low = max(0, 1 - strength)
      return Float(low + (1 + strength - low) * Double(key.uniform(at: index)))
    }
    let count = pixels.count / channels
    if brightness > 0 {
      let factor = factor(brightness, 8)
      for index in pixels.indices { pixels[index] = min(max(pixels[index] * factor, 0), 1) }
    }
    if contrast > 0 {
      let factor = factor(contrast, 9)
      var sum = 0.0
      for index in 0..<count { sum += Double(Self.grey(pixels, channels, count, index)) }
      let rest = (1 - factor) * Float(sum / Double(max(count, 1)))
      for index in pixels.indices { pixels[index] = min(max(factor * pixels[index] + rest, 0), 1) }
    }
    if saturation > 0, channels == 3 {
      let factor = factor(saturation, 10)
      for index in 0..<count {
        let rest = (1 - factor) * Self.grey(pixels, channels, count, index)
        for place in stride(from: index, to: pixels.count, by: count) { pixels[place] = min(max(factor * pixels[place] + rest, 0), 1) }
      }
    }
  }

  private static func grey(_ pixels: UnsafeMutableBufferPointer<Float>, _ channels: Int, _ count: Int, _ index: Int) -> Float {
    if channels == 3 { return 0.299 * pixels[index] + 0.587 * pixels[count + index] + 0.114 * pixels[2 * count + index] }
    var sum: Float = 0
    for channel in 0..<channels { sum += pixels[channel * count + index] }
    return sum / Float(channels)
  }
}
