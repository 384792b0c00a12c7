#!/usr/bin/env python3
"""Writes tests/golden/resample: images resampled by Pillow, the oracle of tiler/raster/resample.c (python3-pil, python3-numpy).

cases.csv: source, filter, box (x, y, width, height), size of the result, expected image.  "texture" keeps clear of 0 and
255, because Pillow's 8-bit passes clip between the two; "noise" has the full range and is resampled in floating point."""
import csv
import os

import numpy as np
from PIL import Image

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "resample")
FILTERS = {"lanczos3": Image.LANCZOS, "area": Image.BOX, "bilinear": Image.BILINEAR}
CASES = [  # box, size
    ((0, 0, 97, 73), (97, 73)),
    ((0, 0, 97, 73), (40, 31)),
    ((0, 0, 97, 73), (7, 5)),
    ((10.3, 7.7, 61.4, 44.9), (32, 32)),
    ((10.3, 7.7, 20.5, 15.25), (48, 40)),
    ((0.5, 0.25, 96.5, 72.75), (30, 60)),
    ((80, 60, 17, 13), (5, 4)),
    ((3, 5, 64, 64), (16, 16)),
]


def texture():
    y, x = np.mgrid[0:73, 0:97]
    base = 128 + 35 * np.sin(x * 0.7 + y * 0.2) + 25 * np.cos(y * 0.9 - x * 0.1)
    noise = np.random.default_rng(1).normal(0, 8, (73, 97, 3))
    return np.clip(base[..., None] + noise + np.array([-8, 0, 8]), 40, 215).astype(np.uint8)


def noise():
    return np.random.default_rng(2).choice([0, 30, 128, 255], (73, 97)).astype(np.uint8)


def main():
    os.makedirs(OUT, exist_ok=True)
    Image.fromarray(texture()).save(f"{OUT}/texture.png")
    Image.fromarray(noise()).save(f"{OUT}/noise.png")
    rows = []
    for name, flag in FILTERS.items():
        for n, ((x, y, w, h), size) in enumerate(CASES):
            box = (x, y, x + w, y + h)
            rgb = Image.fromarray(texture()).resize(size, flag, box=box)
            grey = Image.fromarray(noise().astype(np.float32)).resize(size, flag, box=box)
            grey = Image.fromarray(np.clip(np.asarray(grey) + 0.5, 0, 255).astype(np.uint8))
            for source, result in (("texture", rgb), ("noise", grey)):
                expected = f"{source}_{name}_{n}.png"
                result.save(f"{OUT}/{expected}", optimize=True)
                rows.append([f"{source}.png", name, x, y, w, h, *size, expected])
    with open(f"{OUT}/cases.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("source filter x y width height out_width out_height expected".split())
        writer.writerows(rows)


main()
