import QATGraph
import QATTensor

extension Expand: MovementKernel {
  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    let target = outputShape(shapes, batchSize: batchSize)
    return stridedOffsets(shape: target, strides: broadcastStrides(shapes[0], to: target))
  }

  func outputShape(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    broadcastShape([shapes[0], shape.map { $0.resolved(batchSize: batchSize) }])
  }
}

extension Tile: MovementKernel {
  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    offsets(zip(shapes[0], repeats).map { size, count in (0..<size * count).map { $0 % size } }, in: shapes[0])
  }
}

extension Trilu: MovementKernel {
  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    let shape = shapes[0]
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    return (0..<shape.elementCount).map { index in
      let (row, column) = (index / columns % rows, index % columns)
      // Distances within a matrix are small, the diagonal may be any number.
      let isKept = keepsUpper ? column - row >= diagonal : column - row <= diagonal
      return isKept ? index : -1
    }
  }
}
