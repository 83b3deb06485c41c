"""run_layers.py RUNTIME FOLDER: runs every FOLDER/N.onnx on FOLDER/N.in, with the settings that a user has who sets nothing but float32 and one thread.

N.in is raw float32 in the shape of the file's input at the batch size in N.shape. Writes all outputs of a file, in its order, as raw float32 to N.out. Prints whether the
processor has VNNI.
"""
import json
import pathlib
import sys

import numpy


def onnxruntime_runner(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {session.get_inputs()[0].name: images})


def openvino_runner(path):
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})

    def run(images):
        results = compiled({compiled.inputs[0]: images})
        return [results[output] for output in compiled.outputs]

    return run


runner = {"onnxruntime": onnxruntime_runner, "openvino": openvino_runner}[sys.argv[1]]
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.onnx")):
    shape = json.loads(path.with_suffix(".shape").read_text())
    images = numpy.fromfile(path.with_suffix(".in"), dtype=numpy.float32).reshape(shape)
    outputs = runner(str(path))(images)
    numpy.concatenate([numpy.asarray(values, dtype=numpy.float32).ravel() for values in outputs]).tofile(path.with_suffix(".out"))
flags = pathlib.Path("/proc/cpuinfo").read_text().split()
print(json.dumps({"hasVNNI": "avx512_vnni" in flags or "avx_vnni" in flags}))
