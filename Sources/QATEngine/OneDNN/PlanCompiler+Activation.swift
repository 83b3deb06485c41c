import COneDNN
import QATGraph

extension PlanCompiler {
  /// An activation function in the layout of its input.
  func activation(_ node: Node, _ index: Int) throws -> Bool {
    if try quantizedRectifier(node, index) { return true }
    guard let function = ActivationFunction(node.op) else { return false }
    let x = try value(node.inputs[0])
    let training: Int32 = mode == .training ? 1 : 0
    let forward = x.layout.descriptor.use { layout in
      PrimitiveDescriptor { qat_dnnl_eltwise_forward_pd($0, context.engine, training, function.kind, layout, function.alpha, function.beta) }
    }
    guard let forward else { return false }
    let y = allocate(x.layout)
    let step = try PrimitiveStep(
      "\(node.type) \(node.name)", forward, context, reads: [argument(DNNL_ARG_SRC, x)], writes: [argument(DNNL_ARG_DST, y)])
    if !function.isPiecewiseLinear { step.bytesPerNanosecond = Step.expensivePass }
    append(step)
    define(node.outputs[0], y)
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      let backward = x.layout.descriptor.use { layout in
        PrimitiveDescriptor {
          qat_dnnl_eltwise_backward_pd($0, context.engine, function.kind, layout, layout, function.alpha, function.beta, forward.pd)
        }
      }
      guard let backward else { throw EngineError("oneDNN has no backward kernel for \(node.name)") }
      // The output is kept for the next layer anyway: where the derivative follows from it, the input need not live on.
      let kept = function.usesOutput ? argument(DNNL_ARG_DST, y) : argument(DNNL_ARG_SRC, x)
      try contributeGradient(of: node.inputs[0], in: x.layout) { dx in
        try PrimitiveStep(
          "\(node.type) backward \(node.name)", backward, context, reads: [kept, argument(DNNL_ARG_DIFF_DST, dy)],
          writes: [argument(DNNL_ARG_DIFF_SRC, dx)])
      }
    }
    return true
  }
}

/// An activation in oneDNN's terms.
private struct ActivationFunction {
  var kind: dnnl_alg_kind_t
  var alpha: Float = 0
  var beta: Float = 0
  /// Whether the derivative is computed from the output rather than the input.
  var usesOutput = true

  /// Whether it takes a pass over memory and no more.
  var isPiecewiseLinear: Bool {
    [dnnl_eltwise_relu_use_dst_for_bwd, dnnl_eltwise_relu, dnnl_eltwise_clip_v2_use_dst_for_bwd, dnnl_eltwise_abs, dnnl_eltwise_linear].contains(kind)
  }

  init?(_ op: any Operator) {
    switch op {
    case is Relu: kind = dnnl_eltwise_relu_use_dst_for_bwd
    case let op as LeakyRelu:
      kind = dnnl_eltwise_relu
      alpha = op.alpha
      usesOutput = false
    case let op as Clip:
      // At an infinite bound the vector kernels would multiply zero by infinity.
      guard op.lower.isFinite, op.upper.isFinite else { return nil }
      kind = dnnl_eltwise_clip_v2_use_dst_for_bwd
      (alpha, beta) = (op.lower, op.upper)
    case is Sigmoid: kind = dnnl_eltwise_logistic_use_dst_for_bwd
    case is Tanh: kind = dnnl_eltwise_tanh_use_dst_for_bwd
    case is Exp: kind = dnnl_eltwise_exp_use_dst_for_bwd
    case is Sqrt: kind = dnnl_eltwise_sqrt_use_dst_for_bwd
    case let op as Elu:
      // The derivative follows from the output only where the function has an inverse.
      guard op.alpha >= 0 else { return nil }
      kind = dnnl_eltwise_elu_use_dst_for_bwd
      alpha = op.alpha
    default:
      guard let function = Self.ofInput(op) else { return nil }
      (kind, alpha, beta) = function
      usesOutput = false
    }
  }

  /// Functions whose derivative is computed from the input.
  private static func ofInput(_ op: any Operator) -> (dnnl_alg_kind_t, alpha: Float, beta: Float)? {
    switch op {
    // x · clip(x / 6 + 1 / 2, 0, 1): oneDNN 2 takes these numbers for granted.
    case is HardSwish: (dnnl_eltwise_hardswish, 1 / 6, 1 / 2)
    case is Log: (dnnl_eltwise_log, 0, 0)
    case is Abs: (dnnl_eltwise_abs, 0, 0)
    case is Neg: (dnnl_eltwise_linear, -1, 0)
    case is Softplus: (dnnl_eltwise_soft_relu, 1, 0)
    case let op as Gelu: (op.approximation == .none ? dnnl_eltwise_gelu_erf : dnnl_eltwise_gelu_tanh, 0, 0)
    case let op as Swish: (dnnl_eltwise_swish, op.alpha, 0)
    case is Mish: (dnnl_eltwise_mish, 0, 0)
    default: nil
    }
  }
}
