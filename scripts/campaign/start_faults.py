"""Ranks that differ when they start: files, flags, environment, program."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys

from .campaign import LAUNCHER, Launch

SLOWEST = 5.0  # seconds from the last rank's start to the sentence

CONFIGURATION = {
    "model": "net.onnx", "batch_size": 16, "epochs": 1, "max_steps": 2, "seed": 1, "label_smoothing": 0.1,
    "optimizer": {"type": "SGD", "base_lr": 0.05, "momentum": 0.9, "schedule_type": "cosine"},
    "data": {"train": "data", "normalize": {"mean": [0.5], "std": [0.25]}, "augment": {"flip": True}},
    "input_info": {"sample_size": [1, 1, 28, 28]},
    "compression": {"algorithm": "quantization", "initializer": {"range": {"num_init_samples": 32}, "batchnorm_adaptation": {"num_bn_adaptation_samples": 32}}},
}


def write_data(folder, count=64, changed=False):
    """IDX files with MNIST's names: stripes whose place is the class."""
    os.makedirs(folder, exist_ok=True)
    for part in ["train", "t10k"]:
        labels = bytes(index % 10 for index in range(count))
        pixels = bytearray()
        for index in range(count):
            image = bytearray(784)
            row = 2 + 2 * (index % 10)
            image[row * 28:(row + 2) * 28] = bytes([200]) * 56
            pixels += image
        if changed and part == "train":
            pixels[777] ^= 1
        with open(f"{folder}/{part}-images-idx3-ubyte", "wb") as file:
            file.write(struct.pack(">IIII", 0x803, count, 28, 28) + pixels)
        with open(f"{folder}/{part}-labels-idx1-ubyte", "wb") as file:
            file.write(struct.pack(">II", 0x801, count) + labels)


def rewrite(folder, change):
    configuration = json.loads(json.dumps(CONFIGURATION))
    change(configuration)
    with open(f"{folder}/run.json", "w") as file:
        json.dump(configuration, file)


