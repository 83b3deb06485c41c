"""Checks the demo's numbers: accuracy, size, time, and that ONNX Runtime agrees with our own evaluation and computes on integers.

check.py FOLDER DATA FP32_TOP1 INT8_TOP1 SECONDS
"""
import gzip
import os
import sys

import numpy
import onnx
import onnxruntime


def images_and_labels(folder):
    def read(name, header):
        with gzip.open(os.path.join(folder, name)) as file:
            return numpy.frombuffer(file.read(), numpy.uint8, offset=header)

    pixels = read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    return (pixels.astype(numpy.float32) / 255 - numpy.float32(0.286)) / numpy.float32(0.353), read("t10k-labels-idx1-ubyte.gz", 8)


def top1(path, images, labels, optimized):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = optimized
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    scores = [session.run(None, {name: images[start : start + 500]})[0] for start in range(0, len(images), 500)]
    return float((numpy.concatenate(scores).argmax(1) == labels).mean())


def main():
    folder, data, fp32, int8, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])
    faults = []

    def check(what, holds):
        print(f"check: {'ok   ' if holds else 'WRONG'} {what}")
        if not holds:
            faults.append(what)

    path = os.path.join(folder, "int8.onnx")
    ratio = os.path.getsize(path) / os.path.getsize(os.path.join(folder, "fp32.onnx"))
    check(f"the INT8 file is {ratio:.3f} of the fp32 file (at most 0.36)", ratio <= 0.36)
    check(f"INT8 is {100 * (fp32 - int8):.2f} points below fp32 (at most 0.3)", fp32 - int8 <= 0.003 + 1e-9)
    if data != "synthetic":
        check(f"fp32 top-1 is {100 * fp32:.2f} % (at least 90.5)", fp32 >= 0.905)
        images, labels = images_and_labels(data)
        optimized = os.path.join(folder, "int8-optimized-by-onnxruntime.onnx")
        runtime = top1(path, images, labels, optimized)
        check(f"ONNX Runtime's top-1 is {100 * runtime:.2f} %, ours {100 * int8:.2f} % (within 0.05 points)", abs(runtime - int8) <= 0.0005 + 1e-9)
        kinds = [node.op_type for node in onnx.load(optimized).graph.node]
        convolutions = sum(node.op_type == "Conv" for node in onnx.load(path).graph.node)
        integer = kinds.count("QLinearConv") + kinds.count("ConvInteger")
        check(f"ONNX Runtime computes {integer} of {convolutions} convolutions on integers", integer == convolutions and "Conv" not in kinds)
    check(f"training and quantizing took {seconds:.0f} s (at most 300, on an idle machine of two cores)", seconds <= 300)
    return 1 if faults else 0


sys.exit(main())
