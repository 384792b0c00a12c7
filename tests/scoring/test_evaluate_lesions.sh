#!/bin/sh
# wsiflow evaluate --detections: FROC from files, against a case computed by hand and against SciPy and scikit-image on whole masks.
. tests/lib.sh
cd "$tmp" || exit 1

# ---- by hand: um/px 0.243, so a pixel of the evaluation mask is 32 px
asap() { # X0 Y0 X1 Y1 ...: a file with rectangles
    echo '<?xml version="1.0"?><ASAP_Annotations><Annotations>'
    while [ $# -ge 4 ]; do
        echo "<Annotation Name=\"a\" Type=\"Polygon\" PartOfGroup=\"Tumor\" Color=\"#F4FA58\"><Coordinates>
<Coordinate Order=\"0\" X=\"$1\" Y=\"$2\"/><Coordinate Order=\"1\" X=\"$3\" Y=\"$2\"/><Coordinate Order=\"2\" X=\"$3\" Y=\"$4\"/><Coordinate Order=\"3\" X=\"$1\" Y=\"$4\"/>
</Coordinates></Annotation>"
        shift 4
    done
    echo '</Annotations><AnnotationGroups><Group Name="Tumor" PartOfGroup="None" Color="#00ff00"/></AnnotationGroups></ASAP_Annotations>'
}
mkdir found truth
# Two lesions 40 px (1244 um) from one another in the mask, and a cell cluster of one pixel.
asap 3200 3200 6400 4000 7680 3200 12800 4000 3200 9600 3232 9632 >truth/one.xml
printf 'confidence,x,y\n0.9,5000,3500\n0.8,5100,3600\n0.7,3216,9616\n0.6,60000,100\n0.5,10000,3500\n' >found/one.csv
printf '0.95, 100, 100\n0.4,1e6,5\n' >found/two.csv
: >found/test_114.csv
lesions() { "$WSIFLOW" evaluate --detections found --annotations truth --mpp 0.243 "$@"; }
lesions --json >hand.json
is "FROC of two slides" $? 0
check "the sensitivities are those computed by hand" python3 -c "
import json
m = json.load(open('hand.json'))
assert (m['slides'], m['normal'], m['regions'], m['itc'], m['detections']) == (2, 1, 3, 1, 7), m
froc = {(f['rule'], f['itc']): f for f in m['froc']}
# (false positives per slide, sensitivity): .95 (.5, 0), .9 (.5, .5), .6 (1, .5), .5 (1, 1), .4 (1.5, 1)
assert froc['2016', 'ignored']['sensitivity'] == [0, 0.5, 1, 1, 1, 1] and froc['2016', 'ignored']['lesions'] == 2
assert froc['step', 'ignored']['sensitivity'] == [0, 0, 0.5, 1, 1, 1]
assert abs(froc['2016', 'ignored']['score'] - 4.5 / 6) < 1e-12 and abs(froc['step', 'ignored']['score'] - 3.5 / 6) < 1e-12
assert froc['2016', 'lesions']['lesions'] == 3 and all('at least 10 slides' in f['intervals_absent'] for f in m['froc'])
one, two = m['by_slide']
assert (one['hits'], one['in_itc'], one['false_positives'], one['class']) == (2, 1, 1, 'micro'), one
assert (two['annotated'], two['false_positives'], two['class']) == (False, 2, 'negative'), two
"
like "slides that were annotated only in part are left out" "$(lesions)" '^left out: test_114: Camelyon16'
like "the text has both rules" "$(lesions)" '^FROC, rule step, ITC ignored, 2 lesions: 0.5833'
cp truth/one.xml truth/three.xml
like "an annotation without detections is named" "$(lesions)" '^note: three has an annotation but no detections'
rm truth/three.xml
# 75 um are 9.6 px of the mask; of two squares 8 px apart the grown masks touch (4 px on each side), of two 9 px apart they do not.
mkdir near_found near
for gap in 8 9; do
    asap 3200 3200 4800 4800 $((4800 + gap * 32)) 3200 8000 4800 >near/gap$gap.xml
    : >near_found/gap$gap.csv
done
is "lesions within 75 um of each other are one" \
    "$("$WSIFLOW" evaluate --detections near_found --annotations near --mpp 0.243 --json | python3 -c "import json, sys; print(*[s['regions'] for s in json.load(sys.stdin)['by_slide']])")" "1 2"

# ---- mistakes
failed() { # NAME PATTERN COMMAND...
    name=$1 pattern=$2
    shift 2
    "$@" >failed.out 2>&1
    is "$name is refused" "$(($? != 0))" 1
    like "$name: why" "$(cat failed.out)" "$pattern"
}
for line in '0.5,1' '0.5,1,2,3' 'a,1,2' '-0.1,1,2' 'nan,1,2'; do
    mkdir -p wrong
    printf '0.5,1,2\n%s\n' "$line" >wrong/s.csv
    failed "the line $line" 'wrong/s.csv line 2: expected confidence,x,y' "$WSIFLOW" evaluate --detections wrong --annotations truth --mpp 0.243
done
failed "no um/px" 'need --detections DIR, --annotations DIR and --mpp' "$WSIFLOW" evaluate --detections found --annotations truth
failed "another kind as well" 'exclude one another' "$WSIFLOW" evaluate --detections found --annotations truth --mpp 0.243 --maps found
failed "a folder without detections" 'has no NAME.csv' "$WSIFLOW" evaluate --detections truth --annotations truth --mpp 0.243
mkdir absurd && cp truth/one.xml absurd/s.xml && : >wrong/s.csv
failed "an absurd um/px" 'is --mpp 1000 right' "$WSIFLOW" evaluate --detections wrong --annotations absurd --mpp 1000

# ---- random slides, against whole masks in SciPy
python3 -c 'import scipy, skimage' 2>/dev/null || {
    skip "random slides" "python3-scipy or python3-skimage is missing"
    finish
    exit
}
mkdir many many_truth
cat >random_slides.py <<'P'
import random
random.seed(21)
for s in range(12):
    rectangles = []
    for _ in range(0 if s % 3 == 2 else random.randint(1, 5)):
        x, y = random.randint(0, 9000) + 0.3, random.randint(0, 7000) + 0.6
        rectangles.append((x, y, x + random.randint(40, 4000), y + random.randint(40, 900)))
    if rectangles:
        with open(f"many_truth/s{s}.xml", "w") as out:
            out.write('<ASAP_Annotations><Annotations>')
            for a, b, c, d in rectangles:
                out.write('<Annotation Name="a" Type="Polygon" PartOfGroup="Tumor" Color="#F4FA58"><Coordinates>')
                for i, (x, y) in enumerate(((a, b), (c, b), (c, d), (a, d))):
                    out.write(f'<Coordinate Order="{i}" X="{x}" Y="{y}"/>')
                out.write('</Coordinates></Annotation>')
            out.write('</Annotations><AnnotationGroups><Group Name="Tumor" PartOfGroup="None" Color="#00ff00"/></AnnotationGroups></ASAP_Annotations>')
    with open(f"many/s{s}.csv", "w") as out:
        for _ in range(random.randint(0, 40)):
            x, y = random.uniform(0, 13000), random.uniform(0, 8500)
            if rectangles and random.random() < 0.3:
                a, b, c, d = random.choice(rectangles)
                x, y = random.uniform(a, c), random.uniform(b, d)
            out.write(f"{random.choice((random.random(), random.randint(1, 4) / 4))},{x},{y}\n")
P
python3 random_slides.py
"$WSIFLOW" evaluate --detections many --annotations many_truth --mpp 0.243 --json >many.json
is "FROC of random slides" $? 0
cat >oracle.py <<'P'
import glob, json, math, os, re
import numpy as np
from scipy import ndimage
from skimage import measure
RATES, PIXEL = [0.25, 0.5, 1, 2, 4, 8], 0.243 * 32
def mask_of(name):
    path = f"many_truth/{name}.xml"
    mask = np.zeros((330, 460), bool)
    if not os.path.exists(path):
        return mask
    for block in re.findall(r"<Coordinates>(.*?)</Coordinates>", open(path).read()):
        points = [(float(x), float(y)) for x, y in re.findall(r'X="([^"]*)" Y="([^"]*)"', block)]
        cx, cy = np.meshgrid((np.arange(460) + 0.5) * 32, (np.arange(330) + 0.5) * 32)
        mask |= (cx >= points[0][0]) & (cx < points[2][0]) & (cy >= points[0][1]) & (cy < points[2][1])
    return mask
def slide(name, rounds, with_itc):
    mask = mask_of(name)
    distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, 1e9)
    labels = measure.label(ndimage.binary_fill_holes(distance < 75 / PIXEL / 2), connectivity=2)
    small = [p.major_axis_length * PIXEL < 275 and not with_itc for p in measure.regionprops(labels)]
    wrong, hit = [], [0.0] * len(small)
    for line in open(f"many/{name}.csv"):
        c, x, y = map(float, line.split(","))
        i, j = (round(x / 32), round(y / 32)) if rounds else (int(x / 32), int(y / 32))
        k = labels[j, i]
        if k == 0:
            wrong.append(c)
        elif not small[k - 1]:
            hit[k - 1] = max(hit[k - 1], c)
    return wrong, hit, len(small) - sum(small)
