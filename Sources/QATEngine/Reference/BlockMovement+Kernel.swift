import QATGraph
import QATTensor

extension DepthToSpace: MovementKernel {
  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    let (n, h, w) = (shapes[0][0], shapes[0][2], shapes[0][3])
    let c = shapes[0][1] / (blockSize * blockSize)
    // The input as [n, block row, block column, c, h, w] or [n, c, block row, block column, h, w], read in the order n, c, h, block row, w, block column.
    let (channel, place) = order == .depthColumnRow ? (h * w, c * h * w) : (blockSize * blockSize * h * w, h * w)
    return stridedOffsets(
      shape: [n, c, h, blockSize, w, blockSize], strides: [c * blockSize * blockSize * h * w, channel, w, blockSize * place, 1, place])
  }
}

extension SpaceToDepth: MovementKernel {
  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    let (n, c, height, width) = (shapes[0][0], shapes[0][1], shapes[0][2], shapes[0][3])
    // The input as [n, c, h, block row, w, block column], read in the order n, block row, block column, c, h, w.
    return stridedOffsets(
      shape: [n, blockSize, blockSize, c, height / blockSize, width / blockSize],
      strides: [c * height * width, width, 1, height * width, blockSize * width, blockSize])
  }
}
