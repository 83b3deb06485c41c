import COneDNN

/// Throws when a call of oneDNN did not succeed.
func check(_ status: dnnl_status_t, _ call: @autoclosure () -> String) throws(EngineError) {
  guard status == dnnl_success else { throw EngineError("oneDNN refused \(call()): status \(status.rawValue)") }
}

/// oneDNN's engine and stream for the CPU, owned by one plan. Used from one thread.
final class DNNLContext {
  let engine: dnnl_engine_t
  let stream: dnnl_stream_t

  init() throws(EngineError) {
    var engine: dnnl_engine_t?
    try check(dnnl_engine_create(&engine, dnnl_cpu, 0), "a CPU engine")
    guard let engine else { throw EngineError("oneDNN gave no engine") }
    self.engine = engine
    var stream: dnnl_stream_t?
    try check(dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue)), "a stream")
    guard let stream else { throw EngineError("oneDNN gave no stream") }
    self.stream = stream
  }

  deinit {
    dnnl_stream_destroy(stream)
    dnnl_engine_destroy(engine)
  }

  /// Channels that share a vector in the blocked layout, which follows the widest vectors that oneDNN uses on this CPU.
  static let channelBlock: Int = {
    let isa = dnnl_get_effective_cpu_isa().rawValue
    return isa & dnnl_cpu_isa_avx512_core.rawValue == dnnl_cpu_isa_avx512_core.rawValue ? 16 : 8
  }()

  /// Whether oneDNN may use AVX2, whose CPUs multiply and add in one instruction; other kinds of CPU always may.
  static let multipliesAndAdds: Bool = {
    #if arch(x86_64)
      let avx2 = dnnl_cpu_isa_avx2.rawValue
      return dnnl_get_effective_cpu_isa().rawValue & avx2 == avx2
    #else
      return true
    #endif
  }()

  /// Whether integer kernels add two products of codes in 16 bits that saturate. Only where VNNI is part of AVX-512 do they surely not.
  static let addsProductsInSixteenBits: Bool = {
    let vnni = dnnl_cpu_isa_avx512_core_vnni.rawValue
    return dnnl_get_effective_cpu_isa().rawValue & vnni != vnni
  }()

  /// Whether, where two products are added in 16 bits, these are of consecutive terms of the sum. oneDNN 3 cuts long sums of an odd number of terms so that others meet: on AVX2, 3.2 does from 1281
  /// terms on.
  static func addsNeighbours(terms: Int) -> Bool { (dnnl_version()?.pointee.major ?? 0) < 3 || terms.isMultiple(of: 2) || terms < 1024 }

  /// oneDNN's name and version.
  static var version: String {
    guard let version = dnnl_version()?.pointee else { return "oneDNN" }
    return "oneDNN \(version.major).\(version.minor).\(version.patch)"
  }

  /// The instruction set that it uses here; a newer library's number where the name is not known.
  static var instructionSet: String {
    let isa = dnnl_get_effective_cpu_isa()
    let names: [(dnnl_cpu_isa_t, String)] = [
      (dnnl_cpu_isa_sse41, "SSE4.1"), (dnnl_cpu_isa_avx, "AVX"), (dnnl_cpu_isa_avx2, "AVX2"), (dnnl_cpu_isa_avx2_vnni, "AVX2 with VNNI"),
      (dnnl_cpu_isa_avx512_core, "AVX-512"), (dnnl_cpu_isa_avx512_core_vnni, "AVX-512 with VNNI"),
      (dnnl_cpu_isa_avx512_core_bf16, "AVX-512 with VNNI and bfloat16"), (dnnl_cpu_isa_avx512_core_amx, "AVX-512 with AMX"),
    ]
    return names.first { $0.0 == isa }?.1 ?? "instruction set 0x\(String(isa.rawValue, radix: 16))"
  }
}
