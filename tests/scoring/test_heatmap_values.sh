#!/bin/sh
# heatmap.ome.tif: a channel per value, whose coarser levels follow from level 0, as tifffile, numpy and libvips read them.
. tests/lib.sh
root=$PWD
python3 -c 'import numpy, tifffile' 2>/dev/null || skip_all "no Python modules numpy and tifffile"
cd "$tmp" || exit 1
PYTHONPATH=$root/tests
export PYTHONPATH
# A slide whose pixels are not square, and a map without data in most places, with one cell far above the others.
python3 - <<'P'
import numpy as np, tifffile
rng = np.random.default_rng(3)
tifffile.imwrite("slide.tif", rng.integers(0, 256, (700, 1000, 3), np.uint8), tile=(256, 256), photometric="rgb", compression="deflate",
                 resolution=(1e4 / .5, 1e4 / .25), resolutionunit="CENTIMETER", metadata=None)
h, w = 517, 1031
scores = rng.normal(0, 1, (h, w)).astype("<f4")
scores[rng.random((h, w)) < .7] = np.nan
scores[100:400, 200:500][rng.random((300, 300)) < .9] = np.nan
scores[300:330] = np.nan
scores[411, 777] = 50
np.save("scores.npy", scores)
P
for out in one two; do
    "$WSIFLOW" heatmap scores.npy -s slide.tif -o $out >log 2>&1
done
check "the same bytes twice" cmp one/heatmap.ome.tif two/heatmap.ome.tif
cat >levels.py <<'P'
import numpy as np, tifffile, ome_rules
names = ["score (standard deviations of normal tiles)", "maximum of score (standard deviations of normal tiles)",
         "fraction of readable tissue (0 to 1)"]
def blocks(a, k, empty):
    """The cells of level 0 below each cell of level k, along the last axis."""
    n = 2**k
    a = np.pad(a, [(0, -s % n) for s in a.shape], constant_values=empty)
    return a.reshape(a.shape[0] // n, n, a.shape[1] // n, n).swapaxes(1, 2).reshape(a.shape[0] // n, a.shape[1] // n, -1)
def mean(a, k):
    cells = blocks(a.astype(float), k, np.nan)
    count = np.isfinite(cells).sum(-1)
    return np.where(count > 0, np.nansum(cells, -1) / np.maximum(count, 1), np.nan)
def check(path, scores, fraction):
    with tifffile.TiffFile(path) as t:
        series, = t.series
        assert series.axes == "CYX" and series.shape == (3,) + scores.shape, (series.axes, series.shape)
        assert series.levels[-1].shape[1] <= 256 and series.levels[-1].shape[2] <= 256
        for k, level in enumerate(series.levels):
            got = level.asarray()
            assert got.dtype == np.float32 and level.axes == "CYX"
            assert got.shape[1:] == tuple(-(-s // 2**k) for s in scores.shape)
            np.testing.assert_allclose(got[0], mean(scores, k), rtol=1e-6, atol=1e-6)
            cells = blocks(scores, k, np.nan)
            most = np.where(np.isfinite(cells).any(-1), np.nanmax(np.where(np.isfinite(cells), cells, -np.inf), -1), np.nan)
            np.testing.assert_array_equal(got[1], most)
            np.testing.assert_allclose(got[2], mean(fraction, k), rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(series.levels[0].asarray()[0], scores)
        levels = len(series.levels)
    with tifffile.TiffFile(path) as t:
        t.pages.useframes = False
        for c, page in enumerate(t.pages):
            assert len(page.pages) == levels - 1
            assert ("nan" == page.tags[42113].value) if c < 2 else 42113 not in page.tags
            assert not any(42113 in level.tags for level in page.pages) # programs with libtiff warn of it
    return ome_rules.check(path)
P
check "channels, axes, levels and values; means count each cell of level 0 once, maxima keep a single cell" python3 - <<'P'
from levels import *
scores = np.load("scores.npy")
image, notes = check("one/heatmap.ome.tif", scores, np.isfinite(scores).astype(float))
with tifffile.TiffFile("one/heatmap.ome.tif") as t:
    top = t.series[0].levels[-1].asarray()
    assert np.nanmax(top[1]) == 50 and np.nanmax(top[0]) < 25, (np.nanmax(top[1]), np.nanmax(top[0]))
    # A mean of means would be another number here: quarters have different numbers of cells.
    plain = scores.astype(float)
    while plain.shape != top.shape[1:]:
        plain = mean(plain, 1)
    assert np.nanmax(np.abs(plain - top[0])) > 1e-3
P
check "names with units, colours, size in µm by axis, no data and frame are in the OME-XML" python3 - <<'P'
from levels import *
image, notes = ome_rules.check("one/heatmap.ome.tif")
assert image.get("Name") == "slide" and "NaN means no data" in image.find("{*}Description").text
pixels = image.find("{*}Pixels")
channels = pixels.findall("{*}Channel")
assert [c.get("Name") for c in channels] == names
colours = [int(c.get("Color")) & 0xFFFFFFFF for c in channels]
assert len(set(colours)) == 3 and all(c & 0xFF == 0xFF for c in colours), colours
assert abs(float(pixels.get("PhysicalSizeX")) * 1031 - 1000 * .5) < 1e-4
assert abs(float(pixels.get("PhysicalSizeY")) * 517 - 700 * .25) < 1e-4
assert notes["no_data"] == "NaN" and notes["slide"] == "slide" and "mask was not given" in notes["fraction"]
assert [float(notes[k]) for k in ("slide_width_px", "slide_height_px", "bounds_x_px", "bounds_width_px")] == [1000, 700, 0, 1000]
P
if command -v vips >/dev/null; then
    vips copy "one/heatmap.ome.tif[n=-1]" all.v >/dev/null 2>&1
    vips rawsave all.v all.raw >/dev/null 2>&1
    vips copy "one/heatmap.ome.tif[page=1,subifd=1]" maximum.v >/dev/null 2>&1
    vips rawsave maximum.v maximum.raw >/dev/null 2>&1
    check "libvips reads all planes, and the levels of each" python3 - <<'P'
from levels import *
scores = np.load("scores.npy")
with tifffile.TiffFile("one/heatmap.ome.tif") as t:
    np.testing.assert_array_equal(np.fromfile("all.raw", "<f4").reshape(3, 517, 1031), t.asarray())
    wanted = t.series[0].levels[2].asarray()[1]
np.testing.assert_array_equal(np.fromfile("maximum.raw", "<f4").reshape(wanted.shape), wanted)
P
else
    skip "libvips reads all planes" "libvips-tools is not installed"
fi
# ---- a slide whose scanned area does not begin at its corner
"$WSIFLOW" synth -o cohort -n 1 -l 0 --width 2500 --height 2100 >/dev/null 2>&1
python3 "$root/tests/leica_slide.py" cohort/slides/synth_00.tif scan.scn
"$WSIFLOW" heatmap scores.npy -s scan.scn -o scan >log 2>&1
check "the bounds are in the OME-XML; the map covers level 0" python3 - <<'P'
from levels import *
import openslide
properties = openslide.OpenSlide("scan.scn").properties
image, notes = ome_rules.check("scan/heatmap.ome.tif")
for name, key in ("x", "bounds_x_px"), ("y", "bounds_y_px"), ("width", "bounds_width_px"), ("height", "bounds_height_px"):
    assert float(notes[key]) == int(properties["openslide.bounds-" + name]), (notes, dict(properties))
P
[ -n "${WSIFLOW_OME_XSD:-}" ] || skip "xmllint validates the OME-XML against the schema" "WSIFLOW_OME_XSD does not name ome.xsd"
finish
