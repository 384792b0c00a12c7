#!/usr/bin/python3
"""Makes tests/golden/stain/: two images of haematoxylin and eosin, their fits, and the one in the colours of the other.

   tools/golden_stain.py

Written from the papers that tiler/colour/stain_normalise.h names, with numpy's eigh, percentile and lstsq.
"""
import json
import os

import numpy as np
from PIL import Image

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "stain")
SIZE, LIGHT, BETA = 64, 240.0, 0.15


def image(seed, stains, amounts):
    """Smooth random amounts of two stains, glass in a corner, a little noise."""
    draw = np.random.default_rng(seed)
    c = draw.gamma(2.0, 0.5, (2, SIZE, SIZE))
    for _ in range(4):
        c = (c + np.roll(c, 1, 1) + np.roll(c, 1, 2) + np.roll(c, -1, 1)) / 4
    c = c ** 2 * np.reshape(amounts, (2, 1, 1))
    c[:, :12, :20] = 0
    od = np.tensordot(np.array(stains).T, c, 1).transpose(1, 2, 0)
    rgb = 243 * np.exp(-od) + draw.normal(0, 1.5, od.shape)
    rgb[:4, :4] = 255
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def density(rgb):
    return -np.log((rgb.astype(float) + 1) / LIGHT)


def tissue(rgb):
    od = density(rgb).reshape(-1, 3)
    return od[(od >= BETA).all(1)]


def fit_macenko(rgb):
    od = tissue(rgb)
    _, v = np.linalg.eigh(np.cov(od.T))
    plane = v[:, 1:]
    plane = plane * np.where(od.mean(0) @ plane < 0, -1, 1)
    at = od @ plane
    phi = np.arctan2(at[:, 1], at[:, 0])
    ends = [plane @ [np.cos(a), np.sin(a)] for a in (np.percentile(phi, 1), np.percentile(phi, 99))]
    he = np.array(ends if ends[0][0] > ends[1][0] else ends[::-1])
    c = np.linalg.lstsq(he.T, od.T, rcond=None)[0]
    return {"method": "macenko", "haematoxylin": he[0].tolist(), "eosin": he[1].tolist(),
            "densities": np.percentile(c, 99, axis=1).tolist()}


def apply_macenko(rgb, source, target):
    he, ref = (np.array([f["haematoxylin"], f["eosin"]]) for f in (source, target))
    c = np.linalg.lstsq(he.T, density(rgb).reshape(-1, 3).T, rcond=None)[0]
    c = c * (np.array(target["densities"]) / source["densities"])[:, None]
    out = np.clip(LIGHT * np.exp(-ref.T @ c).T.reshape(rgb.shape), 0, 255)
    return np.where((rgb == 255).all(2, keepdims=True), 255, np.rint(out)).astype(np.uint8)


M = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE = np.array([0.95047, 1, 1.08883])


def to_lab(rgb):
    v = rgb / 255
    v = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    t = v @ M.T / WHITE
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def from_lab(lab):
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], -1)
    xyz = WHITE * np.where(f ** 3 > 216 / 24389, f ** 3, (116 * f - 16) * 27 / 24389)
    v = np.clip(xyz @ np.linalg.inv(M).T, 0, 1)
    return 255 * np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


def fit_reinhard(rgb):
    flat = rgb.reshape(-1, 3)
    lab = to_lab(flat[(density(flat) >= BETA).all(1)].astype(float))
    return {"method": "reinhard", "mean": lab.mean(0).tolist(), "sd": lab.std(0).tolist()}


def apply_reinhard(rgb, source, target):
    lab = (to_lab(rgb.astype(float)) - source["mean"]) / np.array(source["sd"]) * target["sd"] + target["mean"]
    weight = np.clip(density(rgb.min(2, keepdims=True)) / BETA, 0, 1)
    return np.rint(weight * from_lab(lab) + (1 - weight) * rgb).astype(np.uint8)


os.makedirs(OUT, exist_ok=True)
source = image(1, [[0.58, 0.70, 0.42], [0.12, 0.85, 0.38]], [0.9, 0.7])
target = image(2, [[0.65, 0.70, 0.29], [0.22, 0.80, 0.55]], [1.4, 0.5])
Image.fromarray(source).save(f"{OUT}/source.png")
Image.fromarray(target).save(f"{OUT}/target.png")
for name, fit, change in (("macenko", fit_macenko, apply_macenko), ("reinhard", fit_reinhard, apply_reinhard)):
    fits = [fit(source), fit(target)]
    with open(f"{OUT}/{name}.json", "w", encoding="utf-8") as file:
        json.dump({"source": fits[0], "target": fits[1]}, file, indent=1)
    Image.fromarray(change(source, *fits)).save(f"{OUT}/{name}.png")
