"""onnxruntime_scores.py MODEL REFERENCE OUTPUT: what ONNX Runtime computes of the inputs in a NumPy file, in the form that `qat verify` reads. Needs numpy and onnxruntime."""
import sys

import numpy
import onnxruntime

model, reference, output = sys.argv[1:]
# Graph optimisations must be those of a release, so the session is the default one; one thread, as sums are the same in any number of them.
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
names = [result.name for result in session.get_outputs()]
inputs = {name: array for name, array in numpy.load(reference).items() if name in [input.name for input in session.get_inputs()]}
numpy.savez(output, **inputs, **dict(zip(names, session.run(names, inputs))))
