import QATGraph
import QATTensor

/// A tensor of a plan: how and where it lies.
struct PlanValue {
  var layout: Layout
  var buffer: PlanBuffer
}

/// Turns a graph into the steps of a plan.
///
/// Nodes are compiled in order; each appends its forward steps and leaves behind a closure that appends its backward steps. These run in reverse
/// order, each taking the finished gradient of its outputs and contributing gradients to its inputs.
final class PlanCompiler {
  let graph: Graph
  let state: ModelState
  let batchSize: Int
  let mode: Plan.Mode
  /// In which arithmetic quantized layers run.
  let forwardArithmetic: ForwardArithmetic
  /// Processes whose batches batch norm normalises together in training; nil for this process's batch alone.
  let group: (any NormalizationGroup)?
  let context: DNNLContext
  /// Seed, step and the like, read by steps that draw random numbers.
  let run: PlanRun

  private(set) var forward: [Step] = []
  private(set) var backward: [Step] = []
  /// Number of leading gradients that are complete after each backward step.
  private(set) var finishedAfter: [Int] = []
  private(set) var buffers: [PlanBuffer] = []
  /// Quantizers that have been compiled, by the name of their output.
  var quantizers: [TensorName: CompiledQuantizer] = [:]
  /// Codes that integer products have asked for.
  var codes: [TensorCodes.Key: TensorCodes] = [:]
  /// The arithmetic of each convolution and linear layer.
  var layers: [LayerArithmetic] = []
  private(set) var inputs: [TensorName: AlignedBuffer<Float>] = [:]
  private(set) var results: [TensorName: AlignedBuffer<Float>] = [:]
  private(set) var resultGradients: [TensorName: AlignedBuffer<Float>] = [:]

  private var values: [TensorName: PlanValue] = [:]
  /// Tensors whose values are computed where first asked for: their layout, and what appends the steps.
  private var deferred: [TensorName: (layout: Layout, make: () throws -> PlanValue)] = [:]
  private var conversions: [TensorName: [PlanValue]] = [:]
  private var contributions: [TensorName: [PlanValue]] = [:]
  private var backwardMakers: [(node: Int, make: () throws -> Void)] = []
  private var isBackward = false
  let types: [TensorName: TensorType]
  private let consumers: [TensorName: [Graph.Use]]
  private let producers: [TensorName: Int]
  /// Tensors that are shown as soon as they are computed.
  private let passing: Set<TensorName>
  /// Tensors that somebody sees besides the nodes that read them.
  private let visible: Set<TensorName>
  private var needsGradient: Set<TensorName> = []
  private var fused: Set<Int> = []

  init(
    _ graph: Graph, state: ModelState, batchSize: Int, mode: Plan.Mode, arithmetic: ForwardArithmetic, observed: [TensorName],
    passing: [TensorName], group: (any NormalizationGroup)?, run: PlanRun
  ) throws {
    self.graph = graph
    self.state = state
    self.batchSize = batchSize
    self.mode = mode
    forwardArithmetic = arithmetic
    self.group = group
    self.run = run
    context = try DNNLContext()
    types = try graph.tensorTypes(batchSize: batchSize)
    consumers = graph.consumers
    producers = graph.producers
    (self.passing, visible) = (Set(passing), Set(graph.outputs + observed + passing))
    // A graph may fix parameters that the state could train, or leave them out: their gradients are zero.
    if mode == .training { needsGradient = Set(state.parameterSlots.map(\.name)).filter { graph.constants[$0]?.role == .parameter } }
    // Gradients flow through floating-point numbers only.
    for node in graph.nodes where node.inputs.contains(where: needsGradient.contains) {
      needsGradient.formUnion(node.outputs.filter { types[$0]?.elementType == .float32 })
    }
    try compile(observed: observed)
  }

  private func compile(observed: [TensorName]) throws {
    for input in graph.inputs {
      let shape = input.type.shape(batchSize: batchSize)
      let memory = AlignedBuffer<Float>(count: shape.elementCount)
      inputs[input.name] = memory
      values[input.name] = PlanValue(layout: try .plain(shape), buffer: PlanBuffer(memory.elements, owner: memory))
    }
    for name in passing.sorted() where producers[name] == nil { try show(name) }
    for (index, node) in graph.nodes.enumerated() {
      if !fused.contains(index) { try compile(node, at: index) }
      for name in node.outputs where passing.contains(name) { try show(name) }
    }
    for name in graph.outputs + observed where results[name] == nil { try makeResult(name) }
    if mode == .training { try compileBackward() }
    countOperations()
    // Both hold this compiler.
    (backwardMakers, deferred) = ([], [:])
  }

