"""integer_network.py FOLDER: a network of operators on integers (QOperator form) and what ONNX Runtime computes, as integers.onnx and case.safetensors."""
import os
import sys

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

folder = sys.argv[1]
generator = numpy.random.default_rng(3)
constants, nodes = [], []


def constant(name, value):
    constants.append(numpy_helper.from_array(numpy.asarray(value), name))
    return name


def grid(name, scale, zero):
    """Scale and zero-point of an activation."""
    return [constant(f"{name}/s", numpy.float32(scale)), constant(f"{name}/z", numpy.uint8(zero))]


def weight(name, axis, *shape):
    """Codes, scales of each output channel and zero-points of a weight."""
    channels = shape[axis]
    return [
        constant(name, generator.integers(-63, 64, shape).astype(numpy.int8)), constant(f"{name}/s", generator.uniform(0.002, 0.006, channels).astype(numpy.float32)),
        constant(f"{name}/z", numpy.zeros(channels, numpy.int8)),
    ]


def node(kind, inputs, output, domain="", **attributes):
    nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
    return output


contributed = "com.microsoft"
x, a, b, s, g, m, k, y = grid("x", 0.03, 120), grid("a", 0.02, 0), grid("b", 0.02, 128), grid("s", 0.03, 100), grid("g", 1 / 256, 0), grid("m", 0.02, 20), grid("k", 0.02, 10), grid("y", 0.02, 128)
node("QuantizeLinear", ["image", *x], "xq")
node("QLinearConv", ["xq", *x, *weight("w1", 0, 8, 3, 3, 3), *a, constant("b1", generator.integers(-500, 500, 8).astype(numpy.int32))], "aq", pads=[1, 1, 1, 1])
node("MaxPool", ["aq"], "pq", kernel_shape=[2, 2], strides=[2, 2])
node("QLinearConv", ["pq", *a, *weight("w2", 0, 8, 8, 3, 3), *b], "bq", pads=[1, 1, 1, 1])
node("QLinearAdd", ["bq", *b, "pq", *a, *s], "sq", contributed)
node("QLinearSigmoid", ["sq", *s, *g], "gq", contributed)
node("QLinearMul", ["sq", *s, "gq", *g, *m], "mq", contributed)
node("QLinearConcat", [*k, "mq", *m, "pq", *a], "kq", contributed, axis=1)
node("QLinearAveragePool", ["kq", *k, *k], "oq", contributed, kernel_shape=[2, 2], channels_last=0)
node("QLinearLeakyRelu", ["oq", *k, *k], "lq", contributed, alpha=0.25)
node("QLinearGlobalAveragePool", ["lq", *k, *k], "hq", contributed, channels_last=0)
node("Flatten", ["hq"], "nq")
node("QLinearMatMul", ["nq", *k, *weight("w4", 1, 16, 16), *k], "fq")
bias = constant("b3", generator.integers(-500, 500, 5).astype(numpy.int32))
node("QGemm", ["fq", *k, *weight("w3", 0, 5, 16), bias, *y], "yq", contributed, transB=1)
node("DequantizeLinear", ["yq", *y], "scores")
node("QLinearSoftmax", ["yq", *y, *g], "rq", contributed, axis=-1, opset=13)
node("DequantizeLinear", ["rq", *g], "shares")
image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])
results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 5]) for name in ("scores", "shares")]
graph = helper.make_graph(nodes, "integers", [image], results, constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid(contributed, 1)], ir_version=8)
onnx.save(model, os.path.join(folder, "integers.onnx"))
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
images = generator.standard_normal((4, 3, 8, 8)).astype(numpy.float32)
scores, shares = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, {"image": images})
save_file({"image": images, "scores": scores, "shares": shares}, os.path.join(folder, "case.safetensors"))
print(len(numpy.unique(scores)))
