"""The operators, opsets and attributes that operator_variants.py compares. Batches are of two; the first dimension of every input is the batch."""
import itertools

VARIANTS = []


class Ints(list):
    """A constant of int64."""


def add(op, opsets, *inputs, constants=(), domain=(-2, 2), **attributes):
    VARIANTS.append({"op": op, "opsets": list(opsets), "inputs": list(inputs), "constants": list(constants), "domain": domain, "attributes": attributes})


IMAGE = (2, 3, 4, 5)

# Functions of one number.
for op, opsets, domain in [
    ("Exp", [7, 13], (-2, 2)), ("Log", [7, 13], (0.1, 5)), ("Sqrt", [7, 13], (0.1, 5)), ("Reciprocal", [7, 13], (0.3, 3)), ("Neg", [7, 13], (-2, 2)),
    ("Abs", [7, 13], (-2, 2)), ("Tanh", [7, 13], (-3, 3)), ("Erf", [9, 13], (-3, 3)), ("Sigmoid", [7, 13], (-5, 5)), ("Relu", [7, 13, 14], (-2, 2)),
    ("Softplus", [7, 22], (-9, 9)), ("Softsign", [7, 22], (-9, 9)), ("HardSwish", [14, 22], (-5, 5)), ("Mish", [18, 22], (-5, 5)),
    ("Elu", [7, 22], (-3, 3)), ("Selu", [7, 22], (-3, 3)), ("ThresholdedRelu", [10, 22], (-3, 3)), ("HardSigmoid", [7, 22], (-5, 5)),
    ("LeakyRelu", [7, 16], (-3, 3)), ("Gelu", [20], (-5, 5)), ("Celu", [12], (-3, 3)),
]:
    add(op, opsets, IMAGE, domain=domain)
    add(op, opsets[-1:], (2, 7), domain=domain)
add("Elu", [7, 22], IMAGE, alpha=0.3)
add("Selu", [7, 22], IMAGE, alpha=1.5, gamma=0.7)
add("Celu", [12], IMAGE, alpha=2.5)
add("ThresholdedRelu", [10, 22], IMAGE, alpha=0.4)
add("HardSigmoid", [7, 22], IMAGE, alpha=1 / 6, beta=0.5, domain=(-5, 5))
add("LeakyRelu", [7, 16], IMAGE, alpha=0.2)
add("Gelu", [20], IMAGE, approximate="tanh", domain=(-5, 5))
add("Clip", [7], IMAGE, min=-0.5, max=1.0)
add("Clip", [7], IMAGE, max=1.0)
add("Clip", [11, 13], IMAGE, constants=[-0.5, 1.0])
add("Clip", [11, 13], IMAGE, constants=[None, 1.0])
add("Clip", [11, 13], IMAGE, constants=[-0.25])
