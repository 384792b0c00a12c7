#!/usr/bin/env python3
"""Writes tests/golden/kernels/conv.safetensors: small convolutions and all of their gradients, computed by torch.

Tensors of case k: "k.x" (N,H,W,I), "k.weight" (O,I,K,K), "k.bias", "k.residual" and "k.dy" (N,H',W',O),
"k.y" = conv(x) + bias, "k.y_full" = relu(conv(x) + bias + residual), and of sum(dy * conv(x)): "k.dx", "k.dweight",
"k.dbias".  The metadata "k" holds "stride pad reflect".
Needs Debian's python3-torch.   usage: tools/golden_kernels.py
"""
import json
import os
import struct
import torch
from torch.nn.functional import conv2d, pad as pad2d

# n, h, w, in, out, kernel, stride, pad, reflect
CASES = [
    (2, 5, 7, 3, 4, 3, 1, 1, 0), (2, 5, 7, 3, 4, 3, 1, 1, 1), (1, 9, 8, 4, 6, 3, 2, 1, 0), (1, 9, 8, 4, 6, 3, 2, 1, 1),
    (2, 6, 5, 5, 3, 1, 1, 0, 0), (1, 7, 7, 2, 5, 1, 2, 0, 0), (1, 11, 13, 3, 4, 7, 2, 3, 0), (1, 11, 13, 3, 4, 7, 2, 3, 1),
    (2, 8, 8, 16, 12, 3, 1, 1, 0), (2, 8, 8, 16, 12, 3, 1, 1, 1),
]
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "kernels")


def nhwc(t):
    return t.detach().permute(0, 2, 3, 1)


def case(n, h, w, i, o, k, stride, pad, reflect):
    x = torch.randn(n, i, h, w, requires_grad=True)
    weight = (torch.randn(o, i, k, k) / (i * k * k) ** 0.5).requires_grad_()
    bias = torch.randn(o, requires_grad=True)
    y = conv2d(pad2d(x, [pad] * 4, mode="reflect" if reflect else "constant") if pad else x, weight, bias, stride)
    residual, dy = torch.randn_like(y), torch.randn_like(y)
    y.backward(dy)
    return {"x": nhwc(x), "weight": weight, "bias": bias, "residual": nhwc(residual), "dy": nhwc(dy), "y": nhwc(y),
            "y_full": nhwc(torch.relu(y + residual)), "dx": nhwc(x.grad), "dweight": weight.grad, "dbias": bias.grad}


def main():
    os.makedirs(OUT, exist_ok=True)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(2)
    header, data = {"__metadata__": {"cases": str(len(CASES))}}, b""
    for index, spec in enumerate(CASES):
        header["__metadata__"][str(index)] = " ".join(str(v) for v in spec[6:])
        for name, tensor in case(*spec).items():
            raw = tensor.detach().to(torch.float32).contiguous().numpy().tobytes()
            header[f"{index}.{name}"] = {"dtype": "F32", "shape": list(tensor.shape),
                                         "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(OUT, "conv.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


main()
