#!/usr/bin/env python3
"""Writes tests/golden/flows/CASE/: what torch's autograd says about the layers of flows/, in double precision.

usage: golden_flows.py [--out FOLDER] [--msflow FILE.py]

A case is a folder with `manifest.txt` and raw little-endian arrays NAME.bin.  Lines of the manifest:
  parameter NAME TORCH CENTRE SPREAD DIMS...   values centre + spread * (2 u - 1), u uniform from the stream (SEED; name)
                                               of base/rng.h: made anew by the test, not stored
  given NAME TORCH DIMS...                     values in NAME.bin (float64): matrices, permutations
  array NAME TYPE DIMS...                      inputs and answers; maps are (n, h, w, channels)
NAME is the name in wsiflow, TORCH the one in a torch module of stock MSFlow where there is one, else -.  `gradient` and `stepped`
hold the trainable parameters one after the other, in the order of the manifest; `fitted.NAME` is what NAME becomes by fitting.

With --msflow, a file with a class MSFlow(channels, blocks, P) whose parameters have the TORCH names: z, log-determinant and
gradients of the case msflow_aio are compared with it.
"""
import argparse, importlib.util, math, os, shutil, sys
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
SEED = 20
M32 = np.uint64(0xFFFFFFFF)


def uniforms(name, count):
    """rng_uniform() of rng_at(SEED, rng_name(name), 0): Philox 4x32-10."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    blocks = (count + 1) // 2
    c = [np.arange(blocks, dtype=np.uint64), np.full(blocks, h & 0xFFFFFFFF, np.uint64),
         np.full(blocks, h >> 32, np.uint64), np.zeros(blocks, np.uint64)]
    k = [SEED & 0xFFFFFFFF, SEED >> 32]
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), p1 & M32,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]), p0 & M32]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    words = np.stack(c, 1).reshape(-1, 2)
    high, low = words[:, 0] >> np.uint64(5), words[:, 1] >> np.uint64(6)
    return ((high << np.uint64(26)) | low).astype(np.float64)[:count] / 2.0**53


class Case:
    def __init__(self, root, name):
        self.folder = os.path.join(root, name)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        torch.manual_seed(SEED)  # a case does not depend on those before it
        self.lines = [f"# {name}: written by tools/golden_flows.py, torch {torch.__version__}, seed {SEED}"]
        self.p, self.trained, self.torch_names = {}, [], {}

    def parameter(self, name, torch_name, centre, spread, *dims):
        u = uniforms(name, int(np.prod(dims)))
        self.p[name] = torch.tensor(centre + spread * (2 * u - 1)).reshape(dims).requires_grad_()
        self.trained.append(name)
        self.torch_names[name] = torch_name
        self.lines.append(f"parameter {name} {torch_name} {centre!r} {spread!r} " + " ".join(map(str, dims)))

    def given(self, name, torch_name, value, trained=False):
        value = torch.as_tensor(value, dtype=torch.float64).clone()
        self.p[name] = value.requires_grad_() if trained else value
        self.torch_names[name] = torch_name
        if trained:
            self.trained.append(name)
        value.detach().numpy().tofile(os.path.join(self.folder, name + ".bin"))
        self.lines.append(f"given {name} {torch_name} " + " ".join(map(str, value.shape)))

    def array(self, name, value, single=False):
        value = torch.as_tensor(value).detach().numpy()
        kind = "f32" if single else "f64"
        value.astype(np.float32 if single else np.float64).tofile(os.path.join(self.folder, name + ".bin"))
        self.lines.append(f"array {name} {kind} " + " ".join(map(str, value.shape)))

    def maps(self, name, value):
        self.array(name, value.permute(0, 2, 3, 1))

    def gradient(self):
        return torch.cat([self.p[n].grad.flatten() for n in self.trained])

    def write(self):
        with open(os.path.join(self.folder, "manifest.txt"), "w") as out:
            out.write("\n".join(self.lines) + "\n")
        size = sum(os.path.getsize(os.path.join(self.folder, f)) for f in os.listdir(self.folder))
        assert size < 200_000, (self.folder, size)
        print(f"{self.folder}: {size} bytes")


# ---- the layers ----

def code(channels, h, w):
    half = channels // 2
    out = torch.zeros(channels, h, w)
    for i in range(0, half, 2):
        frequency = math.exp(-i * math.log(10000.0) / half)
        out[i] = torch.sin(torch.arange(w) * frequency)[None, :]
        out[i + 1] = torch.cos(torch.arange(w) * frequency)[None, :]
        out[half + i] = torch.sin(torch.arange(h) * frequency)[:, None]
        out[half + i + 1] = torch.cos(torch.arange(h) * frequency)[:, None]
    return out


def conv(p, name, x):
    return F.conv2d(x, p[name + ".weight"], p[name + ".bias"], padding=1)


def norm_relu(p, name, x):
    y = F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), p[name + ".weight"], p[name + ".bias"], 1e-5)
    return F.relu(y.permute(0, 3, 1, 2))


def squeeze_excitation(p, name, v):
    q = F.relu(F.linear(v.mean((2, 3)), p[name + ".fc1.weight"], p[name + ".fc1.bias"]))
    return v * torch.sigmoid(F.linear(q, p[name + ".fc2.weight"], p[name + ".fc2.bias"]))[:, :, None, None]


def subnet(p, name, x, c):
    v = torch.cat([x, c.expand(x.shape[0], -1, -1, -1)], 1)
    v = norm_relu(p, name + ".norm", conv(p, name + ".conv1", v))
    if name + ".se.fc1.weight" in p:
        v = squeeze_excitation(p, name + ".se", v)
    return conv(p, name + ".conv2", v)


def coupling(p, name, x, c, alpha, new):
    passive = x.shape[1] - x.shape[1] // 2
    r = 0.1 * subnet(p, name, x[:, :passive], c)
    s, t = r.chunk(2, 1)
    j = alpha * torch.tanh(s / alpha) if new else alpha * torch.tanh(s)
    return torch.cat([x[:, :passive], x[:, passive:] * torch.exp(j) + t], 1), j.sum((1, 2, 3))


def aio(p, name, x, c, alpha=1.9, new=False):
    u, ld = coupling(p, name + ".coupling", x, c, alpha, new)
    s = 0.2 * F.softplus(p[name + ".scale"] / 2, threshold=100)
    v = u * s[:, None, None] + p[name + ".offset"][:, None, None]
    return v[:, p[name + ".permutation"].long()], ld + x.shape[2] * x.shape[3] * s.log().sum()


def mixing(p, name):
    lu, n = p[name + ".invconv.lu"], p[name + ".invconv.lu"].shape[0]
    upper = torch.triu(lu, 1) + torch.diag(p[name + ".invconv.sign"] * torch.exp(torch.diag(lu)))
    return ((torch.tril(lu, -1) + torch.eye(n)) @ upper)[p[name + ".invconv.permutation"].long()]


def glow(p, name, x, c, alpha=1.9, new=False):
    a, b = p[name + ".actnorm.log_scale"], p[name + ".actnorm.bias"]
    y = (x + b[:, None, None]) * torch.exp(a)[:, None, None]
    y = torch.einsum("ij,njhw->nihw", mixing(p, name), y)
    u, ld = coupling(p, name + ".coupling", y, c, alpha, new)
    return u, ld + x.shape[2] * x.shape[3] * (a.sum() + torch.diag(p[name + ".invconv.lu"]).sum())


def start_actnorm(p, name, x):
    """b = -mean, a = -ln(population deviation, at least 1e-3), over images and pixels."""
    with torch.no_grad():
        p[name + ".actnorm.bias"].copy_(-x.mean((0, 2, 3)))
        p[name + ".actnorm.log_scale"].copy_(-torch.log(x.var((0, 2, 3), unbiased=False).sqrt().clamp(min=1e-3)))


def fusion_net(p, name, xs):
    small = xs[-1].shape[2:]
    q = torch.cat([F.adaptive_avg_pool2d(x, small) for x in xs], 1)
    q = F.relu(conv(p, name + ".conv2", norm_relu(p, name + ".norm", conv(p, name + ".conv1", q))))
    out = []
    for l, (x, part) in enumerate(zip(xs, q.split([x.shape[1] for x in xs], 1))):
        h = x + F.interpolate(part, x.shape[2:], mode="bilinear", align_corners=False)
        out.append([F.conv2d(h, p[f"{name}.level{l}.{k}.weight"], p[f"{name}.level{l}.{k}.bias"], padding=1) for k in "ST"])
    return out


def fusion(p, name, xs, alpha=1.9):
    def log_scale(s):
        return alpha * 0.636 * torch.atan(s / alpha)
    xs = [x[:, p[f"{name}.permutation{l}"].long()] for l, x in enumerate(xs)]
    a, b = zip(*(x.split([x.shape[1] // 2, x.shape[1] - x.shape[1] // 2], 1) for x in xs))
    st = fusion_net(p, name + ".net2", b)
    a = [x * torch.exp(log_scale(s)) + t for x, (s, t) in zip(a, st)]
    ld = sum(log_scale(s).sum((1, 2, 3)) for s, _ in st)
    st = fusion_net(p, name + ".net1", a)
    b = [x * torch.exp(log_scale(s)) + t for x, (s, t) in zip(b, st)]
    ld = ld + sum(log_scale(s).sum((1, 2, 3)) for s, _ in st)
    return [torch.cat(z, 1).clamp(-1e6, 1e6) for z in zip(a, b)], ld


def pyramid(p, ys):
    """Standardise, project, add from above, standardise; returns the levels before the last too."""
    lateral = []
    for l, y in enumerate(ys):
        mean, deviation = p[f"fpn.level{l}.mean"], p[f"fpn.level{l}.deviation"]
        y = (y - mean[:, None, None]) / deviation[:, None, None]
        lateral.append(torch.einsum("dc,nchw->ndhw", p[f"fpn.level{l}.lateral"], y))
    levels = [None, None, lateral[2]]
    for l in (1, 0):
        levels[l] = (lateral[l] + F.interpolate(levels[l + 1], lateral[l].shape[2:], mode="nearest")) / math.sqrt(2)
    return levels


def restandardise(p, levels):
    return [(x - p[f"fpn.level{l}.out_mean"][:, None, None]) / p[f"fpn.level{l}.out_deviation"][:, None, None]
            for l, x in enumerate(levels)]


def statistics(x):
    return x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False).sqrt().clamp(min=1e-3)


# ---- parameters of the layers ----

def conv_parameters(case, name, torch_name, out, inputs, gain=1.0):
    bound = gain / math.sqrt(9 * inputs)
    case.parameter(name + ".weight", torch_name + ".weight", 0.0, bound, out, inputs, 3, 3)
    case.parameter(name + ".bias", torch_name + ".bias", 0.0, bound, out)


def norm_parameters(case, name, torch_name, n):
    case.parameter(name + ".weight", torch_name + ".weight", 1.0, 0.4, n)
    case.parameter(name + ".bias", torch_name + ".bias", 0.0, 0.3, n)


def se_parameters(case, name, channels):
    reduced = max(1, channels // 16)
    case.parameter(name + ".fc1.weight", "-", 0.0, 1 / math.sqrt(channels), reduced, channels)
    case.parameter(name + ".fc1.bias", "-", 0.2, 0.2, reduced)
    case.parameter(name + ".fc2.weight", "-", 0.0, 1 / math.sqrt(reduced), channels, reduced)
    case.parameter(name + ".fc2.bias", "-", 2.0, 0.5, channels)


def coupling_parameters(case, name, torch_name, channels, condition, se):
    mid = channels - channels // 2 + condition
    conv_parameters(case, name + ".conv1", torch_name + ".c1", mid, mid)
    norm_parameters(case, name + ".norm", torch_name + ".ln", mid)
    if se:
        se_parameters(case, name + ".se", mid)
    conv_parameters(case, name + ".conv2", torch_name + ".c2", 2 * (channels // 2), mid, 4.0)


def aio_parameters(case, name, torch_name, channels, condition):
    case.parameter(name + ".scale", torch_name + ".g", 2 * math.log(math.exp(5) - 1), 2.0, channels)
    case.parameter(name + ".offset", torch_name + ".o", 0.0, 0.3, channels)
    coupling_parameters(case, name + ".coupling", torch_name + ".net", channels, condition, False)
    case.given(name + ".permutation", torch_name + ".p", torch.randperm(channels))


def glow_parameters(case, name, channels, condition, se):
    case.parameter(name + ".actnorm.bias", "-", 0.0, 0.3, channels)
    case.parameter(name + ".actnorm.log_scale", "-", 0.0, 0.3, channels)
    orthogonal = torch.linalg.qr(torch.randn(channels, channels))[0]
    packed, pivots = torch.linalg.lu_factor(orthogonal)
    matrix, _, _ = torch.lu_unpack(packed, pivots)  # orthogonal = matrix L U
    diagonal = torch.diag(packed)
    packed = packed - torch.diag(diagonal) + torch.diag(torch.log(diagonal.abs()))
    case.given(name + ".invconv.lu", "-", packed, trained=True)
    coupling_parameters(case, name + ".coupling", "-", channels, condition, se)
    case.given(name + ".invconv.permutation", "-", matrix.argmax(1))
    case.given(name + ".invconv.sign", "-", torch.sign(diagonal))


def fusion_parameters(case, name, torch_name, channels):
    for k in (1, 2):
        halves = [c // 2 if k == 1 else c - c // 2 for c in channels]
        others = [c - h for c, h in zip(channels, halves)]
        total, mine, theirs = sum(halves), f"{name}.net{k}", f"{torch_name}n{k}"
        conv_parameters(case, mine + ".conv1", theirs + ".c1", total // 4, total)
        norm_parameters(case, mine + ".norm", theirs + ".ln", total // 4)
        conv_parameters(case, mine + ".conv2", theirs + ".c2", total, total // 4)
        for l in range(3):
            for part in ("weight", "bias"):
                dims = (others[l], halves[l], 3, 3) if part == "weight" else (others[l],)
                for kind in "ST":
                    case.parameter(f"{mine}.level{l}.{kind}.{part}", f"{theirs}.{kind}.{l}.{part}", 0.0,
                                   1 / math.sqrt(9 * halves[l]), *dims)
    for l, c in enumerate(channels):
        case.given(f"{name}.permutation{l}", f"{torch_name}p{l}", torch.randperm(c))


def mean_loss(zs, ld):
    return (sum(0.5 * (z**2).sum((1, 2, 3)) for z in zs) - ld).mean()


# ---- the cases ----

def step_case(root, name, kind, channels, condition, n, h, w, new=False, se=False):
    case = Case(root, name)
    x = (torch.randn(n, channels, h, w) * 1.5 + 0.5).requires_grad_()
    c = code(condition, h, w)
    if kind is aio:
        aio_parameters(case, "step", "-", channels, condition)
    else:
        glow_parameters(case, "step", channels, condition, se)
        start_actnorm(case.p, "step", x)
        case.array("actnorm", torch.cat([case.p["step.actnorm.bias"], case.p["step.actnorm.log_scale"]]))
    z, ld = kind(case.p, "step", x, c, new=new)
    loss = mean_loss([z], ld)
    loss.backward()
    case.maps("x", x)
    case.maps("z", z)
    case.array("logdet", ld)
    case.array("loss", loss.reshape(1))
    case.maps("dx", x.grad)
    case.array("gradient", case.gradient())
    case.write()


def fusion_case(root):
    case = Case(root, "fusion")
    channels, sizes = (8, 12, 16), (8, 4, 2)
    xs = [torch.randn(2, c, s, s).requires_grad_() for c, s in zip(channels, sizes)]
    fusion_parameters(case, "fusion", "", channels)
    zs, ld = fusion(case.p, "fusion", xs)
    loss = mean_loss(zs, ld)
    loss.backward()
    for l in range(3):
        case.maps(f"x{l}", xs[l])
        case.maps(f"z{l}", zs[l])
        case.maps(f"dx{l}", xs[l].grad)
    case.array("logdet", ld)
    case.array("loss", loss.reshape(1))
    case.array("gradient", case.gradient())
    case.write()


def ops_case(root):
    """What flows are made of, on odd maps: pooling, resampling, LayerNorm with ReLU, squeeze-excitation, positional code."""
    case = Case(root, "ops")
    n, c, h, w, oh, ow = 2, 34, 5, 7, 2, 3
    x, small = torch.randn(n, c, h, w).requires_grad_(), torch.randn(n, c, oh, ow).requires_grad_()
    dy = torch.randn(n, c, h, w)
    case.maps("x", x)
    case.maps("small", small)
    case.maps("dy", dy)
    case.maps("avgpool", F.avg_pool2d(x, 3, 2, 1))
    down, up = F.adaptive_avg_pool2d(x, (oh, ow)), x + F.interpolate(small, (h, w), mode="bilinear", align_corners=False)
    case.maps("adaptive", down)
    case.maps("bilinear", up)
    case.maps("adaptive_dx", torch.autograd.grad(down, x, small)[0])
    case.maps("bilinear_dx", torch.autograd.grad(up, small, dy)[0])
    norm_parameters(case, "norm", "-", c)
    y = norm_relu(case.p, "norm", x)
    case.maps("norm_y", y)
    case.maps("norm_dx", torch.autograd.grad(y, x, dy, retain_graph=True)[0])
    for key in ("weight", "bias"):
        case.array("norm_d" + key, torch.autograd.grad(y, case.p["norm." + key], dy, retain_graph=True)[0])
    se_parameters(case, "se", c)
    y = squeeze_excitation(case.p, "se", x)
    case.maps("se_y", y)
    case.maps("se_dx", torch.autograd.grad(y, x, dy, retain_graph=True)[0])
    names = [name for name in case.trained if name.startswith("se.")]
    slopes = torch.autograd.grad(y, [case.p[name] for name in names], dy)
    case.array("se_gradient", torch.cat([g.flatten() for g in slopes]))
    case.maps("code", code(8, h, w)[None])
    case.write()


def fpn_case(root):
    """The pyramid alone, on maps that do not halve evenly, and the gradient of its laterals."""
    case = Case(root, "fpn")
    channels, sizes, width = (8, 12, 16), (7, 4, 2), 6
    ys = [torch.randn(2, c, s, s) * (0.5 + torch.rand(c))[:, None, None] + 1 for c, s in zip(channels, sizes)]
    for l, c in enumerate(channels):
        name = f"fpn.level{l}."
        case.given(name + "mean", "-", torch.randn(c))
        case.given(name + "deviation", "-", 0.5 + torch.rand(c))
        case.given(name + "lateral", "-", torch.linalg.qr(torch.randn(c, width))[0].T, trained=True)
        case.given(name + "out_mean", "-", torch.randn(width))
        case.given(name + "out_deviation", "-", 0.5 + torch.rand(width))
    outs = restandardise(case.p, pyramid(case.p, ys))
    douts = [torch.randn_like(out) for out in outs]
    torch.autograd.backward(outs, douts)
    for l in range(3):
        case.maps(f"y{l}", ys[l])
        case.maps(f"out{l}", outs[l])
        case.maps(f"dout{l}", douts[l])
    case.array("gradient", case.gradient())
    case.write()


CHANNELS, SIZES, BLOCKS, CONDITION = (8, 12, 16), (16, 8, 4), (1, 2, 2), 8


def features(n):
    return [torch.randn(n, c, s, s).abs() * torch.rand(c)[:, None, None] * 2 for c, s in zip(CHANNELS, SIZES)]


def chains(p, kind, ys, start=False):
    zs, ld = [], 0
    for l, y in enumerate(ys):
        for i in range(BLOCKS[l]):
            name = f"flow{l}.step{i}"
            if start:
                start_actnorm(p, name, y)
            y, part = kind(p, name, y, code(CONDITION, *y.shape[2:]))
            ld = ld + part
        zs.append(y)
    return zs, ld


def forward(p, kind, hs):
    ys = [F.avg_pool2d(h, 3, 2, 1) for h in hs]
    if "fpn.level0.mean" in p:
        ys = restandardise(p, pyramid(p, ys))
    zs, ld = chains(p, kind, ys)
    zs, part = fusion(p, "fusion", zs)
    return zs, ld + part


def store_model(case, hs, zs, ld, loss):
    for l in range(3):
        case.maps(f"h{l}", hs[l])
        case.maps(f"z{l}", zs[l])
    case.array("logdet", ld)
    case.array("loss", loss.reshape(1))
    case.array("gradient", case.gradient(), single=True)


def compare_with(path, case, hs, zs, ld):
    spec = importlib.util.spec_from_file_location("stock", path)
    stock = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stock)
    model = stock.MSFlow(CHANNELS, BLOCKS, CONDITION).double()
    named = dict(list(model.named_parameters()) + list(model.named_buffers()))
    seen = set()
    with torch.no_grad():
        for name, theirs in case.torch_names.items():
            named[theirs].copy_(case.p[name].reshape(named[theirs].shape))
            seen.add(theirs)
    assert seen == set(named), set(named) ^ seen
    other, other_ld = model(hs)
    mean_loss(other, other_ld).backward()
    worst = max(float((a - b).abs().max()) for a, b in zip(zs, other))
    slope = max(float((case.p[n].grad.flatten() - named[case.torch_names[n]].grad.flatten()).abs().max()) for n in case.trained)
    print(f"against {path}: z {worst:.2e}, log-determinant {float((ld - other_ld).abs().max()):.2e}, gradient {slope:.2e}")


def msflow_aio_case(root, stock):
    case = Case(root, "msflow_aio")
    hs = features(2)
    for l, c in enumerate(CHANNELS):
        for i in range(BLOCKS[l]):
            aio_parameters(case, f"flow{l}.step{i}", f"par.{l}.{i}", c, CONDITION)
    fusion_parameters(case, "fusion", "fu.", CHANNELS)
    zs, ld = forward(case.p, aio, hs)
    loss = mean_loss(zs, ld)
    loss.backward()
    store_model(case, hs, zs, ld, loss)
    case.write()
    if stock:
        compare_with(stock, case, hs, zs, ld)
    train(root, case, aio, hs)


def polar(matrix):
    """The nearest matrix with orthonormal rows."""
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u @ vh


def train(root, case, kind, hs):
    """CASE_adam: parameters after three steps, losses of fifty.  Laterals learn a hundred times slower and stay orthonormal."""
    name = os.path.basename(case.folder) + "_adam"
    laterals = [case.p[n] for n in case.trained if n.startswith("fpn.")]
    flows = [case.p[n] for n in case.trained if not n.startswith("fpn.")]
    groups = [{"params": flows}] + ([{"params": laterals, "lr": 1e-6}] if laterals else [])
    optimiser = torch.optim.Adam(groups, lr=1e-4, betas=(0.9, 0.999))
    after, losses = Case(root, name), []
    for step in range(50):
        optimiser.zero_grad()
        loss = mean_loss(*forward(case.p, kind, hs))
        losses.append(float(loss))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(flows + laterals, 2.0)
        optimiser.step()
        with torch.no_grad():
            for lateral in laterals:
                lateral.copy_(polar(lateral))
        if step == 2:
            after.array("stepped", torch.cat([case.p[n].flatten() for n in case.trained]), single=True)
    after.array("losses", torch.tensor(losses))
    after.write()


def msflow_glow_case(root, orthogonal):
    case = Case(root, "msflow_glow_se_orthogonal" if orthogonal else "msflow_glow_se_fpn")
    hs, width = features(4), 8  # enough pixels of the smallest map for as many principal directions
    for l in range(3):
        for i in range(BLOCKS[l]):
            glow_parameters(case, f"flow{l}.step{i}", width, CONDITION, True)
    fusion_parameters(case, "fusion", "fu.", (width,) * 3)
    p, answers = case.p, []
    pooled = [F.avg_pool2d(h, 3, 2, 1) for h in hs]
    for l, y in enumerate(pooled):
        mean, deviation = statistics(y)
        x = ((y - mean[:, None, None]) / deviation[:, None, None]).permute(1, 0, 2, 3).flatten(1)
        _, vectors = torch.linalg.eigh(x @ x.T / x.shape[1])
        rows = vectors.T.flip(0)[:width]
        rows = rows * torch.sign(rows.gather(1, rows.abs().argmax(1, keepdim=True)))
        for key, value in (("mean", mean), ("deviation", deviation), ("lateral", rows)):
            p[f"fpn.level{l}.{key}"] = value
            answers.append((f"fpn.level{l}.{key}", value))
        if orthogonal:
            case.given(f"fpn.level{l}.lateral", "-", rows, trained=True)
    for l, x in enumerate(pyramid(p, pooled)):
        for key, value in zip(("out_mean", "out_deviation"), statistics(x.detach())):
            p[f"fpn.level{l}.{key}"] = value
            answers.append((f"fpn.level{l}.{key}", value))
    chains(p, glow, restandardise(p, pyramid(p, pooled)), start=True)
    for name in case.trained:
        if "actnorm" in name:
            answers.append((name, p[name]))
    zs, ld = forward(p, glow, hs)
    loss = mean_loss(zs, ld)
    loss.backward()
    store_model(case, hs, zs, ld, loss)
    for name, value in answers:
        case.array("fitted." + name, value)
    case.write()
    train(root, case, glow, hs)


def main():
    parser = argparse.ArgumentParser()
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--out", default=os.path.join(here, "..", "tests", "golden", "flows"))
    parser.add_argument("--msflow")
    options = parser.parse_args()
    step_case(options.out, "aio_old", aio, 8, 8, 2, 4, 5)
    step_case(options.out, "aio_new", aio, 8, 8, 2, 4, 5, new=True)
    step_case(options.out, "aio_odd", aio, 7, 4, 2, 3, 3)
    step_case(options.out, "glow_se", glow, 8, 28, 2, 4, 3, se=True)
    step_case(options.out, "glow_odd", glow, 7, 4, 2, 5, 7)
    ops_case(options.out)
    fpn_case(options.out)
    fusion_case(options.out)
    msflow_aio_case(options.out, options.msflow)
    msflow_glow_case(options.out, False)
    msflow_glow_case(options.out, True)


if __name__ == "__main__":
    main()
