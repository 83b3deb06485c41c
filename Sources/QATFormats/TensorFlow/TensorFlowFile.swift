/// TensorFlow's frozen graphs (GraphDef, .pb): `read(contentsOf:)` makes a `Graph` of one, `write(_:to:metadata:)` writes one.
///
/// Images are NHWC there and NCHW in a `Graph`: reading and writing follow the order of every tensor, so that no transpositions are left in the middle.
/// Sources: the public protobuf messages of TensorFlow; https://www.tensorflow.org/api_docs/python/tf/raw_ops for the operators.
public enum TensorFlowFile {}
