#!/bin/sh
# The calibrated probability in heatmap.ome.tif: of a model whose held-out tiles include labelled anomalies.
. tests/lib.sh
root=$PWD
PYTHONPATH=$root/tests
export PYTHONPATH
python3 -c 'import numpy, tifffile' 2>/dev/null || skip_all "no Python modules numpy and tifffile"
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 5 -l 4 --width 3000 --height 2600 >synth.log 2>&1
is "the slides are there" $? 0
cat >run.yaml <<'Y'
slides: {folder: cohort/slides, annotations: cohort/annotations, unannotated: normal}
tiles: {size: 128}
dataset: {train_anomalies: true, test_fraction: 0.3}
loss: {labels: true}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 16}
score: {overlap: 0.25, slides: all}
heatmap: {cell_um: 8, overlay: false}
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.out 2>run.err
is "the run ends with 0" $? 0
check "the calibration holds a rising logistic function, fitted to enough anomalies" python3 - <<'P'
import json
c = json.load(open("run/metrics.json"))["calibration"]
assert c["probability_slope"] > 0 and c["anomalies"] >= 10 and c["tiles"] >= 10, c
P
check "the reliability of the probabilities is that of their formula, and is in the report" python3 - <<'P'
import csv, glob, json, numpy as np
m = json.load(open("run/metrics.json"))
c, seen = m["calibration"], 0
rows = [r for p in glob.glob("run/slides/*/scores.csv") for r in csv.DictReader(open(p)) if r["label"] and r["score"]]
for part in m["splits"]:
    own = [r for r in rows if r["split"] == part["split"]]
    if not own:
        continue
    p = 1 / (1 + np.exp(-c["probability_slope"] * np.array([float(r["score"]) for r in own]) - c["probability_offset"]))
    label = np.array([int(r["label"]) for r in own])
    bins = np.clip(np.ceil(p * 10).astype(int) - 1, 0, 9)
    ece = sum(abs(p[bins == b].sum() - label[bins == b].sum()) for b in range(10)) / len(p)
    assert abs(part["reliability"]["expected_calibration_error"] - ece) < 1e-6, (part["reliability"], ece)
    assert [b["rows"] for b in part["reliability"]["bins"]] == [int((bins == b).sum()) for b in range(10)]
    assert "labelled anomalies" in part["reliability"]["from"]
    seen += 1
assert seen > 0
assert m["split"] == "test" and "bins" in m["reliability"]
assert f"Reliability curve, ECE {m['reliability']['expected_calibration_error']:.4f}" in open("run/report.html", encoding="utf-8").read()
P
check "each cell has the blended probability of its tiles, exactly where the map has a score" python3 - <<'P'
import csv, glob, json, numpy as np, ome_rules, tifffile
c = json.load(open("run/metrics.json"))["calibration"]
seen = 0
for path in sorted(glob.glob("run/slides/*/heatmap.ome.tif")):
    folder = path.rsplit("/", 1)[0]
    image, notes = ome_rules.check(path)
    channels = [e.get("Name") for e in image.findall(".//{*}Channel")]
    assert channels[3] == "calibrated probability of an anomaly (0 to 1)" and len(channels) == 4, channels
    assert f"{c['tiles']} held-out normal tiles and {c['anomalies']} labelled anomalies" in notes["probability"], notes
    with tifffile.TiffFile(path) as t:
        got = t.series[0].levels[0].asarray()
        levels = [l.asarray()[3] for l in t.series[0].levels]
    facts = json.load(open(folder + "/slide.json"))
    h, w = got.shape[1:]
    y, x = (np.mgrid[:h, :w] + .5) * np.array([facts["height"] / h, facts["width"] / w])[:, None, None]
    total, weights = np.zeros((h, w)), np.zeros((h, w))
    for row in csv.DictReader(open(folder + "/scores.csv")):
        if row["score"]:
            u, v = (x - float(row["x"])) / float(row["width"]), (y - float(row["y"])) / float(row["height"])
            inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
            weight = np.where(inside, (.001 + .999 * np.sin(np.pi * u) ** 2) * (.001 + .999 * np.sin(np.pi * v) ** 2), 0)
            total += weight / (1 + np.exp(-c["probability_slope"] * float(row["score"]) - c["probability_offset"]))
            weights += weight
    known = np.isfinite(np.load(folder + "/scoremap.npy"))
    assert np.array_equal(np.isfinite(got[3]), known) and known.any()
    assert np.abs(got[3] - total / np.maximum(weights, 1e-300))[known].max() < 1e-5
    assert len(np.unique(got[3][known])) > 20 and 0 < np.nanmin(got[3]) < np.nanmax(got[3]) < 1
    # Coarser levels: means over the cells of level 0.
    for k in range(1, len(levels)):
        n = 2**k
        padded = np.pad(got[3].astype(float), [(0, -s % n) for s in got[3].shape], constant_values=np.nan)
        cells = padded.reshape(padded.shape[0] // n, n, padded.shape[1] // n, n)
        count = np.isfinite(cells).sum((1, 3))
        wanted = np.where(count > 0, np.nansum(cells, (1, 3)) / np.maximum(count, 1), np.nan)
        np.testing.assert_allclose(levels[k], wanted, atol=1e-6)
    seen += 1
assert seen == 5
P
"$WSIFLOW" score -m run/model/model.safetensors -c run.yaml -o one cohort/slides/synth_03.tif >score.log 2>&1
check "the single command gives the run's file" cmp one/synth_03/heatmap.ome.tif run/slides/synth_03/heatmap.ome.tif
touch one/synth_03/overlay.tif one/synth_03/tiles.geojson.gz
"$WSIFLOW" score -m run/model/model.safetensors -c run.yaml -o one cohort/slides/synth_03.tif >score.log 2>&1
is "what this call does not write is removed" "$(ls one/synth_03 | grep -cE 'overlay.tif|tiles.geojson.gz') $(grep removed score.log)" \
    "0 wsiflow score: removed from one/synth_03, being of an earlier call: overlay.tif, tiles.geojson.gz"
"$WSIFLOW" heatmap run/slides/synth_03/scoremap.npy -s cohort/slides/synth_03.tif -o map >log 2>&1
check "a map alone has no probability, and the file says why" python3 - <<'P'
import ome_rules
image, notes = ome_rules.check("map/heatmap.ome.tif")
assert len(list(image.findall(".//{*}Channel"))) == 3 and notes["probability"].startswith("none: a map alone"), notes
P
finish
