"""Faults while a run trains: ranks stopped or killed, nodes cut off or dead."""
import atexit
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from .campaign import LAUNCHER, ROOT, Launch

STALL_TIMEOUT = 5.0
SLACK = 1.0  # a loaded machine may be late itself
LONGEST_START = 150.0  # on a loaded machine, with a debug build
LONGEST_END = 25.0  # seconds from the fault to the last process's end: mpirun's own patience, then the watchdog's

CONFIGURATION = {
    "model": "resnet_small", "batch_size": 4, "epochs": 100000, "seed": 1, "checkpoint": {"every": 20},
    "optimizer": {"type": "SGD", "base_lr": 0.01}, "input_info": {"sample_size": [1, 1, 28, 28]},
}
COMPRESSION = {"algorithm": "quantization", "initializer": {"range": {"num_init_samples": 2000000}}}

# What a rank that lives must say of each rank that is lost.
LATE = r"qat: error: .*rank {rank} \(node {node}\) is late: last heard [0-9.]+ s ago in "
DIED = r"qat: error: .*rank {rank} \(node {node}\) has died in "
CRASHED = r"\[rank {rank} node {node}\] .*crashed with "


class Kind:
    """A fault: what happens (a signal to a rank, or a word of scripts/virtual-cluster to a node), what must be said, and the exit codes that the run may have.

    137 is also what remains of an mpirun that had to be killed because it waits for a node that is cut off.
    """

    def __init__(self, fault, says, codes, several_nodes=False, command="train"):
        self.fault, self.says, self.codes, self.several_nodes, self.command = fault, says, codes, several_nodes, command


KINDS = {
    "stopped rank": Kind(signal.SIGSTOP, LATE, {6}),
    "stopped rank on a node": Kind(signal.SIGSTOP, LATE, {6}, True),
    "killed rank": Kind(signal.SIGKILL, DIED, {137}),
    "killed rank on a node": Kind(signal.SIGKILL, DIED, {137}, True),
    "killed rank that evaluates": Kind(signal.SIGKILL, DIED, {137}, command="evaluate"),
    "killed rank that quantizes": Kind(signal.SIGKILL, DIED, {137}, True, "quantize"),
    "failed check": Kind(signal.SIGTRAP, CRASHED + "SIGTRAP", {133}),
    "bad address": Kind(signal.SIGSEGV, CRASHED + "SIGSEGV", {139}, True),
    "cut node": Kind("cut", LATE, {6, 137}, True),
    "dead node": Kind("kill", DIED, {6, 9, 137, 205}, True),
}


class Cluster:
    """Nodes of scripts/virtual-cluster, made anew for each fault."""

    def __init__(self, count):
        self.words = [f"{ROOT}/scripts/virtual-cluster", "--name", f"campaign-{os.getpid()}"]
        self.control("up", str(count), "--owner", str(os.getpid()))

    def control(self, *words):
        done = subprocess.run(self.words + list(words), capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"fault-campaign: virtual-cluster {' '.join(words)}: {done.stderr}")

    def down(self):
        subprocess.run(self.words + ["down"], capture_output=True)


def prepare(campaign):
    for name, more in {"train": {}, "evaluate": {}, "quantize": {"compression": COMPRESSION}}.items():
        with open(f"{campaign.folder}/{name}.json", "w") as file:
            json.dump({**CONFIGURATION, **more}, file)
    return KINDS, lambda kind, random: meet(campaign, kind, random)


def words_of(command, folder):
    """What qat is started with; each would take minutes."""
    words = [command, "--config", f"{command}.json", "--model", "resnet_small", "--stall-timeout", str(STALL_TIMEOUT), "--data"]
    if command == "train":
        return words + ["synthetic:1,28,28,10,4800", "--checkpoint-dir", folder]
    return words + ["synthetic:1,28,28,10,4000000"] + (["--export", f"{folder}.onnx"] if command == "quantize" else [])


def meet(campaign, kind, random):
    nodes = random.choice([2, 2, 3]) if kind.several_nodes else 1
    per_node = random.choice([1, 2] if kind.several_nodes else [2, 3, 4])
    ranks = nodes * per_node
    is_signal = isinstance(kind.fault, signal.Signals)
    node = random.randrange(0 if is_signal else 1, nodes)
    victims = [node * per_node + place for place in ([random.randrange(per_node)] if is_signal else range(per_node))]
    folder = f"{campaign.folder}/run"
    shutil.rmtree(folder, ignore_errors=True)
    cluster = Cluster(nodes) if nodes > 1 else None
    if cluster:
        atexit.register(cluster.down)
    try:
        words = cluster.words + ["run", "--ranks-per-node", str(per_node)] if cluster else ["mpirun"]
        words += LAUNCHER + ["-n", str(ranks), campaign.program] + words_of(kind.command, folder)
        launch = Launch(words, campaign.folder)
        name = f"q{node}" if nodes > 1 else os.uname().nodename
        named = " and ".join(str(victim) for victim in victims)
        details = f"rank{'s' * (len(victims) > 1)} {named} of {ranks} on {nodes} node{'s' * (nodes > 1)}"
        try:
            if not (steps_come(folder) if kind.command == "train" else watchdogs_come(launch, campaign.program, ranks)):
                return f"the run does not begin: {launch.sentences}", 0.0, details
            time.sleep(random.uniform(0, 2))
            process = launch.rank_process(campaign.program, victims[0])
            if process is None:
                return "the rank's process is not found", 0.0, details
            injected = time.monotonic()
            if is_signal:
                os.kill(process, kind.fault)
            else:
                cluster.control(kind.fault, name)
            code = launch.wait(LONGEST_END + 20)
            said = [launch.time_of(re.compile(kind.says.format(rank=victim, node=re.escape(name)))) for victim in victims]
            seconds = max(said) - injected if all(said) else 99.0
            return judge(launch, folder, code, kind.codes, seconds, injected), seconds, f"{details}, exit {code}"
        finally:
            launch.end()
    finally:
        if cluster:
            cluster.down()


def steps_come(folder):
    """Waits until the run has made a few steps."""
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        try:
            with open(f"{folder}/metrics.jsonl") as file:
                if sum(1 for _ in file) >= 5:
                    return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


def watchdogs_come(launch, program, ranks):
    """Waits until every rank has begun to watch."""
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        processes = [launch.rank_process(program, rank) for rank in range(ranks)]
        if all(process and has_thread(process, "qat-watchdog") for process in processes):
            return True
        time.sleep(0.05)
    return False


def has_thread(process, name):
    for task in glob.glob(f"/proc/{process}/task/*/comm"):
        try:
            with open(task) as file:
                if file.read().strip() == name:
                    return True
        except OSError:
            continue
    return False


def judge(launch, folder, code, codes, seconds, injected):
    """What is wrong with how the run ended, "" when nothing is."""
    if code is None:
        return f"does not end: {launch.sentences}"
    if seconds > 90:
        return f"not named: {launch.sentences}"
    if code not in codes:
        return f"ends with {code}, not one of {sorted(codes)}: {launch.sentences}"
    if seconds > STALL_TIMEOUT + SLACK:
        return f"named only after {seconds:.1f} s"
    while launch.processes() and time.monotonic() < injected + LONGEST_END:
        time.sleep(0.25)
    left = launch.processes()
    if left:
        return f"left running: {left}"
    halves = [name for name in (os.listdir(folder) if os.path.isdir(folder) else []) if name.startswith("step-") and not os.path.exists(f"{folder}/{name}/MANIFEST.json")]
    return f"half checkpoints: {halves}" if halves else ""
