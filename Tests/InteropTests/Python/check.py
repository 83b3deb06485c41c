"""check.py MODEL: the onnx package's full check with shape inference. Prints what the file says of itself as JSON."""
import json
import sys

import onnx

model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
print(json.dumps({
    "opset": model.opset_import[0].version,
    "ir": model.ir_version,
    "inputs": [i.name for i in model.graph.input],
    "outputs": [o.name for o in inferred.graph.output],
    "batch": model.graph.input[0].type.tensor_type.shape.dim[0].dim_param,
    "metadata": {p.key: p.value for p in model.metadata_props},
    "initializers": {i.name: onnx.TensorProto.DataType.Name(i.data_type) for i in model.graph.initializer},
}))
