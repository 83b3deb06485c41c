"""exact.py FOLDER: what the networks that `exports.py run` has run compute in float64 in evaluation mode, as NAME.exact.safetensors; prints the names of those that it can.

The operators are those of onnx's own reference implementation, with convolutions and pooling by whole arrays: numbers that neither ONNX Runtime nor we had a part in. Networks with Resize, which takes the
reference minutes, those that mix float32 and float64 in it, and files with a fixed batch of one are left out.
"""
import glob
import json
import os
import sys

import numpy
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun, RuntimeTypeError
from safetensors.numpy import load_file, save_file

from exports import settled


def windows(x, kernel, strides, pads, dilations, rounds_up=False, padding=0.0):
    """The elements of every window: [N, C, places..., kernel...]."""
    rank = len(kernel)
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    begins, ends = list((pads or [0] * 2 * rank)[:rank]), list((pads or [0] * 2 * rank)[rank:])
    spans = [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations)]
    places = []
    for axis, (span, stride) in enumerate(zip(spans, strides)):
        size = x.shape[2 + axis] + begins[axis]
        free = size + ends[axis] - span
        count = (-(-free // stride) if rounds_up else free // stride) + 1
        # A window that begins behind the image and its first padding is none.
        count -= rounds_up and (count - 1) * stride >= size
        ends[axis] = max(ends[axis], (count - 1) * stride + span - size)
        places.append(slice(0, (count - 1) * stride + 1, stride))
    x = numpy.pad(x, [(0, 0), (0, 0), *zip(begins, ends)], constant_values=padding)
    view = sliding_window_view(x, spans, axis=tuple(range(2, 2 + rank)))
    return view[(slice(None), slice(None), *places, *(slice(None, None, dilation) for dilation in dilations))]


class Conv(OpRun):
    def _run(self, x, w, b=None, auto_pad=None, dilations=None, group=None, kernel_shape=None, pads=None, strides=None):
        assert auto_pad in (None, "NOTSET", b"NOTSET"), auto_pad
        rank, groups = w.ndim - 2, group or 1
        view = windows(x, w.shape[2:], strides, pads, dilations)
        parts = []
        for inputs, weights in zip(numpy.split(view, groups, axis=1), numpy.split(w, groups)):
            axes = [1, *range(2 + rank, 2 + 2 * rank)], [1, *range(2, 2 + rank)]
            parts.append(numpy.moveaxis(numpy.tensordot(inputs, weights, axes), -1, 1))
        result = numpy.concatenate(parts, axis=1)
        return (result if b is None else result + b.reshape(1, -1, *[1] * rank),)


class MaxPool(OpRun):
    def _run(self, x, auto_pad=None, ceil_mode=None, dilations=None, kernel_shape=None, pads=None, storage_order=None, strides=None):
        view = windows(x, kernel_shape, strides, pads, dilations, bool(ceil_mode), -numpy.inf)
        return (view.max(axis=tuple(range(-len(kernel_shape), 0))),)


class AveragePool(OpRun):
    def _run(self, x, auto_pad=None, ceil_mode=None, count_include_pad=None, dilations=None, kernel_shape=None, pads=None, strides=None):
        assert not (ceil_mode and count_include_pad)
        axes = tuple(range(-len(kernel_shape), 0))
        arguments = (kernel_shape, strides, pads, dilations, bool(ceil_mode))
        counts = windows(numpy.ones_like(x), *arguments, 1.0 if count_include_pad else 0.0).sum(axis=axes)
        return (windows(x, *arguments).sum(axis=axes) / counts,)


def double(model):
    """The model in float64."""

    def widen(tensor):
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(numpy.float64), tensor.name))

    for tensor in model.graph.initializer:
        widen(tensor)
    for graph in [model.graph, *model.functions]:
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    widen(attribute.t)
                if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                    attribute.i = TensorProto.DOUBLE
    for value in [*model.graph.input, *model.graph.output]:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    return model


def main(folder):
    names = []
    for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        name = os.path.basename(path)[: -len(".safetensors")]
        model = settled(onnx.load(os.path.join(folder, f"{name}.onnx")))
        if any(node.op_type == "Resize" for node in model.graph.node) or model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1:
            continue
        data = load_file(path)
        inputs = {key[3:]: value.astype(numpy.float64) if value.dtype == numpy.float32 else value for key, value in data.items() if key.startswith("in/")}
        outputs = [value.name for value in model.graph.output]
        try:
            results = ReferenceEvaluator(double(model), new_ops=[Conv, MaxPool, AveragePool]).run(outputs, inputs)
        except RuntimeTypeError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        assert all(result.dtype == numpy.float64 for result in results), name
        save_file({key: numpy.ascontiguousarray(result) for key, result in zip(outputs, results)}, os.path.join(folder, f"{name}.exact"))
        names.append(name)
    print(json.dumps(names))


main(sys.argv[1])
