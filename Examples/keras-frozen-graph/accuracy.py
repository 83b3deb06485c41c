"""accuracy.py DATA FILE...: top-1 of frozen graphs (.pb) in TensorFlow and of OpenVINO's IR (.xml) in OpenVINO. Needs tensorflow and openvino."""
import gzip
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import numpy

data, *files = sys.argv[1:]
with gzip.open(f"{data}/t10k-images-idx3-ubyte.gz") as file:
    pixels = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 28, 28, 1)
with gzip.open(f"{data}/t10k-labels-idx1-ubyte.gz") as file:
    classes = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
images = (pixels / numpy.float32(255) - numpy.float32(0.286)) / numpy.float32(0.353)


def tensorflow(path):
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    with open(path, "rb") as file:
        graph.ParseFromString(file.read())
    read = {node_input.split(":")[0].lstrip("^") for node in graph.node for node_input in node.input}
    output = next(node.name for node in graph.node if node.name not in read)
    function = tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(graph, name=""), [])
    return function.prune("image:0", f"{output}:0")(tf.constant(images)).numpy()


def openvino(path):
    import openvino

    # The IR has the order of the axes that swift-qat works in, channels first.
    return openvino.Core().compile_model(path, "CPU")(images.transpose(0, 3, 1, 2))[0]


for path in files:
    name, run = ("TensorFlow", tensorflow) if path.endswith(".pb") else ("OpenVINO", openvino)
    print(f"{path}: top-1 {(run(path).argmax(1) == classes).mean():.4f} in {name}")
