#!/usr/bin/env python3
"""Writes tests/golden/augment/cases.csv: single augmentations by torchvision.transforms.functional and torch's grid_sample.

Columns: operation,parameter,index,value; values of three planes of SIZE x SIZE floats, row by row.  Operation "input" is the
image that all start from: noise of some structure with a grey, a black, a white and a saturated pixel.
"""
import math
import os
import torch
import torch.nn.functional as F
import torchvision.transforms.functional as T

SIZE = 9
torch.manual_seed(11)
image = torch.rand(3, SIZE, SIZE)
image[:, 4:, 2:6] = image[:, 4:, 2:6] * 0.3 + torch.tensor([0.6, 0.3, 0.65])[:, None, None]
for i, colour in enumerate(([0.5, 0.5, 0.5], [0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 1])):
    image[:, 0, i] = torch.tensor(colour)


def rotate(x, degrees):
    a = math.radians(degrees)
    theta = torch.tensor([[[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0]]])
    grid = F.affine_grid(theta, (1, 3, SIZE, SIZE), align_corners=False)
    return F.grid_sample(x[None], grid, mode="bilinear", padding_mode="reflection", align_corners=False)[0]


OPERATIONS = {
    "brightness": (T.adjust_brightness, (0.9, 1.1, 0)),
    "contrast": (T.adjust_contrast, (0.9, 1.3)),
    "saturation": (T.adjust_saturation, (0.5, 1.1)),
    "hue": (T.adjust_hue, (0.02, -0.02, 0.37, -0.5)),
    "blur": (lambda x, s: T.gaussian_blur(x, [5, 5], [s, s]), (0.1, 0.6, 1)),
    "rotate": (rotate, (15, -7.3, 45, 128)),
    "turn": (lambda x, q: torch.rot90(x, int(q), (1, 2)), (1, 2, 3)),
    "hflip": (lambda x, _: T.hflip(x), (0,)),
    "vflip": (lambda x, _: T.vflip(x), (0,)),
    "hflip_turn": (lambda x, q: torch.rot90(T.hflip(x), int(q), (1, 2)), (1,)),
}

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "augment", "cases.csv")
with open(path, "w", encoding="utf-8") as out:
    out.write("operation,parameter,index,value\n")

    def write(name, parameter, planes):
        for index, value in enumerate(planes.flatten().tolist()):
            out.write("%s,%g,%d,%.8g\n" % (name, parameter, index, value))

    write("input", 0, image)
    for name, (operation, parameters) in OPERATIONS.items():
        for parameter in parameters:
            write(name, parameter, operation(image.clone(), parameter))
