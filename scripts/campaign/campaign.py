"""What the campaigns share: a folder, the program, launches whose stderr is timed, and the table."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAUNCHER = ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1", "--mca", "btl_vader_single_copy_mechanism", "none"]


def find_program(given):
    for path in [given] if given else [f"{ROOT}/.build/release/qat", f"{ROOT}/.build/debug/qat"]:
        if os.access(path, os.X_OK):
            return os.path.abspath(path)
    sys.exit("fault-campaign: there is no program: build it with swift build -c release, or say --qat")


class Launch:
    """One command with its output, and the moment of each line on stderr. All its processes carry a mark in their environment."""

    def __init__(self, words, folder, environment=None):
        self.mark = uuid.uuid4().hex
        settings = {
            "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive",
            # mpirun passes on what begins with OMPI_: a rank on another node carries the mark too.
            "SWIFT_BACKTRACE": "enable=no", "OMPI_MCA_campaign_mark": self.mark,
        }
        self.lines = []
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            words, cwd=folder, env={**os.environ, **settings, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            for part in line.decode(errors="replace").split("\r"):
                self.lines.append((time.monotonic(), part.rstrip("\n")))

    @property
    def text(self):
        return "\n".join(line for _, line in self.lines)

    @property
    def sentences(self):
        """What the program has said itself, without mpirun's boxes."""
        return " ".join(line for _, line in self.lines if re.search(r"qat: |\[rank |differs between", line))[:1500] or self.text[-600:]

    def time_of(self, pattern):
        """When the first line came that the pattern is found in, None when there is none."""
        return next((moment for moment, line in self.lines if pattern.search(line)), None)

    def wait(self, seconds):
        """The exit code as a shell has it; None when the command has not ended in time."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        self.reader.join(timeout=5)
        return 128 - code if code < 0 else code

    def processes(self):
        """Numbers and command lines of all that still lives of this launch."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if self.mark.encode() not in file.read():
                        continue
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    found[int(pid)] = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
        return {pid: words for pid, words in found.items() if words}

    def rank_process(self, program, rank):
        """The process of a rank of the program, None when it is not there."""
        for pid in self.processes():
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    variables = file.read().split(b"\0")
                with open(f"/proc/{pid}/comm") as file:
                    name = file.read().strip()
            except OSError:
                continue
            if name == os.path.basename(program)[:15] and b"OMPI_COMM_WORLD_RANK=%d" % rank in variables:
                return pid
        return None

    def end(self):
        """Kills what is left."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Campaign:
    """Goes through faults in an order that the seed decides, and keeps account."""

    def __init__(self, program, seed, log):
        self.program, self.seed, self.log = program, seed, log

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="fault-campaign-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def go_through(self, count, kinds, meet):
        """Meets `count` faults of `kinds`; `meet(kind, random)` returns (what was wrong or "", seconds, details). Every kind comes up before one comes again."""
        order = []
        shuffler = random.Random(self.seed)
        while len(order) < count:
            order += shuffler.sample(list(kinds), len(kinds))
        done = {}
        if self.log and os.path.exists(self.log):
            with open(self.log) as file:
                done = {entry["number"]: entry for entry in map(json.loads, file) if entry["seed"] == self.seed}
        entries = []
        for number, kind in enumerate(order[:count]):
            entry = done.get(number)
            if entry is None or entry["kind"] != kind:
                fault, seconds, details = meet(kinds[kind], random.Random(self.seed * 100003 + number))
                entry = {"number": number, "seed": self.seed, "kind": kind, "fault": fault, "seconds": seconds, "details": details}
                if self.log:
                    with open(self.log, "a") as file:
                        file.write(json.dumps(entry) + "\n")
                print(f"{number + 1:4} {kind:28} {details:34} {seconds:5.1f} s  {fault or 'named'}", flush=True)
            entries.append(entry)
        return self.summarize(entries)

    @staticmethod
    def summarize(entries):
        print(f"\n{'fault':28} {'times':>5} {'named':>5} {'median s':>8} {'longest s':>9}")
        for kind in sorted({entry["kind"] for entry in entries}):
            some = [entry for entry in entries if entry["kind"] == kind]
            times = sorted(entry["seconds"] for entry in some)
            named = sum(not entry["fault"] for entry in some)
            print(f"{kind:28} {len(some):5} {named:5} {times[len(times) // 2]:8.1f} {times[-1]:9.1f}")
        failed = [entry for entry in entries if entry["fault"]]
        print(f"{len(entries)} faults of {len({entry['kind'] for entry in entries})} kinds, {len(entries) - len(failed)} named rightly, "
              f"longest {max((entry['seconds'] for entry in entries), default=0):.1f} s")
        for entry in failed:
            print(f"  {entry['number'] + 1} {entry['kind']} ({entry['details']}): {entry['fault']}")
        return not failed
