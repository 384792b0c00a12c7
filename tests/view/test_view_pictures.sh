#!/bin/sh
# What `wsiflow view` shows of a run is what is in its files: pixels (OpenSlide), values (numpy), outlines, and nothing is changed by looking.
. tests/lib.sh
python3 -c 'import numpy, openslide, tifffile; from PIL import Image' 2>/dev/null || skip_all "python3-numpy, openslide, tifffile or PIL is missing"
root=$PWD
export WSIFLOW PYTHONPATH="$root/tests" PYTHONDONTWRITEBYTECODE=1
cd "$tmp" || exit 1
# Slides of a cohort; one whose scanned area begins at (600, 450), with px that are not square; one with a damaged tile.
"$WSIFLOW" synth -o cohort -n 3 -l 1 --width 3000 --height 2500 >/dev/null 2>&1
python3 "$root/tests/leica_slide.py" cohort/slides/synth_01.tif bounds.scn
python3 - <<'P'
import numpy as np, openslide, tifffile
pixels = np.array(openslide.OpenSlide("cohort/slides/synth_00.tif").read_region((0, 0), 0, (2560, 2304)))[..., :3]
tifffile.imwrite("damaged.tif", pixels, tile=(256, 256), photometric="rgb", compression="zlib", resolution=(20000, 20000), resolutionunit=3)
with tifffile.TiffFile("damaged.tif") as f:
    at, size = f.pages[0].dataoffsets[43], f.pages[0].databytecounts[43]
with open("damaged.tif", "r+b") as f:
    f.seek(at)
    f.write(b"\xff" * size)
P
cat >m.csv <<'M'
slide,split,label,annotation,mpp_x,mpp_y
cohort/slides/synth_00.tif,train,normal,,,
cohort/slides/synth_01.tif,train,normal,,,
cohort/slides/synth_02.tif,test,,cohort/annotations/synth_02.xml,,
bounds.scn,test,unknown,,0.5,0.4
damaged.tif,test,unknown,,,
M
cat >run.yaml <<'Y'
slides: {manifest: m.csv}
tiles: {size: 128, mpp: 1}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 8}
score: {overlap: 0, slides: all}
heatmap: {cell_um: 7}
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.log 2>&1
is "the run ends with 0" $? 0
cat >common.py <<'P'
import hashlib, io, json, math, os, subprocess, sys
import numpy as np, openslide
from PIL import Image
import view_client
FILES = {"synth_00": "cohort/slides/synth_00.tif", "synth_01": "cohort/slides/synth_01.tif", "synth_02": "cohort/slides/synth_02.tif", "bounds": "bounds.scn", "damaged": "damaged.tif"}
def image(data, kind):
    opened = Image.open(io.BytesIO(data))
    assert opened.format == kind and opened.size == (256, 256), opened
    return np.array(opened.convert("RGB")).astype(int)
def level(name, number):
    """RGB and readability of a level of the uncropped slide by OpenSlide, in blocks, because one bad block spoils a whole read."""
    slide = openslide.OpenSlide(FILES[name])
    w, h = slide.level_dimensions[number]
    scale = round(slide.level_downsamples[number])
    out = np.zeros((h, w, 4), np.uint8)
    for y in range(0, h, 256):
        for x in range(0, w, 256):
            size = min(256, w - x), min(256, h - y)
            try:
                out[y:y + size[1], x:x + size[0]] = slide.read_region((x * scale, y * scale), number, size)
            except openslide.OpenSlideError:
                slide = openslide.OpenSlide(FILES[name])
    return out[..., :3], out[..., 3] > 0
def folder_hash(path):
    """Of all files but the empty logs that every reader of the job table makes."""
    return {os.path.join(d, f): hashlib.sha256(open(os.path.join(d, f), "rb").read()).hexdigest() for d, _, files in os.walk(path) for f in files}
P
# page NAME: a check in Python with common.py, a started page, and its slides by name.
page() {
    { printf 'from common import *\npage = view_client.Page("run").enter()\nslides = {s["name"]: page.json("/api/slides/%%d" %% s["id"]) for s in page.json("/api/slides")}\n' && cat; } >page.py
    check "$1" python3 page.py
}

