import CVectorKernels

/// One batch norm over the batches of several processes: what its forward and its backward step share.
///
/// Forward, processes exchange (count, mean, sum of squared deviations) of each channel; backward, two sums a channel. Each merges what all gave in the order
/// of the processes, so all have the same bytes, whatever arrives first. The gradients of gamma and beta are this process's part: the training loop sums them
/// like all others. Sources: Ioffe and Szegedy 2015, section 3; Chan, Golub and LeVeque 1983 for the merge.
struct SynchronizedNormalization {
  let view: qat_channel_view
  let channels: Int
  let epsilon: Float
  /// Whether a ReLU follows in the same pass.
  let relu: Bool
  let group: any NormalizationGroup
  let gamma: PlanBuffer
  let beta: PlanBuffer
  /// What this process gives and what all gave, in doubles.
  let own: PlanBuffer
  let all: PlanBuffer
  /// Reductions over pieces: kept partial sums, in floats.
  let partial: PlanBuffer
  /// Two doubles for each channel, padding included.
  let sums: PlanBuffer
  /// Per channel, padding included, through the backward pass: mean, scale = gamma / √(variance + epsilon), shift = beta.
  let mean: PlanBuffer
  let scale: PlanBuffer
  let shift: PlanBuffer
  /// 1 / √(variance + epsilon) of each channel, then 1 / (number of elements of a channel in all processes together).
  let inverse: PlanBuffer

  /// Channels with those that pad the last block.
  var paddedCount: Int { view.channel_blocks * view.block }
  /// Numbers of one process's message: a count, and two for each channel.
  static func messageCount(channels: Int) -> Int { 1 + 2 * channels }

  /// Finds each channel's mean and variance over all processes, and hands out the mean and the unbiased variance.
  func findMoments(_ x: PlanBuffer, statistics: (_ channel: Int, _ mean: Float, _ variance: Float) -> Void) {
    let (means, squares) = (sums.doubles, sums.doubles + paddedCount)
    qat_channel_moments(view, x.floats, partial.floats, means, squares)
    own.doubles[0] = Double(view.outer * view.inner)
    exchange(means, squares)
    for channel in 0..<channels {
      let merged = mergedMoments(channel)
      let variance = Float(merged.squares / merged.count)
      inverse.floats[channel] = 1 / (variance + epsilon).squareRoot()
      mean.floats[channel] = Float(merged.mean)
      scale.floats[channel] = gamma.floats[channel] * inverse.floats[channel]
      shift.floats[channel] = beta.floats[channel]
      inverse.floats[channels] = Float(1 / merged.count)
      statistics(channel, mean.floats[channel], Float(merged.squares / max(merged.count - 1, 1)))
    }
    for padding in channels..<paddedCount { (mean.floats[padding], scale.floats[padding], shift.floats[padding]) = (0, 0, 0) }
  }

  /// Normalises by the moments that were found.
  func normalize(_ x: PlanBuffer, into y: PlanBuffer) { withNormalization { qat_normalize($0, x.floats, y.floats) } }

  /// The gradient towards x, and this process's part of those of gamma and beta.
  func backward(_ x: PlanBuffer, _ dy: PlanBuffer, dx: PlanBuffer, dGamma: PlanBuffer, dBeta: PlanBuffer, offset: PlanBuffer, slope: PlanBuffer) {
    let (gradients, products) = (sums.doubles, sums.doubles + paddedCount)
    withNormalization { qat_normalization_sums($0, x.floats, dy.floats, partial.floats, gradients, products) }
    for channel in 0..<channels {
      dGamma.floats[channel] = Float(products[channel] * Double(inverse.floats[channel]))
      dBeta.floats[channel] = Float(gradients[channel])
    }
    own.doubles[0] = 0
    exchange(gradients, products)
    let share = Double(inverse.floats[channels])
    for channel in 0..<channels {
      let (gradient, product) = mergedSums(channel)
      let square = Double(inverse.floats[channel] * inverse.floats[channel])
      offset.floats[channel] = Float(gradient * share)
      slope.floats[channel] = Float(product * share * square)
    }
    for padding in channels..<paddedCount { (offset.floats[padding], slope.floats[padding]) = (0, 0) }
    withNormalization { qat_normalization_gradient($0, offset.floats, slope.floats, x.floats, dy.floats, dx.floats) }
  }

  private func exchange(_ first: UnsafePointer<Double>, _ second: UnsafePointer<Double>) {
    let count = Self.messageCount(channels: channels)
    (own.doubles + 1).update(from: first, count: channels)
    (own.doubles + 1 + channels).update(from: second, count: channels)
    group.gather(
      UnsafeBufferPointer(start: own.doubles, count: count), into: UnsafeMutableBufferPointer(start: all.doubles, count: count * group.size))
  }

  private func mergedMoments(_ channel: Int) -> (count: Double, mean: Double, squares: Double) {
    var (count, mean, squares) = (0.0, 0.0, 0.0)
    for process in 0..<group.size {
      let message = all.doubles + process * Self.messageCount(channels: channels)
      let own = message[0]
      guard own > 0 else { continue }
      let (delta, total) = (message[1 + channel] - mean, count + own)
      mean += delta * (own / total)
      squares += message[1 + channels + channel] + delta * delta * (count * own / total)
      count = total
    }
    return (count, mean, squares)
  }

  private func mergedSums(_ channel: Int) -> (gradient: Double, product: Double) {
    var sums = (0.0, 0.0)
    for process in 0..<group.size {
      let message = all.doubles + process * Self.messageCount(channels: channels)
      sums.0 += message[1 + channel]
      sums.1 += message[1 + channels + channel]
    }
    return sums
  }

  private func withNormalization(_ body: (UnsafePointer<qat_normalization>) -> Void) {
    var normalization = qat_normalization(view: view, relu: relu ? 1 : 0, mean: mean.floats, scale: scale.floats, shift: shift.floats)
    body(&normalization)
  }
}
