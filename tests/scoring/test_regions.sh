#!/bin/sh
# Regions of a map as other programs read them: valid polygons (shapely), the contours of scikit-image, OpenSlide's pixels of the mask.
. tests/lib.sh
root=$PWD
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 1 -l 1 --width 2500 --height 2100 >/dev/null 2>&1
slide=cohort/slides/synth_00.tif
# Smooth hills with noise, single cells without data and a rectangle of them; and the hills alone.
python3 - <<'P'
import numpy as np
rng = np.random.default_rng(1)
h, w = 300, 400
y, x = np.mgrid[:h, :w]
hills = np.zeros((h, w))
for _ in range(60):
    cx, cy, s, a = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(3, 25), rng.uniform(-4, 8)
    hills += a * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * s * s))
noisy = hills + rng.normal(0, .3, (h, w))
noisy[rng.random((h, w)) < .002] = np.nan
noisy[50:120, 200:280] = np.nan
np.save("noisy.npy", noisy.astype("<f4"))
# Hills that end before the border of the map, where the rules of the two programs differ.
hills[:3] = hills[-3:] = hills[:, :3] = hills[:, -3:] = 0
np.save("hills.npy", hills.astype("<f4"))
P
for map in noisy hills; do
    "$WSIFLOW" heatmap $map.npy -s $slide -o $map -t 2.5 >log 2>&1
    is "$map: regions are written" $? 0
done
# checked_with MODULE NAME: as check, with a script on standard input that needs the module.
checked_with() {
    if python3 -c "import $1" 2>/dev/null; then
        check "$2" python3 -
    else
        skip "$2" "no Python module $1"
    fi
}
checked_with shapely "rings are valid, areas are the polygons', regions do not overlap" <<'P'
import json
from shapely.geometry import shape
for name in "noisy", "hills":
    data = json.load(open(name + "/regions.geojson"))
    own = data["wsiflow"]
    polygons, ids, ranks = [], set(), []
    for f in data["features"]:
        p = shape(f["geometry"])
        m = f["properties"]["measurements"]
        assert p.is_valid and p.area > 0, f
        um2 = p.area * own["mpp_x"] * own["mpp_y"]
        # Coordinates are rounded to 1/1000 px.
        assert abs(um2 - m["Area µm^2"]) < 1e-3 * p.length + 1e-3, (um2, m)
        polygons.append(p)
        ids.add(f["id"])
        ranks.append((-m["Score maximum"], -m["Area µm^2"]))
    assert len(ids) == len(polygons) == own["regions"] > 10
    assert ranks == sorted(ranks)
    for i, p in enumerate(polygons):
        for q in polygons[:i]:
            assert not p.intersects(q), name
    assert name == "hills" or any(p.interiors for p in polygons)
P
checked_with shapely "every cell is in a region exactly when it is at or above the threshold" <<'P'
import json, numpy as np
from shapely.geometry import shape, Point
from shapely.prepared import prep
data = json.load(open("noisy/regions.geojson"))
own = data["wsiflow"]
values = np.load("noisy.npy")
inside = np.zeros(values.shape, int)
for f in data["features"]:
    p = shape(f["geometry"])
    fast = prep(p)
    x0, y0, x1, y1 = p.bounds
    for j in range(int(y0 / own["cell_y_px"]), min(len(values), int(y1 / own["cell_y_px"]) + 1)):
        for i in range(int(x0 / own["cell_x_px"]), min(values.shape[1], int(x1 / own["cell_x_px"]) + 1)):
            inside[j, i] += fast.contains(Point((i + .5) * own["cell_x_px"], (j + .5) * own["cell_y_px"]))
