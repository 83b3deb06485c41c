"""Faults while a run trains: ranks stopped or killed, nodes cut off or dead."""
import atexit
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
LONGEST_END = 25.0  # seconds from the fault to the last process's end: mpirun's own patience, then the watchdog's

CONFIGURATION = {
    "model": "resnet_small", "batch_size": 4, "epochs": 100000, "seed": 1, "checkpoint": {"every": 20},
    "optimizer": {"type": "SGD", "base_lr": 0.01}, "input_info": {"sample_size": [1, 1, 28, 28]},
}

# Kinds with the exit codes that they may have. 137 is also what remains of an mpirun that had to be killed because it waits for a node that is cut off.
LATE = r"qat: error: rank {rank} \(node {node}\) is late: last heard [0-9.]+ s ago in "
# Of several ranks that are lost at once only the first may be named by itself.
LATE_AMONG = r"qat: error: .*rank {rank} \(node {node}\) is late: last heard"
DIED = r"qat: error: .*rank {rank} \(node {node}\) has died in |noticed that process rank {rank} "
KINDS = {
    "stopped rank": ("rank", signal.SIGSTOP, LATE, {6}, 1),
    "stopped rank on a node": ("rank", signal.SIGSTOP, LATE, {6}, 2),
    "killed rank": ("rank", signal.SIGKILL, DIED, {137}, 1),
    "killed rank on a node": ("rank", signal.SIGKILL, DIED, {137}, 2),
    "failed check": ("rank", signal.SIGTRAP, r"\[rank {rank} node {node}\] .*crashed with SIGTRAP", {133}, 1),
    "bad address": ("rank", signal.SIGSEGV, r"\[rank {rank} node {node}\] .*crashed with SIGSEGV", {139}, 1),
    "cut node": ("cut", None, LATE_AMONG, {6, 137}, 2),
    "dead node": ("kill", None, r"rank {rank} \(node {node}\) has died|lost communication with a remote daemon|noticed that process rank", {6, 9, 137, 205}, 2),
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
    with open(f"{campaign.folder}/run.json", "w") as file:
        json.dump(CONFIGURATION, file)
    return list(KINDS), lambda kind, random: meet(campaign, KINDS[kind], random)


def meet(campaign, kind, random):
    fault, number, pattern, codes, nodes = kind
    if nodes > 1:
        nodes = random.choice([2, 2, 3])
    per_node = random.choice([2, 3, 4]) if nodes == 1 else random.choice([1, 2])
    ranks = nodes * per_node
    node = random.randrange(0 if fault == "rank" else 1, nodes)
    victim = node * per_node + random.randrange(per_node if fault == "rank" else 1)
    folder = f"{campaign.folder}/run"
    shutil.rmtree(folder, ignore_errors=True)
    cluster = Cluster(nodes) if nodes > 1 else None
    if cluster:
        atexit.register(cluster.down)
    try:
        words = cluster.words + ["run", "--ranks-per-node", str(per_node)] if cluster else ["mpirun"]
        words += LAUNCHER + ["-n", str(ranks), campaign.program, "train", "--config", f"{campaign.folder}/run.json", "--data", "synthetic:1,28,28,10,4800",
                             "--checkpoint-dir", folder, "--stall-timeout", str(STALL_TIMEOUT)]
        launch = Launch(words, campaign.folder)
        details = f"rank {victim} of {ranks} on {nodes} node{'s' * (nodes > 1)}"
        try:
            if not steps_come(folder):
                return f"no step was made: {launch.sentences}", 0.0, details
            time.sleep(random.uniform(0, 2))
            name = f"q{node}" if nodes > 1 else os.uname().nodename
            process = launch.rank_process(campaign.program, victim)
            if process is None:
                return "the rank's process is not found", 0.0, details
            injected = time.monotonic()
            if fault == "rank":
                os.kill(process, number)
            else:
                cluster.control(fault, name)
            code = launch.wait(LONGEST_END + 20)
            said = launch.time_of(re.compile(pattern.format(rank=victim, node=re.escape(name))))
            seconds = said - injected if said else 99.0
            return judge(launch, folder, code, codes, seconds, injected), seconds, f"{details}, exit {code}"
        finally:
            launch.end()
    finally:
        if cluster:
            cluster.down()


def steps_come(folder):
    """Waits until the run has made a few steps."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with open(f"{folder}/metrics.jsonl") as file:
                if sum(1 for _ in file) >= 5:
                    return True
        except OSError:
            pass
        time.sleep(0.05)
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
    halves = [name for name in os.listdir(folder) if name.startswith("step-") and not os.path.exists(f"{folder}/{name}/MANIFEST.json")]
    return f"half checkpoints: {halves}" if halves else ""
