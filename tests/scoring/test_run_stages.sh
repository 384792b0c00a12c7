#!/bin/sh
# evaluate.stages: classes of slides and stages of patients by the regions of a run, against SciPy, scikit-image and scikit-learn.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o c -n 22 -l 14 --width 2560 --height 2048 >synth.log 2>&1 || exit 1
# Two slides a patient, of three resolutions, so that regions are of all sizes; the first patient is trained on, half of the others have no label.
python3 - <<'P'
import csv, random
random.seed(5)
rows = list(csv.DictReader(open("c/manifest.csv")))
with open("c/m.csv", "w") as out:
    out.write("slide,id,patient,split,label,mpp\n")
    for i, r in enumerate(rows):
        out.write(f"{r['slide']},patient_{i // 2:03}_node_{i % 2},patient_{i // 2:03},{'train' if i < 2 else 'test'},"
                  f"{'normal' if r['label'] == 'normal' else 'unknown'},{[0.5, 1, 2][i % 3]}\n")
nodes = {(p, n): random.choice(["negative", "itc", "micro", "macro"]) for p in range(13) for n in range(2)}
nodes[7, 2] = "negative"  # which the run does not have
def stage(of):
    macro, micro = of.count("macro"), of.count("micro")
    return ("pN2" if macro + micro >= 4 else "pN1") if macro else "pN1mi" if micro else "pN0(i+)" if "itc" in of else "pN0"
with open("truth.csv", "w") as out:
    out.write("patient,stage\n")
    for p in range(13):
        if p == 4:
            continue  # neither the patient nor its slides are in the table
        out.write(f"Patient_{p:03}.zip,{stage([c for (q, n), c in nodes.items() if q == p])}\n")
        for (q, n), c in nodes.items():
            if q == p and p != 5:  # of patient 5 only the stage is in the table
                out.write(f"Patient_{p:03}_node_{n}.tif,{c}\n")
P
printf 'slides: {manifest: c/m.csv}
tiles: {size: 64, mpp: 4}
dataset: {write: false}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {run: true, epochs: 1, batch: 4, source: slides}
score: {latents: 0}
regions: {threshold: 6}
heatmap: {overlay: false}
embedding: {points: 0}
evaluate: {stages: truth.csv, worst: 0}\n' >run.yaml
"$WSIFLOW" run -c run.yaml -o run >run.log 2>&1
is "a run with a table of stages" $? 0

# ---- what is compared
member() { python3 -c "import json; m = json.load(open('run/metrics.json'))['stages']; print($1)"; }
is "the slides of the table, and those of which it has only the patient" \
    "$(member "[m['slides']['slides'], len(m['by_slide']), m['patients']['patients'], m['unlabelled']]")" "[16, 18, 9, 12]"
is "a patient with fewer slides than nodes is counted apart; without rows of nodes five are expected" \
    "$(member "[m['incomplete'], m['complete']['patients'], [(p['slides'], p['nodes']) for p in m['by_patient'] if p['slides'] < p['nodes']]]")" "[2, 7, [(2, 5), (2, 3)]]"
is "slides that are not in the table are named" "$(member "m['not_in_table']")" "['patient_004_node_0', 'patient_004_node_1']"
is "and those of the table that were trained on" "$(member "m['not_counted']")" "['patient_000_node_0', 'patient_000_node_1']"
is "rows without a slide are counted" "$(member "[m['slides_not_in_run'], m['patients_not_in_run'], m['without_regions']]")" "[5, 2, []]"
is "few patients give no interval" "$(member "['interval' in m['patients'], m['patients']['intervals_absent'], m['slides']['intervals_absent'][-3:]]")" \
    "[False, 'an interval needs at least 10 patients (here: 9)', ' 8)']"
report=$(sed 's/<[^>]*>/ /g' run/report.html)
like "the report has the figures" "$report" 'Slide classes and patient stages'
like "and says what cells would decide" "$report" 'Cells are not counted'
like "and what is not compared" "$report" 'In the table but not in the run: 5 slides, 2 patients'
like "and who is incomplete" "$report" 'Of 2 of the patients the run has fewer slides than nodes'

# ---- the figures
cat >oracle.py <<'P'
import collections, csv, json, sys
import numpy as np
from scipy import ndimage
from skimage import measure
PIXEL = 0.243 * 32
truth = {r["patient"].lower(): r["stage"] for r in csv.DictReader(open("truth.csv"))}
mpp = {r["id"]: float(r["mpp"]) for r in csv.DictReader(open("c/m.csv"))}
def mask_of(slide):
    """The outlines of regions.geojson at the centres of the pixels of FROC's mask, by even and odd crossings."""
    found, px = json.load(open(f"run/slides/{slide}/regions.geojson")), PIXEL / mpp[slide]
    assert found["wsiflow"]["offset_x_px"] == 0 == found["wsiflow"]["offset_y_px"]
    width, height = int(2560 / px) + 40, int(2048 / px) + 40
    crossings = np.zeros((height, width + 1), int)
    for feature in found["features"]:
        for ring in feature["geometry"]["coordinates"]:
            for (x0, y0), (x1, y1) in zip(ring, ring[1:]):
                (x0, y0), (x1, y1) = sorted(((x0, y0), (x1, y1)), key=lambda p: p[1])
                for j in range(int(np.ceil(y0 / px - 0.5)), int(np.ceil(y1 / px - 0.5))):
                    x = x0 + ((j + 0.5) * px - y0) / (y1 - y0) * (x1 - x0)
                    crossings[j, max(0, int(np.ceil(x / px - 0.5)))] += 1
    return crossings.cumsum(axis=1)[:, :-1] % 2 == 1, len(found["features"])