assert np.array_equal(inside, (values >= own["threshold"]).astype(int))
P
checked_with skimage "outlines are scikit-image's contours, to the tolerance" <<'P'
import json, numpy as np
from skimage.measure import find_contours
from shapely.geometry import shape, LineString, MultiLineString
data = json.load(open("hills/regions.geojson"))
own = data["wsiflow"]
scale = np.array([own["cell_x_px"], own["cell_y_px"]])
theirs = MultiLineString([LineString(c[:, ::-1] + .5) for c in find_contours(np.load("hills.npy").astype(float), own["threshold"])])
rings = [np.array(r) / scale for f in data["features"] for r in f["geometry"]["coordinates"]]
ours = MultiLineString([LineString(r) for r in rings])
limit = own["tolerance_cells"] + 1 / 256 + 1e-3
assert len(rings) == len(theirs.geoms), (len(rings), len(theirs.geoms))
assert ours.hausdorff_distance(theirs) <= limit, ours.hausdorff_distance(theirs)
# Vertices are on the exact contour.
from shapely.geometry import Point
assert max(theirs.distance(Point(v)) for r in rings for v in r) <= 1 / 256 + 1e-3
P
check "the mask is the map at the threshold, no data is 0, and OpenSlide reads it" python3 - <<'P'
import numpy as np, openslide, tifffile
values = np.load("noisy.npy")
mask = tifffile.imread("noisy/predicted_mask.tif", level=0)
assert mask.dtype == np.uint8 and np.array_equal(mask, np.nan_to_num(values, nan=-9) >= 2.5)
text = tifffile.TiffFile("noisy/predicted_mask.tif").pages[0].description
assert "(%.2f %% of the cells)" % (100 * np.isnan(values).mean()) in text, text
slide, other = openslide.OpenSlide("cohort/slides/synth_00.tif"), openslide.OpenSlide("noisy/predicted_mask.tif")
for i, axis in enumerate("xy"):
    num, den = tifffile.TiffFile("noisy/predicted_mask.tif").pages[0].tags[axis.upper() + "Resolution"].value
    assert abs(other.dimensions[i] * 1e4 / (num / den) - slide.dimensions[i] * 0.5) < .01
P
check "detections: maxima above the threshold, apart from each other" python3 - <<'P'
import csv, numpy as np
values = np.load("hills.npy")
rows = [(float(c), int(x), int(y)) for c, x, y in csv.reader(open("hills/detections.csv"))]
h, w = values.shape
assert rows and rows == sorted(rows, key=lambda r: -r[0])
assert rows[0][0] == float("%.9g" % values.max())
for c, x, y in rows:
    i, j = int(x / 2500 * w), int(y / 2100 * h)
    assert abs(values[j, i] - c) < 1e-6 * c and c >= 2.5
    assert values[max(j - 1, 0):j + 2, max(i - 1, 0):i + 2].max() == values[j, i]
for k, a in enumerate(rows):
    for b in rows[:k]:
        assert np.hypot(a[1] - b[1], a[2] - b[2]) * .5 > 200 - 8
P
# ---- a slide whose scanned area does not begin at its corner
python3 "$root/tests/leica_slide.py" $slide scan.scn
python3 - <<'P'
import numpy as np
square = np.zeros((160, 200), "<f4") # cells of 10 um
square[60:80, 90:130] = 5
np.save("square.npy", square)
P
"$WSIFLOW" heatmap square.npy -s scan.scn -o scan -t 2.5 >log 2>&1
printf 'regions: {frame: level0, threshold: 2.5}\n' >level0.yaml
"$WSIFLOW" heatmap square.npy -s scan.scn -o scan0 -c level0.yaml >log 2>&1
check "a square of high scores is at the same um in every file" python3 - <<'P'
import json, numpy as np, openslide, tifffile
bounds = [int(openslide.OpenSlide("scan.scn").properties["openslide.bounds-" + a]) for a in "xy"]
assert bounds == [600, 450]
wanted = np.array([[900, 600], [1300, 800]])
def box_um(folder, offset):
    data = json.load(open(folder + "/regions.geojson"))
    ring, = data["features"][0]["geometry"]["coordinates"]
    assert [data["wsiflow"]["offset_%s_px" % a] for a in "xy"] == offset and len(data["features"]) == 1
    return (np.array([np.min(ring, 0), np.max(ring, 0)]) + offset) * .5
half = 5
assert np.abs(box_um("scan", bounds) - wanted).max() <= half
assert np.abs(box_um("scan0", [0, 0]) - wanted).max() <= half
mask = tifffile.imread("scan/predicted_mask.tif", level=0)
rows, columns = np.nonzero(mask)
cell = 2000 / mask.shape[1]
found = np.array([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]) * cell
assert np.abs(found - wanted).max() <= half
x, y = (float(v) * .5 for v in open("scan/detections.csv").readline().split(",")[1:])
assert 900 < x < 1300 and 600 < y < 800
with tifffile.TiffFile("scan/heatmap.ome.tif") as t:
    values = t.series[0].levels[0].asarray()[0]
