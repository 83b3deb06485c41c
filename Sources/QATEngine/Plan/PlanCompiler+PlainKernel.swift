import QATGraph
import QATTensor

extension PlanCompiler {
  /// Runs a node on its plain kernel.
  func plainKernel(_ node: Node, _ index: Int) throws {
    let kernel = try requireKernel(for: node)
    var inputs: [PlanValue?] = []
    for name in node.inputs { inputs.append(name.isEmpty ? nil : try plainValue(name)) }
    var outputs: [PlanValue] = []
    for name in node.outputs {
      let value = allocate(try .plain(shape(name)))
      outputs.append(value)
      define(name, value)
    }
    let call = PlainKernelCall(
      node: node, index: index, kernel: kernel, inputs: inputs, outputs: outputs,
      statistics: node.inputs.map { name in state.statisticSlots.first { $0.name == name } }, state: state, mode: mode, run: run, batchSize: batchSize
    )
    append(PlainKernelStep(call))
    onBackward(of: index) { [self] in try plainKernelBackward(call) }
  }

  private func plainKernelBackward(_ call: PlainKernelCall) throws {
    var upstream: [PlanValue?] = []
    for name in call.node.outputs {
      let gradient = try gradient(name)
      upstream.append(try gradient.map { try converted($0, to: .plain(shape(name)), "reorder gradient of \(name)") })
    }
    guard upstream.contains(where: { $0 != nil }) else { return }
    var wanted: [PlanValue?] = []
    for name in call.node.inputs { wanted.append(wantsGradient(name) ? gradientDestination(name, try .plain(shape(name))) : nil) }
    append(PlainKernelBackwardStep(call, upstream: upstream, wanted: wanted))
    for (name, value) in zip(call.node.inputs, wanted) {
      if let value { try contribute(value, to: name) }
    }
  }
}
