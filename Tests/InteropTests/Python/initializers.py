"""initializers.py MODEL.onnx OUT.safetensors: the float tensors that a file holds, under their own names."""
import json
import sys

import numpy
import onnx
from onnx import numpy_helper
from safetensors.numpy import save_file

model = onnx.load(sys.argv[1])
tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
# The exporter's own constants are numbered.
kept = {name: numpy.ascontiguousarray(values) for name, values in tensors.items() if values.dtype == numpy.float32 and not name.startswith("val_")}
save_file(kept, sys.argv[2])
print(json.dumps(sorted(kept)))
