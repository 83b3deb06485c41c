import QATGraph
import QATTensor

extension PlanCompiler {
  /// Moves the elements of one row-major tensor, in runs found up front.
  func movement(_ kernel: any MovementKernel, _ node: Node, _ index: Int) throws -> Bool {
    let (from, to) = (shape(node.inputs[0]), shape(node.outputs[0]))
    guard from.elementCount < Int(Int32.max) else { return false }
    let runs = MovementRuns(kernel.sources([from], batchSize: batchSize))
    let filling = kernel.filling
    let x = try plainValue(node.inputs[0])
    let result = allocate(try .plain(to))
    let (source, destination) = (x.buffer, result.buffer)
    append(
      KernelStep("\(node.type) \(node.name)", reads: [source], writes: [destination]) {
        runs.move(source.floats, to: destination.floats, filling: filling)
      })
    define(node.outputs[0], result)
    onBackward(of: index) { [self] in
      guard wantsGradient(node.inputs[0]), let dy = try gradient(node.outputs[0]) else { return }
      let (upstream, count) = (dy.buffer, from.elementCount)
      try contributeGradient(of: node.inputs[0], in: .plain(from)) { dx in
        KernelStep("\(node.type) backward \(node.name)", reads: [upstream], writes: [dx.buffer]) {
          dx.buffer.floats.update(repeating: 0, count: count)
          runs.addBack(upstream.floats, to: dx.buffer.floats)
        }
      }
    }
    return true
  }

  /// Copies rows of a table: an embedding. Indices are floats that hold whole numbers.
  func gathering(_ op: Gather, _ node: Node, _ index: Int) throws -> Bool {
    let (data, indices) = (shape(node.inputs[0]), shape(node.inputs[1]))
    let axis = op.axis < 0 ? op.axis + data.count : op.axis
    let outer = Array(data[..<axis]).elementCount
    let size = data[axis]
    let run = Array(data[(axis + 1)...]).elementCount
    let count = indices.elementCount
    let (x, places) = (try plainValue(node.inputs[0]).buffer, try plainValue(node.inputs[1]).buffer)
    let result = allocate(try .plain(shape(node.outputs[0])))
    let destination = result.buffer
    append(
      KernelStep("Gather \(node.name)", reads: [x, places], writes: [destination]) {
        for row in 0..<outer * count {
          let target = destination.floats + row * run
          if let place = Self.place(places.floats[row % count], size) {
            target.update(from: x.floats + (row / count * size + place) * run, count: run)
          } else {
            target.update(repeating: .nan, count: run)
          }
        }
      })
    define(node.outputs[0], result)
    onBackward(of: index) { [self] in
      guard wantsGradient(node.inputs[0]), let dy = try gradient(node.outputs[0]) else { return }
      let (upstream, total) = (dy.buffer, data.elementCount)
      try contributeGradient(of: node.inputs[0], in: .plain(data)) { dx in
        KernelStep("Gather backward \(node.name)", reads: [upstream, places], writes: [dx.buffer]) {
          dx.buffer.floats.update(repeating: 0, count: total)
          for row in 0..<outer * count {
            guard let place = Self.place(places.floats[row % count], size) else { continue }
            let (target, source) = (dx.buffer.floats + (row / count * size + place) * run, upstream.floats + row * run)
            for offset in 0..<run { target[offset] += source[offset] }
          }
        }
      }
    }
    return true
  }

  /// The position that an index stands for on an axis of `size`; nil when there is none.
  private static func place(_ index: Float, _ size: Int) -> Int? {
    guard index >= Float(-size), index < Float(size) else { return nil }
    return index < 0 ? Int(index) + size : Int(index)
  }
}
