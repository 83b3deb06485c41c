import Foundation
import QATTensor

/// A part of an image that is cut at random: its share of the area uniform in `scale`, the logarithm of width to height uniform in that of `ratio`.
///
/// The rule and its defaults are those of "Going Deeper with Convolutions", Szegedy et al. 2014, arXiv:1409.4842, as torchvision's RandomResizedCrop has them.
public struct RandomCrop: Codable, Sendable, Hashable {
  /// Smallest and largest share of the area, in (0, 1].
  public var scale: [Double]
  /// Smallest and largest ratio of width to height, above 0.
  public var ratio: [Double]

  /// The published ranges unless others are said.
  public init(scale: [Double] = [0.08, 1], ratio: [Double] = [3.0 / 4, 4.0 / 3]) {
    self.scale = scale
    self.ratio = ratio
  }

  /// The part of an image that a key chooses. Ten attempts, then the largest part in the middle whose ratio is allowed.
  ///
  /// Attempt t takes the share from number 16 + 2t of the key, the ratio from number 17 + 2t, the place from the whole numbers 32 + 2t and 33 + 2t.
  func window(of size: ImageSize, _ key: RandomKey) -> PixelWindow {
    let area = Double(size.height * size.width)
    for attempt in 0..<10 {
      let share = area * (scale[0] + (scale[1] - scale[0]) * Double(key.uniform(at: 16 + 2 * attempt)))
      let (low, high) = (log(ratio[0]), log(ratio[1]))
      let aspect = exp(low + (high - low) * Double(key.uniform(at: 17 + 2 * attempt)))
      let width = Int((share * aspect).squareRoot().rounded(.toNearestOrEven))
      let height = Int((share / aspect).squareRoot().rounded(.toNearestOrEven))
      guard width > 0, width <= size.width, height > 0, height <= size.height else { continue }
      return PixelWindow(
        top: key.integer(below: size.height - height + 1, at: 32 + 2 * attempt),
        left: key.integer(below: size.width - width + 1, at: 33 + 2 * attempt),
        size: ImageSize(height: height, width: width))
    }
    let found = Double(size.width) / Double(size.height)
    var part = size
    if found < ratio[0] {
      part.height = min(size.height, Int((Double(size.width) / ratio[0]).rounded(.toNearestOrEven)))
    } else if found > ratio[1] {
      part.width = min(size.width, Int((Double(size.height) * ratio[1]).rounded(.toNearestOrEven)))
    }
    return PixelWindow(top: (size.height - part.height) / 2, left: (size.width - part.width) / 2, size: part)
  }
}

/// A rectangle of pixels.
struct PixelWindow: Hashable {
  /// First row; below 0 above the image.
  var top: Int
  /// First column; below 0 left of the image.
  var left: Int
  /// How large it is.
  var size: ImageSize

  /// The middle of a larger or smaller image; where the margin is odd, as Python rounds its half.
  init(middleOf whole: ImageSize, size: ImageSize) {
    func start(_ whole: Int, _ part: Int) -> Int { Int((Double(whole - part) / 2).rounded(.toNearestOrEven)) }
    self.init(top: start(whole.height, size.height), left: start(whole.width, size.width), size: size)
  }

  init(top: Int, left: Int, size: ImageSize) {
    self.top = top
    self.left = left
    self.size = size
  }
}
