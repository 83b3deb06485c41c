import Foundation
import QATGraph
import QATTensor

/// Puts an IR together, layer by layer. What is added first is written first, so equal calls give equal bytes.
struct IRBuilder {
  /// An output of a layer.
  struct Port: Hashable {
    var layer: Int
    var index: Int
  }

  /// What a layer gives out.
  struct Output {
    var elementType: ElementType
    /// Dimensions, when they are known; OpenVINO infers them again.
    var dimensions: [QATGraph.Dimension]?
    /// The names under which users find the tensor.
    var names: [TensorName] = []
  }

  private struct Layer {
    var name: String
    var type: String
    var opset: Int
    var attributes: [IRAttribute]
    var inputs: [Port]
    var outputs: [Output]
  }

  private let name: String
  private var layers: [Layer] = []
  private var constants = Data()
  /// Constants written so far: equal ones share their bytes and their layer.
  private var known: [Tensor: Port] = [:]

  init(name: String) { self.name = name }

  /// Adds a layer.
  /// - Returns: its outputs.
  mutating func layer(
    _ type: String, opset: Int = 1, name: String, inputs: [Port], attributes: [IRAttribute] = [], outputs: [Output]
  ) -> [Port] {
    layers.append(Layer(name: name, type: type, opset: opset, attributes: attributes, inputs: inputs, outputs: outputs))
    return outputs.indices.map { Port(layer: layers.count - 1, index: inputs.count + $0) }
  }

  /// Adds a constant, named after what reads it when it has no name of its own.
  mutating func constant(_ tensor: Tensor, name: String) -> Port {
    if let port = known[tensor] { return port }
    let offset = constants.count
    tensor.elements.withBytes { constants.append(contentsOf: $0) }
    let attributes: [IRAttribute] = [
      .init("element_type", tensor.elementType.irName), .init("shape", tensor.shape), .init("offset", offset),
      .init("size", constants.count - offset),
    ]
    let output = Output(elementType: tensor.elementType, dimensions: tensor.shape.map(QATGraph.Dimension.fixed))
    let port = layer("Const", name: name, inputs: [], attributes: attributes, outputs: [output])[0]
    known[tensor] = port
    return port
  }

  /// Adds an input of the model.
  mutating func parameter(_ name: TensorName, _ type: TensorType) -> Port {
    let shape = type.dimensions.map { $0.fixedSize.map(String.init) ?? "?" }.joined(separator: ",")
    let attributes = [IRAttribute("shape", shape), IRAttribute("element_type", type.elementType.irName)]
    let output = Output(elementType: type.elementType, dimensions: type.dimensions, names: [name])
    return layer("Parameter", name: name, inputs: [], attributes: attributes, outputs: [output])[0]
  }

  /// Adds an output of the model.
  mutating func result(_ port: Port, name: TensorName) {
    addName(name, to: port)
    _ = layer("Result", name: "\(name)/result", inputs: [port], outputs: [])
  }

  /// Lets users find a tensor under one more name.
  mutating func addName(_ name: TensorName, to port: Port) {
    let layer = layers[port.layer]
    let index = port.index - layer.inputs.count
    if !layer.outputs[index].names.contains(name) { layers[port.layer].outputs[index].names.append(name) }
  }

  private func output(at port: Port) -> Output { layers[port.layer].outputs[port.index - layers[port.layer].inputs.count] }

  /// The contents of the two files.
  /// - Parameter metadata: strings that stand under `swift_qat` in the model's `rt_info`, sorted by key.
  /// - Returns: the layers, and the constants that they refer to.
  func encoded(metadata: [String: String]) -> (xml: Data, constants: Data) {
    var xml = XMLText()
    xml.line("<?xml version=\"1.0\"?>")
    xml.element("net", [.init("name", name.isEmpty ? "model" : name), .init("version", 11)]) { xml in
      xml.element("layers", []) { xml in
        for (id, layer) in layers.enumerated() { write(layer, id, to: &xml) }
      }
      xml.element("edges", []) { xml in
        for (id, layer) in layers.enumerated() {
          for (index, source) in layer.inputs.enumerated() {
            xml.element(
              "edge", [.init("from-layer", source.layer), .init("from-port", source.index), .init("to-layer", id), .init("to-port", index)])
          }
        }
      }
      xml.element("rt_info", []) { xml in
        xml.element("swift_qat", []) { xml in
          for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { xml.element(XMLText.elementName(key), [.init("value", value)]) }
        }
      }
    }
    return (xml.data, constants)
  }

  private func write(_ layer: Layer, _ id: Int, to xml: inout XMLText) {
    let head: [IRAttribute] = [
      .init("id", id), .init("name", layer.name), .init("type", layer.type), .init("version", "opset\(layer.opset)"),
    ]
    // The format lets a Result say under which names the model returns it.
    let returned = layer.type == "Result" ? layer.inputs.map { IRAttribute("output_names", names(output(at: $0).names)) } : []
    xml.element("layer", head + returned) { xml in
      if !layer.attributes.isEmpty { xml.element("data", layer.attributes) }
      if !layer.inputs.isEmpty {
        xml.element("input", []) { xml in
          for (index, source) in layer.inputs.enumerated() { write(output(at: source), index, isInput: true, to: &xml) }
        }
      }
      if !layer.outputs.isEmpty {
        xml.element("output", []) { xml in
          for (index, output) in layer.outputs.enumerated() { write(output, layer.inputs.count + index, isInput: false, to: &xml) }
        }
      }
    }
  }

  private func write(_ output: Output, _ index: Int, isInput: Bool, to xml: inout XMLText) {
    var attributes: [IRAttribute] = [.init("id", index), .init("precision", output.elementType.irPrecision)]
    if !isInput, !output.names.isEmpty { attributes.append(.init("names", names(output.names))) }
    guard let dimensions = output.dimensions, !dimensions.isEmpty else { return xml.element("port", attributes) }
    xml.element("port", attributes) { xml in
      for dimension in dimensions { xml.line("<dim>\(dimension.fixedSize ?? -1)</dim>") }
    }
  }

  /// Several names stand behind each other with commas between them.
  private func names(_ names: [TensorName]) -> String {
    names.map { $0.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: ",", with: "\\,") }.joined(separator: ",")
  }
}

extension ElementType {
  /// IR's name of the type in attributes.
  var irName: String {
    switch self {
    case .float32: "f32"
    case .float64: "f64"
    case .int8: "i8"
    case .uint8: "u8"
    case .int32: "i32"
    case .int64: "i64"
    case .bool: "boolean"
    }
  }

  /// IR's name of the type at ports.
  var irPrecision: String {
    switch self {
    case .float32: "FP32"
    case .float64: "FP64"
    case .bool: "BOOL"
    default: irName.uppercased()
    }
  }
}

extension Tensor.Elements {
  /// The elements in memory: little-endian on every machine that this project runs on.
  fileprivate func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
    switch self {
    case .float32(let values): values.withUnsafeBytes(body)
    case .float64(let values): values.withUnsafeBytes(body)
    case .int8(let values): values.withUnsafeBytes(body)
    case .uint8(let values): values.withUnsafeBytes(body)
    case .int32(let values): values.withUnsafeBytes(body)
    case .int64(let values): values.withUnsafeBytes(body)
    case .bool(let values): values.withUnsafeBytes(body)
    }
  }
}
