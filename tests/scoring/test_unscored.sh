#!/bin/sh
# Tiles that cannot be read and slides that fail are named and counted wherever metrics are shown, and images show them as no data.
. tests/lib.sh
python3 -c 'import numpy, tifffile; from PIL import Image' 2>/dev/null || skip_all "python3-numpy, tifffile or PIL is missing"
cd "$tmp" || exit 2

"$WSIFLOW" synth -o cohort -n 4 -l 3 --width 3072 --height 2048 >synth.log 2>&1
cat >damage.py <<'P'
# Levels that tiles are cut from lose the middle of the slide; coarse ones, which tissue and images are made of, stay whole.
import csv, json, sys, tifffile
rows = list(csv.DictReader(open("cohort/manifest.csv")))
for row, split in zip(rows, ("train", "test", "test", "test")):
    row["split"] = split
with open("cohort/manifest.csv", "w", newline="") as f:
    out = csv.DictWriter(f, rows[0].keys())
    out.writeheader()
    out.writerows(rows)
hurt = "cohort/slides/synth_02.tif"
data = bytearray(open(hurt, "rb").read())
with tifffile.TiffFile(hurt) as f:
    for level in f.series[0].levels[:2] if len(f.series[0].levels) > 1 else f.pages[:2]:
        page = level.keyframe if hasattr(level, "keyframe") else level
        across = -(-page.imagewidth // page.tilewidth)
        down = -(-page.imagelength // page.tilelength)
        for i, (at, size) in enumerate(zip(page.dataoffsets, page.databytecounts)):
            if i // across < down * 0.6 and i % across < across * 0.6:
                data[at:at + size] = b"\0" * size
open(hurt, "wb").write(data)
lost = open("cohort/slides/synth_03.tif", "rb").read()
open("cohort/slides/synth_03.tif", "wb").write(lost[:200])
P
python3 damage.py
cat >run.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 64}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1, batch: 4, source: slides}
dataset: {write: false}
heatmap: {cell_um: 8}
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.log 2>&1
is "one slide fails" $? 3

# ---- a slide that failed
check "metrics.json names it" python3 - <<'P'
import json
m = json.load(open("run/metrics.json"))
assert m["slides_wanted"] == 3 and m["slides_failed"] == ["synth_03"] and m["slides_with_rows"] == 2, m
assert any("1 of 3 slides of the test split" in t and "synth_03" in t for t in m["notes"]), m["notes"]
P
like "the report's headline counts it" "$(cat run/report.html)" 'Metrics of tiles: test split, 2 of 3 slides'
like "and the report names it" "$(cat run/report.html)" '1 of 3 slides of the test split failed and are in no metric: synth_03'
sed 's/write: false/write: true/; s/epochs: 1, batch: 4, source: slides/run: false/' run.yaml >set.yaml
"$WSIFLOW" dataset -c set.yaml -o set -j 2 >set.log 2>&1
like "the card counts it apart" "$(grep '^| test' set/dataset/CARD.md)" '^\| test \| 3 \| 3 \| 1 \|'
like "and no other" "$(grep '^| train' set/dataset/CARD.md)" '^\| train \| 1 \| 1 \| 0 \|'

