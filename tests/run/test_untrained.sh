#!/bin/sh
# A run whose training fails says so wherever a reader looks: nothing was scored, and why.
. tests/lib.sh
cd "$tmp" || exit 2
"$WSIFLOW" synth -o c -n 4 -l 2 --width 2048 --height 2048 >synth.log 2>&1 || exit 1
# Training by labels needs a lesion in the train split, which has none.
cat >run.yaml <<'Y'
slides: {manifest: c/manifest.csv, annotations: c/annotations, unannotated: normal}
tiles: {size: 64, mpp: 2}
dataset: {train_anomalies: true}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1, batch: 4}
loss: {labels: true}
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >out 2>err
is "the run ends with its own code" $? 1
why='the model could not be trained.*: train: .*has no labelled anomaly to train on'
like "the terminal says so at the end" "$(cat out)" "^failed +$why"
like "and names what there is" "$(cat out)" '^report +run/report.html'
check "slides.csv: a slide that was to be scored was cancelled, with the reason" python3 - <<'P'
import csv
rows = {r["slide"]: r for r in csv.DictReader(open("run/slides.csv"))}
assert len(rows) == 4 and {r["split"] for r in rows.values()} == {"train", "test"}, rows
for row in rows.values():
    if row["split"] == "train": # it was not to be scored
        assert (row["state"], row["failure"]) == ("done", ""), row
    else:
        assert row["state"] == "cancelled", row
        assert row["failure"].startswith("not scored: the model could not be trained: train: "), row
        assert row["failure"].endswith("has no labelled anomaly to train on"), row
P
check "metrics.json has the reason, and calls no slide failed that did not fail" python3 - <<'P'
import json
m = json.load(open("run/metrics.json"))
assert m["absent"].startswith("nothing was scored: the model could not be trained: train: "), m
assert m["training_failed"].endswith("has no labelled anomaly to train on"), m
assert not any("split failed" in note for note in m["notes"]), m
P
like "the report begins with it" "$(cat run/report.html)" "No metrics: nothing was scored: $why"
like "names it among what could not be read" "$(cat run/report.html)" "so nothing was scored: train: "
is "and does not say that all was read" "$(grep -c 'Nothing: every slide' run/report.html)" 0
like "counts the slides apart" "$(cat run/report.html)" '0 failed, 3 had no model to be scored with, 1 others have no score'
# The reason is gone once there is a model.
sed -i 's/train_anomalies: true/train_anomalies: false/; /^loss/d' run.yaml
"$WSIFLOW" run -c run.yaml -o run -j 2 >out 2>err
is "with a training that succeeds" $? 0
is "no slide is cancelled" "$(cut -d, -f2 run/slides.csv | sort | uniq -c | tr -s ' ')" "$(printf ' 4 done\n 1 state')"
is "and nothing is said" "$(cat out run/report.html run/metrics.json | grep -c 'could not be trained')" 0
finish
