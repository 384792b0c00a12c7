#!/bin/sh
# Heatmaps cover the slide: size x resolution of every file equals the slide's, and values are at the positions of their tiles.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 3 -l 1 --width 5000 --height 4100 >synth.log 2>&1
cat >run.yaml <<'Y'
slides:
  manifest: cohort/manifest.csv
  annotations: cohort/annotations
tiles:
  size: 128
train:
  epochs: 2
  batch: 4
model:
  blocks: [1, 1, 1]
  condition: 16
score:
  overlap: 0
heatmap:
  cell_um: 4
Y
"$WSIFLOW" run -c run.yaml -o a -j 2 >a.out 2>a.err
is "the run ends with 0" $? 0
s=a/slides/synth_02
properties=$(openslide-show-properties $s/heatmap.tif 2>&1)
like "OpenSlide opens the colour pyramid" "$properties" "openslide.vendor: 'generic-tiff'"
like "its levels are halves" "$properties" "openslide.level\[1\].downsample: '(2|1\.99|2\.0)"
check "size x resolution is the slide's, values sit on their tiles" python3 - $s cohort/slides/synth_02.tif <<'P'
import csv, json, sys, numpy as np, openslide, tifffile
s, path = sys.argv[1:]
slide = openslide.OpenSlide(path)
facts = json.load(open(s + "/slide.json"))
w, h = slide.dimensions
assert (facts["width"], facts["height"]) == (w, h) == (5000, 4100)
with tifffile.TiffFile(s + "/heatmap.ome.tif") as t:
    assert len(t.series) == 1, t.series
    import xml.etree.ElementTree as E
    p = E.fromstring(t.ome_metadata).find(".//{*}Pixels").attrib
    assert p["PhysicalSizeXUnit"] == "µm" and p["Type"] == "float", p
    values = t.series[0].levels[0].asarray()[0]
    for level in t.series[0].levels:
        assert level.dtype == np.float32
hy, hx = values.shape
assert abs(hx * float(p["PhysicalSizeX"]) - w * facts["mpp_x"]) < 1e-6 * w, p
assert abs(hy * float(p["PhysicalSizeY"]) - h * facts["mpp_y"]) < 1e-6 * h, p
assert np.array_equal(values, np.load(s + "/scoremap.npy"), equal_nan=True)
rgb = tifffile.TiffFile(s + "/heatmap.tif").pages[0]
num, den = rgb.tags["XResolution"].value
assert abs(hx * 1e4 / (num / den) - w * facts["mpp_x"]) < 1e-4 * w and rgb.tags["ResolutionUnit"].value == 3
# The map's mean over a tile goes with the tile's score; a tile further it does not.
def means(dx):
    a, b = [], []
    for r in csv.DictReader(open(s + "/scores.csv")):
        if not r["score"]:
            continue
        x, y, tw, th = (float(r[k]) for k in ("x", "y", "width", "height"))
        x += dx * tw
        part = values[round(y * hy / h):round((y + th) * hy / h), max(0, round(x * hx / w)):max(0, round((x + tw) * hx / w))]
        if part.size and np.isfinite(part).mean() > 0.9:
            a.append(float(r["score"]))
            b.append(np.nanmean(part))
    rank = lambda v: np.argsort(np.argsort(v))
    return np.corrcoef(rank(a), rank(b))[0, 1], len(a)
here, n = means(0)
shifted, _ = means(1)
assert n > 20 and here > 0.8 and here > shifted + 0.2, (n, here, shifted)
print(n, here, shifted)
P
check "outside of the tissue there is no value" python3 - $s <<'P'
import sys, numpy as np
from PIL import Image
values = np.load(sys.argv[1] + "/scoremap.npy")
mask = np.array(Image.open(sys.argv[1] + "/tissue.png").resize(values.shape[::-1], Image.NEAREST))
inside = np.isfinite(values)
assert inside.any() and (~inside).any()
assert (inside & (mask == 0)).sum() < 0.02 * inside.sum(), ((inside & (mask == 0)).sum(), inside.sum())
P
check "regions are at the model's threshold, and their tiles are the scored ones" python3 - a $s <<'P'
import json, sys, numpy as np
run, s = sys.argv[1:]
threshold = json.load(open(run + "/metrics.json"))["calibration"]["threshold"]
data = json.load(open(s + "/regions.geojson"))
facts = json.load(open(s + "/regions.json"))
values = np.load(s + "/scoremap.npy")
assert data["wsiflow"]["threshold"] == facts["threshold"] == threshold and facts["threshold_from"] == "model"
assert facts["regions"] == len(data["features"]) > 0
assert data["features"][0]["properties"]["measurements"]["Score maximum"] == float("%.9g" % np.nanmax(values))
for f in data["features"]:
    m = f["properties"]["measurements"]
    assert m["Tiles"] >= 1 and 0 <= m.get("Fraction of tiles with blur", 0) <= 1, m
