#!/bin/sh
# What nobody has decided on is neither lesion nor normal: in no metric of pixels, lesions or slides.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o c -n 4 -l 3 --width 2048 --height 2048 >synth.log 2>&1 || exit 1
printf 'slides: {manifest: c/manifest.csv, annotations: c/annotations, groups: {open: unknown}}
tiles: {size: 64, mpp: 2}
dataset: {write: false, lesion_min: 0.25}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {run: true, epochs: 1, batch: 4, source: slides}
regions: {threshold: 0}\n' >run.yaml
# open SLIDE LAST_X [drop]: the slide is unknown from the left to X; drop: and has no lesion
open() {
    python3 - "c/annotations/$1.xml" "$2" "${3:-}" <<'P'
import re, sys
path, x, drop = sys.argv[1:]
text = open(path).read()
if drop:
    text = re.sub(r"<Annotation Name.*</Annotation>", "", text, flags=re.S)
corners = enumerate([(0, 0), (x, 0), (x, 2048), (0, 2048)])
ring = "".join(f'<Coordinate Order="{i}" X="{a}" Y="{b}"/>' for i, (a, b) in corners)
one = f'<Annotation Name="open" Type="Polygon" PartOfGroup="open"><Coordinates>{ring}</Coordinates></Annotation>'
text = text.replace("</Annotations>", one + "</Annotations>")
text = text.replace("</AnnotationGroups>", '<Group Name="open" PartOfGroup="None"/></AnnotationGroups>')
open(path, "w").write(text)
P
}
open synth_02 1024
open synth_03 1024 drop
"$WSIFLOW" run -c run.yaml -o run >run.log 2>&1
is "a run in which parts of two slides are unknown" $? 0
# member EXPRESSION: of the metrics of the test split
member() { python3 -c "import json; m = json.load(open('run/metrics.json')); print($1)"; }
is "pixels count of the slide alone that is wholly known" "$(member "m['pixels']['slides']")" 1
is "and so do lesions" "$(member "sorted(s['slide'] for s in m['lesions']['by_slide'])")" "['synth_01']"
is "the other two are named with the reason" \
    "$(member "sorted((s['slide'], s['why']) for s in m['lesions']['left_out'])")" \
    "[('synth_02', 'nobody has decided on a part of it'), ('synth_03', 'nobody has decided on a part of it')]"
is "a slide with a lesion has one, whatever else is in it; one without is not normal" \
    "$(member "[m['slide_scores'][k] for k in ('slides', 'with_lesions', 'left_out')]")" "[2, 2, 1]"

# ---- the same slides from files
mkdir det truth
for slide in synth_01 synth_02 synth_03; do
    { echo confidence,x,y; tail -n +2 run/slides/$slide/detections.csv | sed 's/^[^,]*/1/'; } >det/$slide.csv
    cp c/annotations/$slide.xml truth/
done
by_file() { "$WSIFLOW" evaluate --detections "$1" --annotations truth --mpp 0.5 --group open=unknown --json; }
by_file det >files.json
is "detections in files are compared" $? 0
is "to the slide alone that is wholly known" \
    "$(python3 -c "import json; m = json.load(open('files.json')); print(m['slides'], [s['slide'] for s in m['by_slide']], [(s['slide'], s['why']) for s in m['left_out']])")" \
    "1 ['synth_01'] [('synth_02', 'nobody has decided on a part of it'), ('synth_03', 'nobody has decided on a part of it')]"
rm det/synth_01.csv
by_file det >files.json 2>files.err
is "with none left there is nothing to compare" $? 1
like "and the slides are named with the reason" "$(cat files.err)" 'no slide counts: synth_02: nobody has decided on a part of it; synth_03: '

# ---- no FROC: the reason is the true one
open synth_01 1024
"$WSIFLOW" run -c run.yaml -o run >run.log 2>&1
is "each annotated slide is partly unknown" "$(member "m['lesions']['absent']")" "each annotated slide of the test split is left out"
is "they are named" "$(member "sorted(s['slide'] for s in m['lesions']['left_out'])")" "['synth_01', 'synth_02', 'synth_03']"
like "in the report too" "$(cat run/report.html)" 'Left out: synth_01: nobody has decided on a part of it'
cut -d, -f1-4 c/manifest.csv | sed '1!s/$/,normal/; 1s/$/,label/' >c/normals.csv
{ echo 'slides: {manifest: c/normals.csv}'; tail -n +2 run.yaml; } >normals.yaml
"$WSIFLOW" run -c normals.yaml -o normals >normals.log 2>&1
is "of normal slides the reason is that there is no lesion" \
    "$(python3 -c "import json; print(json.load(open('normals/metrics.json'))['lesions']['absent'])")" \
    "no slide of the test split has a lesion, so there is no sensitivity"
finish
