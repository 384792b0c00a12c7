#!/usr/bin/env python3
"""Writes tests/golden/resnet/*.safetensors: tiny seeded ResNets with their outputs, computed by torch.

Each file holds the weights under torchvision's names (plain BatchNorm, or folded into the convolutions) and next to
them "input" (N,H,W,3) and "zero.layerL", "reflect.layerL" (N,H,W,C) for both paddings, which an extractor ignores.
Needs Debian's python3-torch and python3-torchvision.   usage: tools/golden_resnet.py
"""
import json
import os
import struct
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

STEM = 4
CASES = {"basic": (BasicBlock, (1, 2, 1), 64), "bottleneck": (Bottleneck, (1, 1, 1), 128)}
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "resnet")


def write_safetensors(path, tensors):
    header, data, at = {}, b"", 0
    for name, tensor in tensors.items():
        raw = tensor.detach().to(torch.float32).contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(raw)]}
        data += raw
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


class Tiny(nn.Module):
    """torchvision's blocks, names and strides on a stem of 4 channels."""

    def __init__(self, block, blocks, base_width):
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        channels = STEM
        for stage in range(3):
            planes, units = STEM << stage, []
            for i in range(blocks[stage]):
                stride = 2 if i == 0 and stage > 0 else 1
                out, down = planes * block.expansion, None
                if stride != 1 or channels != out:
                    down = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
                extra = {} if block is BasicBlock else {"base_width": base_width}
                units.append(block(channels, planes, stride, down, **extra))
                channels = out
            setattr(self, f"layer{stage + 1}", nn.Sequential(*units))

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        out = []
        for stage in range(3):
            x = getattr(self, f"layer{stage + 1}")(x)
            out.append(x)
        return out


def randomise(net):
    """BatchNorm with statistics and affine maps that are far from the identity."""
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias, 0, 0.3)
            nn.init.normal_(m.running_mean, 0, 0.3)
            nn.init.uniform_(m.running_var, 0.2, 2)


def set_padding(net, mode):
    for m in net.modules():
        if isinstance(m, nn.Conv2d) and m.kernel_size[0] > 1:
            m.padding_mode = mode
            m._reversed_padding_repeated_twice = [m.padding[0]] * 4


def folded(state):
    """The state with each BatchNorm folded into the convolution before it."""
    out = {}
    for name, weight in state.items():
        if weight.dim() != 4:
            continue
        conv = name[:-len(".weight")]
        norm = conv[:-1] + "1" if conv.endswith("downsample.0") else conv.replace("conv", "bn")
        scale = state[norm + ".weight"] / torch.sqrt(state[norm + ".running_var"] + 1e-5)
        out[name] = weight * scale[:, None, None, None]
        out[conv + ".bias"] = state[norm + ".bias"] - state[norm + ".running_mean"] * scale
    return out


def main():
    os.makedirs(OUT, exist_ok=True)
    torch.set_default_dtype(torch.float64)
    for name, (block, blocks, base_width) in CASES.items():
        torch.manual_seed(1)
        net = Tiny(block, blocks, base_width).eval()
        randomise(net)
        x = torch.randn(2, 3, 32, 32)
        results = {"input": x.permute(0, 2, 3, 1)}
        with torch.no_grad():
            for mode in ("zeros", "reflect"):
                set_padding(net, mode)
                for stage, y in enumerate(net(x)):
                    key = "zero" if mode == "zeros" else mode
                    results[f"{key}.layer{stage + 1}"] = y.permute(0, 2, 3, 1)
        state = {k: v for k, v in net.state_dict().items() if "num_batches" not in k}
        write_safetensors(os.path.join(OUT, f"{name}_bn.safetensors"), {**state, **results})
        write_safetensors(os.path.join(OUT, f"{name}_folded.safetensors"), {**folded(state), **results})


main()