assert any("Tiles with known flags" in f["properties"]["measurements"] for f in data["features"])
P
"$WSIFLOW" heatmap $s/scoremap.npy --slide cohort/slides/synth_02.tif -m a/model/model.safetensors -o again >/dev/null 2>&1
check "heatmap from the map gives the same values; without the tissue mask the fraction is 0 or 1" python3 - $s/heatmap.ome.tif again/heatmap.ome.tif $s <<'P'
import sys, numpy as np, tifffile
from PIL import Image
with tifffile.TiffFile(sys.argv[1]) as t, tifffile.TiffFile(sys.argv[2]) as u:
    for a, b in zip(t.series[0].levels, u.series[0].levels):
        assert np.array_equal(a.asarray()[:2], b.asarray()[:2], equal_nan=True)
    fraction, bare = t.asarray()[2], u.asarray()[2]
    # Trained without labels: there is no probability, and the file says why.
    assert t.series[0].shape[0] == 3 and "0 labelled anomalies, and at least 10 of each are needed" in t.ome_metadata
known = np.isfinite(np.load(sys.argv[3] + "/scoremap.npy"))
assert np.array_equal(bare, known) and np.array_equal(fraction > 0, known)
# The area of tissue in each cell: the integral of the mask, sampled at 40 x 40 points of the cell.
mask = np.array(Image.open(sys.argv[3] + "/tissue.png")) > 0
h, w = known.shape
rng = np.random.default_rng(1)
partly = 0
for y, x in rng.choice(np.argwhere(known), 2000):
    ys = ((y + (np.arange(40) + .5) / 40) / h * mask.shape[0]).astype(int)
    xs = ((x + (np.arange(40) + .5) / 40) / w * mask.shape[1]).astype(int)
    area = mask[np.ix_(ys, xs)].mean()
    partly += 0 < area < 1
    assert abs(fraction[y, x] - area) < .06, (y, x, fraction[y, x], area)
assert partly > 10, partly
P
check "the range of the colours is the model's, on every slide, and in the description" python3 - a <<'P'
import glob, json, math, sys, tifffile
threshold = json.load(open(sys.argv[1] + "/metrics.json"))["calibration"]["threshold"]
high = max(4, math.ceil(30 * threshold) / 10)
files = glob.glob(sys.argv[1] + "/slides/*/heatmap.tif")
for path in [*files, "again/heatmap.tif"]:
    text = tifffile.TiffFile(path).pages[0].description
    assert f"viridis from 0 to {high:.6g} standard deviations" in text and "auto, from the threshold" in text, text
assert files
P
like "and in the report" "$(cat a/report.html)" 'viridis from 0 to [0-9.]+ standard deviations of normal tiles'
check "heatmap.png: the annotation is at its place on both images, to half a pixel, and there is a resolution for print" python3 - $s cohort/annotations/synth_02.xml <<'P'
import sys, numpy as np
import xml.etree.ElementTree as E
from PIL import Image
s, xml = sys.argv[1:]
image = Image.open(s + "/heatmap.png")
p = np.asarray(image.convert("RGB")).astype(int)
assert all(abs(d - 300) < 0.01 for d in image.info["dpi"]), image.info
xy = np.array([[float(c.get("X")), float(c.get("Y"))] for c in E.parse(xml).iter("Coordinate")])
frame = (p == 190).all(2)
rows, columns = np.flatnonzero(frame.sum(1) > 200), np.flatnonzero(frame.sum(0) > 200)
assert len(rows) == 4 and len(columns) == 8, (rows, columns)
for left, right in (columns[1:3], columns[5:7]):
    panel = p[rows[1] + 1:rows[2], left + 1:right]
    h, w = panel.shape[:2]
    assert abs(w * 4100 / 5000 - h) <= 0.5, (w, h)
    line = (panel[..., 0] > 180) & (panel[..., 1] < 110) & (panel[..., 2] < 70)
    y, x = np.nonzero(line)
    # The outer edges of a line of 4 px; their means have no part of its width.
    got = [(x.min() + x.max() + 1) / 2, (y.min() + y.max() + 1) / 2]
    want = [(xy[:, 0].min() + xy[:, 0].max()) / 2 * w / 5000, (xy[:, 1].min() + xy[:, 1].max()) / 2 * h / 4100]
    size = [x.max() + 1 - x.min() - 4, y.max() + 1 - y.min() - 4]
    wanted = [np.ptp(xy[:, 0]) * w / 5000, np.ptp(xy[:, 1]) * h / 4100]
    assert np.abs(np.subtract(got, want)).max() <= 0.5 and np.abs(np.subtract(size, wanted)).max() <= 1.5, (got, want, size, wanted)
