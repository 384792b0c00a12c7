#!/usr/bin/env python3
"""Writes tests/golden/losses: loss terms and the head against torch in double precision.

focal.csv    torchvision.ops.sigmoid_focal_loss and its gradient
margin.csv   both margins about given statistics of normals, gradient by autograd
centre.csv   centre loss, gradient by autograd, and centres after one move
head.csv     key,index,value: the total loss of five tiles (three normal, two not) from given latents, its terms, and every
             kind of gradient by autograd.  Inputs are formulas that tests/double/testd_losses.c repeats.
"""
import os
import math
import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "losses")
f64 = torch.float64


def number(x):
    return "%.17g" % (x.item() if torch.is_tensor(x) else x)


with open(os.path.join(folder, "focal.csv"), "w") as out:
    out.write("logit,y,alpha,gamma,loss,slope\n")
    for alpha, gamma in ((0.25, 2), (0.75, 2), (0.5, 0), (0.4, 1.5)):
        for y in (0, 1):
            for logit in (-9, -2.5, -0.3, 0, 0.7, 4, 8):
                x = torch.tensor(float(logit), dtype=f64, requires_grad=True)
                loss = sigmoid_focal_loss(x, torch.tensor(float(y), dtype=f64), alpha, gamma)
                loss.backward()
                out.write("%s,%d,%s,%s,%s,%s\n" % (number(logit), y, number(alpha), number(gamma), number(loss),
                                                   number(x.grad)))


def margin(form, s, y, mean, sd, width):
    m1 = mean + sd
    m2 = m1 + width * sd
    if form == 0:
        return torch.relu(m2 - s) if y else torch.relu(s - m1)
    return -F.logsigmoid((s - m2) / sd) * sd if y else 0 * s


with open(os.path.join(folder, "margin.csv"), "w") as out:
    out.write("form,s,y,mean,sd,width,loss,slope\n")
    for form in (0, 1):
        for mean, sd, width in ((0.0, 1.0, 3.0), (-1.7, 0.2, 2.0)):
            for y in (0, 1):
                for at in (-3, 0.5, 1.5, 3.9, 6):
                    s = torch.tensor(mean + at * sd, dtype=f64, requires_grad=True)
                    loss = margin(form, s, y, mean, sd, width)
                    loss.backward()
                    out.write("%d,%s,%d,%s,%s,%s,%s,%s\n" % (form, number(s), y, number(mean), number(sd),
                                                             number(width), number(loss), number(s.grad)))

torch.manual_seed(11)
with open(os.path.join(folder, "centre.csv"), "w") as out:
    e = torch.randn(4, 3, dtype=f64, requires_grad=True)
    c = torch.randn(3, dtype=f64)
    loss = (0.5 * ((e - c) ** 2).sum(1))
    loss.sum().backward()
    moved = c - 0.5 * (c - e.detach()).sum(0) / (1 + 4)
    out.write("tile,index,e,c,loss,slope,moved\n")
    for i in range(4):
        for k in range(3):
            out.write("%d,%d,%s,%s,%s,%s,%s\n" % (i, k, number(e[i, k]), number(c[k]), number(loss[i]),
                                                  number(e.grad[i, k]), number(moved[k])))

# ---- the head ----

channels, positions, labels = (96, 64, 12), (9, 4, 1), (0, 0, 0, 1, 1)
spec = dict(focal=1.3, centre=0.7, margin=0.4, alpha=0.3, gamma=2.0, width=2.0)
mean, variance = 0.2, 0.0225


def wave(count, phase, step=0.7):
    return torch.sin(step * torch.arange(count, dtype=f64) + phase)


z = []
for l in range(3):
    each = [(0.9 + 0.2 * b) * wave(positions[l] * channels[l], 0.3 * l + b).reshape(positions[l], channels[l])
            for b in range(5)]
    z.append(torch.stack(each).requires_grad_())
logdet = torch.tensor([-60.0 + 35 * b for b in range(5)], dtype=f64, requires_grad=True)
scale = torch.tensor(0.8, dtype=f64, requires_grad=True)
offset = torch.tensor(-1.2, dtype=f64, requires_grad=True)
weight = (0.05 * wave(64 * 384, 0.5, 0.37).reshape(64, 384)).requires_grad_()
bias = (0.1 * wave(64, 0.9)).requires_grad_()
readout = (0.6 * wave(384, 0.4, 0.53)).requires_grad_()
centres = 0.2 * wave(2 * 64, 0.2).reshape(2, 64)

dimensions = sum(c * p for c, p in zip(channels, positions))
s = (0.5 * sum((x ** 2).sum((1, 2)) for x in z) - logdet) / dimensions
sd = math.sqrt(variance)
parts = []
for x in z:
    parts.append(F.adaptive_avg_pool1d((x ** 2).mean(1)[:, None], 64)[:, 0])
    parts.append(F.adaptive_avg_pool1d(x.mean(1)[:, None], 64)[:, 0])
features = F.normalize(torch.cat(parts, 1), dim=1)
logit = F.softplus(scale) * (s - mean) / sd + features @ readout + offset
embedding = F.linear(features, weight, bias)
y = torch.tensor(labels, dtype=f64)
normal, strange = y == 0, y == 1
nll = s[normal].mean()
focal = sigmoid_focal_loss(logit, y, spec["alpha"], spec["gamma"], reduction="mean")
centre = (0.5 * ((embedding - centres[list(labels)]) ** 2).sum(1)).mean()
m1 = mean + sd
m2 = m1 + spec["width"] * sd
hinge = torch.relu(s[normal] - m1).mean() + torch.relu(m2 - s[strange]).mean()
total = nll + spec["focal"] * focal + spec["centre"] * centre + spec["margin"] * hinge
total.backward()

with open(os.path.join(folder, "head.csv"), "w") as out:
    out.write("key,index,value\n")

    def put(key, values, stride=1):
        flat = values.detach().reshape(-1)
        for i in range(0, flat.numel(), stride):
            out.write("%s,%d,%s\n" % (key, i, number(flat[i])))

    put("nll", nll)
    put("focal", focal)
    put("centre", centre)
    put("margin", hinge)
    put("total", total)
    put("s", s)
    put("logit", logit)
    put("embedding", embedding, 7)
    for l in range(3):
        put("dz%d" % l, z[l].grad, 37 if l < 2 else 5)
    put("dlogdet", logdet.grad)
    put("dscale", scale.grad)
    put("doffset", offset.grad)
    put("dweight", weight.grad, 191)
    put("dbias", bias.grad, 5)
    put("dreadout", readout.grad, 7)
