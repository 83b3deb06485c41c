import COneDNN

/// One primitive with its tensors, made once, executed every step.
final class PrimitiveStep: Step {
  /// One of a primitive's tensors: which argument it is, how and where it lies in memory.
  struct Argument {
    var index: Int32
    var layout: Layout
    var buffer: PlanBuffer
  }

  private let primitive: dnnl_primitive_t
  private let context: DNNLContext
  private let arguments: [Argument]
  /// Whether it multiplies integers, which takes half the time that it takes with floats.
  private let isOfIntegers: Bool
  // The C array that each execution passes; its memories are ours to destroy.
  private let list: UnsafeMutableBufferPointer<dnnl_exec_arg_t>

  init(
    _ label: String, _ descriptor: PrimitiveDescriptor, _ context: DNNLContext, reads: [Argument], writes: [Argument], isOfIntegers: Bool = false
  ) throws(EngineError) {
    var primitive: dnnl_primitive_t?
    try check(dnnl_primitive_create(&primitive, descriptor.pd), "the primitive of \(label)")
    guard let primitive else { throw EngineError("oneDNN gave no primitive for \(label)") }
    self.primitive = primitive
    self.context = context
    arguments = reads + writes
    self.isOfIntegers = isOfIntegers
    list = .allocate(capacity: arguments.count)
    list.initialize(repeating: dnnl_exec_arg_t(arg: 0, memory: nil))
    super.init(label: label, reads: reads.map(\.buffer), writes: writes.map(\.buffer))
    for (index, argument) in arguments.enumerated() {
      var memory: dnnl_memory_t?
      let status = argument.layout.descriptor.use { dnnl_memory_create(&memory, $0, context.engine, nil) }
      try check(status, "a tensor of \(label)")
      list[index] = dnnl_exec_arg_t(arg: argument.index, memory: memory)
    }
  }

  override var isRepeatable: Bool { true }

  override var operationsPerNanosecond: Double { isOfIntegers ? 160 : super.operationsPerNanosecond }

  deinit {
    for argument in list { dnnl_memory_destroy(argument.memory) }
    list.deallocate()
    dnnl_primitive_destroy(primitive)
  }

  override func bind() throws(EngineError) {
    for (index, argument) in arguments.enumerated() {
      try check(dnnl_memory_set_data_handle(list[index].memory, argument.buffer.pointer), "the memory of \(label)")
    }
  }

  override func run() {
    let status = dnnl_primitive_execute(primitive, context.stream, Int32(list.count), list.baseAddress)
    precondition(status == dnnl_success, "oneDNN failed to execute \(label): status \(status.rawValue)")
  }
}
