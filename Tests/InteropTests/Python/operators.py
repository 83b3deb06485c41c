"""operators.py MODEL: operator types and counts of the graph that ONNX Runtime really executes, as JSON."""
import collections
import json
import os
import sys
import tempfile

import onnx
import onnxruntime

with tempfile.TemporaryDirectory() as folder:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.optimized_model_filepath = os.path.join(folder, "optimized.onnx")
    onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    graph = onnx.load(options.optimized_model_filepath).graph
print(json.dumps(collections.Counter(node.op_type for node in graph.node)))