# ---- tiles that cannot be read
check "the metrics count all tiles without a score, by slide" python3 - <<'P'
import csv, json
rows = list(csv.DictReader(open("run/slides/synth_02/scores.csv")))
lost = [r for r in rows if not r["score"]]
m = json.load(open("run/metrics.json"))
slide = next(s for s in m["slides"] if s["slide"] == "synth_02")
assert len(rows) > len(lost) > 10 and any(r["label"] == "1" for r in lost)
assert slide["tiles"] == len(rows) - len(lost) and slide["without_score"] == len(lost), slide
assert slide["lesion_tiles_without_score"] == sum(r["label"] == "1" for r in lost), slide
assert m["without_score"] == len(lost) and m["unreadable"] == {"tiles": len(lost), "slides": [{"slide": "synth_02", "tiles": len(lost)}]}, m["unreadable"]
open("lost", "w").write(str(len(lost)))
P
lost=$(cat lost)
like "the terminal reports it" "$(cat run.log)" "^scoring: $lost tiles were left out because less than 50 % of each could be read: $lost of synth_02$"
like "the report too" "$(cat run/report.html)" "Scoring: $lost tiles were left out"
"$WSIFLOW" evaluate run/slides/*/scores.csv >evaluate.log 2>&1
like "so does evaluate" "$(cat evaluate.log)" "synth_02 .*; $lost more \([1-9][0-9]* lesion\) have no score"
"$WSIFLOW" score -m run/model/model.safetensors -o scored cohort/slides/synth_02.tif >score.log 2>&1
like "and wsiflow score" "$(cat score.log)" "^wsiflow score: cohort/slides/synth_02.tif: $lost of [0-9]* tiles have no score because less than 50 %"
is "whose tiles have no lesion fraction, as no annotation is known" "$(python3 -c "
import csv
print({r['lesion_fraction'] for r in csv.DictReader(open('scored/synth_02/scores.csv'))})")" "{''}"
cat >hatched.py <<'P'
# Cells of tissue, covered by a tile and NaN, are hatched at the right of heatmap.png and in heatmap.tif; glass is not.
import csv, sys, numpy as np, tifffile
from PIL import Image
folder, slide = sys.argv[1:]
m = np.load(f"{folder}/scoremap.npy")
tissue = np.asarray(Image.open("run/slides/synth_02/tissue.png")) > 0
h, w = m.shape
rows = [r for r in csv.DictReader(open(f"{folder}/scores.csv"))]
with tifffile.TiffFile(slide) as f:
    W, H = f.pages[0].imagewidth, f.pages[0].imagelength
covered = np.zeros(m.shape, bool)
for r in rows:
    x, y, a, b = (float(r[k]) for k in ("x", "y", "width", "height"))
    cx, cy = (np.arange(w) + .5) * W / w, (np.arange(h) + .5) * H / h
    covered |= ((cy >= y) & (cy < y + b))[:, None] & ((cx >= x) & (cx < x + a))[None]
ty, tx = ((np.arange(h) + .5) / h * tissue.shape[0]).astype(int), ((np.arange(w) + .5) / w * tissue.shape[1]).astype(int)
inside = tissue[ty][:, tx]
lost = np.isnan(m) & covered & inside
glass = ~inside
assert lost.sum() > 20 and glass.sum() > 20, (lost.sum(), glass.sum())
p = np.asarray(Image.open(f"{folder}/heatmap.png").convert("RGB"))
# The second image is inside the second frame, a grey line of 2 px.
frame = (p == 190).all(2)
rows, columns = np.flatnonzero(frame.sum(1) > 200), np.flatnonzero(frame.sum(0) > 200)
assert len(rows) == 4 and len(columns) == 8, (rows, columns)
left, right = (p[rows[1] + 1:rows[2], columns[i] + 1:columns[i + 1]] for i in (1, 5))
ph, pw = right.shape[:2]
def hatch(a):
    return np.isin(a, (96, 160)).all(2) & (a[..., 0] == a[..., 1]) & (a[..., 1] == a[..., 2])
fy, fx = ((np.arange(ph) + .5) * h / ph).astype(int), ((np.arange(pw) + .5) * w / pw).astype(int)
assert ph > h and pw > w, (right.shape, m.shape) # a pixel shows one cell; lines cover a few
on_slide, on_map = hatch(left), hatch(right)
assert on_map[lost[fy][:, fx]].mean() > 0.9, on_map[lost[fy][:, fx]].mean()
# Glass is hatched where the slide is: nothing is known to be missing there but the image.
more = (on_map & ~on_slide)[glass[fy][:, fx]].mean()
assert more < 0.005 and not on_slide.all(), more
t = tifffile.imread(f"{folder}/heatmap.tif", level=0)[..., :3]
assert np.isin(t[lost], (96, 160)).all()
P
check "heatmaps of a run hatch it" python3 hatched.py run/slides/synth_02 cohort/slides/synth_02.tif
check "heatmaps of wsiflow score too" python3 hatched.py scored/synth_02 cohort/slides/synth_02.tif

# ---- a model from another training: its training slides are unknown, and every output says so
is "of the run's own model nothing is said" "$(grep -c 'trained on is not known' run/report.html)" 0
sed 's/epochs: 1, batch: 4, source: slides/run: false/; $a score: {model: run/model/model.safetensors}' run.yaml >foreign.yaml
"$WSIFLOW" run -c foreign.yaml -o foreign -j 2 >foreign.log 2>&1
like "the report has the hash of that model" "$(cat foreign/report.html)" "$(sha256sum <run/model/model.safetensors | cut -c1-64)  model.safetensors"
is "and what it is" "$(grep -c '&quot;extractor&quot;: &quot;scattering&quot;' foreign/report.html)" 1
is "keys of a training that is not done are not given" "$(grep -c '^  # epochs: 30 (not given)' foreign/report.html)" 1
for shown in foreign.log foreign/report.html foreign/metrics.json; do
    like "of another's model, in $shown" "$(cat $shown)" 'this run does not know which slides it was trained on'
done
finish
