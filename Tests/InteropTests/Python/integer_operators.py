"""integer_operators.py FOLDER: single operators on integers between QuantizeLinear and DequantizeLinear, as NAME.onnx, and what ONNX Runtime makes of every code, as NAME.safetensors; prints the
cases as JSON.

ONNX Runtime has no kernel for QLinearReduceMean: it runs the operator's definition, ReduceMean between DequantizeLinear and QuantizeLinear, without its optimizer.
"""
import json
import os
import sys

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

contributed = "com.microsoft"
folder = sys.argv[1]
generator = numpy.random.default_rng(5)


def model(nodes, constants, shape, result):
    graph = helper.make_graph(
        nodes, "single", [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["batch", *shape[1:]])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, result)], [numpy_helper.from_array(value, name) for name, value in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid(contributed, 1)], ir_version=8)


def run(file, values):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(file.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, {"in": values})[0]


def case(name, kind, codes, x, y, **attributes):
    constants = {"xs": numpy.float32(x[0]), "xz": codes.dtype.type(x[1]), "ys": numpy.float32(y[0]), "yz": codes.dtype.type(y[1])}
    quantize = helper.make_node("QuantizeLinear", ["in", "xs", "xz"], ["xq"])
    dequantize = helper.make_node("DequantizeLinear", ["yq", "ys", "yz"], ["out"])
    node = helper.make_node(kind, ["xq", "xs", "xz", "ys", "yz"], ["yq"], name="operator", domain=contributed, **attributes)
    spatial = kind == "QLinearReduceMean"
    result = ["batch"] + [None] * ((codes.ndim if not spatial or attributes["keepdims"] else codes.ndim - len(attributes["axes"])) - 1)
    file = model([quantize, node, dequantize], constants, codes.shape, result)
    onnx.save(file, os.path.join(folder, f"{name}.onnx"))
    if spatial:
        formula = [
            helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["x"]), helper.make_node("ReduceMean", ["x"], ["y"], **attributes),
            helper.make_node("QuantizeLinear", ["y", "ys", "yz"], ["yq"])]
        file = model([quantize, *formula, dequantize], constants, codes.shape, result)
    # The middles of the steps, which quantize to the codes.
    values = ((codes.astype(numpy.float64) - x[1]) * numpy.float32(x[0])).astype(numpy.float32)
    save_file({"in": values, "out": numpy.ascontiguousarray(run(file, values))}, os.path.join(folder, f"{name}.safetensors"))
    # 1 / scale, as the runtime takes it.
    reciprocal = numpy.float32(1) / numpy.float32(y[0])
    cases.append({"name": name, "scale": float(numpy.float32(y[0])), "isCut": not spatial and float(reciprocal) != round(float(reciprocal))})


def codes(kind, *shape):
    limits = numpy.iinfo(kind)
    return generator.integers(limits.min, limits.max + 1, shape).astype(kind)


cases = []
for kind, lowest in [(numpy.uint8, 0), (numpy.int8, -128)]:
    for number, (x, y) in enumerate([(0.02, 1 / 256), (0.1, 1 / 128), (0.3, 0.005), (1.0, 1 / 256), (0.1, 1 / 255), (0.1, 0.0037)]):
        case(f"softmax-{kind.__name__}-{number}", "QLinearSoftmax", codes(kind, 2000, 10), (x, lowest + 120), (y, lowest), axis=-1, opset=13)
    # Scales that leave no mean on a tie.
    for number, (axes, keeps, y) in enumerate([([2, 3], 1, 0.0203), ([2, 3], 0, 0.00703), ([1], 0, 0.0301), ([1, 3], 1, 0.01103)]):
        case(f"mean-{kind.__name__}-{number}", "QLinearReduceMean", codes(kind, 64, 12, 5, 7), (0.03, lowest + 120), (y, lowest + 90), axes=axes, keepdims=keeps)
print(json.dumps(cases))