assert np.array_equal(values >= 2.5, mask == 1)
P
"$WSIFLOW" heatmap noisy.npy -s $slide -o again -t 2.5 >log 2>&1
for file in regions.geojson detections.csv predicted_mask.tif; do
    check "$file is the same again" cmp noisy/$file again/$file
done
out=$("$WSIFLOW" heatmap noisy.npy -s $slide -o none 2>&1)
is "without a threshold heatmaps are still written" "$? $(ls none | tr '\n' ' ')" "0 heatmap.ome.tif heatmap.png heatmap.tif overlay.tif thumbnail.jpg wsiflow.groovy "
like "and a message says how to get regions" "$out" "no regions.geojson.*--threshold, --model or the key regions.threshold"
printf 'regions: {threshold: 2.5, radius_um: 10}\n' >keys.yaml
"$WSIFLOW" heatmap noisy.npy -s $slide -o every -c keys.yaml >log 2>&1
printf 'regions: {threshold: 2.5, radius_um: 10, min_area_um2: 500}\n' >keys.yaml
"$WSIFLOW" heatmap noisy.npy -s $slide -o keys -c keys.yaml >log 2>&1
check "keys decide threshold and least area; dropped regions are counted" python3 - <<'P'
import json
all, kept = (json.load(open(d + "/regions.geojson")) for d in ("noisy", "keys"))
areas = [f["properties"]["measurements"]["Area µm^2"] for f in all["features"]]
assert len(kept["features"]) == sum(a >= 500 for a in areas) < len(areas)
assert kept["wsiflow"]["regions_dropped"] == sum(a < 500 for a in areas)
assert kept["wsiflow"]["threshold_from"] == "regions.threshold"
ids = {f["id"] for f in all["features"]}
assert all["features"] and {f["id"] for f in kept["features"]} <= ids
P
checked_with shapely "a region below the least area is in no file" <<'P'
import csv, json, numpy as np, tifffile
from shapely.geometry import shape, Point
from shapely.ops import unary_union
from shapely.prepared import prep
def load(folder):
    data = json.load(open(folder + "/regions.geojson"))
    rows = [(float(c), int(x), int(y)) for c, x, y in csv.reader(open(folder + "/detections.csv"))]
    return data["wsiflow"], unary_union([shape(f["geometry"]) for f in data["features"]]), rows, tifffile.imread(folder + "/predicted_mask.tif", level=0)
own, shown, points, mask = load("keys")
_, _, before, whole = load("every")
shown = prep(shown)
high, wide = own["cell_y_px"], own["cell_x_px"]
cells = list(zip(*np.nonzero(whole)))
inside = [shown.contains(Point((x + .5) * wide, (y + .5) * high)) for y, x in cells]
assert [bool(mask[y, x]) for y, x in cells] == inside and mask.sum() == sum(inside) < len(inside)
def in_shown(x, y):
    return shown.contains(Point((int(x / wide) + .5) * wide, (int(y / high) + .5) * high))
assert points and all(in_shown(x, y) for _, x, y in points)
gone = [p for p in before if not in_shown(*p[1:])]
assert gone and own["detections"] == len(points) and own["detections_dropped"] == len(gone)
assert own["dropped_um2"] > 0
text = "%d regions below 500 um2 (regions.min_area_um2) are left out" % own["regions_dropped"]
for name in "predicted_mask.tif", "overlay.tif":
    assert text in tifffile.TiffFile("keys/" + name).pages[0].description, name
P
check "nor has heatmap.png a line around it" python3 - <<'P'
import numpy as np
from PIL import Image
a, b = (np.asarray(Image.open(d + "/heatmap.png").convert("RGB")).astype(int) for d in ("noisy", "keys"))
h, w = min(a.shape[0], b.shape[0]), a.shape[1]
dark = [(i[h // 4:h // 2].max(axis=2) < 40).sum() for i in (a, b)]
assert 0 < dark[1] < dark[0] - 20, dark
P
printf 'regions: {threshold: high}\n' >keys.yaml
out=$("$WSIFLOW" heatmap noisy.npy -s $slide -o keys -c keys.yaml 2>&1)
like "a threshold that is not a number is an error" "$out" 'regions.threshold is "high": it must be a number'
check "wsiflow reads its own regions back as an annotation" sh -c \
    "'$WSIFLOW' annotation convert noisy/regions.geojson -o back.xml -s $slide --group Anomaly=lesion"
finish
