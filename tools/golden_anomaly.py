#!/usr/bin/env python3
"""Writes tests/golden/anomaly/cases.csv: MSFlow's maps and scores from latents, computed with torch in double.

Columns: case,kind,index,value.  Kinds: "z0", "z1", "z2" (latents, pixel by pixel, channels last), "map" (E at the tile size, row
by row) and "figure" (0 contrast, 1 absolute, 2 top, 3 maximum, 4..6 half mean square of the scales, 7 M0).
Sides are size/8, size/16, size/32 and channels 3, 4, 5.
"""
import os
import torch
import torch.nn.functional as F

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "anomaly", "cases.csv")
with open(path, "w") as out:
    out.write("case,kind,index,value\n")
    for size in (32, 48, 64):
        sides = [size // 8, size // 16, max(1, size // 32)]
        zs = [torch.randn(1, c, s, s) * (1 + 0.3 * i) for i, (c, s) in enumerate(zip((3, 4, 5), sides))]
        zs[0][0, :, 1, 1] += 3.0  # something to find
        zs = [z.float().double() for z in zs]
        for i, z in enumerate(zs):
            for k, v in enumerate(z[0].permute(1, 2, 0).flatten()):
                out.write("%d,z%d,%d,%.9g\n" % (size, i, k, v))
        m = [-0.5 * (z * z).mean(1, keepdim=True) for z in zs]
        M = sum(F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False) for x in m)[0, 0]
        A = torch.exp(M - M.max())
        A = A.max() - A
        k = int(0.03 * size * size)
        m0 = torch.quantile(M.flatten(), 0.995).item() - 0.4
        P0 = torch.clamp(torch.exp(M - m0), max=1)
        top = torch.topk(-M.flatten(), k)[0]
        figures = [torch.topk(A.flatten(), k)[0].mean(), torch.topk((1 - P0).flatten(), k)[0].mean(), top.mean(), top.max(),
                   *[-x.mean() for x in m], torch.tensor(m0)]
        for i, v in enumerate(figures):
            out.write("%d,figure,%d,%.17g\n" % (size, i, v))
        for i in range(0, size * size, 7):
            out.write("%d,map,%d,%.9g\n" % (size, i, -M.flatten()[i]))
