#!/bin/sh
# overlay.tif as other programs read it: OpenSlide, tifffile and libvips; a known square of high scores is where it belongs.
. tests/lib.sh
root=$PWD
cd "$tmp" || exit 1
python3 -c 'import numpy, openslide, tifffile' 2>/dev/null || skip_all "numpy, openslide or tifffile is not installed"
"$WSIFLOW" synth -o cohort -n 1 -l 1 --width 7000 --height 5100 >/dev/null 2>&1
slide=cohort/slides/synth_00.tif # 0.5 um/px, levels of factor 2
# A slide whose scanned area begins at (600, 450) px, and whose pixels are 0.5 x 0.25 um.
python3 "$root/tests/leica_slide.py" $slide scan.scn 250
cat >common.py <<'P'
import json, numpy as np, openslide, tifffile
def level(path, k=0):
    s = openslide.OpenSlide(path)
    return np.array(s.read_region((0, 0), k, s.level_dimensions[k]).convert("RGB")).astype(int)
def mpp(path, k=0):
    with tifffile.TiffFile(path) as t:
        return [1e4 * d / n for n, d in (t.pages[k].tags[a + "Resolution"].value for a in "XY")]
P
python3 - <<'P'
import numpy as np
cells = np.zeros((255, 350), "<f4") # 10 um
cells[60:80, 90:130] = 5
cells[200:220] = np.nan
np.save("plain.npy", cells)
y, x = np.mgrid[:255, :350]
np.save("ramp.npy", ((x + y) / 100).astype("<f4"))
square = np.zeros((80, 200), "<f4") # of the scan: 2000 x 800 um
square[30:50, 90:130] = 5
square[:, 170:] = np.nan # from 1700 um on, where nothing was scanned
np.save("scan.npy", square)
P
printf 'heatmap: {opacity: 1, low: 0, high: 5}\nregions: {threshold: 2.5}\n' >keys.yaml
"$WSIFLOW" heatmap plain.npy -s $slide -o plain -c keys.yaml >log 2>&1
is "an overlay is written" "$? $(ls plain | grep overlay)" "0 overlay.tif"
check "OpenSlide and libvips see its levels, of factor 2 down to 1024 px, at the right um/px" python3 - <<'P'
from common import *
import subprocess
s, of = openslide.OpenSlide("plain/overlay.tif"), openslide.OpenSlide("cohort/slides/synth_00.tif")
# 2 um/px are those of level 2.
assert s.level_dimensions == ((1750, 1275), (875, 638)), s.level_dimensions
assert s.dimensions == of.level_dimensions[2]
assert s.properties["openslide.vendor"] == "generic-tiff"
with tifffile.TiffFile("plain/overlay.tif") as t:
    assert len(t.series) == 1 and len(t.series[0].levels) == 2 and not t.is_ome
    for k, page in enumerate(t.pages):
        assert (page.compression, page.photometric, page.tags["NewSubfileType"].value) == (7, 6, int(k > 0))
        assert all(page.databytecounts)
        for got in mpp("plain/overlay.tif", k):
            assert abs(got / 2 ** (k + 1) - 1) < 1e-6
