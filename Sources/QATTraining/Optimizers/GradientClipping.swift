import CVectorKernels
import QATEngine

/// Shortens the gradient of a step to a largest length.
///
/// The norm is that of all moving parameters' gradients after they were summed over ranks, in double and in a fixed order: the same bytes on every rank, and, where the
/// sums are the same for every number of ranks, for every number of ranks. The factor is PyTorch's, limit / (norm + 10⁻⁶). Reference: Pascanu et al. 2013, arXiv:1211.5063.
struct GradientClipping {
  /// The largest norm.
  let limit: Double

  /// Clips.
  /// - Parameters:
  ///   - state: its summed gradients.
  ///   - pieces: what moves.
  /// - Returns: the norm before.
  @discardableResult
  func apply(_ state: ModelState, _ pieces: [ParameterShare.Piece]) -> Double {
    var squares = 0.0
    for piece in pieces { squares += qat_sum_of_squares(state.reduced.pointer + piece.range.lowerBound, piece.range.count) }
    let norm = squares.squareRoot()
    let factor = limit / (norm + 1e-6)
    if factor < 1 {
      for piece in pieces { qat_scale_values(state.reduced.pointer + piece.range.lowerBound, piece.range.count, Float(factor)) }
    }
    return norm
  }
}
