"""exports.py fill SOURCE TARGET [PREFIX...] | run TARGET | check TARGET: real exports whose weights were left out, as ONNX Runtime computes them.

fill writes each SOURCE/NAME.onnx.gz with weights from a seed as TARGET/NAME.onnx and prints the names; batch normalisation's statistics are those of data. run writes inputs and ONNX Runtime's outputs of each
as TARGET/NAME.safetensors and prints the cases as JSON: as in evaluation, and with batch normalisation in training as well. check runs each NAME.again.onnx, which
we wrote from what we read, through the full checker and ONNX Runtime, and prints the faults as JSON.
"""
import glob
import gzip
import json
import os
import sys
import zlib

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from safetensors.numpy import load_file, save_file


def filled(tensor, name):
    """Gives a tensor the weights that its doc_string describes: "normal MEAN DEVIATION LOW HIGH".

    What begins with nothing but zeros, such as a bias or the head of torchvision's ViT, gets other numbers: nothing behind it would be compared."""
    if not tensor.doc_string.startswith("normal "):
        return
    mean, deviation, low, high = map(float, tensor.doc_string.split()[1:])
    if low == high == 0:
        deviation, low, high = 0.05, -0.2, 0.2
    generator = numpy.random.default_rng(zlib.crc32(name.encode()))
    values = numpy.clip(mean + deviation * generator.standard_normal(tuple(tensor.dims)), low, high)
    tensor.raw_data = values.astype(numpy.float32).tobytes()
    tensor.doc_string = ""


def fill(source, target, prefixes):
    names = []
    for path in sorted(glob.glob(os.path.join(source, "*.onnx.gz"))):
        name = os.path.basename(path)[: -len(".onnx.gz")]
        if prefixes and not any(name.startswith(prefix) for prefix in prefixes):
            continue
        model = onnx.load_from_string(gzip.open(path).read())
        for tensor in model.graph.initializer:
            filled(tensor, tensor.name)
        for graph in [model.graph, *model.functions]:
            for node in graph.node:
                for attribute in node.attribute:
                    filled(attribute.t, node.output[0])
        calibrate(model)
        onnx.save(model, os.path.join(target, f"{name}.onnx"))
        names.append(name)
    print(json.dumps(names))


def calibrate(model):
    """Sets the running statistics to those of data, as training leaves them: without them a deep network amplifies the rounding of its first layers."""
    batched = trained(settled(model))
    known = {tensor.name: tensor for tensor in model.graph.initializer}
    norms = [node for node in model.graph.node if node.op_type == "BatchNormalization" and node.input[3] in known and node.input[4] in known]
    if batched is None or not norms:
        return
    names = [f"{node.output[0]}/{kind}" for node in norms for kind in ("mean", "variance")]
    del batched.graph.output[:]
    batched.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    arguments = [value for value in model.graph.input if value.name not in known]
    batch = arguments[0].type.tensor_type.shape.dim[0].dim_value or 4
    results = session(batched).run(names, {value.name: values(value, batch, 100 + index) for index, value in enumerate(arguments)})
    for index, node in enumerate(norms):
        for tensor, value in zip(node.input[3:5], results[2 * index : 2 * index + 2]):
            known[tensor].CopyFrom(numpy_helper.from_array(value.reshape(-1), tensor))


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def settled(model):
    """The network as evaluation has it: nothing random, running statistics."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for node in result.graph.node:
        if node.op_type == "BatchNormalization":
            del node.output[1:]
            kept = [attribute for attribute in node.attribute if attribute.name != "training_mode"]
            del node.attribute[:]
            node.attribute.extend(kept)
        elif node.op_type == "Dropout":
            node.op_type = "Identity"
            del node.attribute[:], node.input[1:], node.output[1:]
    return result


def trained(model):
    """The same with batch normalisation by the batch's statistics, spelled out in other operators; None without one."""
    if not any(node.op_type == "BatchNormalization" for node in model.graph.node):
        return None
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    inferred = onnx.shape_inference.infer_shapes(model)
    known = [value for value in [*inferred.graph.value_info, *inferred.graph.input] if value.type.tensor_type.shape.dim]
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in known}
    nodes, constants = [], []
    for node in model.graph.node:
        if node.op_type != "BatchNormalization":
            nodes.append(node)
            continue
        x, scale, bias = node.input[:3]
        rank = ranks.get(x, 4)
        epsilon = next((attribute.f for attribute in node.attribute if attribute.name == "epsilon"), 1e-5)
        name = node.output[0]
        axes = [0, *range(2, rank)]
        constants.append(numpy_helper.from_array(numpy.float32(epsilon), f"{name}/epsilon"))
        constants.append(numpy_helper.from_array(numpy.array([1, -1] + [1] * (rank - 2)), f"{name}/shape"))
        constants.append(numpy_helper.from_array(numpy.array(axes), f"{name}/axes"))

        def make(kind, inputs, output, **attributes):
            nodes.append(helper.make_node(kind, inputs, [output], **attributes))
            return output

        def mean(of, output):
            return make("ReduceMean", [of, f"{name}/axes"], output) if opset >= 18 else make("ReduceMean", [of], output, axes=axes)

        deviation = make("Sub", [x, mean(x, f"{name}/mean")], f"{name}/deviation")
        variance = mean(make("Mul", [deviation, deviation], f"{name}/square"), f"{name}/variance")
        root = make("Sqrt", [make("Add", [variance, f"{name}/epsilon"], f"{name}/sum")], f"{name}/root")
        normal = make("Div", [deviation, root], f"{name}/normal")
        scaled = make("Mul", [normal, make("Reshape", [scale, f"{name}/shape"], f"{name}/scale")], f"{name}/scaled")
        make("Add", [scaled, make("Reshape", [bias, f"{name}/shape"], f"{name}/bias")], name)
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    result.graph.initializer.extend(constants)
    return result