  private func compileBackward() throws {
    isBackward = true
    for name in graph.outputs where needsGradient.contains(name) {
      guard let memory = results[name] else { continue }
      let gradient = AlignedBuffer<Float>(count: memory.count)
      resultGradients[name] = gradient
      let layout = try Layout.plain(shape(name))
      try contribute(PlanValue(layout: layout, buffer: PlanBuffer(gradient.elements, owner: gradient)), to: name)
    }
    let firstUses = firstUsesOfParameters()
    for slot in state.parameterSlots where firstUses[slot.name] == nil { try finish(slot) }
    for (node, make) in backwardMakers.reversed() {
      try make()
      // Parameters that no node before this one reads are complete now.
      for slot in state.parameterSlots where firstUses[slot.name] == node { try finish(slot) }
      let finished = state.parameterSlots.prefix { (firstUses[$0.name] ?? Int.max) >= node }.last?.range.upperBound ?? 0
      while finishedAfter.count < backward.count { finishedAfter.append(finishedAfter.last ?? 0) }
      if !finishedAfter.isEmpty { finishedAfter[finishedAfter.count - 1] = finished }
    }
    while finishedAfter.count < backward.count { finishedAfter.append(finishedAfter.last ?? 0) }
  }

  private func firstUsesOfParameters() -> [TensorName: Int] {
    var result: [TensorName: Int] = [:]
    for slot in state.parameterSlots { result[slot.name] = consumers[slot.name]?.map { leader[$0.node] ?? $0.node }.min() }
    return result
  }

  /// For a node that was fused into an earlier one: that one.
  private var leader: [Int: Int] = [:]

  // MARK: What the compilation of a node uses

  /// The shape of a tensor in this plan.
  func shape(_ name: TensorName) -> [Int] { types[name]?.shape(batchSize: batchSize) ?? [] }

  /// The shape that a tensor has for one sample.
  func sampleShape(_ name: TensorName) -> [Int] { types[name]?.shape(batchSize: 1) ?? [] }

  /// Whether gradients of a tensor are wanted.
  func wantsGradient(_ name: TensorName) -> Bool { needsGradient.contains(name) }

  /// A tensor in the layout in which it was made.
  func value(_ name: TensorName) throws -> PlanValue {
    if let value = values[name] { return value }
    if let make = deferred[name]?.make {
      let value = try make()
      values[name] = value
      return value
    }
    guard let constant = graph.constants[name] else { throw EngineError("the tensor '\(name)' is made by nothing") }
    let value = try constantValue(name, constant)
    values[name] = value
    return value
  }

  private func constantValue(_ name: TensorName, _ constant: Graph.Constant) throws -> PlanValue {
    let layout = try Layout.plain(constant.tensor.shape)
    if let slot = state.parameterSlots.first(where: { $0.name == name }) {
      return PlanValue(layout: layout, buffer: PlanBuffer(.init(rebasing: state.parameters.elements[slot.range]), owner: state))
    }
    if let slot = state.statisticSlots.first(where: { $0.name == name }) {
      return PlanValue(layout: layout, buffer: PlanBuffer(.init(rebasing: state.statistics.elements[slot.range]), owner: state))
    }
    // Integers and truth values travel as floats, exactly up to 2^24.
    let floats = NDArray<Float>(constant.tensor).elements
    let memory = AlignedBuffer<Float>(count: floats.count)
    _ = memory.elements.update(fromContentsOf: floats)
    return PlanValue(layout: layout, buffer: PlanBuffer(memory.elements, owner: memory))
  }

  /// A tensor in a given layout; converted once, where first asked for.
  func value(_ name: TensorName, in layout: Layout) throws -> PlanValue {
    let own = try value(name)
    if own.layout == layout { return own }
    if let known = conversions[name]?.first(where: { $0.layout == layout }) { return known }
    let result = try reordered(own, to: layout, "reorder \(name)")
    conversions[name, default: []].append(result)
    return result
  }

  /// Whether a tensor's values have not been asked for yet.
  func isDeferred(_ name: TensorName) -> Bool { values[name] == nil && deferred[name] != nil }

  /// The layout in which a tensor is made, whether or not it has been.
  func layout(of name: TensorName) throws -> Layout { try deferred[name]?.layout ?? value(name).layout }

  /// A tensor in row-major order.
  func plainValue(_ name: TensorName) throws -> PlanValue { try value(name, in: .plain(shape(name))) }

  /// New memory in the arena.
  func allocate(_ layout: Layout) -> PlanValue { PlanValue(layout: layout, buffer: allocate(bytes: layout.byteCount)) }

  /// New memory in the arena.
  func allocate(bytes: Int) -> PlanBuffer {
    let buffer = PlanBuffer(byteCount: bytes)
    buffers.append(buffer)
    return buffer
  }

  /// Says where a computed tensor lies.
  func define(_ name: TensorName, _ value: PlanValue) { values[name] = value }

