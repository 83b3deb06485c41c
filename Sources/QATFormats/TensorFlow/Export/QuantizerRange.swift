/// The range that a fake quantizer of TensorFlow is given so that its grid is a wanted one.
struct QuantizerRange {
  var minimum: Float
  var maximum: Float

  /// The range of codes `codes` around zero with distance `step`.
  ///
  /// TensorFlow computes the step anew, as (maximum − minimum) / (number of codes − 1) in float32. Of the numbers around the exact maximum the one is taken that
  /// gives the step back, where there is one; the others differ from it by half a unit in the last place.
  init(step: Float, codes: ClosedRange<Int>) {
    let lowest = Float(codes.lowerBound) * step
    let exact = Float(codes.upperBound) * step
    let isSymmetric = codes.lowerBound == -codes.upperBound
    let count = Float(codes.upperBound - codes.lowerBound)
    let candidates = [exact, exact.nextUp, exact.nextDown, exact.nextUp.nextUp, exact.nextDown.nextDown]
    maximum = candidates.first { ($0 - (isSymmetric ? -$0 : lowest)) / count == step } ?? exact
    minimum = isSymmetric ? -maximum : lowest
  }
}
