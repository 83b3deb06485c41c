"""export.py DATA: made net.onnx and scores.npz beside it. Trains a small residual network on Fashion-MNIST in PyTorch, exports it as the README of this package says, and notes
what PyTorch computes with it of the first test images.

Needs torch and numpy.
"""
import gzip
import inspect
import pathlib
import sys

import numpy
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
MEAN, STD = 0.286, 0.353


def split(folder, name):
    """Images [N, 1, 28, 28], normalised, and classes [N]."""
    with gzip.open(f"{folder}/{name}-images-idx3-ubyte.gz") as file:
        pixels = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(f"{folder}/{name}-labels-idx1-ubyte.gz") as file:
        classes = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
    return torch.tensor((pixels / numpy.float32(255) - MEAN) / STD, dtype=torch.float32), torch.tensor(classes.astype(numpy.int64))


def layer(inputs, outputs, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(layer(1, 16, stride=2), nn.ReLU(), layer(16, 32, stride=2), nn.ReLU())
        self.block = nn.Sequential(layer(32, 32), nn.ReLU(), layer(32, 32))
        self.head = nn.Linear(32, 10)

    def forward(self, image):
        x = self.stem(image)
        x = torch.relu(x + self.block(x))
        return self.head(x.mean((2, 3)))


def train(model, images, classes, epochs=8, batch=128):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    steps = len(images) // batch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for step in range(steps):
            rows = order[step * batch:(step + 1) * batch]
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[rows]), classes[rows]).backward()
            optimizer.step()
            schedule.step()


torch.manual_seed(1)
model = Network()
train(model, *split(sys.argv[1], "train"))

images, classes = split(sys.argv[1], "t10k")
model.eval()
with torch.no_grad():
    scores = model(images)
print(f"PyTorch {torch.__version__}: top-1 {(scores.argmax(1) == classes).float().mean():.4f}")
numpy.savez_compressed(HERE / "scores.npz", input=images[:16].numpy(), scores=scores[:16].numpy())

# PyTorch 2.9 and later export in another way unless told otherwise; before 2.5 there was no other.
one_way = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
torch.onnx.export(
    model, images[:1], str(HERE / "net.onnx"), training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, input_names=["input"],
    output_names=["scores"], dynamic_axes={"input": {0: "batch"}, "scores": {0: "batch"}}, **one_way)
