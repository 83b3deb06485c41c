import Foundation
import QATTensor

/// Memory of one batch, made once and filled again and again. Used by whoever the queue says owns it.
final class BatchSlot {
  let pixels: AlignedBuffer<Float>
  let labels: AlignedBuffer<Int32>
  let sampleSize: Int
  var count = 0
  var epoch = 0
  var position = 0
  var firstSample = 0
  var next = DataPosition(epoch: 0, position: 0)

  init(capacity: Int, sampleSize: Int) {
    pixels = AlignedBuffer(count: capacity * sampleSize)
    labels = AlignedBuffer(count: capacity)
    self.sampleSize = sampleSize
  }
}

/// Fills batches one after the other, on the reading thread.
protocol BatchProducer: Sendable {
  /// Fills the slot with the next batch. False when there is none.
  mutating func fill(_ slot: BatchSlot) throws -> Bool
}

/// A ring of three batches between a reading thread and the thread that consumes: one in use, one ready, one being filled.
///
/// Invariant behind `@unchecked Sendable`: `filled`, `taken`, `holding`, `ended`, `cancelled` and `failure` are touched with the lock held; slot n mod 3 belongs to the reading thread
/// while batch n is not yet filled and to the consumer from then until it has given it back. The producer belongs to the reading thread.
/// In a steady step neither side allocates.
final class BatchQueue: @unchecked Sendable {
  private let slots: [BatchSlot]
  private let condition = NSCondition()
  private var filled = 0
  private var taken = 0
  private var holding = false
  private var ended = false
  private var cancelled = false
  private var failure: (any Error)?

  /// A queue of batches of at most `capacity` samples of `sampleSize` pixels.
  init(capacity: Int, sampleSize: Int) {
    slots = (0..<3).map { _ in BatchSlot(capacity: capacity, sampleSize: sampleSize) }
  }

  /// Starts the reading thread. It ends by itself when the producer has no more, fails, or the queue is cancelled.
  func start(_ producer: some BatchProducer) {
    let thread = Thread { [self] in run(producer) }
    thread.name = "qat batches"
    thread.start()
  }

  private func run(_ producer: some BatchProducer) {
    var producer = producer
    while true {
      condition.lock()
      while !cancelled && filled - taken == slots.count { condition.wait() }
      let (stop, index) = (cancelled, filled % slots.count)
      condition.unlock()
      if stop { return }
      do {
        let isFilled = try producer.fill(slots[index])
        condition.withLock { if isFilled { filled += 1 } else { ended = true } }
        condition.signal()
        if !isFilled { return }
      } catch {
        condition.withLock { (failure, ended) = (error, true) }
        condition.signal()
        return
      }
    }
  }

  /// Gives back the batch lent before, waits for the next and lends it; nil at the end.
  /// - Throws: what the reading thread has thrown, once everything before it is consumed, and again ever after.
  func next() throws -> BatchSlot? {
    condition.lock()
    defer { condition.unlock() }
    if holding {
      (holding, taken) = (false, taken + 1)
      condition.signal()
    }
    while filled == taken && !ended { condition.wait() }
    if filled > taken {
      holding = true
      return slots[taken % slots.count]
    }
    if let failure { throw failure }
    return nil
  }

  /// Tells the reading thread to end after the batch it is filling.
  func cancel() {
    condition.withLock { cancelled = true }
    condition.signal()
  }
}
