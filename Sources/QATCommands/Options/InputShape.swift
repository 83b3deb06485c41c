import ArgumentParser
import QAT

/// A shape on the command line: `pixels:1,3,224,224`, or `1,3,224,224` for the only input.
struct InputShape: ExpressibleByArgument {
  /// The input; nil for the only one.
  var name: String?
  /// Sizes, the batch first.
  var sizes: [Int]

  init?(argument: String) {
    // Names may hold colons, sizes never do.
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    let name = parts.dropLast().joined(separator: ":")
    let sizes = (parts.last ?? "").split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard !sizes.isEmpty, sizes.allSatisfy({ (1...1 << 30).contains($0) }), parts.count == 1 || !name.isEmpty else { return nil }
    self.name = parts.count == 1 ? nil : name
    self.sizes = sizes
  }
}

/// `--shape`, for commands that read a model.
struct ShapeOptions: ParsableArguments {
  @Option(
    name: .customLong("shape"),
    help: ArgumentHelp(
      "The shape of an input whose sizes the file leaves open, the batch first, such as 1,3,224,224. Needs the name when there are several inputs; may be given for each. Overrides 'input_info'.",
      valueName: "[name:]sizes"))
  var shapes: [InputShape] = []
}

extension [InputShape] {
  /// The shape of every input that has one given: by `--shape`, or by `input_info` where the file leaves a size behind the first open.
  ///
  /// The first size is the batch, which may be any.
  /// - Throws: `CommandError` naming an input that the file does not have.
  func resolved(for inputs: [ModelFormat.FileInput], _ inputInfo: [InputInfo]) throws -> [String: [Dimension]] {
    var result: [String: [Dimension]] = [:]
    for (index, info) in inputInfo.enumerated() {
      let input = info.keyword.map { keyword in inputs.first { $0.name == keyword } } ?? (index < inputs.count ? inputs[index] : nil)
      guard let input, let sizes = info.sampleSize, sizes.count == input.sizes.count, input.sizes.dropFirst().contains(nil) else { continue }
      result[input.name] = dimensions(sizes, of: input)
    }
    for shape in self {
      let names = inputs.map(\.name)
      guard let input = shape.name == nil && inputs.count == 1 ? inputs.first : inputs.first(where: { $0.name == shape.name }) else {
        let given = shape.name.map { "the input '\($0)'" } ?? "an input without its name"
        throw CommandError(
          .usage,
          "--shape gives the shape of \(given), the file has \(names.map { "'\($0)'" }.joined(separator: ", ")): write --shape NAME:\(shape.sizes.map(String.init).joined(separator: ","))"
        )
      }
      result[input.name] = dimensions(shape.sizes, of: input)
    }
    return result
  }

  /// What the configuration says of a network's inputs, where these shapes do not say otherwise.
  func overriding(_ inputInfo: [InputInfo], of graph: Graph) -> [InputInfo] {
    inputInfo.enumerated().map { index, info in
      let name = info.keyword ?? (index < graph.inputs.count ? graph.inputs[index].name : nil)
      guard let shape = first(where: { $0.name == name || $0.name == nil && graph.inputs.count == 1 }) else { return info }
      var info = info
      info.sampleSize = shape.sizes
      return info
    }
  }

  private func dimensions(_ sizes: [Int], of input: ModelFormat.FileInput) -> [Dimension] {
    // A vector of a fixed length is no batch.
    let hasBatch = sizes.count > 1 || input.sizes.first == .some(nil)
    return sizes.enumerated().map { $0 == 0 && hasBatch ? .batch : .fixed($1) }
  }
}
