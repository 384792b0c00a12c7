#!/bin/sh
# Labelled anomalies, by the program: a folder of images and tar shards give the same model, the training curve has the metrics of anomalies,
# the loss is part of a job's key, and what is missing is named.
. tests/lib.sh
cd "$tmp" || exit 1

python3 - <<'P'
import io, json, os, tarfile
import numpy as np
from PIL import Image
rng = np.random.default_rng(3)
y, x = np.mgrid[0:64, 0:64]
shard = tarfile.open("train-000000.tar", "w")
def add(name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    shard.addfile(info, io.BytesIO(data))
for split, label, count in (("train", "good", 24), ("train", "Ungood", 8), ("test", "good", 8), ("test", "Ungood", 8)):
    os.makedirs(f"set/{split}/{label}")
    for i in range(count):
        a, b = rng.uniform(0.3, 0.6, 2)
        contrast = 60 if label == "good" else 20
        tile = 150 + contrast * np.sin(a * x + b * y)[..., None] * [1, 0.8, 0.9] + rng.normal(0, 4, (64, 64, 3))
        out = io.BytesIO()
        Image.fromarray(tile.clip(0, 255).astype("uint8")).save(out, "PNG")
        name = f"{i:03d}"
        open(f"set/{split}/{label}/{name}.png", "wb").write(out.getvalue())
        if split == "train":
            add(f"{label}{name}.png", out.getvalue())
            add(f"{label}{name}.json", json.dumps({"label": label}).encode())
shard.close()
os.makedirs("shards")
os.rename("train-000000.tar", "shards/train-000000.tar")
P
cat >labels.yaml <<'Y'
patches: {folder: set}
tiles: {size: 64}
model: {blocks: [1, 1, 1], condition: 16, score: logit}
train: {epochs: 3, batch: 8, holdout: 0.25}
loss: {labels: true, start: 0.3, selection: auroc}
Y
"$WSIFLOW" run -c labels.yaml -o run -j 2 >run.log 2>&1
is "a run with labels" $? 0
columns=$(head -1 run/model/curve.csv | tr , '\n' | grep -n . | sed 's/:/ /')
at() { printf '%s\n' "$columns" | awk -v name="$1" '$2 == name {print $1}'; }
is "no focal loss in the first epoch" "$(sed -n 2p run/model/curve.csv | cut -d, -f"$(at focal)")" ""
like "one in the last" "$(sed -n 4p run/model/curve.csv | cut -d, -f"$(at focal)")" '^[0-9]'
like "held-out anomalies are separated from normal tiles" "$(sed -n 4p run/model/curve.csv | cut -d, -f"$(at holdout_auroc)")" '^[01]'
like "scores have a logit" "$(head -1 run/scores.csv)" ',logit'
check "the bundle has the head" grep -aq head.linear.weight run/model/model.safetensors

"$WSIFLOW" train -c labels.yaml -o images.model >train.log 2>&1
is "the same with train" $? 0
like "the line of an epoch has the metrics of anomalies" "$(cat train.log)" 'held-out anomalies: AUROC'
check "and the same bytes" cmp images.model run/model/model.safetensors
"$WSIFLOW" train -c labels.yaml -p shards -o shards.model >shards.log 2>&1
is "training from shards" $? 0
check "has a head too" grep -aq head.linear.weight shards.model

sed 's/labels: true/labels: true, margin: 0.5/' labels.yaml >margin.yaml
"$WSIFLOW" run -c margin.yaml -o run -j 2 >again.log 2>&1
is "another weight" $? 0
check "trains again" sh -c '! cmp -s images.model run/model/model.safetensors'

sed 's/labels: true, //' labels.yaml >validate.yaml
"$WSIFLOW" train -c validate.yaml -o validate.model >validate.log 2>&1
is "anomalies may be for validation only" $? 0
check "then there is no head" sh -c '! grep -aq head.linear.weight validate.model'

rm -r set/train/Ungood
"$WSIFLOW" train -c labels.yaml -o none.model >none.log 2>&1
is "a set without train/Ungood" $? 1
like "is named" "$(cat none.log)" 'train/Ungood'
cat >slides.yaml <<'Y'
slides: {folder: .}
loss: {labels: true}
Y
"$WSIFLOW" run -c slides.yaml -o slides >slides.log 2>&1
is "slides without train_anomalies" $? 1
like "are refused before anything runs" "$(cat slides.log)" 'loss.labels needs labelled anomalies, but dataset.train_anomalies'
finish
