import QATTensor

extension Graph {
  /// The type of every tensor: inputs, constants, and what the nodes compute, by shape inference in node order.
  /// - Parameter batchSize: samples in a batch for which every tensor must stay within what can be counted.
  /// - Returns: types by tensor name.
  /// - Throws: `GraphError` naming the node that cannot take its inputs, a tensor nobody makes, a name made twice, or a tensor that is empty or too large.
  public func tensorTypes(batchSize: Int = 1) throws(GraphError) -> [TensorName: TensorType] {
    guard batchSize > 0 else { throw GraphError("a batch of \(batchSize) samples is none") }
    var types: [TensorName: TensorType] = [:]
    for (name, constant) in constants {
      if name.isEmpty { throw GraphError("a constant of type \(TensorType(constant.tensor)) has no name") }
      types[name] = TensorType(constant.tensor)
    }
    for input in inputs {
      if input.name.isEmpty { throw GraphError("an input of type \(input.type) has no name") }
      if let fault = input.type.fault(batchSize: batchSize) { throw GraphError("the input '\(input.name)' \(fault)") }
      if types.updateValue(input.type, forKey: input.name) != nil {
        throw GraphError("the tensor '\(input.name)' is given twice: as an input, and as another input or a constant")
      }
    }
    for node in nodes {
      let inputTypes = try inputTypes(of: node, types)
      for (name, type) in zip(node.outputs, try outputTypes(of: node, for: inputTypes)) {
        if name.isEmpty { throw GraphError(node: node.name, "has an output without a name") }
        if let fault = type.fault(batchSize: batchSize) { throw GraphError(node: node.name, "makes the tensor '\(name)', which \(fault)") }
        if types.updateValue(type, forKey: name) != nil { throw GraphError(node: node.name, "makes the tensor '\(name)', which exists already") }
      }
    }
    return types
  }

  private func inputTypes(of node: Node, _ types: [TensorName: TensorType]) throws(GraphError) -> [TensorType?] {
    var result: [TensorType?] = []
    for name in node.inputs {
      if name.isEmpty {
        result.append(nil)
      } else if let type = types[name] {
        result.append(type)
      } else if let maker = nodes.first(where: { $0.outputs.contains(name) }) {
        let reason = maker.name == node.name ? "which it makes itself" : "which the node '\(maker.name)' makes only after it"
        throw GraphError(node: node.name, "reads the tensor '\(name)', \(reason)")
      } else {
        throw GraphError(node: node.name, "reads the tensor '\(name)', which nothing makes")
      }
    }
    return result
  }

  private func outputTypes(of node: Node, for inputs: [TensorType?]) throws(GraphError) -> [TensorType] {
    let kind = Swift.type(of: node.op)
    guard kind.inputCount.contains(inputs.count) else {
      throw GraphError(node: node.name, "\(node.type) takes \(kind.inputCountDescription), found \(inputs.count)")
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
  ///
  /// Constants that nobody reads are allowed; they take no part in anything.
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
    var returned = Set<TensorName>()
    for output in outputs {
      if types[output] == nil { throw GraphError("the output '\(output)' is made by no node") }
      if !returned.insert(output).inserted { throw GraphError("the output '\(output)' is returned twice") }
    }
    return self
  }
}

extension TensorType {
  /// Why no tensor of a network can have this type, or nil when one can.
  fileprivate func fault(batchSize: Int) -> String? {
    guard let count = elementCount(batchSize: batchSize) else { return "has a negative size or more than 2^40 elements: \(self)" }
    return count == 0 ? "is empty: \(self)" : nil
  }
}
