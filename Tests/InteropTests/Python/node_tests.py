"""node_tests.py FOLDER PATTERNS TYPE...: the ONNX project's own tests of its operators, as far as they use the given operator types only.

Writes for each test NAME.onnx and NAME.safetensors (inputs as `in/NAME`, expected outputs as `out/NAME`) into FOLDER and prints a JSON list of the tests:
their names, operator types, and why one cannot be run here, if so. Expected outputs of tests whose name fits one of PATTERNS, separated by commas, are ONNX Runtime's. What belongs to an operator's attributes (shapes, axes, bounds) becomes an initializer.
"""
import fnmatch
import glob
import json
import os
import sys

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper
from safetensors.numpy import save_file

# Inputs that say how an operator works rather than what it works on. Networks give them as constants.
SETTINGS = {
    "Clip": [1, 2], "ConstantOfShape": [0], "Dropout": [1, 2], "Expand": [1], "Pad": [1, 2, 3], "Range": [0, 1, 2], "Reshape": [1], "Resize": [1, 2, 3],
    "Slice": [1, 2, 3, 4], "Split": [1], "Squeeze": [1], "Tile": [1], "TopK": [1], "Trilu": [1], "Unsqueeze": [1], "Upsample": [1], "OneHot": [1],
    "CumSum": [1], "CenterCropPad": [1],
}
SETTINGS.update({f"Reduce{kind}": [1] for kind in ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]})
# The element types that networks have here: float32, to which float64 is converted, and the types of shapes, indices and masks.
TYPES = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.INT32, onnx.TensorProto.INT64, onnx.TensorProto.BOOL}


def tensors(model, folder):
    """Inputs and expected outputs by name, or a reason why there are none."""
    result = {}
    for kind, values in [("in", model.graph.input), ("out", model.graph.output)]:
        for index, info in enumerate(values):
            if info.type.WhichOneof("value") != "tensor_type":
                return f"a {info.type.WhichOneof('value').removesuffix('_type')} instead of a tensor"
            if info.type.tensor_type.elem_type not in TYPES:
                return f"the element type {onnx.TensorProto.DataType.Name(info.type.tensor_type.elem_type).lower()}"
            array = numpy_helper.to_array(onnx.load_tensor(os.path.join(folder, f"{kind}put_{index}.pb")))
            if array.size == 0 and not (kind == "in" and info.name in settings(model)):
                return "a tensor without elements"
            result[f"{kind}/{info.name}"] = numpy.array(array, order="C", copy=True)
    return result


def settings(model):
    """Names of the inputs that become initializers."""
    return {
        node.input[index]
        for node in model.graph.node
        for index in SETTINGS.get(node.op_type, [])
        if index < len(node.input) and node.input[index]
    }


def raise_opset(model):
    """Files of an opset below 7 ask for 7, as far as none of their operators changed until then."""
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version < 7:
            changed = [node.op_type for node in model.graph.node if since(node, 7) > entry.version]
            if not changed:
                entry.version = 7


def since(node, opset):
    return onnx.defs.get_schema(node.op_type, opset, node.domain).since_version


def computed(model, data):
    """The test's data with outputs as ONNX Runtime computes them."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in model.graph.output]
    inputs = {key: value for key, value in data.items() if key.startswith("in/")}
    results = session.run(names, {value.name: inputs[f"in/{value.name}"] for value in session.get_inputs()})
    return inputs | {f"out/{name}": numpy.ascontiguousarray(result) for name, result in zip(names, results)}


def main(target, patterns, types):
    listing = []
    source = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", "node")
    for path in sorted(glob.glob(os.path.join(source, "*", "model.onnx"))):
        model = onnx.load(path)
        used = {f"{node.domain}::{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type for node in model.graph.node}
        if not used <= types or not used:
            continue
        folder = os.path.dirname(path)
        name = os.path.basename(folder)
        data = tensors(model, os.path.join(folder, "test_data_set_0"))
        entry = {"name": name, "types": sorted(used), "outputs": [output.name for output in model.graph.output]}
        if isinstance(data, str):
            entry["obstacle"] = data
        else:
            for setting in settings(model):
                value = data.pop(f"in/{setting}", None)
                if value is not None:
                    model.graph.initializer.append(numpy_helper.from_array(value, setting))
            known = {initializer.name for initializer in model.graph.initializer}
            inputs = [value for value in model.graph.input if value.name not in known]
            del model.graph.input[:]
            model.graph.input.extend(inputs)
            raise_opset(model)
            if any(node.op_type == "BatchNormalization" and len(node.output) > 1 for node in model.graph.node):
                # Running statistics are the network's state, not its outputs.
                entry["training"] = True
                entry["outputs"] = entry["outputs"][:1]
                del model.graph.output[1:]
            if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                entry["isRuntimes"] = True
                data = computed(model, data)
            onnx.save(model, os.path.join(target, f"{name}.onnx"))
            save_file(data, os.path.join(target, f"{name}.safetensors"))
        listing.append(entry)
    print(json.dumps(listing))


main(sys.argv[1], sys.argv[2].split(","), set(sys.argv[3:]))
