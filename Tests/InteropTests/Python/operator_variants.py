"""operator_variants.py make FOLDER | check FOLDER: every operator, opset and attribute that the importer takes, as the real runtime computes it.

make writes a model of one operator each, its inputs and ONNX Runtime's outputs as raw float32 files, and prints the cases as JSON.
check runs each model's copy NAME.again.onnx, which we wrote from what we read, through the full checker and ONNX Runtime, and prints the faults as JSON.
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from variants import Ints, VARIANTS


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def values(shape, seed, domain):
    generator = np.random.default_rng(seed)
    low, high = domain
    return generator.uniform(low, high, shape).astype(np.float32)


def model(variant, opset):
    """The model: inputs with a dynamic batch, constants as initializers, integer constants as int64."""
    names = [f"x{i}" for i in range(len(variant["inputs"]))]
    constants = [
        numpy_helper.from_array(np.asarray(c, dtype=np.float32 if not isinstance(c, Ints) else np.int64), f"c{i}")
        for i, c in enumerate(variant["constants"]) if c is not None
    ]
    constant_names = [f"c{i}" if c is not None else "" for i, c in enumerate(variant["constants"])]
    node = helper.make_node(variant["op"], names + constant_names, ["y"], name="node", **variant["attributes"])
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (["batch"] if len(shape) > 0 else []) + list(shape[1:]))
        for name, shape in zip(names, variant["inputs"])
    ]
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)


def make(folder):
    cases = []
    for index, variant in enumerate(VARIANTS):
        inputs = {f"x{i}": values(shape, 100 * index + i, variant["domain"]) for i, shape in enumerate(variant["inputs"])}
        for opset in variant["opsets"]:
            name = f"{index:03}-{variant['op']}-{opset}"
            made = model(variant, opset)
            onnx.save(made, os.path.join(folder, name + ".onnx"))
            (output,) = session(made).run(["y"], inputs)
            for key, value in inputs.items():
                value.tofile(os.path.join(folder, f"{name}.{key}"))
            output.astype(np.float32).tofile(os.path.join(folder, name + ".y"))
            cases.append({
                "name": name,
                "description": f"{variant['op']} of opset {opset} {variant['attributes']} on {variant['inputs']}",
                "inputs": {key: list(value.shape) for key, value in inputs.items()},
                "shape": list(output.shape),
            })
    print(json.dumps(cases))


def check(folder):
    faults = {}
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".again.onnx"):
            continue
        name = file[: -len(".again.onnx")]
        try:
            written = onnx.load(os.path.join(folder, file))
            onnx.checker.check_model(written, full_check=True)
            runtime = session(written)
            inputs = {}
            for argument in runtime.get_inputs():
                shape = [2 if isinstance(size, str) else size for size in argument.shape]
                inputs[argument.name] = np.fromfile(os.path.join(folder, f"{name}.{argument.name}"), dtype=np.float32).reshape(shape)
            (output,) = runtime.run(None, inputs)
            expected = np.fromfile(os.path.join(folder, name + ".y"), dtype=np.float32).reshape(output.shape)
            scale = max(float(np.max(np.abs(expected), initial=0)), 1e-3)
            difference = float(np.max(np.abs(output - expected), initial=0)) / scale
            if not difference <= 1e-5:
                faults[name] = f"its outputs are {difference} apart"
        except Exception as error:  # Whatever it is, it is the fault to report.
            faults[name] = str(error)[:500]
    print(json.dumps(faults))


{"make": make, "check": check}[sys.argv[1]](sys.argv[2])
