import QATTensor

extension Graph {
  /// The type of every tensor: inputs, constants, and what the nodes compute, by shape inference in node order.
  /// - Throws: `GraphError` naming the node that cannot take its inputs, a tensor nobody makes, or a name made twice.
  public func tensorTypes() throws(GraphError) -> [TensorName: TensorType] {
    var types: [TensorName: TensorType] = [:]
    for (name, constant) in constants { types[name] = TensorType(constant.tensor) }
    for input in inputs where types.updateValue(input.type, forKey: input.name) != nil {
      throw GraphError("the tensor '\(input.name)' is given twice: as an input and as an input or constant")
    }
    for node in nodes {
      var inputTypes: [TensorType?] = []
      for name in node.inputs {
        if name.isEmpty {
          inputTypes.append(nil)
        } else if let type = types[name] {
          inputTypes.append(type)
        } else {
          throw GraphError(node: node.name, "reads the tensor '\(name)', which nothing before it makes")
        }
      }
      let outputTypes = try Self.outputTypes(of: node, for: inputTypes)
      for (name, type) in zip(node.outputs, outputTypes) {
        if types.updateValue(type, forKey: name) != nil { throw GraphError(node: node.name, "makes the tensor '\(name)', which exists already") }
      }
    }
    return types
  }

  private static func outputTypes(of node: Node, for inputs: [TensorType?]) throws(GraphError) -> [TensorType] {
    let allowed = Swift.type(of: node.op).inputCount
    guard allowed.contains(inputs.count) else {
      throw GraphError(node: node.name, "\(node.type) takes \(allowed.lowerBound) to \(allowed.upperBound) inputs, found \(inputs.count)")
    }
    do throws(ShapeError) {
      let outputs = try node.op.outputTypes(for: inputs)
      guard node.outputs.count == outputs.count else {
        throw ShapeError("\(node.type) has \(outputs.count) outputs, the node names \(node.outputs.count)")
      }
      return outputs
    } catch {
      throw GraphError(node: node.name, error.description)
    }
  }

  /// The graph itself when it is a network: names unique, every tensor made before it is read, all shapes fit, every output exists.
  /// - Returns: this graph.
  /// - Throws: `GraphError` with the first fault.
  @discardableResult
  public func validated() throws(GraphError) -> Graph {
    var names = Set<String>()
    for node in nodes {
      if node.name.isEmpty { throw GraphError("a node of type \(node.type) has no name") }
      if !names.insert(node.name).inserted { throw GraphError(node: node.name, "two nodes have this name") }
    }
    let types = try tensorTypes()
    if outputs.isEmpty { throw GraphError("the network has no output") }
    for output in outputs where types[output] == nil { throw GraphError("the output '\(output)' is made by no node") }
    return self
  }
}
