#!/usr/bin/env python3
"""Writes tests/golden/adam/steps.csv: torch.optim.Adam with clip_grad_norm_ in double precision.

Columns: step, index, gradient (before clipping), clip, norm (as clip_grad_norm_ returns it), learning_rate, parameter (after the
step).  Rows of step 0 hold the initial parameters.  The learning rate changes between steps as a schedule would change it.
"""
import os
import torch

torch.manual_seed(7)
n, clip = 11, 2.0
p = torch.nn.Parameter(torch.randn(n, dtype=torch.float64))
opt = torch.optim.Adam([p], lr=1e-2, betas=(0.9, 0.999), eps=1e-8)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "adam", "steps.csv")
with open(path, "w") as out:
    out.write("step,index,gradient,clip,norm,learning_rate,parameter\n")
    for i in range(n):
        out.write("0,%d,0,0,0,0,%.17g\n" % (i, p[i].item()))
    for step in range(1, 9):
        # steps 1, 4 and 7 have a large gradient (clipped), step 5 a tiny one (epsilon counts)
        g = torch.randn(n, dtype=torch.float64) * {1: 40.0, 4: 3.0, 5: 1e-8, 7: 1e6}.get(step, 0.1)
        g[3] = 0.0
        lr = 1e-2 / step
        opt.param_groups[0]["lr"] = lr
        p.grad = g.clone()
        norm = torch.nn.utils.clip_grad_norm_([p], clip).item()
        opt.step()
        for i in range(n):
            out.write("%d,%d,%.17g,%.17g,%.17g,%.17g,%.17g\n" % (step, i, g[i].item(), clip, norm, lr, p[i].item()))
