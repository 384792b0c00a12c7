#!/bin/sh
# The tiles that a model is most wrong about: which ones, their pixels, and what is said of those that cannot be read.
. tests/lib.sh
root=$PWD
cd "$tmp" || exit 1
python3 -c "import numpy, PIL" 2>/dev/null || skip_all "no Python modules numpy and PIL"
"$WSIFLOW" synth -o c -n 4 -l 3 --width 3072 --height 3072 >/dev/null 2>&1
printf 'slide,split\nsynth_00.tif,train\nsynth_01.tif,test\nsynth_02.tif,test\nsynth_03.tif,test\n' >c/slides/manifest.csv
printf 'slides: {manifest: c/slides/manifest.csv, annotations: c/annotations, unannotated: normal}
tiles: {size: 64, mpp: 2}
dataset: {split: manifest}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1, batch: 4}
evaluate: {worst: 5, worst_per_slide: 2, score: top}
embedding: {points: 0}\n' >run.yaml
"$WSIFLOW" run -c run.yaml -o one -j 1 >one.log 2>&1
is "a run ends well" "$?$(grep -c 'worst cohort: done' one.log)" 01

cat >rows.py <<'P'
import csv, glob, json, sys
most, per_slide = int(sys.argv[1]), int(sys.argv[2])
worst = json.load(open("one/worst_tiles.json"))
assert worst["score"] == "top" and worst["per_slide"] == per_slide
for kind, label, sign in ("normal", "0", -1), ("lesion", "1", 1):
    found, labelled = [], 0
    for path in sorted(glob.glob("one/slides/*/scores.csv")):
        rows = [r for r in csv.DictReader(open(path)) if r["split"] == "test" and r["label"] == label and r["top"]]
        labelled += len(rows)
        chosen = []
        for r in sorted(rows, key=lambda r: sign * float(r["top"])):
            apart = lambda q: abs(float(r["x"]) - float(q["x"])) >= float(r["width"]) or abs(float(r["y"]) - float(q["y"])) >= float(r["height"])
            if len(chosen) < per_slide and all(apart(q) for q in chosen):
                chosen.append(r)
        found += chosen
    found = sorted(found, key=lambda r: sign * float(r["top"]))[:most]
    of = worst[kind]
    assert of["labelled"] == labelled > 100, (kind, of["labelled"], labelled)
    assert len(of["tiles"]) == len(found) == most, (kind, len(found))
    for tile, row in zip(of["tiles"], found):
        assert tile["slide"] == row["slide"] and (tile["x"], tile["y"]) == (float(row["x"]), float(row["y"])), (tile, row)
        assert tile["score"] == float(row["top"]) and tile["lesion_fraction"] == float(row["lesion_fraction"]) and tile["flags"] is not None
P
check "they are those of the tables: by score, at most two of a slide, without overlap, of the test split" python3 rows.py 5 2

cat >pixels.py <<'P'
import base64, csv, io, json, os
import numpy as np
from PIL import Image
worst = json.load(open("one/worst_tiles.json"))
cut = {}
for patch in csv.DictReader(open("one/dataset/manifest.csv")):
    cut[patch["slide"], int(patch["x"]), int(patch["y"])] = os.path.normpath("one/dataset/" + patch["file"]), patch["flags"]
compared = 0
for kind in "normal", "lesion":
    for tile in worst[kind]["tiles"]:
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(tile["jpeg"]))).convert("RGB")).astype(float)
        assert picture.shape == (64, 64, 3)
        patch, flags = cut.get((tile["slide"], round(tile["x"]), round(tile["y"])), (None, None))
        if patch:
            exact = np.asarray(Image.open(patch).convert("RGB")).astype(float)
            again = io.BytesIO()
            Image.fromarray(exact.astype("uint8")).save(again, "jpeg", quality=85)
            jpeg = np.asarray(Image.open(again)).astype(float)
            loss = np.abs(jpeg - exact).mean()
            assert np.abs(picture - exact).mean() < 1.2 * loss + 0.2, (np.abs(picture - exact).mean(), loss)
            assert flags == tile["flags"], (flags, tile)
            compared += 1
assert compared >= 2, compared
html = open("one/report.html", encoding="utf-8").read()
section = html.split("most wrong about</h2>")[1].split("<h2")[0]
for kind in "normal", "lesion":
    for tile in worst[kind]["tiles"]:
        assert "data:image/jpeg;base64," + tile["jpeg"] in section
assert section.count("<figure>") == section.count("<img loading=\"lazy\"") == section.count("<figcaption>") == 10
P
check "pictures are the tiles of the patch set but for JPEG, with the same flags, and all are in the report" python3 pixels.py

cp one/worst_tiles.json first.json
rm one/worst_tiles.json
"$WSIFLOW" run -c run.yaml -o one -j 4 >again.log 2>&1
check "with more workers it is the same bytes" cmp first.json one/worst_tiles.json

