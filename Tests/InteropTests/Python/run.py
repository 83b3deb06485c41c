"""run.py MODEL INPUT SHAPE FOLDER: runs ONNX Runtime on the raw float32 file INPUT of the JSON shape SHAPE.

Writes every output, and every tensor of codes (the uint8 results of QuantizeLinear and of the Clip behind it), as a raw float32 file into FOLDER and
prints their names and files as JSON. Outputs come from the file as it is; codes from a copy that returns them, whose outputs must be the same.
"""
import json
import os
import sys

import numpy
import onnx
import onnxruntime


def run(model, images):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    # Full-range weights saturate on processors without VNNI unless the slower exact kernels are asked for.
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: images})))


path, input_file, shape, folder = sys.argv[1:]
images = numpy.fromfile(input_file, dtype=numpy.float32).reshape(json.loads(shape))
model = onnx.load(path)
outputs = run(model, images)

quantized = {node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
limited = {node.output[0] for node in model.graph.node if node.op_type == "Clip" and node.input[0] in quantized}
codes = quantized | limited
model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, None) for name in sorted(codes))
observed = run(model, images)
for name, values in outputs.items():
    assert numpy.array_equal(values, observed[name]), f"observing the codes changed '{name}'"

listing = {}
for index, name in enumerate(observed):
    file = os.path.join(folder, f"{index}.bin")
    observed[name].astype(numpy.float32).tofile(file)
    listing[name] = file
print(json.dumps(listing))
