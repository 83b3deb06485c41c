"""openvino_variants.py FOLDER: runs every NAME.xml of FOLDER in OpenVINO on the raw float32 files NAME.x0, NAME.x1, … and compares the result with NAME.y.

Prints as JSON how far apart they are, relative to the largest value, or what went wrong, by name.
"""
import glob
import json
import os
import sys

import numpy
import openvino

core = openvino.Core()
settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
results = {}
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.xml"))):
    stem = path[:-len(".xml")]
    name = os.path.basename(stem)
    with open(stem + ".shapes") as file:
        shapes = json.load(file)
    try:
        compiled = core.compile_model(core.read_model(path), "CPU", settings)
        inputs = {key: numpy.fromfile(f"{stem}.{key}", dtype=numpy.float32).reshape(shape) for key, shape in shapes["inputs"].items()}
        found = numpy.asarray(compiled(inputs)[compiled.output("y")], dtype=numpy.float32)
        expected = numpy.fromfile(f"{stem}.y", dtype=numpy.float32)
        if list(found.shape) != shapes["y"]:
            results[name] = f"the shape is {found.shape}, expected {shapes['y']}"
            continue
        scale = max(float(numpy.abs(expected[numpy.isfinite(expected)]).max(initial=0)), 1e-3)
        both = found.reshape(-1)
        same = (both == expected) | (numpy.isnan(both) & numpy.isnan(expected))
        distance = float(numpy.where(same, 0, numpy.abs(both - expected)).max(initial=0)) / scale
        results[name] = distance if numpy.isfinite(distance) else "not finite"
    except Exception as error:
        results[name] = str(error)[-400:]
print(json.dumps({name: [value, ""] if isinstance(value, float) else [-1, value] for name, value in results.items()}))