assert "1750x1275 uchar, 3 bands" in subprocess.run(["vipsheader", "plain/overlay.tif"], capture_output=True, text=True).stdout
P
check "its JPEG has the quality of heatmap.overlay_quality" python3 - <<'P'
import tifffile
# The first row of the standard's table for luminance, in zigzag order 0, 1, 5, 6: scaled as libjpeg does.
for folder, quality in ("plain", 85),:
    tables = tifffile.TiffFile(folder + "/overlay.tif").pages[0].tags["JPEGTables"].value
    at = tables.index(b"\xff\xdb") + 5
    scale = 200 - 2 * quality if quality >= 50 else 5000 // quality
    wanted = [max(1, min(255, (v * scale + 50) // 100)) for v in (16, 11, 12, 14, 12, 10, 16, 14)]
    assert list(tables[at:at + 8]) == wanted, (list(tables[at:at + 8]), wanted)
P
check "cells without data show the slide; others the colour of their score" python3 - <<'P'
from common import *
rgb, slide = level("plain/overlay.tif"), level("cohort/slides/synth_00.tif", 2)
rows = slice(2 + 200 * 5, 220 * 5 - 2)  # 5 px a cell
assert np.abs(rgb[rows] - slide[rows]).mean() < 4
for area, colour in (rgb[62 * 5:78 * 5, 92 * 5:128 * 5], [253, 231, 37]), (rgb[100 * 5:190 * 5], [68, 1, 84]):  # the ends of viridis
    assert np.abs(area - colour).max() < 14, (area.min((0, 1)), area.max((0, 1)))
P
check "the outline is that of regions.geojson, black with a white border, on every level" python3 - <<'P'
from common import *
ring, = json.load(open("plain/regions.geojson"))["features"][0]["geometry"]["coordinates"]
for k in 0, 1:
    rgb = level("plain/overlay.tif", k)
    down = 4 * 2 ** k
    black = rgb.max(2) < 50
    for (x0, y0), (x1, y1) in zip(ring, ring[1:]):
        for t in np.linspace(0, 1, 9):
            x, y = (x0 + t * (x1 - x0)) / down, (y0 + t * (y1 - y0)) / down
            assert black[int(y - 1):int(y + 2), int(x - 1):int(x + 2)].any(), (k, x, y)
    inside = black[60 * 20 // down - 4:80 * 20 // down + 4, 90 * 20 // down - 4:130 * 20 // down + 4]
    around = 2 * (40 + 20) * 20 / down
    assert around < inside.sum() < 2.5 * around, (k, inside.sum(), around)
    assert (black.sum() - inside.sum()) < 20
P
"$WSIFLOW" heatmap ramp.npy -s $slide -o ramp -c keys.yaml >log 2>&1
check "between centres of cells scores are linear" python3 - <<'P'
from common import *
rgb = level("ramp/overlay.tif")
y, x = np.mgrid[:1275, :1750]
value = (np.clip((x + .5) / 5 - .5, 0, 349) + np.clip((y + .5) / 5 - .5, 0, 254)) / 100
# A single channel of viridis that rises: red from a half on; the middle of pixels of equal value.
red = [np.median(rgb[..., 0][np.abs(value - v) < .002]) for v in (3.5, 4, 4.5, 4.75)]
assert red == sorted(red) and red[-1] > red[0] + 60, red
far = np.abs(value - 2.5) > .1
flat = rgb[..., 0]
# Where the value is the same, so is the colour: no step at the cells' borders.
for v in 3.5, 4, 4.5:
    same = flat[(np.abs(value - v) < .0015) & far]
    assert same.size > 500 and np.percentile(same, 99) - np.percentile(same, 1) <= 5, (v, same.min(), same.max())
assert np.median(rgb.max(2)[np.abs(value - 2.5) < .002]) < 60  # the line
P
"$WSIFLOW" heatmap scan.npy -s scan.scn -o scan -c keys.yaml >log 2>&1
check "bounds offset, pixels that are not square: the square is at the same um, within half a cell" python3 - <<'P'
from common import *
s = openslide.OpenSlide("scan.scn")
assert [s.properties["openslide." + p] for p in ("bounds-x", "bounds-y", "mpp-x", "mpp-y")] == ["600", "450", "0.5", "0.25"]
size, um = openslide.OpenSlide("scan/overlay.tif").dimensions, mpp("scan/overlay.tif")
assert abs(size[0] * um[0] - 2000) < .01 and abs(size[1] * um[1] - 800) < .01, (size, um)
yellow = (np.abs(level("scan/overlay.tif") - [253, 231, 37]).max(2) < 40)
ys, xs = np.nonzero(yellow)
got = np.array([[xs.min() * um[0], ys.min() * um[1]], [(xs.max() + 1) * um[0], (ys.max() + 1) * um[1]]])
# Scores are high from the centres of the outermost cells on: half a cell inside, and the line.
assert np.abs(got - [[900, 300], [1300, 500]]).max() <= 5 + 3 * max(um), got
black = level("scan/overlay.tif").max(2) < 50
box = np.zeros_like(black)
box[int(250 / um[1]):int(550 / um[1]), int(850 / um[0]):int(1350 / um[0])] = True
ys, xs = np.nonzero(black & box)
got = np.array([[xs.min() * um[0], ys.min() * um[1]], [(xs.max() + 1) * um[0], (ys.max() + 1) * um[1]]])
assert np.abs(got - [[900, 300], [1300, 500]]).max() <= 5, got
regions = json.load(open("scan/regions.geojson"))
ring = np.array(regions["features"][0]["geometry"]["coordinates"][0]) + [600, 450]
assert np.abs(np.array([ring.min(0), ring.max(0)]) * [.5, .25] - got).max() <= 2 * max(um)
P
check "outside of the scanned area it is hatched" python3 - <<'P'
from common import *
rgb, um = level("scan/overlay.tif"), mpp("scan/overlay.tif")
with tifffile.TiffFile("scan/overlay.tif") as t:
    assert "hatched: no data" in t.pages[0].description and "threshold 2.5 (regions.threshold)" in t.pages[0].description
grey = rgb[5:-5, int(1710 / um[0]):-5]
assert np.ptp(grey, 2).max() < 12
assert .4 < (np.abs(grey - 96).max(2) < 20).mean() < .6 and .4 < (np.abs(grey - 160).max(2) < 20).mean() < .6
P
printf 'heatmap: {overlay_mpp: 0, overlay_quality: 40}\n' >level0.yaml
"$WSIFLOW" heatmap plain.npy -s $slide -o level0 -c level0.yaml >log 2>&1
check "overlay_mpp: 0 is level 0; the quality is the key's; without a threshold it says that there is no line" python3 - <<'P'
from common import *
s = openslide.OpenSlide("level0/overlay.tif")
assert s.level_dimensions == ((7000, 5100), (3500, 2550), (1750, 1275), (875, 638)), s.level_dimensions
page = tifffile.TiffFile("level0/overlay.tif").pages[0]
tables = page.tags["JPEGTables"].value
assert tables[tables.index(b"\xff\xdb") + 5] == (16 * 125 + 50) // 100
assert "no line: the threshold is not known" in page.description
assert abs(mpp("level0/overlay.tif")[0] - .5) < 1e-6
P
"$WSIFLOW" heatmap plain.npy -s $slide -o again -c keys.yaml >log 2>&1
check "the same again gives the same bytes" cmp plain/overlay.tif again/overlay.tif
printf 'heatmap: {overlay: false}\n' >off.yaml
"$WSIFLOW" heatmap plain.npy -s $slide -o off -c off.yaml >log 2>&1
is "heatmap.overlay: false writes none" "$? $(ls off | grep -c overlay)" "0 0"
finish
