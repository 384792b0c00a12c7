#!/bin/sh
# Draws from a model: the arrays and the table are as the manual says, draws repeat, and the flow comes back.  Speaks TAP.
. tests/lib.sh

python3 - "$tmp/tiles" <<'PYTHON' || skip_all "python3 with numpy and Pillow"
import os, sys
import numpy
from PIL import Image
random = numpy.random.RandomState(3)
y, x = numpy.mgrid[0:64, 0:64]
os.makedirs(sys.argv[1] + "/train/good")
for i in range(24):
    waves = sum(numpy.cos(random.randn() * x / 5 + random.randn() * y / 5 + 6 * random.rand()) for _ in range(8))
    rgb = numpy.stack([180 + 9 * waves, 130 + 14 * waves, 175 + 6 * waves], 2) + random.randn(64, 64, 3) * 3
    Image.fromarray(numpy.clip(rgb, 0, 255).astype(numpy.uint8)).save(f"{sys.argv[1]}/train/good/{i:02}.png")
PYTHON
cat >"$tmp/tiny.yaml" <<'YAML'
tiles: {size: 64}
model: {blocks: [2, 2, 2], fpn_width: 8, condition: 8}
train: {epochs: 2}
YAML
"$WSIFLOW" train -c "$tmp/tiny.yaml" -p "$tmp/tiles" -o "$tmp/model" -j 2 2>"$tmp/log"
is "a model is trained" $? 0
sample() { "$WSIFLOW" sample "$tmp/model" "$@"; }

out=$(sample -n 11 -o "$tmp/a" -p "$tmp/tiles/train/good" 2>&1)
is "eleven samples come back" $? 0
like "the error of latents is reported" "$out" '^latents -> features -> latents \(11\): largest difference [0-9.e-]+, relative [0-9.e-]+, log-determinant [0-9.e-]+$'
like "the error of tiles is reported" "$out" '^features of tiles -> latents -> features \(24\): largest difference'
sample -n 11 -o "$tmp/b" >/dev/null
check "the same seed draws the same bytes" diff -r "$tmp/a" "$tmp/b"
sample -n 3 -o "$tmp/few" >/dev/null
sample -n 11 -o "$tmp/other" -s 2 >/dev/null
sample -n 11 -o "$tmp/cold" -t 0.5 >/dev/null
check "shapes, values and likelihoods are what they should be" python3 - "$tmp" <<'PYTHON'
import csv, math, sys
import numpy
def arrays(name):
    return [numpy.load(f"{sys.argv[1]}/{name}/scale{l}.npy") for l in (1, 2, 3)]
def table(name):
    return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(open(f"{sys.argv[1]}/{name}/samples.csv"))]
a, few, other, cold = (arrays(n) for n in ("a", "few", "other", "cold"))
assert [v.shape for v in a] == [(11, 8, 8, 8), (11, 4, 4, 8), (11, 2, 2, 8)], [v.shape for v in a]
assert all(v.dtype == numpy.float32 and numpy.isfinite(v).all() for v in a)
assert all((u == v[:3]).all() for u, v in zip(few, a)), "sample i depends on how many are drawn"
assert not (other[0] == a[0]).any()
rows, dimensions = table("a"), 8 * (64 + 16 + 4)
assert list(rows[0]) == ["sample", "log_likelihood", "nll", "logdet"] and [r["sample"] for r in rows] == list(range(11))
for row in rows:  # 0.5 sum z^2 of standard normals is about half the dimensions
    squares = 2 * dimensions * (row["nll"] + row["logdet"])
    assert abs(squares / dimensions - 1) < 5 * math.sqrt(2 / dimensions), row
    expected = -dimensions * (row["nll"] + 0.5 * math.log(2 * math.pi))
    assert abs(row["log_likelihood"] - expected) < 1e-5 * abs(expected), row
mean = [sum(r["nll"] + r["logdet"] for r in t) / 11 for t in (rows, table("cold"))]
assert abs(mean[1] / mean[0] - 0.25) < 0.02, mean
PYTHON

sample -n 2 -o "$tmp/strict" --tolerance 1e-12 >/dev/null 2>"$tmp/why"
is "a round trip above the tolerance fails" $? 1
like "and says so" "$(cat "$tmp/why")" 'not invertible'
sample -n 0 -o "$tmp/none" >/dev/null 2>&1
is "no samples is wrong usage" $? 2
sample -n 1 -o "$tmp/none" -t 0 >/dev/null 2>"$tmp/why"
is "temperature 0 is refused" $? 2
like "temperature 0 is refused with its rule" "$(cat "$tmp/why")" '--temperature is 0: allowed are 0.001 to 1000'
sample -n 1 -o "$tmp/none" -p "$tmp" >/dev/null 2>"$tmp/why"
is "a folder without images is refused" $? 1
finish
