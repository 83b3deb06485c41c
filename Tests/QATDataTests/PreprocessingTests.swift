import Foundation
import QATData
import QATTensor
import Testing

@Suite("Preprocessing")
struct PreprocessingTests {
  static let shape = [2, 2, 3]
  static let sample: [Float] = [1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60]

  @Test("pixels are normalised by (pixel − mean) / std, one value for all channels or one each")
  func normalise() {
    let one = Preprocessing(mean: [1], std: [2]).applied(to: Self.sample, shape: Self.shape, nil)
    #expect(one == [0, 0.5, 1, 1.5, 2, 2.5, 4.5, 9.5, 14.5, 19.5, 24.5, 29.5])
    let each = Preprocessing(mean: [1, 10], std: [1, 10]).applied(to: Self.sample, shape: Self.shape, nil)
    #expect(each == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5])
  }

  @Test("flip mirrors rows left to right, for about half of the keys")
  func flip() {
    let mirrored: [Float] = [3, 2, 1, 6, 5, 4, 30, 20, 10, 60, 50, 40]
    var count = 0
    for sample in 0..<400 {
      let result = Preprocessing(flip: true).applied(to: Self.sample, shape: Self.shape, RandomKey(seed: 1, purpose: .augmentation, 0, sample))
      #expect(result == Self.sample || result == mirrored)
      if result == mirrored { count += 1 }
    }
    #expect((150...250).contains(count))  // five standard deviations of 10
  }

  /// Against moving the sample pixel by pixel inside a black frame.
  @Test("crop takes a window from the sample with black around it; every place occurs", arguments: [1, 2, 5])
  func crop(padding: Int) {
    let (preprocessing, black) = (Preprocessing(mean: [0.5], std: [0.25], cropPadding: padding), Float(-2))
    func moved(_ down: Int, _ right: Int) -> [Float] {
      (0..<2).flatMap { channel in
        (0..<2).flatMap { row in
          (0..<3).map { column in
            let (y, x) = (row + down, column + right)
            return (0..<2).contains(y) && (0..<3).contains(x) ? (Self.sample[channel * 6 + y * 3 + x] - 0.5) / 0.25 : black
          }
        }
      }
    }
    let places = (-padding...padding).flatMap { down in (-padding...padding).map { (down, $0) } }
    let expected = Set(places.map { moved($0.0, $0.1) })
    let found = Set(
      (0..<2000).map { preprocessing.applied(to: Self.sample, shape: Self.shape, RandomKey(seed: 1, purpose: .augmentation, 3, $0)) })
    #expect(found == expected)
  }

  @Test(
    "values that do not fit the samples are refused by name",
    arguments: [
      (Preprocessing(mean: [0, 0, 0]), "normalize.mean has 3 values, the samples have 2 channels"),
      (Preprocessing(std: []), "normalize.std has 0 values"),
      (Preprocessing(std: [1, 0]), "normalize.std is [1.0, 0.0]: every value must be positive"),
      (Preprocessing(mean: [.nan]), "normalize.mean is [nan]"),
      (Preprocessing(cropPadding: -1), "augment.crop_padding is -1"),
    ])
  func refused(preprocessing: Preprocessing, message: String) throws {
    let error = try #require(throws: DataError.self) { try preprocessing.validate(for: Self.shape) }
    #expect(error.description.contains(message), "\(error)")
    #expect(throws: DataError.self) { try Preprocessing().validate(for: [2, 3]) }
  }

  @Test("it survives being written down")
  func codable() throws {
    let preprocessing = Preprocessing(mean: [0.286], std: [0.353], flip: true, cropPadding: 2)
    #expect(try JSONDecoder().decode(Preprocessing.self, from: JSONEncoder().encode(preprocessing)) == preprocessing)
  }
}