  /// Says how to compute a tensor whose values perhaps nobody asks for.
  func define(_ name: TensorName, _ layout: Layout, onDemand make: @escaping () throws -> PlanValue) { deferred[name] = (layout, make) }

  /// The node that makes a tensor; nil for inputs and constants.
  func producer(of name: TensorName) -> Node? { producers[name].map { graph.nodes[$0] } }

  /// Appends a step to the pass that is being compiled.
  func append(_ step: Step) {
    if isBackward { backward.append(step) } else { forward.append(step) }
  }

  /// Appends a copy of `value` in another layout.
  func reordered(_ value: PlanValue, to layout: Layout, _ label: String) throws -> PlanValue {
    let result = allocate(layout)
    try appendReorder(value, result, label)
    return result
  }

  /// Registers what appends the backward steps of the node at `index`.
  func onBackward(of index: Int, _ make: @escaping () throws -> Void) {
    if mode == .training { backwardMakers.append((index, make)) }
  }

  /// The only node that reads a tensor, when nobody else sees it.
  func soleConsumer(of name: TensorName) -> (index: Int, node: Node)? {
    guard !visible.contains(name), let uses = consumers[name], uses.count == 1 else { return nil }
    return (uses[0].node, graph.nodes[uses[0].node])
  }

  /// Says that the node at `index` is computed together with the node at `leader`.
  func fuse(_ index: Int, into leader: Int) {
    fused.insert(index)
    self.leader[index] = leader
  }

  // MARK: Gradients

  /// Adds to a tensor's gradient. Each contribution is read after the step that fills it.
  func contribute(_ gradient: PlanValue, to name: TensorName) throws {
    if wantsGradient(name) { contributions[name, default: []].append(gradient) }
  }

  /// Where a step may write a gradient of `name`: right into the flat gradients when that is all there is to it, else in new memory.
  func gradientDestination(_ name: TensorName, _ layout: Layout) -> PlanValue {
    if let slot = slot(name), consumers[name]?.count == 1, layout.isPlain {
      return PlanValue(layout: layout, buffer: PlanBuffer(.init(rebasing: state.gradients[slot.range]), owner: state))
    }
    return allocate(layout)
  }

  /// Contributes a gradient of `name` that one step computes, where it is wanted.
  func contributeGradient(of name: TensorName, in layout: Layout, by step: (PlanValue) throws -> Step) throws {
    guard wantsGradient(name) else { return }
    let gradient = gradientDestination(name, layout)
    append(try step(gradient))
    try contribute(gradient, to: name)
  }

  private func slot(_ name: TensorName) -> ModelState.Slot? { state.parameterSlots.first { $0.name == name } }

  /// The complete gradient of a tensor in the tensor's own layout; nil when nothing depends on it.
  func gradient(_ name: TensorName) throws -> PlanValue? {
    guard let parts = contributions[name], !parts.isEmpty else { return nil }
    let layout = try layout(of: name)
    let converted = try parts.map { $0.layout == layout ? $0 : try reordered($0, to: layout, "reorder gradient of \(name)") }
    if converted.count == 1 { return converted[0] }
    let sum = allocate(layout)
    appendSum(converted[0], converted[1], sum, "sum gradients of \(name)")
    for part in converted.dropFirst(2) { appendSum(sum, part, sum, "sum gradients of \(name)") }
    contributions[name] = [sum]
    return sum
  }

  /// Brings a parameter's complete gradient into the flat buffer.
  private func finish(_ slot: ModelState.Slot) throws {
    let destination = PlanBuffer(.init(rebasing: state.gradients[slot.range]), owner: state)
    let layout = try Layout.plain(slot.shape)
    guard let gradient = try gradient(slot.name) else {
      append(
        KernelStep("zero gradient of \(slot.name)", reads: [], writes: []) { destination.floats.update(repeating: 0, count: layout.elementCount) })
      return
    }
    if !gradient.buffer.isInArena, gradient.buffer.pointer == destination.pointer { return }
    try appendReorder(gradient, PlanValue(layout: layout, buffer: destination), "gradient of \(slot.name)")
  }

  /// Shows a tensor to who looks at it while the plan runs.
  private func show(_ name: TensorName) throws {
    let (source, count, run) = (try plainValue(name).buffer, shape(name).elementCount, run)
    append(KernelStep("show \(name)", reads: [source], writes: []) { run.observer?(name, UnsafeBufferPointer(start: source.floats, count: count)) })
  }

  private func makeResult(_ name: TensorName) throws {
    let layout = try Layout.plain(shape(name))
    let memory = AlignedBuffer<Float>(count: layout.elementCount)
    results[name] = memory
    try appendReorder(value(name), PlanValue(layout: layout, buffer: PlanBuffer(memory.elements, owner: memory)), "result \(name)")
  }
}
