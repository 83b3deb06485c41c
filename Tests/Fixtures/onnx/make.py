"""Exports small networks from PyTorch in the forms that users export them in, and records PyTorch's own results in evaluation mode.

usage: python make.py     (needs torch, onnx, onnxscript; made with torch 2.13). Writes *.onnx and expected.safetensors beside this file.
"""
import json, os, struct, warnings

warnings.filterwarnings("ignore")
import onnx
import torch
from torch import nn
from torch.nn import functional as F

here = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
recorded = {}


class Residual(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, c, 3, 2, 1, bias=False), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c)
        self.down, self.bnd = nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c)
        self.pool, self.drop, self.fc = nn.MaxPool2d(3, 2, 1), nn.Dropout(0.2), nn.Linear(c, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        x = torch.relu(self.bn2(self.conv2(x)) + self.bnd(self.down(x)))
        return self.fc(self.drop(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)))


class Mobile(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        d = 2 * c
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, 2, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU6())
        self.block = nn.Sequential(
            nn.Conv2d(c, d, 1, bias=False), nn.BatchNorm2d(d), nn.ReLU6(), nn.Conv2d(d, d, 3, 1, 1, groups=d, bias=False), nn.BatchNorm2d(d),
            nn.Hardswish(), nn.Conv2d(d, c, 1, bias=False), nn.BatchNorm2d(c))
        self.fc = nn.Linear(d, 5)

    def forward(self, x):
        x = self.stem(x)
        y = x + self.block(x)
        y = torch.cat([y, F.avg_pool2d(F.leaky_relu(x, 0.1), 3, 1, 1)], 1)
        return torch.softmax(self.fc(y.mean((2, 3)).view(y.size(0), -1)), -1)


class Shuffle(nn.Module):
    """A channel shuffle and a linear layer over tokens: shape arithmetic, transposed weights, MatMul with a bias."""

    def __init__(self):
        super().__init__()
        self.c, self.l = nn.Conv2d(4, 8, 3, padding=1), nn.Linear(6, 7)

    def forward(self, x):
        x = torch.sigmoid(self.c(x))
        b, c, h, w = x.shape
        x = x.view(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)
        return self.l(x.flatten(2).transpose(1, 2).reshape(b, -1, 6)) * 0.5


def used(model):
    """Statistics as after training, so that no two tensors are equal."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)
    return model


def export(name, model, shape, opset, dynamic=True, dynamo=False, training=torch.onnx.TrainingMode.PRESERVE):
    torch.manual_seed(len(recorded))
    x = torch.randn(shape)
    model.eval()
    if dynamo:
        axes = {0: torch.export.Dim("batch")}
        if dynamic == "size":
            axes |= {2: torch.export.Dim("height", min=16), 3: torch.export.Dim("width", min=16)}
        form = dict(dynamo=True, optimize=False, dynamic_shapes=(axes,))
    else:
        form = dict(dynamo=False, training=training, do_constant_folding=False)
        if dynamic:
            size = {2: "height", 3: "width"} if dynamic == "size" else {}
            form["dynamic_axes"] = {"input": {0: "batch"} | size, "output": {0: "batch"}}
    path = os.path.join(here, name + ".onnx")
    torch.onnx.export(model, (x,), path, input_names=["input"], output_names=["output"], opset_version=opset, **form)
    # Afterwards: an export in training mode runs a forward pass, which moves the running statistics before they are written.
    recorded[f"{name}.input"], recorded[f"{name}.output"] = x, model.eval()(x).detach()
    # The newer exporter writes stack traces, with the paths of the machine, into every node.
    file = onnx.load(path, load_external_data=False)
    for part in [file, file.graph, *file.graph.node, *file.graph.value_info, *file.graph.input, *file.graph.output, *file.graph.initializer]:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(file, path)


torch.manual_seed(0)
image, color, tokens = (2, 1, 28, 28), (2, 3, 16, 16), (2, 4, 6, 6)
export("residual", used(Residual()), image, 13)
export("residual-opset9", used(Residual()), image, 9)
export("residual-training", used(Residual()), image, 17, training=torch.onnx.TrainingMode.TRAINING)
export("residual-training-opset13", used(Residual()), image, 13, training=torch.onnx.TrainingMode.TRAINING)
export("residual-fresh", Residual(), image, 13)
export("residual-dynamo", used(Residual()), image, 18, dynamo=True)
export("mobile", used(Mobile()), color, 17)
export("mobile-opset11", used(Mobile()), color, 11)
export("mobile-dynamo", used(Mobile()), color, 20, dynamo=True)
export("shuffle", Shuffle(), tokens, 13)
export("shuffle-fixed-batch", Shuffle(), (1,) + tokens[1:], 13, dynamic=False)
# Height and width are open as well: whoever reads the file says them.
export("residual-open", used(Residual()), image, 17, dynamic="size")
export("residual-open-dynamo", used(Residual()), image, 20, dynamic="size", dynamo=True)

header, data = {}, b""
for name, tensor in recorded.items():
    raw = tensor.contiguous().numpy().astype("<f4").tobytes()
    header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header).encode()
with open(os.path.join(here, "expected.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