def diameter(slide):
    mask, regions = mask_of(slide)
    if regions == 0:
        return 0, 0
    grown = ndimage.distance_transform_edt(~mask) < 75 / PIXEL / 2 if mask.any() else mask
    labels = measure.label(ndimage.binary_fill_holes(grown), connectivity=2)
    return max([PIXEL] + [p.major_axis_length * PIXEL - 75 for p in measure.regionprops(labels)]), regions
def class_of(um):
    return "negative" if um == 0 else "itc" if um < 200 else "micro" if um <= 2000 else "macro"
def stage_of(nodes):
    macro, micro = nodes.count("macro"), nodes.count("micro")
    return ("pN2" if macro + micro >= 4 else "pN1") if macro else "pN1mi" if micro else "pN0(i+)" if "itc" in nodes else "pN0"
m = json.load(open("run/metrics.json"))["stages"]
of = collections.defaultdict(list)
for one in m["by_slide"]:
    um, regions = diameter(one["slide"])
    # The file has its coordinates to 0.001 px, so a pixel of the mask whose centre is that near to an outline may be on the other side.
    assert one["regions"] == regions and abs(one["diameter_um"] - um) < 0.5, (one, um, regions)
    assert one["class"] == class_of(one["diameter_um"]) and one["truth"] == truth.get(one["slide"] + ".tif"), one
    of[one["patient"]].append(one["class"])
assert {o["class"] for o in m["by_slide"]} == {"negative", "itc", "micro", "macro"}, collections.Counter(o["class"] for o in m["by_slide"])
for one in m["by_patient"]:
    assert one["stage"] == stage_of(of[one["patient"]]) and one["truth"] == truth[one["patient"] + ".zip"], one
slides = [(o["truth"], o["class"]) for o in m["by_slide"] if o["truth"]]
patients = [(o["truth"], o["stage"]) for o in m["by_patient"]]
complete = [(o["truth"], o["stage"]) for o in m["by_patient"] if o["slides"] >= o["nodes"]]
for pairs, got, names in ((slides, m["slides"], m["slides"]["classes"]), (patients, m["patients"], m["patients"]["stages"]), (complete, m["complete"], m["patients"]["stages"])):
    counts = [[sum((names.index(a), names.index(b)) == (i, j) for a, b in pairs) for j in range(len(names))] for i in range(len(names))]
    assert got["confusion"] == counts, (got, counts)
    if "sklearn" in sys.argv:
        from sklearn.metrics import accuracy_score, cohen_kappa_score
        a, b = [names.index(p[0]) for p in pairs], [names.index(p[1]) for p in pairs]
        assert abs(got["kappa"] - cohen_kappa_score(a, b, weights="quadratic", labels=range(len(names)))) < 1e-12, got
        assert abs(got["accuracy"] - accuracy_score(a, b)) < 1e-12, got
P
if python3 -c "import scipy, skimage" 2>/dev/null; then
    check "extents, classes and stages are those of SciPy and scikit-image on regions.geojson" python3 oracle.py
    if python3 -c "import sklearn" 2>/dev/null; then
        check "kappa and accuracy are those of scikit-learn" python3 oracle.py sklearn
    else
        skip "kappa and accuracy" "python3-sklearn is missing"
    fi
else
    skip "extents, classes, stages, kappa and accuracy" "python3-scipy or python3-skimage is missing"
fi

# ---- another table
before=$(artefacts run | grep -v '^evaluate ')
sed 's/^Patient_005.zip,.*/Patient_005.zip,pN0/; s/^Patient_003.zip,.*/Patient_003.zip,pN2/' truth.csv >t && mv t truth.csv
python3 - <<'P'
with open("truth.csv", "a") as out:
    out.write("patient_004.zip,pN1\n")
P
"$WSIFLOW" run -c run.yaml -o run >again.log 2>&1
is "a table that changed is read again, and nothing else is done again" "$(artefacts run | grep -v '^evaluate ')" "$before"
is "its patients are counted" "$(member "[m['patients']['patients'], m['not_in_table']]")" "[10, []]"
is "intervals by patient, from ten on" \
    "$(member "[i['low'] <= v <= i['high'] and i['draws'] > 900 for i, v in ((m['patients']['interval'], m['patients']['kappa']), (m['patients']['accuracy_interval'], m['patients']['accuracy']))]")" "[True, True]"
is "a stage that does not follow from its nodes is named" "$(member "m['contradictions']")" "['patient_003']"

# ---- mistakes, before the run starts
refused() { # NAME PATTERN TABLE
    printf '%s\n' "$3" >bad.csv
    sed 's/truth.csv/bad.csv/' run.yaml >bad.yaml
    out=$("$WSIFLOW" run --dry-run -c bad.yaml -o bad 2>&1)
    is "$1 is refused" "$?" 1
    like "$1: why" "$out" "$2"
}
refused "another word" 'bad.csv line 2: "large" of patient_001_node_0.tif: expected' "patient,stage
patient_001_node_0.tif,large"
refused "another column" 'evaluate.stages: .*bad.csv.*stage' "patient,stagge
patient_001.zip,pN0"
refused "a table of other slides" "has none of the run's 22 slides.*the id patient_000_node_0" "patient,stage
patient_100_node_0.tif,itc"
sed 's/truth.csv/absent.csv/' run.yaml >bad.yaml
like "a table that does not exist" "$("$WSIFLOW" run --dry-run -c bad.yaml -o bad 2>&1)" 'evaluate.stages is .*absent.csv, which does not exist'
finish
