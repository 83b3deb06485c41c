"""One variant of a peer's training step or evaluation on synthetic data, in a process of its own, so that its peak memory is its own.

  bench-peer.py VARIANT MODEL BATCH STEPS [--evaluation]

VARIANT: fp32, channels_last, compiled (channels_last with torch.compile) or nncf (NNCF's quantized model). MODEL: a name of torchvision's, or resnet_small, the
network of the demo. Prints a line of JSON with the medians that `qat bench --json` has: images_per_second, step_seconds, peak_memory_bytes. Threads are OMP_NUM_THREADS.
"""
import argparse
import json
import os
import resource
import sys
import time
import warnings

import torch

warnings.filterwarnings("ignore")
# Where torchvision's compiled operators do not fit this PyTorch, its networks work with their names alone.
try:
    import torchvision.models as published
except RuntimeError:
    library = torch.library.Library("torchvision", "DEF")
    for name in ["nms", "qnms"]:
        library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    import torchvision.models as published


class ResNetSmall(torch.nn.Module):
    """`resnet_small` of swift-qat: one block each of 16, 32 and 64 channels, for 28 × 28 grey images."""

    def __init__(self):
        super().__init__()
        block = published.resnet.BasicBlock
        self.conv1 = torch.nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        self.relu = torch.nn.ReLU(inplace=True)
        self.layer1 = block(16, 16)
        self.layer2 = block(16, 32, 2, self.shortcut(16, 32))
        self.layer3 = block(32, 64, 2, self.shortcut(32, 64))
        self.fc = torch.nn.Linear(64, 10)

    @staticmethod
    def shortcut(inputs, outputs):
        return torch.nn.Sequential(torch.nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), torch.nn.BatchNorm2d(outputs))

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


def seconds_of_steps(model, x, y, steps, is_evaluation):
    """Seconds of each step after the first two."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss()
    model.train(not is_evaluation)
    seconds = []
    for _ in range(steps + 2):
        start = time.perf_counter()
        if is_evaluation:
            with torch.inference_mode():
                model(x)
        else:
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    return seconds[2:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=["fp32", "channels_last", "compiled", "nncf"])
    parser.add_argument("model")
    parser.add_argument("batch", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("--evaluation", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    is_small = options.model == "resnet_small"
    model = ResNetSmall() if is_small else getattr(published, options.model)(weights=None)
    x = torch.randn(options.batch, *((1, 28, 28) if is_small else (3, 224, 224)))
    y = torch.randint(0, 10 if is_small else 1000, (options.batch,))
    if options.variant == "nncf":
        import nncf

        model = nncf.quantize(model, nncf.Dataset([x[:1]]), subset_size=1)
    if options.variant in ["channels_last", "compiled"]:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if options.variant == "compiled":
        model = torch.compile(model)
    seconds = sorted(seconds_of_steps(model, x, y, options.steps, options.evaluation))
    median = seconds[len(seconds) // 2]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"images_per_second": options.batch / median, "step_seconds": median, "peak_memory_bytes": peak}))


if __name__ == "__main__":
    main()
