"""run_variants.py JSON: runs many frozen graphs of one output in TensorFlow. JSON names a file that lists {"model", "inputs": {name: {"file", "shape"}}, "output": where to write}."""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy
import tensorflow as tf

tf.compat.v1.disable_eager_execution()
with open(sys.argv[1]) as file:
    orders = json.load(file)
shapes = []
for order in orders:
    definition = tf.compat.v1.GraphDef()
    with open(order["model"], "rb") as file:
        definition.ParseFromString(file.read())
    read = {name.split(":")[0].lstrip("^") for node in definition.node for name in node.input}
    result = next(node.name for node in reversed(definition.node) if node.name not in read and node.op not in ("Const", "Placeholder", "NoOp"))
    with tf.Graph().as_default() as graph:
        tf.compat.v1.import_graph_def(definition, name="")
        inputs = {f"{name}:0": numpy.fromfile(entry["file"], dtype=numpy.float32).reshape(entry["shape"]) for name, entry in order["inputs"].items()}
        with tf.compat.v1.Session(graph=graph) as session:
            value = session.run(f"{result}:0", inputs)
    numpy.ascontiguousarray(value, dtype=numpy.float32).tofile(order["output"])
    shapes.append(list(value.shape))
print(json.dumps(shapes))
