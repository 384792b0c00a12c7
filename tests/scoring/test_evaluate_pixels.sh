#!/bin/sh
# wsiflow evaluate --maps and --stages: pixels of score maps and stages of patients, against formulas in Python.
. tests/lib.sh
python3 -c 'import numpy, PIL' 2>/dev/null || skip_all "python3-numpy or PIL is missing"
data=${WSIFLOW_TEST_DATA:-}
cd "$tmp" || exit 1

# ---- pixels
cat >make.py <<'P'
import os
import numpy as np
from PIL import Image
r = np.random.default_rng(8)
os.makedirs("maps"), os.makedirs("masks")
for i in range(12):
    h, w = int(r.integers(20, 40)), int(r.integers(20, 40))
    mask = np.zeros((h, w), np.uint8)
    for _ in range(i % 4):
        y, x = r.integers(0, h - 6), r.integers(0, w - 6)
        mask[y:y + r.integers(1, 6), x:x + r.integers(1, 6)] = 1
    score = r.normal(size=(h, w)) + 1.5 * mask
    score = np.round(score * 4) / 4 if i % 2 else score
    score[r.random((h, w)) < 0.1] = np.nan
    np.save(f"maps/m{i}.npy", score.astype(np.float32))
    if i % 4:
        Image.fromarray(mask * 255).save(f"masks/m{i}.png")
