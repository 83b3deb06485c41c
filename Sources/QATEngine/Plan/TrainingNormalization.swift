import CVectorKernels

/// One batch norm by the statistics of the batch, of one process or of several together: what its forward and its backward step share.
///
/// Over several processes these exchange (count, mean, sum of squared deviations) of each channel forward, and two sums a channel backward. Each merges what
/// all gave in the order of the processes, so all have the same bytes, whatever arrives first. The gradients of gamma and beta are this process's part: the
/// training loop sums them like all others. Sources: Ioffe and Szegedy 2015, section 3; Chan, Golub and LeVeque 1983 for the merge.
///
/// A rectifier or quantizer behind it runs in the same passes; backward both compute what was normalised again, from what was read.
struct TrainingNormalization {
  let view: qat_channel_view
  let channels: Int
  let epsilon: Float
  /// Whether a ReLU follows in the same pass.
  let relu: Bool
  /// Processes whose batches are normalised together; nil for this process's batch alone.
  let group: (any NormalizationGroup)?
  let gamma: PlanBuffer
  let beta: PlanBuffer
  /// Per channel, padding included, through the backward pass: mean, scale = gamma / √(variance + epsilon), shift = beta.
  let mean: PlanBuffer
  let scale: PlanBuffer
  let shift: PlanBuffer
  /// 1 / √(variance + epsilon) of each channel, then 1 / (number of elements of a channel in all processes together).
  let inverse: PlanBuffer

  /// Memory of one of the two passes.
  struct Scratch {
    /// What this process gives and what all gave, in doubles.
    let own: PlanBuffer
    let all: PlanBuffer
    /// Reductions over pieces: kept partial sums, in floats.
    let partial: PlanBuffer
    /// Four doubles for each channel, padding included.
    let sums: PlanBuffer
    var buffers: [PlanBuffer] { [own, all, partial, sums] }
  }

  /// Channels with those that pad the last block.
  var paddedCount: Int { view.channel_blocks * view.block }
  /// Numbers of one process's message: a count, and two for each channel.
  static func messageCount(channels: Int) -> Int { 1 + 2 * channels }
  /// What normalising reads besides its input.
  var numbers: [PlanBuffer] { [mean, scale, shift] }

  /// Finds each channel's mean and variance, and hands out the mean and the unbiased variance.
  func findMoments(_ x: PlanBuffer, _ scratch: Scratch, statistics: (_ channel: Int, _ mean: Float, _ variance: Float) -> Void) {
    let (means, squares) = (scratch.sums.doubles, scratch.sums.doubles + paddedCount)
    qat_channel_moments(view, x.floats, scratch.partial.floats, means, squares)
    exchange(Double(view.outer * view.inner), means, squares, scratch)
    for channel in 0..<channels {
      let merged = mergedMoments(channel, scratch.all)
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

  /// Normalises by the moments that were found, and quantizes where a quantizer is given.
  func normalize(_ x: PlanBuffer, into y: PlanBuffer, quantizer: CompiledQuantizer? = nil) {
    withKernel(quantizer) { qat_normalize($0, x.floats, y.floats) }
  }

  /// The codes of what a quantizer makes of what is normalised, channels last.
  func encode(_ x: PlanBuffer, _ quantizer: CompiledQuantizer, into codes: TensorCodes) {
    withKernel(quantizer) { qat_encode(view, channels, quantizer.grid, $0, x.floats, codes.values.bytes, codes.meaning.meaning) }
  }

  /// The gradient towards x, this process's part of those of gamma and beta, and what reaches the parameters of a quantizer.
  func backward(
    _ x: PlanBuffer, _ dy: PlanBuffer, _ scratch: Scratch, dx: PlanBuffer, dGamma: PlanBuffer, dBeta: PlanBuffer, offset: PlanBuffer,
    slope: PlanBuffer, quantizer: (CompiledQuantizer, QuantizerSums)? = nil
  ) {
    let sums = scratch.sums.doubles
    let (gradients, products) = (sums, sums + paddedCount)
    withKernel(quantizer?.0) { qat_normalization_sums($0, x.floats, dy.floats, scratch.partial.floats, sums) }
    if let (quantizer, results) = quantizer {
      collect(sums + 2 * paddedCount, quantizer, into: results.first)
      collect(sums + 3 * paddedCount, quantizer, into: results.second)
    }
    for channel in 0..<channels {
      dGamma.floats[channel] = Float(products[channel] * Double(inverse.floats[channel]))
      dBeta.floats[channel] = Float(gradients[channel])
    }
    exchange(0, gradients, products, scratch)
    let share = Double(inverse.floats[channels])
    for channel in 0..<channels {
      let (gradient, product) = mergedSums(channel, scratch.all)
      let square = Double(inverse.floats[channel] * inverse.floats[channel])
      offset.floats[channel] = Float(gradient * share)
      slope.floats[channel] = Float(product * share * square)
    }
    for padding in channels..<paddedCount { (offset.floats[padding], slope.floats[padding]) = (0, 0) }
    withKernel(quantizer?.0) { qat_normalization_gradient($0, offset.floats, slope.floats, x.floats, dy.floats, dx.floats) }
  }

  /// The sums over each of a quantizer's channels, or over all of them where it has one grid.
  private func collect(_ sums: UnsafePointer<Double>, _ quantizer: CompiledQuantizer, into result: PlanBuffer) {
    if quantizer.op.channelAxis == nil {
      var total = 0.0
      for channel in 0..<channels { total += sums[channel] }
      result.floats[0] = Float(total)
    } else {
      for channel in 0..<channels { result.floats[channel] = Float(sums[channel]) }
    }
  }

  private func exchange(_ elements: Double, _ first: UnsafePointer<Double>, _ second: UnsafePointer<Double>, _ scratch: Scratch) {
    let count = Self.messageCount(channels: channels)
    let own = scratch.own.doubles
    own[0] = elements
    (own + 1).update(from: first, count: channels)
    (own + 1 + channels).update(from: second, count: channels)
    group?.gather(
      UnsafeBufferPointer(start: own, count: count), into: UnsafeMutableBufferPointer(start: scratch.all.doubles, count: count * processCount))
  }

  private var processCount: Int { group?.size ?? 1 }

  private func mergedMoments(_ channel: Int, _ all: PlanBuffer) -> (count: Double, mean: Double, squares: Double) {
    var (count, mean, squares) = (0.0, 0.0, 0.0)
    for process in 0..<processCount {
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

  private func mergedSums(_ channel: Int, _ all: PlanBuffer) -> (gradient: Double, product: Double) {
    var sums = (0.0, 0.0)
    for process in 0..<processCount {
      let message = all.doubles + process * Self.messageCount(channels: channels)
      sums.0 += message[1 + channel]
      sums.1 += message[1 + channels + channel]
    }
    return sums
  }

  private func withKernel(_ quantizer: CompiledQuantizer?, _ body: (UnsafePointer<qat_normalization>) -> Void) {
    var kernel = qat_normalization(
      view: view, relu: relu ? 1 : 0, mean: mean.floats, scale: scale.floats, shift: shift.floats, grids: quantizer?.grid,
      grid_stride: quantizer?.op.channelAxis == nil ? 0 : 1, ratio: quantizer?.op.levelRatio ?? 0)
    body(&kernel)
  }
}
