"""tensors.py FILE: opens a file with the safetensors package and prints type, shape and raw bytes (hexadecimal) of every tensor as JSON, by name."""
import json
import sys

from safetensors import safe_open

with safe_open(sys.argv[1], framework="numpy") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
listing = {name: {"type": str(t.dtype), "shape": list(t.shape), "bytes": t.tobytes().hex()} for name, t in tensors.items()}
print(json.dumps(listing))