page "tiles are the slide's pixels at every zoom, white beyond it" <<'P'
def halved(pixels, known, s):
    """Means of s x s px, and the fraction of each with data."""
    h, w = (-(-n // s) * s for n in known.shape)
    weight = np.zeros((h, w))
    weight[:known.shape[0], :known.shape[1]] = known
    sums = np.zeros((h, w, 3))
    sums[:known.shape[0], :known.shape[1]] = pixels * known[..., None]
    part = lambda a: a.reshape(h // s, s, w // s, s, -1).sum((1, 3))
    total = part(weight)[..., 0]
    return part(sums) / np.maximum(total, 1)[..., None], total / (s * s)
compared = 0
for name in "synth_02", "bounds":
    facts = slides[name]
    scales = [round(d) for d in openslide.OpenSlide(FILES[name]).level_downsamples]
    assert len(scales) > 1
    for z in range(facts["max_zoom"] + 1):
        # From the coarsest level of the file that is fine enough.
        s = 2 ** (facts["max_zoom"] - z)
        number = max(i for i, d in enumerate(scales) if d <= s)
        pixels, known = level(name, number)
        mean, share = halved(pixels, known, s // scales[number])
        rows, columns = share.shape
        for y in range(-(-rows // 256)):
            for x in range(-(-columns // 256)):
                tile = image(page.get(f"/tile/{facts['id']}/{z}/{x}/{y}"), "JPEG")
                want = mean[256 * y:256 * y + 256, 256 * x:256 * x + 256]
                full = share[256 * y:256 * y + 256, 256 * x:256 * x + 256] == 1
                got = tile[:want.shape[0], :want.shape[1]]
                if full.sum() > 100:
                    error = np.abs(got - want)[full]
                    shifted = np.abs(np.roll(got, 1, 1) - want)[full]
                    # Hatching beside them costs a JPEG some accuracy.
                    assert error.mean() < 5 and (shifted.mean() < 1 or error.mean() < .6 * shifted.mean()), (name, z, x, y, error.mean(), shifted.mean())
                    compared += 1
                beyond = tile[want.shape[0] + 8:].reshape(-1, 3)
                assert beyond.size == 0 or beyond.min() > 250, (name, z, x, y, "beyond the slide")
        assert page.ask("GET", f"/tile/{facts['id']}/{z}/{-(-columns // 256)}/0")[0] == 404
assert compared > 100, compared
P

page "a part that cannot be read is hatched, at its place and nowhere else" <<'P'
facts = slides["damaged"]
z = facts["max_zoom"]
bad = image(page.get(f"/tile/{facts['id']}/{z}/3/4"), "JPEG") # tile 43 of 10 in a row
near = image(page.get(f"/tile/{facts['id']}/{z}/4/4"), "JPEG")
pixels, known = level("damaged", 0)
assert not known[4 * 256:5 * 256, 3 * 256:4 * 256].any() and known.sum() == known.size - 256 * 256
assert bad.max() < 235 and bad.std() > 5 and np.ptp(bad, axis=2).max() < 12, "two greys"
assert np.abs(near - pixels[4 * 256:5 * 256, 4 * 256:5 * 256]).mean() < 3.5
small = np.array(Image.open(io.BytesIO(page.get(f"/thumb/{facts['id']}"))).convert("RGB")).astype(int)
scale = 2560 / small.shape[1]
part = small[int(4 * 256 / scale) + 2:int(5 * 256 / scale) - 2, int(3 * 256 / scale) + 2:int(4 * 256 / scale) - 2]
assert part.max() < 240 and np.ptp(part, axis=2).max() < 30, part
P

page "map tiles are the values of scoremap.npy within 1/65535 of their range; zoomed out, the greatest" <<'P'
def cells(n, scale, count):
    """For px 0 .. n - 1 of the slide at this scale (cells per px): the cells of each."""
    for i in range(n):
        if scale >= 1:
            yield [c for c in range(math.floor(i * scale) - 1, math.ceil((i + 1) * scale) + 1) if 0 <= c < count and i * scale <= c + .5 < (i + 1) * scale]
        else:
            c = math.floor((i + .5) * scale)
            yield [c] if c < count else []
tiles = 0
for name in "synth_02", "bounds":
    facts = slides[name]
    values = np.load(f"run/slides/{name}/scoremap.npy").astype(float)
    h, w = values.shape
    [about] = facts["maps"]
    assert (about["width"], about["height"]) == (w, h)
    assert math.isclose(about["low"], np.nanmin(values), rel_tol=1e-12) and math.isclose(about["high"], np.nanmax(values), rel_tol=1e-12)
    for z in range(facts["max_zoom"] + 1):
        s = 2 ** (facts["max_zoom"] - z)
        rows, columns = -(-facts["height"] // s), -(-facts["width"] // s)
        filled = np.where(np.isnan(values), -np.inf, values)
        by_rows = np.array([filled[c].max(0) if c else np.full(w, -np.inf) for c in cells(rows, s * h / facts["height"], h)])
        want = np.array([by_rows[:, c].max(1) if c else np.full(rows, -np.inf) for c in cells(columns, s * w / facts["width"], w)]).T
        if s * h / facts["height"] >= 1:
            assert want.max() == np.nanmax(values), "the highest cell is seen at every zoom"
        for y in range(-(-rows // 256)):
            for x in range(-(-columns // 256)):
                tile = image(page.get(f"/map/{facts['id']}/0/{z}/{x}/{y}"), "PNG")
                part = want[256 * y:256 * y + 256, 256 * x:256 * x + 256]
                got = tile[:part.shape[0], :part.shape[1]]
                known = np.isfinite(part)
                assert set(np.unique(tile[..., 2])) <= {0, 255} and np.array_equal(got[..., 2] == 255, known), (name, z, x, y)
                assert (tile[part.shape[0]:, :, 2] == 0).all() and (tile[:, part.shape[1]:, 2] == 0).all()
                value = about["low"] + (256 * got[..., 0] + got[..., 1]) / 65535 * (about["high"] - about["low"])
                assert np.abs(value - part)[known].max(initial=0) <= .5001 * (about["high"] - about["low"]) / 65535
                tiles += 1
assert tiles > 100
P

# ---- a known square on the slide with an offset and px that are not square: [1500, 2000) x [1000, 1600) level-0 px
python3 - <<'P'
import numpy as np
path = "run/slides/bounds/scoremap.npy"
values = np.load(path)
h, w = values.shape
values[:] = 0
x, y = (np.arange(w) + .5) / w * 4000, (np.arange(h) + .5) / h * 3200
values[np.ix_((y >= 1000) & (y < 1600), (x >= 1500) & (x < 2000))] = 9
np.save(path, values)
P
page "a known square of the map is at its place in µm, within half a cell, at every zoom" <<'P'
facts = slides["bounds"]
assert facts["bounds"] == {"x": 600, "y": 450, "width": 2304, "height": 2048} and (facts["mpp_x"], facts["mpp_y"]) == (.5, .4)
cell = 4000 * .5 / facts["maps"][0]["width"], 3200 * .4 / facts["maps"][0]["height"]
for z in range(facts["max_zoom"] + 1):
    s = 2 ** (facts["max_zoom"] - z)
    rows, columns = -(-facts["height"] // s), -(-facts["width"] // s)
    whole = np.zeros((-(-rows // 256) * 256, -(-columns // 256) * 256), bool)
    for y in range(whole.shape[0] // 256):
        for x in range(whole.shape[1] // 256):
            tile = image(page.get(f"/map/{facts['id']}/0/{z}/{x}/{y}"), "PNG")
            whole[256 * y:256 * y + 256, 256 * x:256 * x + 256] = (tile[..., 2] == 255) & (tile[..., 0] > 127)
    ys, xs = np.nonzero(whole)
    for got, want, mpp, size in ((xs.min(), 1500, .5, cell[0]), (xs.max() + 1, 2000, .5, cell[0]), (ys.min(), 1000, .4, cell[1]), (ys.max() + 1, 1600, .4, cell[1])):
        # Half a cell of the map, and the px of the zoom.
        assert abs(got * s * mpp - want * mpp) <= size / 2 + s * mpp, (z, got * s, want)
P

page "outlines are in the frame of the uncropped slide" <<'P'
def inside(x, y, rings):
    odd = False
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, ring[1:]):
            odd ^= (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0)
    return odd
facts = slides["synth_02"]
values = np.load("run/slides/synth_02/scoremap.npy")
threshold = page.json("/api/run")["range"]["threshold"]
regions = page.json(f"/api/slides/{facts['id']}/regions")["features"]
assert regions and [r["properties"]["rank"] for r in regions] == list(range(1, len(regions) + 1))
ids = [f["id"] for f in json.load(open("run/slides/synth_02/regions.geojson"))["features"]]
assert [r["properties"]["id"] for r in regions] == ids
cell = facts["width"] / values.shape[1], facts["height"] / values.shape[0]
for region in regions[:20]:
    rings = region["geometry"]["coordinates"]
    cells = [(r, c) for r, c in np.argwhere(values >= threshold) if inside((c + .5) * cell[0], (r + .5) * cell[1], rings)]
    assert abs(max(values[r, c] for r, c in cells) - region["properties"]["max"]) < 1e-5, region["properties"]
# The tissue of the slide with an offset: where its mask is, which covers the uncropped slide.
facts = slides["bounds"]
mask = np.array(Image.open("run/slides/bounds/tissue.png")) > 0
outlines = page.json(f"/api/slides/{facts['id']}/tissue")["features"]
rings = [ring for f in outlines for ring in (f["geometry"]["coordinates"] if f["geometry"]["type"] == "Polygon" else sum(f["geometry"]["coordinates"], []))]
chance = np.random.default_rng(1)
agree = [inside(x * 4000, y * 3200, rings) == mask[int(y * mask.shape[0]), int(x * mask.shape[1])] for x, y in chance.random((300, 2))]
assert np.mean(agree) > .97 and mask.mean() > .05, np.mean(agree)
# The annotation: the outlines of the file.
facts = slides["synth_02"]
import xml.etree.ElementTree as E
annotation = page.json(f"/api/slides/{facts['id']}/annotation")["features"]
drawn = [[(float(c.get("X")), float(c.get("Y"))) for c in sorted(a.iter("Coordinate"), key=lambda c: int(c.get("Order")))] for a in E.parse("cohort/annotations/synth_02.xml").iter("Annotation")]
assert len(annotation) == len(drawn) > 0
for feature, points in zip(annotation, drawn):
    assert np.allclose(feature["geometry"]["coordinates"][0][:-1], points) and feature["properties"]["label"] in ("lesion", "not lesion")
P

page "the list has the scores of slides.csv, and the run its range, threshold and colours" <<'P'
import csv
listed = {s["name"]: s for s in page.json("/api/slides")}
rows = list(csv.DictReader(open("run/slides.csv")))
assert [r["slide"] for r in rows] == list(listed) == sorted(listed)
for r in rows:
    s = listed[r["slide"]]
    assert s["state"] == "done" and s["split"] == r["split"] and s["label"] == r["label"]
    assert s["scores"]["max"] == float(r["score_maximum"]) and s["scores"]["top"] == float(r["score_top_1_percent"])
    assert abs(s["scores"]["area"] - float(r["above_threshold_mm2"])) < 1e-5 and s["regions"] == int(r["regions"])
run = page.json("/api/run")
assert run["range"]["threshold"] == json.load(open("run/metrics.json"))["calibration"]["threshold"] and run["range"]["threshold_source"] == "model"
assert run["range"]["low"] < run["range"]["threshold"] < run["range"]["high"]
assert run["colours"]["default"] in run["colours"]["maps"] and all(len(m) == 256 for m in run["colours"]["maps"].values())
assert run["slides"] == 5 and run["compare"] is None and not run["other_cohort"]
P

# ---- looking changes nothing; what has gone is said
page "looking at everything changes no file of the run" <<'P'
page.end()
before = folder_hash("run")
page = view_client.Page("run").enter()
for s in page.json("/api/slides"):
    for path in (f"/api/slides/{s['id']}", f"/api/slides/{s['id']}/regions", f"/api/slides/{s['id']}/tissue", f"/thumb/{s['id']}", f"/thumb/{s['id']}/0", f"/tile/{s['id']}/0/0/0", f"/map/{s['id']}/0/0/0/0", "/api/run"):
        page.get(path)
page.end()
after = folder_hash("run")
assert before == after, [k for k in {**before, **after} if before.get(k) != after.get(k)]
P

cp run/model/model.safetensors model.kept
printf 'no model' >run/model/model.safetensors
page "a model that cannot be read takes nothing from the page: the threshold is that of the regions" <<'P'
run = page.json("/api/run")
assert run["range"]["threshold"] == json.load(open("run/metrics.json"))["calibration"]["threshold"] and run["range"]["threshold_source"] == "model"
page.end()
P
mv model.kept run/model/model.safetensors

mv damaged.tif elsewhere.tif
page "a slide that has moved is a message and its map is still there; a changed one is said to be changed" <<'P'
facts = slides["damaged"]
assert len(facts["problems"]) == 1 and "cannot be shown" in facts["problems"][0] and "damaged.tif" in facts["problems"][0], facts
status, _, body = page.ask("GET", f"/tile/{facts['id']}/0/0/0")
assert status == 404 and "damaged.tif" in json.loads(body)["error"]
assert facts["maps"] and page.get(f"/map/{facts['id']}/0/0/0/0") and (facts["width"], facts["height"]) == (2560, 2304)
os.link("elsewhere.tif", "damaged.tif")
assert page.json(f"/api/slides/{facts['id']}")["problems"] == []
os.utime("damaged.tif")
assert "changed" in page.json(f"/api/slides/{facts['id']}")["problems"][0]
page.end()
P

# ---- a second run: while it is going on, and beside the first
{ sed '/bounds.scn/d' m.csv && echo 'elsewhere.tif,test,unknown,,,'; } >m2.csv
sed 's/m.csv/m2.csv/; s/cell_um: 7/cell_um: 11/' run.yaml >run2.yaml
check "a page on a run that is going on follows it, and the run ends well" python3 - <<'P'
import sys; sys.path.insert(0, ".")
from common import *
import time
run = subprocess.Popen([os.environ["WSIFLOW"], "run", "-c", "run2.yaml", "-o", "run2", "-j", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
while not os.path.exists("run2/wsiflow.db") or subprocess.run([os.environ["WSIFLOW"], "status", "run2", "--json"], capture_output=True, text=True).stdout.count("synth_00") < 2:
    time.sleep(.05)
page = view_client.Page("run2").enter()
states, scores = set(), []
while run.poll() is None:
    listed = page.json("/api/slides")
    states |= {s["state"] for s in listed}
    scores.append(sum(s["scores"] is not None for s in listed))
    page.json("/api/run")
    for s in listed:
        status = page.ask("GET", f"/api/slides/{s['id']}")[0]
        assert status in (200, 404), status
    time.sleep(.1)
assert run.returncode == 0, run.stderr.read()
time.sleep(1.1)
listed = page.json("/api/slides")
assert {s["state"] for s in listed} == {"done"} and all(s["scores"] for s in listed)
assert "waiting" in states and "running" in states and scores[0] < len(listed) and scores == sorted(scores), (states, scores)
page.end()
P

page "--compare shows the maps of a second run, matched by name, and lists what does not match" <<'P'
page.end()
with open("compare.log", "w") as log:
    page = view_client.Page("run", "--compare", "run2", log=log).enter()
said = open("compare.log").read()
assert "slide bounds is only in" in said and "slide elsewhere is only in" in said and "synth" not in said, said
run = page.json("/api/run")
assert run["compare"] == {"only_here": ["bounds"], "only_there": ["elsewhere"]} and len(run["models"]) == 2
slides = {s["name"]: page.json("/api/slides/%d" % s["id"]) for s in page.json("/api/slides")}
first, second = slides["synth_02"]["maps"]
other = np.load("run2/slides/synth_02/scoremap.npy")
assert (second["model"], second["width"], second["height"]) == (1, *other.shape[::-1]) and math.isclose(second["high"], np.nanmax(other), rel_tol=1e-12)
tile = image(page.get(f"/map/{slides['synth_02']['id']}/1/0/0/0"), "PNG")
assert tile[..., 2].any() and page.get(f"/thumb/{slides['synth_02']['id']}/1")
assert [m["model"] for m in slides["bounds"]["maps"]] == [0] and page.ask("GET", f"/map/{slides['bounds']['id']}/1/0/0/0")[0] == 404
page.end()
P

finish
