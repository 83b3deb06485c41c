import Foundation
import QATData
import QATDeployment
import QATEngine
import QATGraph
import QATLowering
import QATTensor
import RealModule

extension ModelFormat {
  /// Samples that an export is proven on.
  public static let proofSampleCount = 4

  /// Reads a quantized file back and compares what it computes with the network that was written.
  /// - Parameters:
  ///   - path: the file.
  ///   - network: what was written to it.
  ///   - samples: samples, each with one array [1, ...] for each input.
  ///   - timeLimit: when no further operator is begun.
  /// - Returns: the proof; nil for networks that are not quantized, for formats that are only written, and for pipes and devices, which give nothing back.
  /// - Throws: the format's error, when the file cannot be read back; `GraphError` when it holds another network.
  public func proof(
    of path: String, against network: Network, samples: [[TensorName: NDArray<Float>]], timeLimit: Duration = .seconds(20)
  ) throws -> ExportProof? {
    guard isReadable, let written = network.lowered else { return nil }
    let kind = try URL(filePath: path).resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey])
    guard kind.isRegularFile == true else { return nil }
    return try ExportProof(of: lower(read(path).graph), against: written, target: network.target, samples: samples, timeLimit: timeLimit)
  }
}

extension ModelFormat.Network {
  /// What the network makes of samples: in its runtime's arithmetic where it is quantized, in float32 otherwise.
  /// - Parameter samples: samples, each with one array [1, ...] for each input.
  /// - Returns: for each sample the outputs by name.
  /// - Throws: `GraphError` when an operator cannot run; what the engine throws.
  public func evaluate(_ samples: [[TensorName: NDArray<Float>]]) throws -> [[TensorName: NDArray<Float>]] {
    if let lowered {
      let network = try DeployedNetwork(lowered, target: target, batchSize: 1)
      return try samples.map { try network.run($0).mapValues(\.values) }
    }
    let plan = try Plan(graph, state: ModelState(graph), batchSize: 1, mode: .evaluation)
    let types = try graph.tensorTypes(batchSize: 1)
    return samples.map { sample in
      for (name, array) in sample { _ = plan.input(name).update(fromContentsOf: array.elements) }
      plan.forward()
      let outputs = graph.outputs.map { ($0, NDArray(Array(plan.output($0)), shape: types[$0]?.shape(batchSize: 1) ?? [])) }
      return Dictionary(outputs, uniquingKeysWith: { first, _ in first })
    }
  }

  /// Samples to compute the network with.
  /// - Parameters:
  ///   - count: how many, at most.
  ///   - source: where they are from; nil draws them from what the network's input quantizers can hold, and 0 or 1 for inputs without one.
  /// - Returns: samples, each with one array [1, ...] for each input.
  /// - Throws: what the source throws.
  public func samples(_ count: Int, from source: (any BatchSource)?) throws -> [[TensorName: NDArray<Float>]] {
    let count = source.map { min(count, $0.sampleCount) } ?? count
    return try (0..<count).map { index in
      var sample: [TensorName: NDArray<Float>] = [:]
      for (port, input) in graph.inputs.enumerated() {
        var array = NDArray<Float>(repeating: 0, shape: input.type.shape(batchSize: 1))
        if let source {
          try array.elements.withUnsafeMutableBufferPointer { try source.read(index..<index + 1, input: input.name, into: $0) }
        } else {
          let grid = lowered?.simulation.nodes.first { $0.op is FakeQuantize && $0.inputs[0] == input.name }.flatMap {
            lowered?.activations[$0.outputs[0]]
          }
          let key = RandomKey(seed: 0, purpose: .calibration, index, port)
          for element in array.elements.indices {
            guard let grid else {
              array.elements[element] = key.uniform(at: element) < 0.5 ? 0 : 1
              continue
            }
            let (low, high) = (Float(grid.range.lowerBound - grid.zeroPoint), Float(grid.range.upperBound - grid.zeroPoint))
            array.elements[element] = (low + (high - low) * key.uniform(at: element)) * grid.scale
          }
        }
        sample[input.name] = array
      }
      return sample
    }
  }
}
