import QATGraph

extension PotentialQuantizers {
  /// Counts weights of operators that can have weight quantizers, and live inputs of operators that compute on integers; ignored ones included.
  init(in network: LiveGraph) {
    self.init()
    var weightTensors = Set<TensorName>()
    for (node, operatorClass) in zip(network.graph.nodes, network.classes) where network.isLive(node) {
      for (port, tensor) in node.inputs.enumerated() where !tensor.isEmpty && !operatorClass.plainPorts.contains(port) {
        if network.liveTensors.contains(tensor) {
          if operatorClass.trait == .inputsQuantizable { activations += 1 }
        } else if operatorClass.weightPorts.contains(port), weightTensors.insert(tensor).inserted {
          weights += 1
        }
      }
    }
  }
}
