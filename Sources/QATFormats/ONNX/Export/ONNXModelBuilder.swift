import Foundation
import QATGraph
import QATTensor
import SwiftProtobuf

/// Puts an ONNX model together, node by node; both the fp32 and the quantized export write through it.
///
/// What is added first is written first, so equal calls give equal bytes. The builder knows every name in use and makes new ones that are free.
struct ONNXModelBuilder {
  /// Version of ONNX's own operator set.
  let opset: Int
  private var graph = ONNXGraphProto()
  private var names: UniqueNames
  private var initializers = Set<TensorName>()
  private var otherDomains: [String: Int64] = [:]
  /// The input whose first dimension is the batch.
  private let batchInput: TensorName?
  private var batch: TensorName?

  /// A builder of a model with the name and inputs of `graph`. All names of `graph` count as taken, so that new ones never meet a tensor still to come.
  /// Those of `hidden` tensors, which the file has not, are free.
  init(_ graph: Graph, opset: Int = 13, hidden: Set<TensorName> = []) {
    self.opset = opset
    names = UniqueNames(graph, without: hidden)
    batchInput = graph.inputs.first { $0.type.dimensions.first == .batch }?.name
    self.graph.name = graph.name.isEmpty ? "model" : graph.name
    for input in graph.inputs { self.graph.input.append(ONNXValueInfoProto(name: input.name, type: input.type)) }
  }

  /// `candidate`, or with the first free number behind it; taken from now on.
  mutating func uniqueName(_ candidate: String) -> String { names.next(candidate) }

  /// Adds an initializer under exactly this name, once.
  mutating func initializer(_ name: TensorName, _ tensor: Tensor) {
    names.take([name])
    if initializers.insert(name).inserted { graph.initializer.append(ONNXTensorProto(tensor, name: name)) }
  }

  /// Adds an initializer of signed numbers of four bits under exactly this name, once.
  mutating func initializer(_ name: TensorName, fourBits codes: [Int8], shape: [Int]) {
    names.take([name])
    if initializers.insert(name).inserted { graph.initializer.append(ONNXTensorProto(fourBits: codes, shape: shape, name: name)) }
  }

  /// Adds an initializer under a new name made from `candidate`.
  /// - Returns: the name.
  mutating func constant(_ candidate: String, _ tensor: Tensor) -> TensorName {
    let name = uniqueName(candidate)
    initializer(name, tensor)
    return name
  }

  /// Adds a node. Trailing empty inputs are left out, as the format asks for.
  mutating func node(
    _ type: String, name: String, inputs: [TensorName], outputs: [TensorName], attributes: [ONNXAttributeProto] = [], domain: String = "",
    domainVersion: Int64 = 1
  ) {
    var node = ONNXNodeProto()
    node.opType = type
    node.name = name
    node.input = inputs
    while node.input.last?.isEmpty == true { node.input.removeLast() }
    node.output = outputs
    node.attribute = attributes
    if !domain.isEmpty {
      node.domain = domain
      otherDomains[domain] = domainVersion
    }
    graph.node.append(node)
  }

  /// A vector that holds the batch size, for shapes that depend on it; taken once from the shape of an input.
  /// - Throws: `ONNXError` when no input has a batch as its first dimension.
  mutating func batchSize(_ node: Node) throws(ONNXError) -> TensorName {
    if let batch { return batch }
    guard let batchInput else { throw ONNXError(node: node.name, "its shape depends on the batch size, which no input of the network has first") }
    let shape = uniqueName("\(batchInput)/shape")
    let size = uniqueName("\(batchInput)/batch")
    let index = constant("\(batchInput)/first", Tensor(int64: [0]))
    self.node("Shape", name: shape, inputs: [batchInput], outputs: [shape])
    self.node("Gather", name: size, inputs: [shape, index], outputs: [size], attributes: [.int("axis", 0)])
    batch = size
    return size
  }

  /// Adds an output of the model.
  mutating func output(_ name: TensorName, _ type: TensorType) {
    graph.output.append(ONNXValueInfoProto(name: name, type: type))
  }

  /// The files of the model.
  /// - Parameters:
  ///   - metadata: written as `metadata_props`, sorted by key.
  ///   - limit: bytes of initializers that the model file itself may hold; with more of them they go into a file beside it.
  ///   - dataName: the name of that file.
  /// - Returns: the whole model file, and what goes beside it.
  /// - Throws: `ONNXError` when the model is too large even so.
  func encoded(metadata: [String: String], limit: Int = ONNXFile.inlineLimit, dataName: String = "") throws(ONNXError) -> ONNXFile.Contents {
    var graph = graph
    let data = graph.initializer.reduce(0) { $0 + $1.rawData.count } > limit ? graph.moveInitializersOut(to: dataName) : nil
    var model = ONNXModelProto()
    // The smallest IR version that belongs to the opset: old runtimes refuse newer ones even when they know every operator.
    model.irVersion = opset <= 14 ? 7 : opset <= 18 ? 8 : opset <= 20 ? 9 : 10
    model.producerName = "swift-qat"
    model.graph = graph
    model.opsetImport = [ONNXOperatorSetIdProto(domain: "", version: Int64(opset))]
    for (domain, version) in otherDomains.sorted(by: { $0.key < $1.key }) {
      model.opsetImport.append(ONNXOperatorSetIdProto(domain: domain, version: version))
    }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      var entry = ONNXStringStringEntryProto()
      entry.key = key
      entry.value = value
      model.metadataProps.append(entry)
    }
    do {
      return ONNXFile.Contents(model: try model.serializedBytes(), data: data)
    } catch {
      throw ONNXError("the model is too large for one ONNX file (2 GiB): \(error)")
    }
  }
}

extension ONNXOperatorSetIdProto {
  init(domain: String, version: Int64) {
    self.init()
    self.domain = domain
    self.version = version
  }
}

extension ONNXValueInfoProto {
  /// An input or output; the batch is a dimension named `batch`.
  init(name: TensorName, type: TensorType) {
    self.init()
    self.name = name
    self.type.tensorType.elemType = Int32(type.elementType.onnxDataType.rawValue)
    self.type.tensorType.shape = ONNXTensorShapeProto()
    for dimension in type.dimensions {
      var proto = ONNXTensorShapeProto.Dimension()
      switch dimension {
      case .fixed(let size): proto.dimValue = Int64(size)
      case .batch(multiple: 1): proto.dimParam = "batch"
      case .batch(let multiple): proto.dimParam = "\(multiple)*batch"
      }
      self.type.tensorType.shape.dim.append(proto)
    }
  }
}
