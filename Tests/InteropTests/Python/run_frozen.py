"""run_frozen.py MODEL FOLDER JSON: runs a frozen graph in TensorFlow and in OpenVINO.

JSON says {"inputs": {name: {"file", "shape"}}, "outputs": [names], "batch": images at once}; inputs are raw float32 files in the graph's own order of axes. Writes what both compute and
the weights behind their quantizers as raw float32 files into FOLDER; prints their names and files, and in which precision OpenVINO runs each product, as JSON.
"""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy
import openvino
import tensorflow as tf

tf.compat.v1.disable_eager_execution()


def tensorflow(path, inputs, outputs, batch):
    definition = tf.compat.v1.GraphDef()
    with open(path, "rb") as file:
        definition.ParseFromString(file.read())
    graph = tf.Graph()
    with graph.as_default():
        tf.compat.v1.import_graph_def(definition, name="")
    quantizers = [
        node for node in definition.node
        if node.op.startswith("FakeQuantWithMinMaxVars") and graph.get_operation_by_name(node.input[0]).type == "Const"
    ]
    count = len(next(iter(inputs.values())))
    with tf.compat.v1.Session(graph=graph) as session:
        parts = [
            session.run([f"{name}:0" for name in outputs], {f"{name}:0": image[start:start + batch] for name, image in inputs.items()})
            for start in range(0, count, batch)
        ]
        weights = session.run({node.input[0]: (f"{node.name}:0", f"{node.input[2]}:0") for node in quantizers}) if quantizers else {}
    return {name: numpy.concatenate([part[index] for part in parts]) for index, name in enumerate(outputs)}, weights


def openvino_run(path, inputs, outputs, batch):
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})

    def find(ports, name):
        return next(port for port in ports if any(known.split(":")[0] == name for known in port.get_names()))

    count = len(next(iter(inputs.values())))
    parts = []
    for start in range(0, count, batch):
        result = compiled({find(compiled.inputs, name): image[start:start + batch] for name, image in inputs.items()})
        parts.append([result[find(compiled.outputs, name)] for name in outputs])
    precisions = {}
    for node in compiled.get_runtime_model().get_ops():
        information = node.get_rt_info()
        kind = str(information["layerType"].astype(str)) if "layerType" in information else ""
        if kind in ("Convolution", "FullyConnected", "MatMul", "Deconvolution"):
            precisions[node.get_friendly_name()] = str(information["runtimePrecision"].astype(str))
    return {name: numpy.concatenate([part[index] for part in parts]) for index, name in enumerate(outputs)}, precisions


def main():
    path, folder, description = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    inputs = {name: numpy.fromfile(entry["file"], dtype=numpy.float32).reshape(entry["shape"]) for name, entry in description["inputs"].items()}
    files = iter(range(1 << 20))

    def write(array):
        name = os.path.join(folder, f"result{next(files)}.bin")
        numpy.ascontiguousarray(array, dtype=numpy.float32).tofile(name)
        return name

    ours, weights = tensorflow(path, inputs, description["outputs"], description["batch"])
    theirs, precisions = openvino_run(path, inputs, description["outputs"], description["batch"])
    print(json.dumps({
        "tensorflow": {name: write(value) for name, value in ours.items()},
        "openvino": {name: write(value) for name, value in theirs.items()},
        # Codes: values over the step, the largest of 127 steps.
        "weights": {name: write(numpy.rint(value / numpy.maximum(maximum / 127, 1e-38))) for name, (value, maximum) in weights.items()},
        "precisions": precisions,
    }))


main()
