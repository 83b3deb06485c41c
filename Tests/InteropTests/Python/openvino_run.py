"""openvino_run.py MODEL INPUT SHAPE FOLDER: runs OpenVINO on the raw float32 file INPUT of the JSON shape SHAPE, in float32 where it does not use integers.

Writes every output as a raw float32 file into FOLDER. Prints, as JSON, the outputs' names and files, and the graph that was executed: for each layer its type, its
precisions, and the names of the network's nodes that it stands for.
"""
import json
import os
import sys

import numpy
import openvino


def execution(compiled):
    layers = []
    for operation in compiled.get_runtime_model().get_ordered_ops():
        info = operation.get_rt_info()

        def text(key):
            return str(info[key].astype(str)) if key in info else ""

        layers.append({
            "name": operation.get_friendly_name(),
            "type": text("layerType"),
            "precision": text("runtimePrecision"),
            "outputs": text("outputPrecisions").split(","),
            "inputs": [source.get_node().get_rt_info()["outputPrecisions"].astype(str) for source in operation.input_values()],
            "nodes": [name for name in text("originalLayersNames").split(",") if name],
        })
    return layers


if __name__ == "__main__":
    path, input_file, shape, folder = sys.argv[1:]
    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    images = numpy.fromfile(input_file, dtype=numpy.float32).reshape(json.loads(shape))
    results = compiled({compiled.inputs[0]: images})
    files = {}
    for index, output in enumerate(compiled.outputs):
        file = os.path.join(folder, f"openvino-{index}.bin")
        numpy.asarray(results[output], dtype=numpy.float32).tofile(file)
        for name in output.get_names():
            files[name] = file
    print(json.dumps({"outputs": files, "layers": execution(compiled)}))
