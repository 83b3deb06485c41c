import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("Architectures run and train")
struct ArchitectureTrainingTests {
  /// The small networks at their own size, the published ones of torchvision at 64×64. VGG, the vision transformer and BERT of the published sizes differ from their
  /// small relatives in sizes only.
  @Test(
    arguments: [
      ("resnet_small", nil), ("mobilenet_small", nil), ("vgg_small", nil), ("unet_small", nil), ("vit_small", nil), ("bert_small", nil),
      ("resnet18", 64),
      ("resnet50", 64), ("mobilenet_v2", 64), ("mobilenet_v3_small", 64), ("mobilenet_v3_large", 64), ("efficientnet_b0", 64),
    ] as [(String, Int?)])
  func aStepAlongTheGradientLowersTheLoss(name: String, size: Int?) throws {
    var graph = try #require(architecture(named: name, classes: 5, seed: 1))
    if let size { graph.inputs[0].type.dimensions.replaceSubrange(2..., with: [.fixed(size), .fixed(size)]) }
    try graph.validated()
    let state = try ModelState(graph)
    let plan = try Plan(graph, state: state, batchSize: 2, mode: .training)
    let input = plan.input("input")
    let isToken = graph.inputs[0].type.elementType == .int64
    for index in input.indices { input[index] = isToken ? Float((index * 37) % 999) : Float((index * 7919) % 256) / 128 - 1 }

    func loss() -> Double {
      plan.forward()
      return plan.output("logits").reduce(0.0) { $0 + Double(($1 - 1) * ($1 - 1)) / 2 }
    }
    let before = loss()
    let gradient = plan.outputGradient("logits")
    for (index, value) in plan.output("logits").enumerated() { gradient[index] = value - 1 }
    plan.backward()
    let norm = state.gradients.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(before.isFinite && norm.isFinite && norm > 0)
    let silent = state.parameterSlots.filter { slot in state.gradients[slot.range].allSatisfy { $0 == 0 } }.map(\.name)
    // A head that starts from zero lets nothing through in the first step.
    if name != "vit_small" { #expect(silent.isEmpty, "\(silent)") }
    // A step so small that the loss is almost a plane: it falls by rate · |gradient|².
    let rate = 1e-3 * before / norm
    for index in state.gradients.indices { state.parameters.elements[index] -= Float(rate) * state.gradients[index] }
    let after = loss()
    #expect(after < before, "the loss went from \(before) to \(after)")

    let evaluation = try Plan(graph, state: state, batchSize: 1, mode: .evaluation)
    _ = evaluation.input("input").update(fromContentsOf: input.prefix(input.count / 2))
    evaluation.forward()
    let areFinite = evaluation.output("logits").allSatisfy(\.isFinite)
    #expect(areFinite)
  }
}
