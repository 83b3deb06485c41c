/// OpenVINO's own model files, the intermediate representation (IR) of version 11: a `.xml` with the layers and, beside it, a `.bin` with their constants.
///
/// They are written only: whoever has one has the ONNX file or the checkpoint it came from. Source: OpenVINO's operation sets,
/// https://docs.openvino.ai/2025/documentation/openvino-ir-format/operation-sets.html.
public enum OpenVINOFile {}
