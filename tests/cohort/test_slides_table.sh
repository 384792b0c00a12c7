#!/bin/sh
# slides.csv: every slide has a row, also a failed one; its numbers are those of the tables and records that they are made from.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 4 -l 2 --width 2560 --height 2048 >synth.log 2>&1
head -c 20000 cohort/slides/synth_01.tif >cohort/slides/cut_off.tif
cat >run.yaml <<'Y'
slides:
  folder: cohort/slides
  annotations: cohort/annotations
  unannotated: normal
tiles:
  size: 128
train:
  epochs: 1
  batch: 4
model:
  blocks: [1, 1, 1]
  condition: 16
score:
  overlap: 0
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >out 2>err
is "a run with a damaged slide ends with its own code" $? 3
like "the last lines name the table" "$(cat out)" '^slides +run/slides.csv'
check "one row per slide, in the order of the cohort" python3 - <<'P'
import csv
rows = list(csv.DictReader(open("run/slides.csv")))
assert [r["slide"] for r in rows] == ["cut_off", "synth_00", "synth_01", "synth_02", "synth_03"], rows
bad = rows[0]
assert bad["state"] == "failed" and bad["failure"].startswith("ingest: "), bad
assert all(bad[c] == "" for c in ("tissue_mm2", "tiles", "score_maximum", "regions")), bad
assert all(r["state"] == "done" and r["failure"] == "" for r in rows[1:])
assert sorted(r["label"] for r in rows[1:]) == ["annotated", "annotated", "normal", "normal"]
P
check "its numbers are those of the slides' own files" python3 - <<'P'
import csv, json, math, os
scored = 0
for row in csv.DictReader(open("run/slides.csv")):
    if row["state"] == "failed":
        continue
    folder = "run/slides/%s/" % row["slide"]
    slide, tissue = (json.load(open(folder + f)) for f in ("slide.json", "tissue.json"))
    mm2 = slide["width"] * slide["mpp_x"] * slide["height"] * slide["mpp_y"] / 1e6
    close = lambda name, value: math.isclose(float(row[name]), value, rel_tol=1e-5, abs_tol=1e-6)
    assert close("tissue_mm2", tissue["tissue_fraction"] * mm2)
    tiles = list(csv.DictReader(open(folder + "tiles.csv")))
    assert close("tiles", len(tiles)) and row["split"] == tiles[0]["split"]
    patches = list(csv.DictReader(open(folder + "patches.csv")))
    for flag in "pen", "blur", "dark":
        assert close(flag + "_fraction", sum(flag in p["flags"].split() for p in patches) / len(patches))
    if not os.path.exists(folder + "scores.csv"):
        assert row["scored_tiles"] == row["score_maximum"] == row["regions"] == ""
        continue
    scored += 1
    values = [r["score"] for r in csv.DictReader(open(folder + "scores.csv"))]
    known = sorted((float(v) for v in values if v), reverse=True)
    assert close("scored_tiles", len(known)) and close("unreadable_tiles", len(values) - len(known))
    assert close("score_maximum", known[0])
    top = known[:math.ceil(len(known) / 100)]
    assert close("score_top_1_percent", sum(top) / len(top))
    facts = json.load(open(folder + "regions.json"))
    objects = json.load(open(folder + "regions.geojson"))["features"]
    assert close("regions", len(objects)) and close("above_threshold_mm2", facts["area_um2"] / 1e6)
    assert close("above_threshold_mm2", sum(o["properties"]["measurements"]["Area µm^2"] for o in objects) / 1e6)
assert scored > 0
P
# ---- the reason of a failure changes, and nothing else
"$WSIFLOW" retry run >/dev/null 2>&1
printf 'no slide at all' >cohort/slides/cut_off.tif
"$WSIFLOW" run -c run.yaml -o run -j 2 >out 2>err
is "the damaged slide fails again" $? 3
check "the table has the reason of today" python3 - "$WSIFLOW" <<'P'
import csv, json, subprocess, sys
row = next(r for r in csv.DictReader(open("run/slides.csv")) if r["slide"] == "cut_off")
jobs = json.loads(subprocess.check_output([sys.argv[1], "status", "run", "--json"]))["jobs"]
error = next(j["error"] for j in jobs if j["unit"] == "cut_off" and j["stage"] == "ingest")
assert row["failure"] == "ingest: " + error, (row["failure"], error)
P
finish