def spoil(path, offset=None, length=None):
    with open(path, "r+b") as file:
        if length is not None:
            file.truncate(length)
            return
        size = file.seek(0, 2)
        file.seek(size // 2 if offset is None else offset)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))


def replace(folder, name, make):
    path = f"{folder}/{name}"
    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    make(path)


def write_text(text):
    def make(path):
        with open(path, "w") as file:
            file.write(text)
    return make


def append_byte(path):
    with open(path, "ab") as file:
        file.write(b"\0")


def configured(key, change):
    return {"files": lambda folder: rewrite(folder, change), "names": rf"the configuration's '{re.escape(key)}' differs"}


def flagged(key, flag):
    return {"flags": flag.split(), "names": rf"the configuration's '{re.escape(key)}' differs"}


USUAL = ["train", "--config", "run.json", "--checkpoint-dir", "../run"]

# What one rank has otherwise, what the sentence must say, and the exit code where it is not 3. `files` changes the rank's own folder; `usual` is what all ranks
# are started with where it is no training.
KINDS = {
    "seed": flagged("seed", "--seed 9"),
    "batch size": flagged("batch_size", "--batch-size 8"),
    "epochs": flagged("epochs", "--epochs 2"),
    "number of steps": flagged("max_steps", "--max-steps 3"),
    "checkpoint interval": flagged("checkpoint.every", "--checkpoint-every 5"),
    "learning rate": configured("optimizer.base_lr", lambda c: c["optimizer"].update(base_lr=0.5)),
    "optimizer": configured("optimizer.type", lambda c: c["optimizer"].update(type="Adam", momentum=None) or c["optimizer"].pop("momentum")),
    "schedule": configured("optimizer.schedule_type", lambda c: c["optimizer"].update(schedule_type="step", step_size=1)),
    "label smoothing": configured("label_smoothing", lambda c: c.update(label_smoothing=0.2)),
    "normalisation": configured("data.normalize.mean", lambda c: c["data"]["normalize"].update(mean=[0.4])),
    "augmentation": configured("data.augment.flip", lambda c: c["data"]["augment"].update(flip=False)),
    "calibration samples": configured("compression.initializer.range.num_init_samples", lambda c: c["compression"]["initializer"]["range"].update(num_init_samples=48)),
    "no compression": configured("compression.algorithm", lambda c: c.pop("compression")),
    "another architecture": {"flags": ["--model", "resnet_small"], "names": r"the model differs"},
    "a weight": {"files": lambda folder: spoil(f"{folder}/net.onnx"), "names": r"the model differs|rank {rank} .*net\.onnx"},
    "model missing": {"files": lambda folder: os.remove(f"{folder}/net.onnx"), "names": r"rank {rank} .*net\.onnx"},
    "model cut short": {"files": lambda folder: spoil(f"{folder}/net.onnx", length=20000), "names": r"rank {rank} .*net\.onnx"},
    "model is a folder": {"files": lambda folder: replace(folder, "net.onnx", os.mkdir), "names": r"rank {rank} .*net\.onnx"},
    "a pixel": {"files": lambda folder: replace(folder, "data", lambda path: write_data(path, changed=True)), "names": r"the training data differs"},
    "fewer samples": {"files": lambda folder: replace(folder, "data", lambda path: write_data(path, 48)), "names": r"the training data differs.*48 samples"},
    "data missing": {"files": lambda folder: shutil.rmtree(f"{folder}/data"), "names": r"rank {rank} .*data"},
    "data cut short": {"files": lambda folder: spoil(f"{folder}/data/train-images-idx3-ubyte", length=999), "names": r"rank {rank} .*train-images"},
    "configuration missing": {"files": lambda folder: os.remove(f"{folder}/run.json"), "names": r"rank {rank} .*run\.json"},
    "configuration broken": {"files": lambda folder: replace(folder, "run.json", write_text('{ "epochs" 3 }')), "names": r"rank {rank} .*run\.json"},
    "unknown key": {"files": lambda folder: rewrite(folder, lambda c: c["optimizer"].update(learning_rate=1)), "names": r"rank {rank} .*learning_rate"},
    "instruction set": {"environment": {"DNNL_MAX_CPU_ISA": "SSE41"}, "names": r"the instruction set differs.*rank {rank} .*SSE4\.1"},
    "another build": {"program": append_byte, "names": r"the build of this program differs"},
    "another command": {"words": ["evaluate", "--model", "net.onnx", "--data", "data"], "names": r"the command differs.*qat evaluate"},
    "resuming": {"flags": ["--resume", "auto"], "names": r"the command line's '--resume' differs"},
    "export": {"flags": ["--export", "other.onnx"], "names": r"the command line's '--export' differs"},
    "mixed machines allowed": {"flags": ["--allow-mixed-machines"], "names": r"the command line's '--allow-mixed-machines' differs"},
    "stall timeout": {"flags": ["--stall-timeout", "5"], "names": r"the command line's '--stall-timeout' differs"},
    "no watchdog": {"flags": ["--stall-timeout", "0"], "names": r"the command line's '--stall-timeout' differs"},
    "bucket sizes": {"environment": {"QAT_BUCKET_KIB": "16,100,0"}, "names": r"the environment's 'QAT_BUCKET_KIB' differs"},
    "batches of an evaluation": {
        "usual": ["evaluate", "--model", "net.onnx", "--data", "data"], "flags": ["--batch-size", "7"], "names": r"the command line's '--batch-size' differs"},
    "threads of a reproducible run": {
        "usual": USUAL + ["--reproducible", "4"], "environment": {"OMP_NUM_THREADS": "2"}, "names": r"the number of threads of a reproducible run differs"},
    "wrong flag": {"flags": ["--sed", "1"], "names": r"\[rank {rank} .*--sed|qat: error: .*--sed", "exit": 64},
    "threads": {"environment": {"OMP_NUM_THREADS": "2"}, "names": r"warning: the number of threads differs.*", "exit": 0},
}


def prepare(campaign):
    whole = f"{campaign.folder}/whole"
    os.makedirs(whole)
    write_data(f"{whole}/data")
    rewrite(whole, lambda configuration: None)
    make = [campaign.program, "train", "--config", "first.json", "--data", "data", "--checkpoint-dir", "../first", "--export", "net.onnx"]
    with open(f"{whole}/first.json", "w") as file:
        json.dump({key: value for key, value in CONFIGURATION.items() if key != "compression"} | {"model": "resnet_small"}, file)
    made = subprocess.run(make, cwd=whole, capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"fault-campaign: the model could not be made: {made.stderr}")
    return KINDS, lambda kind, random: meet(campaign, kind, random)


def meet(campaign, kind, random):
    ranks = random.randint(2, 4)
    odd = random.randrange(ranks)
    work = f"{campaign.folder}/case"
    shutil.rmtree(work, ignore_errors=True)
    usual = kind.get("usual", USUAL)
    words = ["mpirun"] + LAUNCHER
    for rank in range(ranks):
        folder = f"{work}/rank{rank}"
        shutil.copytree(f"{campaign.folder}/whole", folder)
        program, own, variables = campaign.program, usual, []
        if rank == odd:
            kind.get("files", lambda _: None)(folder)
            own = kind.get("words", usual) + kind.get("flags", [])
            variables = [f"{name}={value}" for name, value in kind.get("environment", {}).items()]
            if "program" in kind:
                program = shutil.copy(program, f"{folder}/qat")
                kind["program"](program)
        # Ranks do not start at once: the last start counts.
        delay = random.choice([0, 0, 0.3, 1])
        started = f"sleep {delay}; date +%s.%N >{folder}/started; exec \"$@\""
        words += [":"] * (rank > 0) + ["-n", "1", "--wdir", folder, "sh", "-c", started, "sh", "env"] + variables + [program] + own
    launch = Launch(words, work)
    code = launch.wait(60)
    launch.end()
    names = re.compile(kind["names"].format(rank=odd))
    said = launch.time_of(names)
    seconds = seconds_since_last_start(launch, said, [f"{work}/rank{rank}/started" for rank in range(ranks)]) if said else 99.0
    details = f"rank {odd} of {ranks}, exit {code}"
    return fault(launch, kind, code, odd, seconds, said), seconds, details


def fault(launch, kind, code, odd, seconds, said):
    """What is wrong with how the launch ended, "" when nothing is."""
    expected = kind.get("exit", 3)
    if code is None:
        return "hangs"
    if code != expected:
        return f"ends with {code}, not {expected}: {launch.sentences}"
    if said is None:
        return f"not named: {launch.sentences}"
    if expected == 3 and not re.search(rf"rank {odd} \(node ", launch.text) and not re.search(r"rank \d \(node .*rank \d \(node ", launch.text):
        return f"rank {odd} is not named: {launch.sentences}"
    return "" if seconds <= SLOWEST or expected == 0 else f"only after {seconds:.1f} s"


def seconds_since_last_start(launch, said, files):
    """From the last rank's start to the sentence; the ranks wrote the time of day when they started."""
    import time
    offset = time.time() - time.monotonic()
    starts = [float(open(file).read()) for file in files if os.path.exists(file)]
    return said + offset - max(starts) if starts else said - launch.began
