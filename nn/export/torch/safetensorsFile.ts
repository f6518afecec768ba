/** The text of safetensors_file.py: reads and writes safetensors with PyTorch alone where the package is missing. */
export const safetensorsFile: string = `"""Reads and writes safetensors files: with the safetensors package where it is installed, else with PyTorch alone."""

import json
import os

import torch

try:
    from safetensors.torch import load_file, save_file
except ImportError:
    DTYPES = {
        "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
        "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    }
    NAMES = {dtype: name for name, dtype in DTYPES.items()}

    def load_file(path, device="cpu"):
        """The tensors of a file by name."""
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > os.path.getsize(path):
                raise ValueError(f"{path}: no safetensors file, its header is longer than the file")
            header = json.loads(file.read(size))
            data = bytearray(file.read())
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            dtype = DTYPES[entry["dtype"]]
            start, end = entry["data_offsets"]
            count = 1
            for n in entry["shape"]:
                count *= n
            if not 0 <= start <= end <= len(data) or end - start != count * torch.empty((), dtype=dtype).element_size():
                raise ValueError(f"{path}: '{name}' does not fit into the file")
            flat = torch.frombuffer(data, dtype=dtype, count=count, offset=start) if count > 0 else torch.empty(0, dtype=dtype)
            tensors[name] = flat.reshape(entry["shape"]).clone().to(device)
        return tensors

    def save_file(tensors, path, metadata=None):
        """Writes tensors by name, the widest elements first, so that all are aligned."""
        header, parts, at = {}, [], 0
        if metadata:
            header["__metadata__"] = metadata
        for name in sorted(tensors, key=lambda name: (-tensors[name].element_size(), name)):
            tensor = tensors[name].detach().cpu().contiguous()
            storage = bytes(tensor.flatten().view(torch.uint8).tolist()) if tensor.numel() > 0 else b""
            header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(storage)]}
            parts.append(storage)
            at += len(storage)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(8, "little"))
            file.write(text)
            for part in parts:
                file.write(part)
`;