def values(value, batch, seed):
    shape = [batch] + [size.dim_value for size in value.type.tensor_type.shape.dim][1:]
    generator = numpy.random.default_rng(seed)
    if value.type.tensor_type.elem_type in (onnx.TensorProto.INT64, onnx.TensorProto.INT32):
        # A mask keeps the first tokens of each sample; ids are below the smallest vocabulary.
        integer = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        return numpy.tri(batch, shape[1], shape[1] // 2, dtype=integer) if "mask" in value.name else generator.integers(0, 90, shape, dtype=integer)
    return generator.standard_normal(shape).astype(numpy.float32)


def distance(found, expected):
    """How far apart, of the largest value."""
    return float(numpy.max(numpy.abs(found - expected)) / numpy.max(numpy.abs(expected)))


def run(folder):
    cases = []
    for path in sorted(glob.glob(os.path.join(folder, "*.onnx"))):
        name = os.path.basename(path)[: -len(".onnx")]
        model = onnx.load(path)
        known = {tensor.name for tensor in model.graph.initializer}
        arguments = [value for value in model.graph.input if value.name not in known]
        fixed = arguments[0].type.tensor_type.shape.dim[0].dim_value
        batch = 2 if fixed else 4
        inputs = {value.name: values(value, batch, index) for index, value in enumerate(arguments)}
        outputs = [value.name for value in model.graph.output]
        data = {f"in/{key}": value for key, value in inputs.items()}
        evaluation = settled(model)
        # The same inputs, off by rounding: how far a network carries that is how far two right answers may be apart.
        generator = numpy.random.default_rng(1)
        rounded = {
            key: (value * (1 + 2.0**-24 * generator.standard_normal(value.shape))).astype(value.dtype) if value.dtype == numpy.float32 else value
            for key, value in inputs.items()
        }
        noise, faults = {}, []
        for kind, form in [("eval", evaluation), ("train", None if fixed else trained(evaluation))]:
            if form is None:
                continue
            runtime = session(form)
            # A file with a fixed batch of one is run sample by sample.
            def run_all(values):
                parts = [{key: value[i : i + 1] for key, value in values.items()} for i in range(batch)] if fixed else [values]
                results = [runtime.run(outputs, part) for part in parts]
                return [numpy.ascontiguousarray(numpy.concatenate(parts)) for parts in zip(*results)]

            results = run_all(inputs)
            # What is not finite, or nothing but zeros, cannot be compared, nor written as JSON.
            faults += [
                f"{kind}: ONNX Runtime's output {output} is {'nothing but zeros' if numpy.isfinite(result).all() else 'not finite'}"
                for output, result in zip(outputs, results) if not (numpy.isfinite(result).all() and result.any())
            ]
            if faults:
                break
            noise[kind] = max(distance(other, result) for other, result in zip(run_all(rounded), results))
            for output, result in zip(outputs, results):
                data[f"{kind}/{output}"] = result
        save_file(data, os.path.join(folder, f"{name}.safetensors"))
        with open(os.path.join(folder, f"{name}.noise.json"), "w") as file:
            json.dump(noise, file)
        cases.append({"name": name, "batch": batch, "noise": noise, "faults": faults})
    print(json.dumps(cases, allow_nan=False))


def check(folder):
    faults = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.again.onnx"))):
        name = os.path.basename(path)[: -len(".again.onnx")]
        try:
            model = onnx.load(path)
            onnx.checker.check_model(model, full_check=True)
            data = load_file(os.path.join(folder, f"{name}.safetensors"))
            outputs = [value.name for value in model.graph.output]
            results = session(model).run(outputs, {value.name: data[f"in/{value.name}"] for value in model.graph.input})
            with open(os.path.join(folder, f"{name}.noise.json")) as file:
                limit = max(1e-5, 5 * json.load(file)["eval"])
            for output, result in zip(outputs, results):
                difference = distance(result, data[f"eval/{output}"])
                if not difference <= limit:
                    faults[name] = f"its output {output} is {difference} apart"
        except Exception as error:  # Whatever it is, it is the fault to report.
            faults[name] = str(error)[:500]
    print(json.dumps(faults, allow_nan=False))


if __name__ == "__main__":
    {"fill": lambda source, target, *prefixes: fill(source, target, prefixes), "run": run, "check": check}[sys.argv[1]](*sys.argv[2:])
