/// ONNX model files: `read(contentsOf:)` makes a `Graph` of one, `write(_:to:metadata:)` writes one.
///
/// What is read is the public format, opset 7 to 25, as far as the operators have a counterpart in QATGraph. Source: https://onnx.ai/onnx/repo-docs/IR.html.
public enum ONNXFile {}
