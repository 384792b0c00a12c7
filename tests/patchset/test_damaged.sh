#!/bin/sh
# Slides with parts that cannot be read, from end to end: unreadable parts never become white pixels, in training, scores, maps or heatmaps,
# and one limit (half of a tile) holds everywhere.  Oracle: numpy, from the positions that were damaged.
. tests/lib.sh
python3 -c 'import numpy, tifffile; from PIL import Image' 2>/dev/null || skip_all "python3-numpy, tifffile or PIL is missing"
cd "$tmp" || exit 2

cat >make.py <<'P'
import json, numpy as np, tifffile
def texture(seed, h=1536, w=2048):
    draw = np.random.default_rng(seed)
    od = draw.gamma(1, .35, (h, w, 1)) * [.65, .70, .29] + draw.gamma(1, .3, (h, w, 1)) * [.1, .95, .2]
    for _ in range(2): od = (od + np.roll(od, 1, 0) + np.roll(od, 1, 1)) / 3
    return np.clip(np.rint(245 * np.exp(-od)), 0, 255).astype(np.uint8)
def write(name, seed, compression, tiles, how):
    tifffile.imwrite(name, texture(seed), tile=(256, 256), photometric="rgb", compression=compression, resolution=(20000, 20000), resolutionunit=3)
    with tifffile.TiffFile(name) as f:
        at, size = f.pages[0].dataoffsets, f.pages[0].databytecounts
    data = bytearray(open(name, "rb").read())
    for t in tiles: # 8 in a row
        data[at[t]:at[t] + size[t]] = (b"\xff" if how == "garbage" else b"\0") * size[t]
    open(name, "wb").write(data)
    return [[t % 8 * 256, t // 8 * 256] for t in tiles]
bad = {"a": write("a.tif", 1, "zlib", [9, 10, 11, 18, 19, 36], "garbage"),
       "b": write("b.tif", 2, "zlib", [0, 1, 8, 9, 27, 28, 29, 35, 36, 37], "zeros")}
write("c.tif", 3, "zlib", [], "")
json.dump(bad, open("bad.json", "w"))
open("m.csv", "w").write("slide,split\na.tif,train\nc.tif,train\nb.tif,test\n")
open("lesion.xml", "w").write("<ASAP_Annotations><Annotations><Annotation Name='1' Type='Polygon' PartOfGroup='Tumor'><Coordinates>" + "".join(
    f"<Coordinate Order='{i}' X='{x}' Y='{y}'/>" for i, (x, y) in enumerate([(1200, 100), (1900, 100), (1900, 700), (1200, 700)])) +
    "</Coordinates></Annotation></Annotations><AnnotationGroups><Group Name='Tumor' PartOfGroup='None'><Attributes/></Group></AnnotationGroups></ASAP_Annotations>")
P
python3 make.py
cat >run.yaml <<'Y'
slides: {manifest: m.csv}
tissue: {mpp: 4}
tiles: {size: 64, mpp: 3, min_tissue: 0, edge: drop}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1, batch: 4}
score: {overlap: 0, min_tissue: 0}
Y
cat >readable.py <<'P'
import csv, json
bad = json.load(open("bad.json"))
def fraction(slide, x, y, side):
    """The fraction of a square (level-0 px) that can be read; beyond the slide is glass."""
    lost = sum(max(0, min(x + side, bx + 256) - max(x, bx)) * max(0, min(y + side, by + 256) - max(y, by)) for bx, by in bad.get(slide, []))
    return 1 - lost / side / side
def rows(path): return list(csv.DictReader(open(path)))
P
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.log 2>&1
is "a run over damaged slides" $? 0
check "in the patch set is what can be read by half, all of it and nothing else" python3 - <<'P'
from readable import *
got = {(r["slide"], r["x"], r["y"]): float(r["readable_fraction"]) for r in rows("run/dataset/manifest.csv")}
lost = 0
for slide in "abc":
    for r in rows(f"run/slides/{slide}/tiles.csv"):
        want = fraction(slide, float(r["x"]), float(r["y"]), 384)
        key = (slide, str(round(float(r["x"]))), str(round(float(r["y"]))))
        assert abs(want - 0.5) > 1e-6 and (key in got) == (want > 0.5), (key, want, got.get(key))
        assert key not in got or abs(got[key] - want) < 1e-3, (key, want, got[key])
        lost += want < 0.5
assert lost > 4 and len(got) > 45, (lost, len(got))
print(lost)
P
check "no image of it is mostly white" python3 - <<'P'
import glob, numpy as np
from PIL import Image
names = glob.glob("run/dataset/*/good/*.png")
fractions = [(np.asarray(Image.open(n)) == 255).all(2).mean() for n in names]
assert len(names) > 45 and max(fractions) < 0.5, max(fractions)
P
message='[1-9][0-9]* tiles were left out because less than 50 % of each could be read: [1-9][0-9]* of a, [1-9][0-9]* of b'
like "the terminal reports what was left out" "$(cat run.log)" "$message"
like "so does the card" "$(cat run/dataset/CARD.md)" "$message"
like "and the report" "$(cat run/report.html)" "$message"
check "scores are empty where less than half can be read, and nowhere else" python3 - <<'P'
from readable import *
n = 0
for r in rows("run/slides/b/scores.csv"):
    want = fraction("b", float(r["x"]), float(r["y"]), float(r["width"]))
    assert abs(float(r["readable_fraction"]) - want) < 1e-3 and (r["score"] == "") == (want < 0.5), r
    n += want < 0.5
assert n >= 2, n
P
check "the map is NaN where nothing could be read, and finite where all could" python3 - <<'P'
from readable import *
import numpy as np
m = np.load("run/slides/b/scoremap.npy")
h, w = m.shape
cell = 2048 / w
seen = [0, 0]
for j in range(h):
    for i in range(w):
        r = fraction("b", i * cell, j * cell, cell)
        near = fraction("b", i * cell - 384, j * cell - 384, cell + 768)
        assert r > 0 or np.isnan(m[j, i]), (i, j)
        assert near < 1 or np.isfinite(m[j, i]), (i, j)
        seen[0] += r <= 0
        seen[1] += near >= 1
assert min(seen) > 10, seen
o = None
import tifffile
v = tifffile.imread("run/slides/b/heatmap.ome.tif", level=0)[0]
assert np.array_equal(np.isnan(v), np.isnan(m)) and np.array_equal(v[~np.isnan(v)], m[~np.isnan(m)])
P
check "in images for people no data is grey, never like glass" python3 - <<'P'
from readable import *
import numpy as np, tifffile
from PIL import Image
for name in "heatmap.tif", "overview.png", "tissue_outline.png":
    path = f"run/slides/b/{name}"
    p = tifffile.imread(path, level=0) if name.endswith("tif") else np.asarray(Image.open(path))
    h, w = p.shape[:2]
    for x, y in bad["b"]:
        inner = p[int((y + 32) * h / 1536):int((y + 224) * h / 1536), int((x + 32) * w / 2048):int((x + 224) * w / 2048)]
        assert inner.size and set(np.unique(inner)) <= {96, 160}, (name, x, y, np.unique(inner))
P
# ---- straight from slides: the same tiles, so the same model
sed 's/epochs: 1/source: slides, epochs: 1/; $a dataset: {write: false}' run.yaml >straight.yaml
"$WSIFLOW" run -c straight.yaml -o straight -j 2 >straight.log 2>&1
is "training straight from damaged slides" $? 0
check "learns from the same tiles" cmp straight/model/model.safetensors run/model/model.safetensors
like "and reports what was left out" "$(cat straight.log)" 'training: [1-9][0-9]* tiles were left out .* of a$'
# ---- from shards that hold more
sed 's/batch: 4}/batch: 4, run: false}/; $a dataset: {format: shards}' run.yaml >shards.yaml
"$WSIFLOW" dataset -c shards.yaml -o shards -j 2 >/dev/null 2>&1
python3 - <<'P'
import io, json, tarfile
old = tarfile.open("shards/dataset/train-000000.tar")
with tarfile.open("shards/dataset/train-000000.new", "w") as new:
    for i, m in enumerate(old.getmembers()):
        data = old.extractfile(m).read()
        if m.name.endswith(".json") and i < 4:
            facts = json.loads(data); facts["readable_fraction"] = 0.25; data = json.dumps(facts).encode()
        m.size = len(data); new.addfile(m, io.BytesIO(data))
P
mkdir -p more && mv shards/dataset/train-000000.new more/train-000000.tar
printf 'tiles: {size: 64}\nmodel: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\ntrain: {epochs: 1, batch: 4}\n' >t.yaml
"$WSIFLOW" train -c t.yaml -p more -o more.safetensors >more.log 2>&1
like "samples below the limit are left out of a training from shards" "$(cat more.log)" '^wsiflow train: 2 samples were left out'
# ---- what shards say of the part that could be read, or do not say
# restate NAME VALUE: the samples in more/ have NAME instead of readable_fraction; without NAME none
restate() {
    python3 - "$@" <<'P'
import io, json, sys, tarfile
old = tarfile.open("shards/dataset/train-000000.tar")
with tarfile.open("more/train-000000.tar", "w") as new:
    for m in old.getmembers():
        data = old.extractfile(m).read()
        if m.name.endswith(".json"):
            facts = json.loads(data); del facts["readable_fraction"]
            facts.update({sys.argv[1]: json.loads(sys.argv[2])} if len(sys.argv) > 1 else {})
            data = json.dumps(facts).encode()
        m.size = len(data); new.addfile(m, io.BytesIO(data))
P
    "$WSIFLOW" train -c t.yaml -p more -o more.safetensors >more.log 2>&1
}
restate valid_share 0.1
is "samples of an earlier version are refused" $? 1
like "by the name" "$(cat more.log)" 'train-000000.tar: .*json was made by an earlier version .*"valid_share" is called "readable_fraction" now'
restate readable_fraction '"0.1"'
like "a text is no fraction" "$(cat more.log)" '"readable_fraction" is not a number from 0 to 1'
restate
is "samples that do not say it are used" $? 0
like "and counted" "$(cat more.log)" '[1-9][0-9]* samples do not say how much of them could be read'

# ---- the annotation is read once a slide
mkdir -p ann && cp lesion.xml ann/b.xml && cp lesion.xml ann/a.xml
sed 's/manifest: m.csv/manifest: m.csv, annotations: ann, unannotated: normal/; s#min_tissue: 0}$#min_tissue: 0, model: run/model/model.safetensors}#; $a dataset: {train_anomalies: true}' run.yaml >lesion.yaml
if command -v strace >/dev/null && strace -f -o /dev/null true 2>/dev/null; then
    strace -f -e trace=openat -o trace "$WSIFLOW" run -c lesion.yaml -o lesion -j 1 >lesion.log 2>&1
    strace -f -e trace=openat -o once "$WSIFLOW" mask ann/b.xml --slide b.tif -o b_mask.tif >/dev/null 2>&1
    # Before the jobs the supervisor looks at the groups; all jobs are done by one worker here.
    is "the jobs of a run open an annotation as often as one mask takes" \
        "$(grep 'ann/b.xml' trace | cut -d' ' -f1 | sort | uniq -c | sort -n | tail -1 | tr -s ' ' | cut -d' ' -f2)" "$(grep -c 'ann/b.xml' once)"
else
    "$WSIFLOW" run -c lesion.yaml -o lesion -j 1 >lesion.log 2>&1
    skip "the jobs of a run open an annotation as often as one mask takes" "there is no strace"
fi
check "masks, fractions and labels agree with the outline" python3 - <<'P'
from readable import *
import numpy as np
from PIL import Image
n = 0
def lesion(x, y, side): return max(0, min(x + side, 1900) - max(x, 1200)) * max(0, min(y + side, 700) - max(y, 100)) / side / side
for r in rows("lesion/slides/b/scores.csv"):
    assert abs(float(r["lesion_fraction"]) - lesion(float(r["x"]), float(r["y"]), float(r["width"]))) < 2e-6, r
for r in rows("lesion/dataset/manifest.csv"):
    want = lesion(int(r["x"]), int(r["y"]), 384) if r["slide"] in "ab" else 0
    assert abs(float(r["lesion_fraction"]) - want) < 1e-3, (r, want)
    if r["label"] == "Ungood":
        folder = "" if r["split"] == "test" else "_" + r["split"]
        mask = np.asarray(Image.open(f"lesion/dataset{folder}/ground_truth/Ungood/" + r["file"].split("/")[-1].replace(".png", "_mask.png")))
        assert abs((mask > 0).mean() - want) < 0.03, (r, (mask > 0).mean())
        n += 1
assert n > 3, n
P
finish