P
python3 make.py
"$WSIFLOW" evaluate --maps maps --masks masks --json >pixels.json
is "metrics of pixels" $? 0
cat >oracle.py <<'P'
import json, os
import numpy as np
from PIL import Image
def regions(mask):
    labels, count = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask)):
        if labels[start]:
            continue
        count += 1
        todo = [start]
        while todo:
            y, x = todo.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not labels[y, x]:
                labels[y, x] = count
                todo += [(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return labels, count
score, label, region, count = [], [], [], 0
for i in range(12):
    s = np.load(f"maps/m{i}.npy").astype(float)
    path = f"masks/m{i}.png"
    mask = np.array(Image.open(path)) > 0 if os.path.exists(path) else np.zeros(s.shape, bool)
    labels, n = regions(mask)
    keep = ~np.isnan(s)
    score.append(s[keep]); label.append(mask[keep]); region.append(np.where(labels, labels + count, 0)[keep])
    count += n
score, label, region = map(np.concatenate, (score, label, region))
got = json.load(open("pixels.json"))
assert (got["images"], got["without_mask"], got["pixels"], got["regions"]) == (12, 3, len(score), count), got
good, bad = score[~label], score[label]
auroc = ((bad[:, None] > good[None]).sum() + (bad[:, None] == good[None]).sum() / 2) / len(good) / len(bad)
assert abs(got["auroc"] - auroc) < 1e-12 and abs(got["prevalence"] - label.mean()) < 1e-12
x = y = ap = recall = area = 0
best = (0, 0)
sizes = np.bincount(region, minlength=count + 1)
share = np.where(region > 0, 1 / sizes[region], 0) / len([s for s in sizes[1:] if s])
for t in np.unique(score)[::-1]:
    at = score >= t
    tp, fp = (at & label).sum(), (at & ~label).sum()
    ap += (tp / len(bad) - recall) * tp / (tp + fp)
    recall = tp / len(bad)
    f1 = 2 * tp / (tp + fp + len(bad))
    best = max(best, (f1, -t))
    u, v = fp / len(good), share[at].sum()
    if x < 0.3:
        cut = min(u, 0.3)
        end = y + (v - y) * ((cut - x) / (u - x) if u > x else 1)
        area += (cut - x) * (y + end) / 2
    x, y = u, v
assert abs(got["average_precision"] - ap) < 1e-12 and abs(got["best_f1"] - best[0]) < 1e-12, got
assert abs(got["aupro"] - area / 0.3) < 1e-12, (got["aupro"], area / 0.3)
assert all(got["intervals"][k]["low"] <= got[k] <= got["intervals"][k]["high"] for k in ("auroc", "average_precision", "best_f1")) and got["intervals"]["units"] == 12
P
check "AUROC, average precision, best F1 and AUPRO are those of the definitions" python3 oracle.py
like "the text has them" "$("$WSIFLOW" evaluate --maps maps --masks masks)" 'AUROC 0\.[0-9]* \(0.*AUPRO up to 0\.3 0\.'
mkdir none
is "without a mask there is a reason instead" "$("$WSIFLOW" evaluate --maps maps --masks none --json | grep -c '"absent": "no pixel with a score is anomalous"')" 1
python3 -c "from PIL import Image; Image.new('L', (3, 3)).save('masks/m0.png')"
like "a mask of another size is refused" "$("$WSIFLOW" evaluate --maps maps --masks masks 2>&1)" 'm0.png has 3 x 3 px, but the map has'
like "both folders are needed" "$("$WSIFLOW" evaluate --maps maps 2>&1)" 'pixels need --maps DIR and --masks DIR'

# ---- stages
python3 - <<'P'
import random
random.seed(5)
classes = ("negative", "itc", "micro", "macro")
def stage(nodes):
    positive = nodes.count("micro") + nodes.count("macro")
    return ("pN2" if positive > 3 else "pN1") if "macro" in nodes else "pN1mi" if positive else "pN0(i+)" if "itc" in nodes else "pN0"
truth, said, bare = (open(n, "w") for n in ("truth.csv", "said.csv", "bare.csv"))
for out in (truth, said, bare):
    out.write("patient,stage\n")
for p in range(30):
    a = [random.choices(classes, (6, 1, 1, 2))[0] for _ in range(5)]
    b = [n if random.random() < 0.8 else random.choice(classes) for n in a]
    for out, nodes in ((truth, a), (said, b), (bare, b)):
        if out is not bare:
            out.write(f"patient_{p:03}.zip,{stage(nodes)}\n")
        for i, n in enumerate(nodes):
            out.write(f"patient_{p:03}_node_{i}.tif,{n}\n")
P
"$WSIFLOW" evaluate --stages truth.csv said.csv --json >stages.json
is "agreement of stages" $? 0
cat >kappa.py <<'P'
import csv, json, sys
import numpy as np
def kappa(a, b, k):
    o = np.zeros((k, k))
    for i, j in zip(a, b):
        o[i, j] += 1
    w = np.subtract.outer(range(k), range(k)) ** 2
    return 1 - (w * o).sum() / (w * np.outer(o.sum(1), o.sum(0))).sum() * len(a), o
got, read = json.load(open("stages.json")), lambda f: {r["patient"]: r["stage"] for r in csv.DictReader(open(f))}
a, b = read("truth.csv"), read("said.csv")
for names, of, suffix in ((got["stages"], got, ".zip"), (got["nodes"]["classes"], got["nodes"], ".tif")):
    pairs = [(names.index(a[p]), names.index(b[p])) for p in a if p.endswith(suffix)]
    value, o = kappa(*zip(*pairs), len(names))
    assert abs(of["kappa"] - value) < 1e-12 and of["confusion"] == o.astype(int).tolist(), (of, value)
    if sys.argv[1:] == ["sklearn"]:
        from sklearn.metrics import cohen_kappa_score
        assert abs(of["kappa"] - cohen_kappa_score(*zip(*pairs), weights="quadratic", labels=range(len(names)))) < 1e-12
assert got["patients"] == 30 and got["derived"] == 0 and got["contradictions"] == [] and got["interval"]["low"] < got["kappa"] < got["interval"]["high"], got
P
check "kappa is that of its definition, for patients and nodes" python3 kappa.py
if python3 -c "import sklearn" 2>/dev/null; then
    check "and that of scikit-learn" python3 kappa.py sklearn
else
    skip "and that of scikit-learn" "python3-sklearn is missing"
fi
is "stages follow from the nodes where they are not given" "$("$WSIFLOW" evaluate --stages truth.csv bare.csv --json | sed '/"derived"/d' | sha256sum)" "$(sed '/"derived"/d' stages.json | sha256sum)"
sed 's/^patient_003.zip,.*/patient_003.zip,pN9/' said.csv >wrong.csv
like "another word is refused" "$("$WSIFLOW" evaluate --stages truth.csv wrong.csv 2>&1)" 'wrong.csv line 20: "pN9" of patient_003'
grep -v patient_007 said.csv >part.csv
like "a patient that is missing too" "$("$WSIFLOW" evaluate --stages truth.csv part.csv 2>&1)" 'patient patient_007 of the reference is missing'
{ cat said.csv; tail -1 said.csv; } >twice.csv
like "and one that is there twice" "$("$WSIFLOW" evaluate --stages truth.csv twice.csv 2>&1)" 'is there twice'
sed 's/^patient_000.zip,.*/patient_000.zip,pN2/; s/^patient_000_node_\(.\).tif,.*/patient_000_node_\1.tif,negative/' said.csv >odd.csv
like "a stage that does not follow from the nodes is noted" "$("$WSIFLOW" evaluate --stages truth.csv odd.csv)" '^note: the stage of patient_000 does not follow'
if [ -n "$data" ] && [ -f "$data/labels/stage_labels.csv" ]; then
    check "the stages of Camelyon17's training set follow from its nodes" sh -c "'$WSIFLOW' evaluate --stages '$data/labels/stage_labels.csv' '$data/labels/stage_labels.csv' --json >c17.json &&
        python3 -c \"import json; m = json.load(open('c17.json')); assert m['patients'] == 100 and m['nodes']['nodes'] == 500 and m['kappa'] == 1 and not m['contradictions'], m\""
    is "the challenge's example has its kappa" "$("$WSIFLOW" evaluate --stages "$data/labels/reference.csv" "$data/labels/submission.csv" | head -1)" \
        "patients: 5, quadratic weighted kappa 0.8889"
else
    skip "Camelyon17's labels" "set WSIFLOW_TEST_DATA to the folder of real data"
fi
finish
