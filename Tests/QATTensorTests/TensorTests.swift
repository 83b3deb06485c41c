import QATTensor
import Testing

@Suite struct TensorTests {
  @Test func keepsShapeAndElements() {
    let tensor = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    #expect(tensor.shape == [2, 3])
    #expect(tensor.count == 6)
    #expect(tensor.elementType == .float32)
    #expect(tensor.floats == [1, 2, 3, 4, 5, 6])
    #expect(tensor.reshaped([3, 2]) == Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2]))
    #expect(tensor.reshaped([3, 2]) != tensor)
  }

  @Test func aScalarHasOneElementAndAnEmptyTensorNone() {
    #expect(Tensor([7], shape: []).count == 1)
    #expect(Tensor([], shape: [2, 0]).count == 0)
    #expect(Tensor(repeating: 3, shape: [2, 2]).floats == [3, 3, 3, 3])
    #expect(Tensor(repeating: 3, shape: []).floats == [3])
    #expect(Tensor(int64: [4, -1]) == Tensor(shape: [2], elements: .int64([4, -1])))
  }

  @Test(
    arguments: [
      (.float32([1, 2]), .float32), (.float64([1, 2]), .float64), (.int8([1, 2]), .int8), (.uint8([1, 2]), .uint8), (.int32([1, 2]), .int32),
      (.int64([1, 2]), .int64), (.bool([true, false]), .bool),
    ] as [(Tensor.Elements, ElementType)])
  func knowsTypeAndCountOfItsElements(elements: Tensor.Elements, type: ElementType) {
    let tensor = Tensor(shape: [2], elements: elements)
    #expect(tensor.elementType == type)
    #expect(tensor.count == 2)
    #expect((tensor.floats != nil) == (type == .float32))
    #expect(tensor.integers == ([.int8, .uint8, .int32, .int64].contains(type) ? [1, 2] : nil))
  }

  @Test func integersKeepTheirValue() {
    #expect(Tensor(shape: [2], elements: .int8([-128, 127])).integers == [-128, 127])
    #expect(Tensor(shape: [1], elements: .uint8([255])).integers == [255])
    #expect(Tensor(shape: [2], elements: .int64([.min, .max])).integers == [Int.min, Int.max])
  }

  @Test func aShapeThatDoesNotFitTheElementsStopsTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2, 3], shape: [2, 2]) }
    // The product fits, the dimensions do not exist.
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2], shape: [-1, -2]) }
  }
}
