"""numpy_archive.py FILE: prints shape and sum of every array of an .npz file as JSON."""
import json
import sys

import numpy

arrays = numpy.load(sys.argv[1])
print(json.dumps({
    "shapes": {name: list(arrays[name].shape) for name in arrays.files},
    "sums": {name: float(arrays[name].astype(numpy.float64).sum()) for name in arrays.files},
}))