names = [os.path.basename(p)[:-4] for p in glob.glob("many/*.csv")]
got = json.load(open("many.json"))
for f in got["froc"]:
    parts = [slide(n, f["rule"] == "step", f["itc"] == "lesions") for n in names]
    wrong, hit, lesions = sum((p[0] for p in parts), []), sum((p[1] for p in parts), []), sum(p[2] for p in parts)
    at = sorted(set(wrong + hit))
    at = at[1:] if f["rule"] == "2016" else [t for t in at if t]
    curve = [(0, 0)] + [(sum(c >= t for c in wrong) / len(names), sum(c >= t for c in hit) / lesions) for t in at[::-1]]
    x, y = [p[0] for p in curve], [p[1] for p in curve]
    mine = [float(np.interp(r, x, y)) for r in RATES] if f["rule"] == "2016" else [y[min(int(np.searchsorted(x, r)), len(x) - 1)] for r in RATES]
    assert lesions == f["lesions"] and max(abs(a - b) for a, b in zip(mine, f["sensitivity"])) < 1e-12, (f, mine, lesions)
    assert abs(f["score"] - sum(mine) / 6) < 1e-12 and f["interval"]["low"] <= f["score"] <= f["interval"]["high"], f
P
check "all four ways agree with SciPy and scikit-image" python3 oracle.py
# The same confidences in another scale, and slides of another resolution, are the same curve.
mkdir half half_truth
python3 - <<'P'
import glob, os, re
for path in glob.glob("many/*.csv"):
    with open("half/" + os.path.basename(path), "w") as out:
        for line in open(path):
            c, x, y = map(float, line.split(","))
            out.write(f"{c ** 3},{x / 2},{y / 2}\n")
for path in glob.glob("many_truth/*.xml"):
    text = re.sub(r'X="([^"]*)" Y="([^"]*)"', lambda m: f'X="{float(m[1]) / 2}" Y="{float(m[2]) / 2}"', open(path).read())
    open("half_truth/" + os.path.basename(path), "w").write(text)
P
is "neither the scale of the confidences nor the slide's resolution matters" \
    "$("$WSIFLOW" evaluate --detections half --annotations half_truth --mpp 0.486 --json | sha256sum)" "$(sha256sum <many.json)"
finish
