"""Runs PyTorch's own samples of its operations and modules and writes a line of JSON for each to the file given: what went in, what came out, and gradients.

Samples come from torch.testing._internal, the data that PyTorch's tests are made of. The first line says which PyTorch it was; the others are of the kinds 'call', 'second' (second derivatives in float64), 'error' and 'module'.
"""
import inspect
import json
import math
import random
import sys
import types
import warnings

# Used by PyTorch's helpers, not by what is needed of them, and missing in Debian's package.
sys.modules.setdefault("expecttest", types.SimpleNamespace(ACCEPT=False, TestCase=object))
warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.testing._internal.common_nn as common_nn  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402
from torch.testing._internal.common_modules import module_db  # noqa: E402

DTYPES = {torch.float32: "float32", torch.float64: "float64", torch.int64: "int64", torch.int32: "int32", torch.bool: "bool", torch.uint8: "uint8"}
# Samples per operation and dtype; the most elements of a tensor.
MOST = {torch.float32: 40, torch.int64: 12, torch.bool: 8, torch.uint8: 8, torch.float64: 6, torch.int32: 6}
LARGEST = 4000


class Unwritable(Exception):
    """A value that the file has no form for."""


def number(v):
    return {"number": str(v)} if isinstance(v, float) and not math.isfinite(v) else v


def encode(v):
    if isinstance(v, torch.Tensor):
        if v.dtype not in DTYPES or v.layout != torch.strided or v.is_quantized or v.numel() > LARGEST:
            raise Unwritable
        return {"tensor": DTYPES[v.dtype], "shape": list(v.shape), "data": [number(x) for x in v.detach().reshape(-1).tolist()]}
    if isinstance(v, (list, tuple)):
        return {"list": [encode(x) for x in v]}
    if isinstance(v, torch.dtype) and v in DTYPES:
        return DTYPES[v]
    if isinstance(v, torch.device):
        return str(v)
    if v is None or isinstance(v, (bool, str, int, float)):
        return number(v)
    raise Unwritable


def weighed(outputs, low, high):
    """A number that depends on all elements of the outputs that have gradients."""
    some = [x for x in outputs if isinstance(x, torch.Tensor) and x.is_floating_point() and x.requires_grad]
    if not some:
        return None
    return sum((x * torch.linspace(low, high, max(x.numel(), 1), dtype=x.dtype)[: x.numel()].reshape(x.shape)).sum() for x in some)


def parts(v):
    return [part for x in v for part in parts(x)] if isinstance(v, (list, tuple)) else [v]


class Leaves:
    """Copies arguments, with gradients for those of a dtype."""

    def __init__(self, dtype):
        self.dtype, self.found = dtype, []

    def take(self, v):
        if isinstance(v, torch.Tensor):
            x = v.detach().clone()
            if x.dtype == self.dtype:
                self.found.append(x.requires_grad_(True))
            return x
        if type(v) in (list, tuple):
            return type(v)(self.take(x) for x in v)
        return v


def samples(op, dtype, most):
    if not op.supports_dtype(dtype, "cpu"):
        return []
    try:
        all_ = list(op.sample_inputs("cpu", dtype, requires_grad=False))
    except Exception:
        return []
    return random.sample(all_, most) if len(all_) > most else all_


def call(op, sample, dtype, second):
    leaves = Leaves(dtype if op.supports_autograd and dtype.is_floating_point else None)
    record = {"kind": "second" if second else "call", "name": op.name, "dtype": DTYPES[dtype]}
    record["args"] = [encode(v) for v in (sample.input, *sample.args)]
    record["options"] = {k: encode(v) for k, v in sample.kwargs.items()}
    result = op(*[leaves.take(v) for v in (sample.input, *sample.args)], **{k: leaves.take(v) for k, v in sample.kwargs.items()})
    record["out"] = encode(result)
    total = weighed(parts(result), 0.5, 1.5)
    if total is None or not leaves.found:
        return None if second else record
    try:
        grads = torch.autograd.grad(total, leaves.found, allow_unused=True, create_graph=second)
        if second:
            total = weighed(grads, -1.0, 0.7)
            if total is None:
                return None
            grads = torch.autograd.grad(total, leaves.found, allow_unused=True)
    except RuntimeError:
        return None if second else record
    record["grads"] = [None if g is None else encode(g) for g in grads]
    return record


