import Foundation
import QATGraph
import QATLowering
import QATTensor
import QATTensorFlow
import Testing

/// The layers of a quantized network, each by itself: behind every activation quantizer the network ends, and goes on from an input of its own.
///
/// Two programs that add floats in different orders differ by a unit in the last place, which moves a code beside a tie here and there; a moved code moves others
/// behind it, and through enough layers everything by a code or two. Only layers that are given the same codes can be compared.
struct SeveredNetwork {
  /// A quantizer of the whole network.
  struct Cut {
    /// What it reads, and what it makes.
    var values, codes: TensorName
    var grid: ActivationCodes
    /// The names of its output and of the input behind it, in the severed network.
    var output, input: TensorName
  }

  let lowered: LoweredGraph
  let cuts: [Cut]

  init(_ whole: LoweredGraph) throws {
    var lowered = whole
    let types = try whole.simulation.tensorTypes()
    var cuts: [Cut] = []
    var beginnings: [Node] = []
    for (index, node) in whole.simulation.nodes.enumerated() where node.op is FakeQuantize && !whole.simulation.outputs.contains(node.outputs[0]) {
      let codes = node.outputs[0]
      guard let grid = whole.activations[codes], let type = types[codes] else { continue }
      let cut = Cut(values: node.inputs[0], codes: codes, grid: grid, output: "codes\(cuts.count)", input: "given\(cuts.count)")
      cuts.append(cut)
      lowered.simulation.inputs.append(.init(name: cut.input, type: type))
      lowered.simulation.nodes[index].outputs = [cut.output]
      lowered.activations[cut.output] = grid
      beginnings.append(Node(name: "beginning\(cuts.count)", op: node.op, inputs: [cut.input] + node.inputs.dropFirst(), outputs: [codes]))
    }
    lowered.simulation.nodes = beginnings + lowered.simulation.nodes
    lowered.simulation.outputs = cuts.map(\.output) + whole.simulation.outputs
    self.lowered = lowered
    self.cuts = cuts
  }
}

extension SeveredNetwork {
  /// Compares what TensorFlow and OpenVINO make of the layers with the whole network here, each layer on the codes that stand before it here.
  ///
  /// A code may differ by one where the value here lies beside the tie between the two, by at most `tolerance` steps of its grid: what sums of floats in
  /// another order can be apart. The network's own outputs must be equal up to rounding, of which `lastStep`, a step of the last layer's grid, is the measure.
  static func compareLayers(
    of whole: LoweredGraph, on images: [TensorName: FrozenModel.Array], tolerance: Float, lastStep: Float, name: String
  ) throws {
    let folder = try TemporaryFolder()
    let severed = try SeveredNetwork(whole)
    var observed = whole.simulation
    let seen = Set(severed.cuts.flatMap { [$0.values, $0.codes] }).subtracting(observed.inputs.map(\.name)).subtracting(observed.outputs)
    observed.outputs += seen.sorted()
    let count = try #require(images.values.first).shape[0]
    let types = try observed.tensorTypes(batchSize: count)
    let given = try images.mapValues { try $0.tensor() }
    let ours = try observed.planned(on: given)
    var inputs = images
    for cut in severed.cuts {
      let shape = try #require(types[cut.codes]).shape(batchSize: count)
      inputs[cut.input] = try FrozenModel.Array(Tensor(#require(ours[cut.codes]), shape: shape), file: folder.file(cut.input))
    }
    let file = folder.file("severed.pb")
    try TensorFlowFile.write(severed.lowered, to: file)
    let run = try FrozenRun.of(file, on: inputs, outputs: severed.lowered.simulation.outputs, in: folder)
    for (runtime, files) in [("TensorFlow", run.tensorflow), ("OpenVINO", run.openvino)] {
      var (moved, all, farthest) = (0, 0, Float(0))
      for cut in severed.cuts {
        let shape = try #require(types[cut.codes]).shape(batchSize: count)
        let theirs = try FrozenModel.Array(file: #require(files[cut.output]), shape: FrozenModel.Array.fileShape(shape)).tensor().floats ?? []
        let (codes, values) = (try #require(ours[cut.codes]), try ours[cut.values] ?? #require(given[cut.values]?.floats))
        try #require(theirs.count == codes.count && values.count == codes.count && !codes.isEmpty)
        all += codes.count
        for index in codes.indices where abs(theirs[index] - codes[index]) > 0.5 * cut.grid.scale {
          moved += 1
          let value = values[index] / cut.grid.scale
          let middle = (theirs[index] + codes[index]) / (2 * cut.grid.scale)
          farthest = max(farthest, abs(value - middle))
        }
      }
      print("\(name): \(moved) of \(all) codes are beside a tie and differ in \(runtime), at most \(farthest) steps from it")
      #expect(farthest <= tolerance, "a code in \(runtime)")
      #expect(Double(moved) <= 1e-4 * Double(all), "codes in \(runtime)")
      for output in whole.simulation.outputs {
        let theirs = try FrozenModel.floats(files[output] ?? "")
        let distance = zip(try #require(ours[output]), theirs).map { abs($0 - $1) }.max() ?? .infinity
        print("\(name): \(output) of the last layer is at most \(distance / lastStep) steps of its grid from \(runtime)")
        #expect(theirs.count == ours[output]?.count && distance <= 0.01 * lastStep, "\(runtime)")
      }
    }
  }
}