small = Image.open(s + "/thumbnail.jpg")
import os
assert small.size == (224, 184) and os.path.getsize(s + "/thumbnail.jpg") <= 10000, small.size
P
LC_ALL=tr_TR.UTF-8 HOME=/nowhere FONTCONFIG_FILE=/dev/null PANGO_LANGUAGE=ar "$WSIFLOW" heatmap $s/scoremap.npy \
    --slide cohort/slides/synth_02.tif -m a/model/model.safetensors -o settings >log 2>&1
check "locale and settings of fonts change nothing" cmp again/heatmap.png settings/heatmap.png
"$WSIFLOW" heatmap $s/scoremap.npy --slide cohort/slides/synth_02.tif -o unknown >log 2>&1
like "without a model or threshold the range is said to be without one" "$(cat log)" "from 0 to 8 .*auto, without a threshold"
# ---- the estimate of the space
sed 's/cell_um: 4/cell_um: 4\n  overlay_mpp: 0.5\nregions:\n  tiles: true/' run.yaml >large.yaml
"$WSIFLOW" run -c large.yaml -o a -j 2 >large.out 2>large.err
is "another resolution of the overlay repeats the overlays, and neither scores nor heatmaps" \
    "$(grep -c 'overlay synth.*done in' large.err) $(grep -cE '(score|heatmap) synth.*done in' large.err)" "2 0"
sed 's/overlay_mpp: 0.5/overlay: false/; s/tiles: true/tiles: false/' large.yaml >small.yaml
"$WSIFLOW" run --dry-run -c small.yaml >small.out 2>small.err
check "the estimated space is enough, and counts the overlay and the tiles of QuPath" python3 - <<'P'
import glob, os, re
def estimate(name):
    line = re.search(r"^disk +about ([0-9.]+)\sMB needed.*at most ([0-9.]+)\sMB", open(name).read(), re.M)
    return [1e6 * float(text) for text in line.groups()]
likely, most = estimate("large.out")
smaller, least = estimate("small.out")
used = sum(os.path.getsize(f) for f in glob.glob("a/**", recursive=True) if os.path.isfile(f))
assert used < most and used < 2.5 * likely, (used, likely, most)
files = sum(os.path.getsize(f) for f in glob.glob("a/slides/*/overlay.tif") + glob.glob("a/slides/*/tiles.geojson.gz"))
assert files / 2 < likely - smaller < files * 4 and files < most - least, (files, likely - smaller, most - least)
P
# ---- the single command gives what the run gives, and a slide's name never leaves the folder
cp cohort/slides/synth_02.tif 'odd name;$(x).tif'
"$WSIFLOW" score -m a/model/model.safetensors -c run.yaml -o one 'odd name;$(x).tif' >score.log 2>&1
is "a slide of an odd name is scored" $? 0
is "into a folder of a plain name" "$(ls one)" "odd_name___x_"
for file in scoremap.npy detections.csv predicted_mask.tif; do
    check "with the $file of the run" cmp $s/$file one/odd_name___x_/$file
done
# ---- tissue that was outlined: here what the run had found
mkdir outlines
cp $s/tissue.geojson 'outlines/odd name;$(x).geojson'
{ cat run.yaml && printf 'tissue:\n  outlines: outlines\n'; } >outlined.yaml
"$WSIFLOW" score -m a/model/model.safetensors -c outlined.yaml -o outlined 'odd name;$(x).tif' >score.log 2>&1
check "the same tissue as outlines gives the same map" cmp $s/scoremap.npy outlined/odd_name___x_/scoremap.npy
printf '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[2500,0],[2500,4100],[0,4100],[0,0]]]},"properties":{}}]}' \
    >'outlines/odd name;$(x).geojson'
"$WSIFLOW" score -m a/model/model.safetensors -c outlined.yaml -o left 'odd name;$(x).tif' >score.log 2>&1
check "outside of drawn outlines there is no value" python3 - left/odd_name___x_/scoremap.npy <<'P'
import sys, numpy as np
known = np.isfinite(np.load(sys.argv[1]))
half = known.shape[1] // 2
assert known[:, :half].any() and not known[:, half + 3:].any()
P
finish