def module(cls, args, options, inputs, extra, training, seed):
    torch.manual_seed(seed)
    made = cls(*args, **options).train(training)
    leaves = Leaves(torch.float32)
    record = {"kind": "module", "name": cls.__name__, "training": training, "parameters": list(inspect.signature(cls.__init__).parameters)[1:]}
    record["args"], record["options"] = [encode(v) for v in args], {k: encode(v) for k, v in options.items()}
    record["state"] = {k: encode(v) for k, v in made.state_dict().items()}
    record["inputs"], record["extra"] = [encode(v) for v in inputs], {k: encode(v) for k, v in extra.items()}
    result = made(*[leaves.take(v) for v in inputs], **extra)
    record["out"] = encode(result)
    total = weighed(parts(result), 0.5, 1.5)
    if total is not None:
        record["grads"] = [None if g is None else encode(g) for g in torch.autograd.grad(total, leaves.found + list(made.parameters()), allow_unused=True)]
    return record


def sized(size):
    """An input of common_nn: a tensor, or sizes of what is to be drawn."""
    if isinstance(size, torch.Tensor):
        return size
    return tuple(sized(s) for s in size) if size and isinstance(size[0], (tuple, list)) else torch.randn(size)


def single(v):
    return v.float() if isinstance(v, torch.Tensor) and v.dtype == torch.float64 else v


def old_module(test, seed):
    """A module of common_nn, where arguments stand by position."""
    args = test["constructor_args_fn"]() if "constructor_args_fn" in test else test.get("constructor_args", ())
    inputs = test["input_fn"]() if "input_fn" in test else sized(test["input_size"])
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    if test in common_nn.criterion_tests:
        target = test["target_fn"]() if "target_fn" in test else sized(test["target_size"])
        inputs += target if isinstance(target, tuple) else (target,)
    return module(getattr(torch.nn, test["module_name"]), args, {}, [single(v) for v in inputs], {}, True, seed)


def records():
    for op in op_db:
        for dtype, most in MOST.items():
            for sample in samples(op, dtype, most):
                yield lambda: call(op, sample, dtype, False)  # noqa: B023
        for sample in samples(op, torch.float64, 8):
            yield lambda: call(op, sample, torch.float64, True)  # noqa: B023
        if op.error_inputs_func is not None:
            try:
                errors = list(op.error_inputs("cpu"))
            except RuntimeError:
                continue
            for sample in (e.sample_input for e in errors):
                yield lambda: {"kind": "error", "name": op.name, "args": [encode(v) for v in (sample.input, *sample.args)], "options": {k: encode(v) for k, v in sample.kwargs.items()}}  # noqa: B023
    for seed, test in enumerate([*common_nn.module_tests, *common_nn.new_module_tests, *common_nn.criterion_tests]):
        if "module_name" in test:
            yield lambda: old_module(test, seed)  # noqa: B023
    for info in module_db:
        for training in (True, False):
            for seed, given in enumerate(info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=training)):
                made, used = given.constructor_input, given.forward_input
                yield lambda: module(info.module_cls, made.args, made.kwargs, used.args, used.kwargs, training, seed)  # noqa: B023


def main():
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    with open(sys.argv[1], "w", encoding="utf8") as file:
        file.write(torch.__version__ + "\n")
        for record in records():
            try:
                line = record()
            except Exception:  # what PyTorch cannot do here either
                continue
            if line is not None:
                file.write(json.dumps(line) + "\n")


main()
