#!/bin/sh
# wsiflow evaluate: intervals by patient, slide or row, reliability, and metrics of whole slides, against formulas in Python.
. tests/lib.sh
cd "$tmp" || exit 1

python3 - <<'P'
import random
random.seed(11)
with open("patients.csv", "w") as out:
    out.write("slide,patient,column,row,lesion_fraction,label,score,nll\n")
    for s in range(26):
        for i in range(20 + s):
            label = int(s % 2 and i < 2 + s // 4)
            score = "" if random.random() < 0.03 else f"{round(random.gauss(1.4 * label, 1), 1)}"
            out.write(f"s{s},p{s // 2},{i},0,{label * random.uniform(0.3, 1):.3f},{label},{score},{random.gauss(label, 1):.6f}\n")
    out.write("unlabelled,p1,0,0,,,2,1\n")
P
sed 's/,patient,/,person,/' patients.csv >slides.csv
cut -d, -f3- patients.csv >rows.csv
head -200 patients.csv >few.csv
"$WSIFLOW" evaluate --json -t 1 patients.csv >patients.json
is "metrics of patients" $? 0
cat >oracle.py <<'P'
import csv, json, math
def ranks(values):
    ordered = sorted(values)
    return [(ordered.index(v) + 1 + len(ordered) - ordered[::-1].index(v)) / 2 for v in values]
def spearman(x, y):
    a, b = ranks(x), ranks(y)
    m = (len(a) + 1) / 2
    return sum((i - m) * (j - m) for i, j in zip(a, b)) / math.sqrt(sum((i - m) ** 2 for i in a) * sum((j - m) ** 2 for j in b))
def auroc(score, label):
    good, bad = [s for s, l in zip(score, label) if not l], [s for s, l in zip(score, label) if l]
    return sum((b > g) + (b == g) / 2 for b in bad for g in good) / len(good) / len(bad)
rows = [r for r in csv.DictReader(open("patients.csv")) if r["label"]]
names = sorted({r["slide"] for r in rows})
of = {n: [float(r["score"]) for r in rows if r["slide"] == n and r["score"]] for n in names}
label = [any(r["label"] == "1" for r in rows if r["slide"] == n) for n in names]
burden = [sum(float(r["lesion_fraction"]) for r in rows if r["slide"] == n) for n in names]
scores = {"maximum": [max(of[n]) for n in names], "tiles_above_threshold": [sum(s >= 1 for s in of[n]) for n in names],
          "top_1_percent_mean": [sum(sorted(of[n])[-math.ceil(len(of[n]) / 100):]) / math.ceil(len(of[n]) / 100) for n in names]}
got = json.load(open("patients.json"))["slide_scores"]
assert (got["slides"], got["with_lesions"], got["left_out"], got["unit"], got["units"], got["burden"]) == (26, 13, 1, "patient", 13, "lesion_fraction"), got
for name, values in scores.items():
    one = got["scores"][name]
    assert abs(one["auroc"] - auroc(values, label)) < 1e-12 and abs(one["spearman"] - spearman(values, burden)) < 1e-12, (name, one)
    for key in ("auroc", "spearman", "average_precision"):
        i = one[key + "_interval"]
        assert i["low"] <= one[key] <= i["high"] and i["draws"] > 990, (name, key, one)
assert got["scores"]["tiles_above_threshold"]["threshold"] == 1
P
check "slides: AUROC and Spearman's correlation are those of the definitions" python3 oracle.py
of() { "$WSIFLOW" evaluate --json ${3:-} "$1" | python3 -c "
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split('.'):
    value = value.get(key, 'absent') if isinstance(value, dict) else 'absent'
print(value)" "$2"; }
is "patients are drawn where each row has one" "$(of patients.csv best_f1.intervals.unit) $(of patients.csv best_f1.intervals.units)" "patient 13"
is "else slides" "$(of slides.csv best_f1.intervals.unit) $(of slides.csv best_f1.intervals.units)" "slide 26"
is "else rows" "$(of rows.csv best_f1.intervals.unit)" row
check "rows that are drawn one by one have narrower intervals than patients, which is why patients are drawn" python3 -c "
def width(file):
    import json, subprocess
    i = json.loads(subprocess.run(['$WSIFLOW', 'evaluate', '--json', file], capture_output=True).stdout)['best_f1']['intervals']['auroc']
    return i['high'] - i['low']
assert 0 < width('rows.csv') < 1 and 0 < width('patients.csv') < 1
"
like "too few units: no interval" "$(of few.csv best_f1.intervals.absent)" '^an interval needs at least 10 patients \(here: [0-9]\)$'
like "also of slides" "$(of few.csv slide_scores.intervals_absent)" 'at least 10 patients'
is "the same draws again" "$("$WSIFLOW" evaluate --json -t 1 patients.csv | sha256sum)" "$(sha256sum <patients.json)"
like "the area above a threshold needs one" "$(of patients.csv slide_scores.scores.tiles_above_threshold.absent)" 'no calibrated or given threshold'
printf 'slide,label,score\na,0,1\nb,0,2\n' >normals.csv
is "their prevalence is 0" "$(of normals.csv slide_scores.prevalence)" 0.0
{ echo slide,label,score; for i in 0 1 2 3 4 5 6 7 8 9; do echo "s$i,0,$i"; done; } >ten.csv
"$WSIFLOW" evaluate --json -t 8 ten.csv >ten.json
is "with normal rows alone the accuracy is defined, with an interval" "$(python3 -c "
import json
g = json.load(open('ten.json'))['given']
i = g['intervals']['accuracy']
print(g['accuracy'], i['low'] < 0.8 < i['high'] and i['draws'] > 900, sorted(set(g['intervals']) & {'f1', 'recall', 'auroc', 'precision'}))")" '0.8 True []'
is "no slide with lesions: no metrics of slides" "$(of normals.csv slide_scores.absent)" "no slide has lesions"
like "the text has the intervals" "$("$WSIFLOW" evaluate patients.csv)" '95 % intervals, 13 patients:  AUROC 0\.[0-9]+ to '
like "and the slides with their prevalence" "$("$WSIFLOW" evaluate patients.csv)" '^slides as a whole: 26, 13 of them with lesions, 1 left out  prevalence 0.5000'

# ---- reliability
python3 -c "
import random
random.seed(3)
print('file,label,score')
for i in range(300):
    p = round(random.random(), 2)
    print(f'{i},{int(random.random() < p * p)},{p}')" >probabilities.csv
"$WSIFLOW" evaluate --json probabilities.csv >probabilities.json
check "the expected calibration error is that of its definition" python3 -c "
import csv, json
rows = [(float(r['score']), int(r['label'])) for r in csv.DictReader(open('probabilities.csv'))]
bins = [[r for r in rows if b / 10 < r[0] <= (b + 1) / 10 or (b == 0 and r[0] == 0)] for b in range(10)]
ece = sum(abs(sum(p for p, _ in b) - sum(l for _, l in b)) for b in bins) / len(rows)
got = json.load(open('probabilities.json'))['reliability']
assert abs(got['expected_calibration_error'] - ece) < 1e-12 and [b['rows'] for b in got['bins']] == [len(b) for b in bins], got
"
like "and in the text" "$("$WSIFLOW" evaluate probabilities.csv)" '^reliability:  expected calibration error 0'
like "deviations are no probabilities" "$(of patients.csv reliability.absent)" 'scores of wsiflow are deviations'
printf 'file,label,score\na,0,0.2\nb,1,1.5\n' >outside.csv
like "nor are scores above 1" "$(of outside.csv reliability.absent)" 'outside of 0 to 1'
finish