# While the run is at this stage, one slide goes away and another one is replaced: the worker stops where it reads the first table of scores.
reasons() {
    python3 - <<'P'
import json
worst = json.load(open("one/worst_tiles.json"))
tiles = worst["normal"]["tiles"] + worst["lesion"]["tiles"]
section = open("one/report.html", encoding="utf-8").read().split("most wrong about</h2>")[1].split("<h2")[0]
assert section.count("<figure>") == 10 and section.count("No picture, because it cannot be read") == sum("unreadable" in t for t in tiles)
print(*sorted({t["slide"] for t in tiles if "jpeg" in t}), *sorted({t["slide"] + ": " + t["unreadable"] for t in tiles if "unreadable" in t}), sep="\n")
P
}
if [ -z "${WSIFLOW_ASAN:-}" ] && ${CC:-gcc} -shared -fPIC -o faults.so "$root/tests/faults.c" -ldl 2>cc.log; then
    rm one/worst_tiles.json
    FAULT_LOG=$tmp/stopped with_faults open scores.csv 0 "$WSIFLOW" run -c run.yaml -o one -j 1 >gone.log 2>&1 &
    until_there stopped
    mv c/slides/synth_02.tif away.tif
    mv c/slides/synth_03.tif before.tif
    echo other >c/slides/synth_03.tif
    kill -s CONT "$(cat stopped)"
    wait
    mv away.tif c/slides/synth_02.tif
    mv before.tif c/slides/synth_03.tif
    got=$(reasons)
    is "tiles of other slides have pictures" "$(echo "$got" | head -1)" synth_01
    like "a slide that is missing is in the report with the reason" "$got" "^synth_02: .*No such file"
    like "and one that was replaced" "$got" "^synth_03: .*synth_03.tif.*changed"
    "$WSIFLOW" run -c run.yaml -o one >back.log 2>&1
    check "when they are back, so are the pictures" cmp first.json one/worst_tiles.json
    "$WSIFLOW" run -c run.yaml -o one >still.log 2>&1
    is "and nothing is left to do" "$(grep -c 'worst cohort: done' back.log)$(grep -c 'worst cohort: done' still.log)" 10
else
    skip "slides that cannot be read at this time" "no fault injection"
fi
sed 's/worst: 5/worst: 8/' run.yaml >more.yaml
"$WSIFLOW" run -c more.yaml -o one >more.log 2>&1
check "a list that so few slides would not fill has an equal share of each" python3 rows.py 8 3
sed 's/worst: 5/worst: 0/' run.yaml >none.yaml
"$WSIFLOW" run -c none.yaml -o one >none.log 2>&1
is "without any there is no section" "$?$(grep -c 'most wrong about' one/report.html)" 00

# No tile to train on: nobody has decided on anything of the training slide.
cp -r c/annotations open
rm -f open/synth_00.*
echo '{"type": "Feature", "properties": {"classification": {"name": "Review: unknown"}}, "geometry": {"type": "Polygon",
"coordinates": [[[0, 0], [3072, 0], [3072, 3072], [0, 3072], [0, 0]]]}}' >open/synth_00.geojson
sed 's,c/annotations,open,' run.yaml >open.yaml
"$WSIFLOW" run -c open.yaml -o untrained --patience 1 >untrained.log 2>&1
like "without a model it is not tried" "$(cat untrained.log)" "train cohort: parked"
is "  but cancelled like what else needs one" \
    "$("$WSIFLOW" status untrained 2>/dev/null | grep -c 'worst.*parked')$(grep -c 'worst cohort: cannot' untrained.log)" 00

# Images of others, with labels of near-blank ones.
python3 - <<'P'
import os
files = sorted(f"test/{d}/{f}" for d in ("good", "Ungood") for f in os.listdir("one/dataset/test/" + d))
open("blank.csv", "w").write("file,near_blank\n" + "".join(f"{f},{int(i % 2)}\n" for i, f in enumerate(files)))
P
printf 'patches: {folder: one/dataset}
tiles: {size: 64}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1, batch: 4}
evaluate: {worst: 4, labels: blank.csv}
embedding: {points: 0}\n' >patches.yaml
"$WSIFLOW" run -c patches.yaml -o images >images.log 2>&1
is "a run of images ends well" $? 0
check "the worst images, not limited by slide, are the files themselves" python3 - <<'P'
import base64, csv, io, json
import numpy as np
from PIL import Image
worst = json.load(open("images/worst_tiles.json"))
rows = list(csv.DictReader(open("images/scores.csv")))
blank = {r["file"]: r["near_blank"] == "1" for r in csv.DictReader(open("blank.csv"))}
for kind, label, sign in ("normal", "0", -1), ("lesion", "1", 1):
    want = sorted((r for r in rows if r["label"] == label), key=lambda r: sign * float(r["score"]))[:4]
    tiles = worst[kind]["tiles"]
    assert [t["file"] for t in tiles] == [r["file"] for r in want] and len(tiles) == 4
    for t in tiles:
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(t["jpeg"]))).convert("RGB")).astype(float)
        exact = np.asarray(Image.open("one/dataset/" + t["file"]).convert("RGB")).astype(float)
        assert np.abs(picture - exact).mean() < 6 and t["near_blank"] == blank[t["file"]]
P
finish
