"""PyTorch's side: the same protocol as bench/child.ts. Its order is the one JSON argument; its answer is the last line printed."""
import json
import math
import resource
import sys
from time import perf_counter

sys.path.pop(0)  # this folder, where `torch` would be this file
START = perf_counter()
import numpy as np  # noqa: E402

NUMPY = perf_counter() - START
CHAIN, MOMENTUM = 100, 0.1


def bits(seed, n):
    """24 random bits of the places 0 to n - 1, as in bench/data.ts."""
    h = np.arange(n, dtype=np.uint32) + np.uint32(seed * 0x9E3779B1 & 0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return (h ^ (h >> np.uint32(16))) >> np.uint32(8)


def floats(spec):
    u = bits(spec["seed"], math.prod(spec["shape"])) / 2**24
    return (spec["low"] + (spec["high"] - spec["low"]) * u).astype(np.float32).reshape(spec["shape"])


def integers(spec):
    return (bits(spec["seed"], math.prod(spec["shape"])) % np.uint32(spec["below"])).astype(np.int64).reshape(spec["shape"])


class Task:
    def __init__(self, step, check=None):
        self.step, self.check = step, check


def tasks(numbers, torch):
    """What each workload is, by its name."""
    nn, F = torch.nn, torch.nn.functional
    inputs = [torch.from_numpy(a) for a in numbers["floats"] + numbers["integers"]]
    optimizer_spec = numbers["workload"]["optimizer"]

    def train(model, loss_of):
        parameters = list(model.parameters())
        assert len(parameters) == len(numbers["weights"])
        with torch.no_grad():
            for p, w in zip(parameters, numbers["weights"]):
                assert tuple(p.shape) == w.shape, (p.shape, w.shape)
                p.copy_(torch.from_numpy(w))
        lr = optimizer_spec["lr"]
        optimizer = {
            "sgd": lambda: torch.optim.SGD(parameters, lr=lr, momentum=optimizer_spec["momentum"]),
            "adam": lambda: torch.optim.Adam(parameters, lr=lr),
            "adamw": lambda: torch.optim.AdamW(parameters, lr=lr, weight_decay=optimizer_spec["weightDecay"]),
        }[optimizer_spec["kind"]]()

        def step():
            optimizer.zero_grad()
            loss = loss_of()
            loss.backward()
            optimizer.step()
            return loss.item()

        return Task(step)

    def classify(model):
        x, y = inputs
        return train(model, lambda: F.cross_entropy(model(x), y))

    def mlp(activation):
        linears = [nn.Linear(w.shape[1], w.shape[0]) for w in numbers["weights"] if w.ndim == 2]
        return nn.Sequential(linears[0], *[m for layer in linears[1:] for m in (activation(), layer)])

    def regress():
        model = mlp(nn.Tanh)
        x, y = inputs
        return train(model, lambda: F.mse_loss(model(x), y))

    def le_net():
        return nn.Sequential(
            nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)
        )

    T, D, HEADS = 64, 128, 4

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1 = nn.LayerNorm(D)
            self.qkv = nn.Linear(D, 3 * D)
            self.proj = nn.Linear(D, D)
            self.norm2 = nn.LayerNorm(D)
            self.up = nn.Linear(D, 4 * D)
            self.down = nn.Linear(4 * D, D)

        def attend(self, x, future):
            q, k, v = [p.reshape(-1, T, HEADS, D // HEADS).transpose(1, 2) for p in self.qkv(x).chunk(3, -1)]
            scores = q.matmul(k.transpose(-2, -1)) * (1 / math.sqrt(D / HEADS))
            mixed = scores.masked_fill(future, -math.inf).softmax(-1).matmul(v)
            return self.proj(mixed.transpose(1, 2).reshape(-1, T, D))

        def forward(self, x, future):
            x = x + self.attend(self.norm1(x), future)
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Embedding(64, D)
            self.position = nn.Parameter(torch.zeros(T, D))
            self.blocks = nn.ModuleList([Block(), Block()])
            self.norm = nn.LayerNorm(D)
            self.head = nn.Linear(D, 64)

        def forward(self, tokens, future):
            x = self.token(tokens) + self.position
            for block in self.blocks:
                x = block(x, future)
            return self.head(self.norm(x))

    def transformer():
        model = Transformer()
        x, y = inputs[0][:, :T].contiguous(), inputs[0][:, 1:].reshape(-1)
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        return train(model, lambda: F.cross_entropy(model(x, future).reshape(-1, 64), y))

    class Lstm(nn.Module):
        def __init__(self):
            super().__init__()
            self.input = nn.Linear(64, 4 * 128)
            self.hidden = nn.Linear(128, 4 * 128)
            self.head = nn.Linear(128, 10)

        def forward(self, x):
            h = c = torch.zeros(x.shape[0], 128)
            for t in range(x.shape[1]):
                i, f, g, o = (self.input(x[:, t]) + self.hidden(h)).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
            return self.head(h)

    class FusedLstm(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(64, 128, batch_first=True)
            self.head = nn.Linear(128, 10)

        def forward(self, x):
            return self.head(self.lstm(x)[0][:, -1])

    def fused_lstm():
        wi, bi, wh, bh, w, b = numbers["weights"]
        numbers["weights"] = [wi, wh, bi, bh, w, b]
        return classify(FusedLstm())

    def average(update):
        averaged, source = [torch.from_numpy(w) for w in numbers["weights"]], inputs

        def step():
            with torch.no_grad():
                update(averaged, source)

        def check():
            for _ in range(3):
                step()
            return probe(averaged[-1])

        return Task(step, check)

    def lerp(averaged, source):
        for a, s in zip(averaged, source):
            a.lerp_(s, MOMENTUM)

    def mul_add(averaged, source):
        for a, s in zip(averaged, source):
            a.mul_(1 - MOMENTUM).add_(s, alpha=MOMENTUM)

    def foreach_average():
        if not hasattr(torch, "_foreach_lerp_"):
            return f"PyTorch {torch.__version__} has none"
        return average(lambda averaged, source: torch._foreach_lerp_(averaged, source, MOMENTUM))

    def averaged_model():
        from torch.optim.swa_utils import AveragedModel

        def wrap(tensors):
            return nn.ParameterList([nn.Parameter(t) for t in tensors])

        model = wrap(inputs)
        averaged = AveragedModel(wrap([torch.from_numpy(w) for w in numbers["weights"]]), avg_fn=lambda a, s, _: a + MOMENTUM * (s - a))
        averaged.n_averaged += 1

        def step():
            averaged.update_parameters(model)

        def check():
            for _ in range(3):
                step()
            return probe(list(averaged.parameters())[-1])

        return Task(step, check)

    def probe(t):
        t = t.detach().reshape(-1)
        return [t[0].item(), t[len(t) // 2].item(), t[-1].item()]

    def compute(run):
        return Task(lambda: run(*inputs), lambda: probe(run(*inputs)))

    def chain():
        x, add, mul = inputs
        x.requires_grad_()
        one = torch.ones(16)

        def step():
            x.grad = None
            y = x
            for i in range(CHAIN):
                y = y.relu() if i % 3 == 0 else y + add if i % 3 == 1 else y * mul
            y.backward(one)
            return y

        return Task(step, lambda: probe(step()) + probe(x.grad))

    averages = {"": lambda: average(lerp), "mul_+add_": lambda: average(mul_add), "_foreach_lerp_": foreach_average, "AveragedModel": averaged_model}
    return {
        "W1": lambda _: classify(mlp(nn.ReLU)),
        "W2": lambda _: regress(),
        "W3": lambda _: classify(mlp(nn.ReLU)),
        "W4": lambda _: classify(le_net()),
        "W5": lambda _: transformer(),
        "W6": lambda mode: fused_lstm() if mode == "nn.LSTM" else classify(Lstm()),
        "W7": lambda mode: averages[mode](),
        "W8-matmul": lambda _: compute(lambda a, b: a.matmul(b)),
        "W8-add": lambda _: compute(lambda a, b: a + b),
        "W8-exp": lambda _: compute(lambda a, b: a.exp()),
        "W8-relu": lambda _: compute(lambda a, b: a.relu()),
        "autograd": lambda _: chain(),
        "import": lambda _: classify(mlp(nn.ReLU)),
    }


def checked(task, steps):
    if task.check is not None:
        return task.check()
    losses, start = [], perf_counter()
    while len(losses) < steps and (not losses or perf_counter() - start < 15):
        losses.append(task.step())
    return losses


def sample(task, times):
    """Seconds per step; the rule of bench/measure.ts: warm up, then at least five batches of 50 ms or more until the time is over."""
    start, steps = perf_counter(), 0
    while steps < 20 or perf_counter() - start < times["warm"]:
        if perf_counter() - start > max(times["warm"], 2):
            break
        task.step()
        steps += 1

    def batch(count):
        begin = perf_counter()
        for _ in range(count):
            task.step()
        return (perf_counter() - begin) / count

    once = batch(1)
    slow = once * 3 > times["sample"]
    count = max(1, round(0.05 / once))
    samples, begin = [], perf_counter()
    while len(samples) < (1 if slow else 5) or perf_counter() - begin < times["sample"]:
        samples.append(batch(count))
    return samples


def obey(order):
    workload, options = order["workload"], order["options"]
    begin = perf_counter()
    numbers = {"workload": workload, "weights": [floats(s) for s in workload["weights"]]}
    numbers["floats"] = [floats(s) for s in workload["floats"]]
    numbers["integers"] = [integers(s) for s in workload["integers"]]
    start = perf_counter() - NUMPY  # loading NumPy is a part of loading PyTorch, making the numbers is not
    import torch

    torch.set_num_threads(options["threads"])
    known = tasks(numbers, torch)
    name = workload["id"]
    task = known[name if name in known else name.rsplit("-", 1)[0]](options["mode"])
    if isinstance(task, str):
        return {"kind": "left out", "reason": task}
    losses = checked(task, workload["checks"])
    samples = [perf_counter() - start] if name == "import" else sample(task, order["times"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"kind": "measured", "samples": samples, "losses": losses, "amount": workload["amount"], "peakMB": round(peak / (2**20 if sys.platform == "darwin" else 1024)), "threads": torch.get_num_threads()}


if len(sys.argv) > 1:
    print()
    print(json.dumps(obey(json.loads(sys.argv[1]))))
else:
    import torch

    torch.ones(64, 64) @ torch.ones(64, 64)
    print(torch.__version__)
    try:
        print(" ".join(sorted({line.split("/")[-1].strip() for line in open("/proc/self/maps") if "blas" in line or "mkl" in line})))
    except OSError:
        print()
