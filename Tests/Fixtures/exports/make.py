"""make.py FOLDER small|full [NAME...] | make.py FOLDER compact NAME...: exports networks from PyTorch and torchvision to ONNX, in the ways in which users do it, and keeps the graphs.

Needs torch, torchvision, onnx and onnxscript. `small` makes what is kept here: every family of torchvision's classifiers, encoders, segmentation and
detection, as small as its code allows. `full` makes the networks in their published sizes. A NAME limits it to the exports whose name begins so.

`compact` writes kept exports as FOLDER/NAME.onnx, whose weights are zeros that ConstantOfShape makes: whole networks in little space, to be damaged.

A file NAME.onnx.gz is the exporter's own graph without its weights (stripping.py). make_tf2onnx.py makes those of Keras.
"""
import gzip
import io
import os
import sys
import warnings

import numpy
import onnx
import torch
from onnx import numpy_helper

import networks
from stripping import strip

# How users export: the exporter, the opset, and what each leaves of batch normalisation.
WAYS = {
    "ts9": dict(opset=9), "ts11": dict(opset=11), "ts13": dict(opset=13), "ts14": dict(opset=14), "ts17": dict(opset=17), "ts18": dict(opset=18),
    "ts17keep": dict(opset=17, keep=True), "ts13keep": dict(opset=13, keep=True),
    "ts13train": dict(opset=13, train=True), "ts17train": dict(opset=17, train=True),
    "ts17one": dict(opset=17, fixed=True),
    "dyn18": dict(opset=18, dynamo=True), "dyn20": dict(opset=20, dynamo=True), "dyn23": dict(opset=23, dynamo=True),
    "dyn18raw": dict(opset=18, dynamo=True, optimize=False), "dyn20raw": dict(opset=20, dynamo=True, optimize=False),
    "dyn20one": dict(opset=20, dynamo=True, fixed=True),
}


def settle(model, inputs):
    """Lets batch normalisation see data, so that its statistics are those of its layers."""
    norms = [module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    with torch.no_grad():
        model(*inputs)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


def export(model, inputs, names, way):
    batch = 1 if way.get("fixed") else 2
    inputs = tuple(value[:batch] for value in inputs)
    model.train(way.get("train", False))
    common = dict(input_names=names, opset_version=way["opset"])
    if way.get("dynamo"):
        shapes = None if way.get("fixed") else tuple({0: torch.export.Dim("batch")} for _ in inputs)
        program = torch.onnx.export(model, inputs, dynamo=True, optimize=way.get("optimize", True), dynamic_shapes=shapes, verbose=False, **common)
        return program.model_proto
    axes = None if way.get("fixed") else {name: {0: "batch"} for name in names}
    target = io.BytesIO()
    modes = torch.onnx.TrainingMode
    mode = modes.TRAINING if way.get("train") else modes.PRESERVE if way.get("keep") else modes.EVAL
    torch.onnx.export(model, inputs, target, dynamo=False, training=mode, do_constant_folding=mode == modes.EVAL, dynamic_axes=axes, **common)
    return onnx.load_from_string(target.getvalue())


def compact(folder, names):
    os.makedirs(folder, exist_ok=True)
    for name in names:
        model = onnx.load_from_string(gzip.open(os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.onnx.gz")).read())
        zeros, kept = [], []
        for tensor in model.graph.initializer:
            if not tensor.doc_string.startswith("normal "):
                kept.append(tensor)
                continue
            kept.append(numpy_helper.from_array(numpy.array(tensor.dims, dtype=numpy.int64), f"{tensor.name}/shape"))
            zeros.append(onnx.helper.make_node("ConstantOfShape", [f"{tensor.name}/shape"], [tensor.name]))
        nodes = zeros + list(model.graph.node)
        del model.graph.initializer[:], model.graph.node[:]
        model.graph.initializer.extend(kept)
        model.graph.node.extend(nodes)
        onnx.save(model, os.path.join(folder, f"{name}.onnx"))


def main(folder, size, prefixes):
    warnings.filterwarnings("ignore")
    os.makedirs(folder, exist_ok=True)
    for name, make, names, ways in networks.CATALOGUE[size]:
        chosen = [way for way in ways if not prefixes or any(f"{name}-{way}".startswith(prefix) for prefix in prefixes)]
        for way in chosen:
            torch.manual_seed(1)
            try:
                model, inputs = make()
                settle(model, inputs)
                proto = export(model, inputs, names, WAYS[way])
                strip(proto)
                path = os.path.join(folder, f"{name}-{way}.onnx.gz")
                with open(path, "wb") as file:
                    file.write(gzip.compress(proto.SerializeToString(), 9, mtime=0))
                print(f"{name}-{way}: {len(proto.graph.node)} nodes, {os.path.getsize(path)} bytes", flush=True)
            except Exception as error:  # An exporter that refuses a network is its own affair.
                print(f"{name}-{way}: not exported: {type(error).__name__}: {str(error).splitlines()[0][:200]}", flush=True)


if sys.argv[2] == "compact":
    compact(sys.argv[1], sys.argv[3:])
else:
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
