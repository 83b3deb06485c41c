#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The learning rate of every step of a run: a pure function of the step's number, so that a resumed run needs no state for it.
///
/// During the first `warmupSteps` steps the rate rises linearly to what the shape says there; after them the shape alone decides, counted from step 0.
public struct LearningRateSchedule: Sendable, Hashable {
  /// How the rate falls.
  public enum Shape: Sendable, Hashable {
    /// It stays.
    case constant
    /// Multiplied by `gamma` each `size` steps.
    case steps(size: Int, gamma: Double)
    /// Multiplied by `gamma` at each of the steps `at`, ascending.
    case milestones(at: [Int], gamma: Double)
    /// Half a cosine from the base rate to `minimum` over `total` steps. Source: Loshchilov and Hutter 2016, arXiv:1608.03983.
    case cosine(total: Int, minimum: Double)
    /// The base rate up to the step `start`, then (1 − (step − start)/total)^power of the way from `minimum` to it.
    case polynomial(start: Int = 0, total: Int, power: Double, minimum: Double)
  }

  /// The rate at the start, after warm-up.
  public var baseRate: Double
  /// How the rate falls.
  public var shape: Shape
  /// Number of steps until the full rate is reached.
  public var warmupSteps: Int

  /// A schedule.
  public init(baseRate: Double, shape: Shape = .constant, warmupSteps: Int = 0) {
    self.baseRate = baseRate
    self.shape = shape
    self.warmupSteps = warmupSteps
  }

  /// The rate that the update of `step` uses; the first step is 0.
  public func rate(at step: Int) -> Double {
    let rate = shapedRate(at: step)
    // The first step already learns: step 0 of a warm-up of four uses a quarter.
    return step < warmupSteps ? rate * Double(step + 1) / Double(warmupSteps) : rate
  }

  private func shapedRate(at step: Int) -> Double {
    switch shape {
    case .constant: baseRate
    case .steps(let size, let gamma): baseRate * pow(gamma, Double(step / max(size, 1)))
    case .milestones(let milestones, let gamma):
      baseRate * pow(gamma, Double(milestones.reduce(0) { $0 + (step >= $1 ? 1 : 0) }))
    case .cosine(let total, let minimum):
      minimum + (baseRate - minimum) * (1 + cos(Double.pi * Self.fraction(step, of: total))) / 2
    case .polynomial(let start, let total, let power, let minimum):
      step < start ? baseRate : minimum + (baseRate - minimum) * pow(1 - Self.fraction(step - start, of: total), power)
    }
  }

  private static func fraction(_ step: Int, of total: Int) -> Double { total > 0 ? min(Double(step) / Double(total), 1) : 1 }
}
