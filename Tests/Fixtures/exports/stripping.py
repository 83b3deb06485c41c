"""Takes the weights out of an exported network.

A large floating-point tensor has no data, and its doc_string says how to fill it again ("normal MEAN DEVIATION LOW HIGH", of the weights that were there), so
that the network is as well conditioned as it was.
"""
import numpy
import onnx
from onnx import numpy_helper

LARGEST = 64  # Tensors with more elements lose them.


def stripped(tensor):
    if tensor.data_type != onnx.TensorProto.FLOAT:
        return
    values = numpy_helper.to_array(tensor)
    if values.size <= LARGEST:
        return
    values = values.astype(numpy.float64)
    tensor.doc_string = "normal %.6g %.6g %.6g %.6g" % (values.mean(), values.std(), values.min(), values.max())
    for field in ["raw_data", "float_data", "external_data", "data_location"]:
        tensor.ClearField(field)


def strip(model):
    for tensor in model.graph.initializer:
        stripped(tensor)
    for graph in [model.graph, *model.functions]:
        for node in graph.node:
            node.ClearField("doc_string")
            node.ClearField("metadata_props")
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    stripped(attribute.t)
    model.graph.ClearField("value_info")
    model.ClearField("metadata_props")
    for value in [*model.graph.input, *model.graph.output]:
        value.ClearField("metadata_props")
