import type { Tensor } from '../../../core/tensor.ts';
import { python } from './python.ts';

/** What a training run minimises. */
export type TorchLoss = 'crossEntropy' | 'mse' | 'binaryCrossEntropyWithLogits';

/** How examples of an argument look, for `--synthetic`. */
function argumentOf(x: Tensor): string {
  const shape = python(x.shape.slice(1));
  if (x.dtype === 'float32' || x.dtype === 'float64') return `{"shape": ${shape}, "dtype": "${x.dtype}"}`;
  return `{"shape": ${shape}, "dtype": "${x.dtype}", "high": ${x.numel() === 0 ? 1 : x.to('int64').max().item() + 1}}`;
}

/** The text of train.py. */
export function trainText(inputs: readonly Tensor[], loss: TorchLoss): string {
  return template.replace('__INPUTS__', `[${inputs.map(argumentOf).join(', ')}]`).replace('__LOSS__', JSON.stringify({ crossEntropy: 'cross_entropy', mse: 'mse', binaryCrossEntropyWithLogits: 'binary_cross_entropy' }[loss]));
}

const template = `"""Trains the exported model further, in one process or many:

    python train.py --synthetic
    torchrun --nproc-per-node 8 train.py --data data.safetensors --epochs 10

Every process goes through its own part of the data; gradients are averaged (DistributedDataParallel). Beside the model, an exponential
moving average of its weights is kept (AveragedModel). The state of the run is saved to --output/checkpoint.pt, from which a run
goes on; at the end --output/model.safetensors and --output/average.safetensors hold the weights.

data.safetensors has the tensors input_0, input_1, ... and target, each with the examples along its first dimension.
"""

import argparse
import os
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

from model import load_model
from safetensors_file import load_file, save_file

# One example of each argument, and what is minimised.
INPUTS = __INPUTS__
LOSS = __LOSS__


def parse_arguments():
    parser = argparse.ArgumentParser(description="Trains the exported model.")
    parser.add_argument("--data", type=Path, help="a safetensors file with input_0, ... and target")
    parser.add_argument("--synthetic", action="store_true", help="random data, to see that everything runs")
    parser.add_argument("--examples", type=int, default=256, help="number of synthetic examples")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--steps", type=int, default=None, help="stop after so many steps")
    parser.add_argument("--batch-size", type=int, default=32, help="examples per process and step")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-2)
    parser.add_argument("--ema-decay", type=float, default=0.999)
    parser.add_argument("--save-every", type=int, default=1000, help="steps between checkpoints")
    parser.add_argument("--output", type=Path, default=Path("run"))
    parser.add_argument("--backend", choices=["nccl", "gloo"], default=None, help="default nccl with GPUs, gloo without")
    parser.add_argument("--cpu", action="store_true", help="no GPU, even where there is one")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.synthetic == (arguments.data is not None):
        parser.error("give either --data or --synthetic")
    return arguments


def start(arguments):
    """Joins the other processes. Gives rank, number of processes, and the device."""
    rank = int(os.environ.get("RANK", 0))
    world = int(os.environ.get("WORLD_SIZE", 1))
    local = int(os.environ.get("LOCAL_RANK", 0))
    cuda = torch.cuda.is_available() and not arguments.cpu
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if world > 1:
        dist.init_process_group(arguments.backend or ("nccl" if cuda else "gloo"))
    return rank, world, device


def synthetic_input(spec, count, generator):
    shape = (count, *spec["shape"])
    dtype = getattr(torch, spec["dtype"])
    if "high" in spec:
        return torch.randint(0, spec["high"], shape, generator=generator).to(dtype)
    return torch.randn(shape, generator=generator).to(dtype)


def first_output(output):
    """The tensor that is compared with the target: the output, or the first of several."""
    while not isinstance(output, torch.Tensor):
        output = next(iter(output.values())) if isinstance(output, dict) else output[0]
    return output


def make_data(arguments, model):
    if arguments.data is not None:
        tensors = load_file(arguments.data)
        return TensorDataset(*[tensors[f"input_{i}"] for i in range(len(INPUTS))], tensors["target"])
    generator = torch.Generator().manual_seed(arguments.seed)
    inputs = [synthetic_input(spec, arguments.examples, generator) for spec in INPUTS]
    with torch.no_grad():
        shape = first_output(model(*[x[:2] for x in inputs])).shape
    if LOSS == "cross_entropy":
        target = torch.randint(0, shape[1], (arguments.examples, *shape[2:]), generator=generator)
    else:
        target = torch.rand((arguments.examples, *shape[1:]), generator=generator)
    return TensorDataset(*inputs, target)


def loss_of(output, target):
    output = first_output(output)
    if LOSS == "cross_entropy":
        return F.cross_entropy(output, target)
    if LOSS == "mse":
        return F.mse_loss(output, target.to(output.dtype))
    return F.binary_cross_entropy_with_logits(output, target.to(output.dtype))


def save_checkpoint(path, state):
    """Writes beside the old file and then takes its place, so that there always is a whole one."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def state_for_polyak(model):
    """The state dictionary, which polyak loads: model.loadStateDict((await loadSafetensors(path)).tensors)."""
    return {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}


def main():
    arguments = parse_arguments()
    rank, world, device = start(arguments)
    torch.manual_seed(arguments.seed + rank)
    model = load_model()
    data = make_data(arguments, model.eval())
    with torch.no_grad():
        several = not isinstance(model(*[x[:2] for x in data.tensors[:-1]]), torch.Tensor)
    model.to(device).train()
    trained = model
    if world > 1:
        # With several outputs, of which the loss takes one, some parameters may have no gradient.
        trained = DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None, find_unused_parameters=several)
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.lr, weight_decay=arguments.weight_decay)
    decay = arguments.ema_decay
    average = AveragedModel(model, avg_fn=lambda mean, value, _: torch.lerp(mean, value, 1 - decay) if mean.is_floating_point() else value, use_buffers=True)
    sampler = DistributedSampler(data, num_replicas=world, rank=rank, seed=arguments.seed)
    loader = DataLoader(data, batch_size=arguments.batch_size, sampler=sampler)

    arguments.output.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.output / "checkpoint.pt"
    # Steps taken, and the epoch and batch that come next.
    step, epoch, batch = 0, 0, 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.load_state_dict(state["average"])
        step, epoch, batch = state["step"], state["epoch"], state["batch"]

    def save():
        if rank == 0:
            save_checkpoint(checkpoint, {
                "model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average.state_dict(),
                "step": step, "epoch": epoch, "batch": batch,
            })

    def finished():
        return arguments.steps is not None and step >= arguments.steps

    while epoch < arguments.epochs and not finished():
        sampler.set_epoch(epoch)
        for i, tensors in enumerate(loader):
            if i < batch:
                continue
            *inputs, target = [x.to(device, non_blocking=True) for x in tensors]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(trained(*inputs), target)
            loss.backward()
            optimizer.step()
            average.update_parameters(model)
            step, batch = step + 1, i + 1
            if rank == 0:
                print(f"epoch {epoch} step {step} loss {loss.item():.6f}", flush=True)
            if step % arguments.save_every == 0:
                save()
            if finished():
                break
        if batch == len(loader):
            epoch, batch = epoch + 1, 0
    save()

    # All processes have taken the same steps: their weights are the same.
    total = sum(p.detach().double().sum() for p in model.parameters())
    print(f"rank {rank} of {world} checksum {total.item():.12e}", flush=True)
    if rank == 0:
        save_file(state_for_polyak(model), arguments.output / "model.safetensors")
        save_file(state_for_polyak(average.module), arguments.output / "average.safetensors")
    if world > 1:
        dist.barrier()
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
`;
