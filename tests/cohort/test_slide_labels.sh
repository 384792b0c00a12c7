#!/bin/sh
# What a slide without annotation counts as: normal where no annotations are given, else unknown (not trained on, not counted, scored).
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o c -n 4 -l 2 --width 2048 --height 2048 >synth.log 2>&1
printf 'slide,split\nslides/synth_00.tif,train\nslides/synth_01.tif,train\nslides/synth_02.tif,train\nslides/synth_03.tif,test\n' >c/plain.csv
common='tiles: {size: 128}
dataset: {lesion_min: 0.25}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 16}'
dataset() { # NAME SLIDES: the patch set
    printf 'slides: {%s}\n%s\n' "$2" "$common" >"$1.yaml"
    "$WSIFLOW" dataset -c "$1.yaml" -o "$1" -j 2 >"$1.log" 2>&1
}
slides_of() { # RUN: slides that have patches
    tail -n +2 "$1/dataset/manifest.csv" | cut -d, -f2 | sort -u | tr '\n' ' '
}
label_of() { # RUN SLIDE: in the card
    sed -n "/^## Slides/,/^## /s/^| $2 | [^|]*| [^|]*| [^|]*| \([a-z]*\) | \([a-z]*\) .*/\1 \2/p" "$1/dataset/CARD.md"
}

dataset none 'manifest: c/plain.csv'
is "no annotations are given: all slides are normal" "$(slides_of none)" "synth_00 synth_01 synth_02 synth_03 "
is "the card says so" "$(label_of none synth_02)" "normal train"
dataset some 'manifest: c/plain.csv, annotations: c/annotations'
is "some are given: a slide without one is not in the patch set" "$(slides_of some)" "synth_02 synth_03 "
is "the card says unknown" "$(label_of some synth_00)" "unknown none"
is "of the others, annotated" "$(label_of some synth_02)" "annotated train"
dataset said 'manifest: c/plain.csv, annotations: c/annotations, unannotated: normal'
is "slides.unannotated says normal" "$(slides_of said)" "synth_00 synth_01 synth_02 synth_03 "
dataset strict 'manifest: c/manifest.csv, unannotated: unknown'
is "the column label wins over slides.unannotated" "$(slides_of strict)" "synth_00 synth_01 "
printf 'slide,split,annotation\nslides/synth_00.tif,train,\nslides/synth_03.tif,train,annotations/synth_03.xml\n' >c/column.csv
dataset column 'manifest: c/column.csv'
is "the column annotation is a source of annotations" "$(slides_of column)" "synth_03 "
printf 'slide,split,label\nslides/synth_00.tif,train,normal\nslides/synth_02.tif,train,unknown\nslides/synth_03.tif,train,\n' >c/label.csv
dataset label 'manifest: c/label.csv, annotations: c/annotations'
is "unknown is believed even with an annotation" "$(slides_of label)" "synth_00 synth_03 "
printf 'slide,label\nslides/synth_03.tif,normal\n' >c/both.csv
dataset both 'manifest: c/both.csv, annotations: c/annotations'
like "normal and an annotation contradict each other" "$(cat both.log)" 'both.csv line 2: slide synth_03 is labelled normal, but it has the annotation .*/c/annotations/synth_03.xml'
printf 'slide,label\nslides/synth_03.tif,Tumor\n' >c/other.csv
dataset other 'manifest: c/other.csv'
like "other words are refused" "$(cat other.log)" 'other.csv line 2: label "Tumor": allowed are normal, unknown or nothing'
"$WSIFLOW" dataset -c said.yaml -o some -j 2 >turn.log 2>&1
is "a slide that becomes known is cut" "$(slides_of some)" "synth_00 synth_01 synth_02 synth_03 "
"$WSIFLOW" dataset --verify some >/dev/null 2>&1
is "and the patch set is what it says" $? 0

# ---- trained, scored, counted
printf 'slide,split,label\nslides/synth_00.tif,train,normal\nslides/synth_01.tif,train,\nslides/synth_02.tif,valid,\nslides/synth_03.tif,test,\n' >c/run.csv
mv c/annotations/synth_02.xml .
printf 'slides: {manifest: c/run.csv, annotations: c/annotations}\n%s\n' "$common" >run.yaml
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.log 2>&1
is "a run with unknown slides ends with 0" $? 0
is "trained on is the normal slide" "$(grep '^train/good' run/dataset/manifest.csv | cut -d, -f2 | sort -u)" synth_00
is "scored are the test slide and the unknown ones" "$(ls run/slides/*/heatmap.tif | tr '\n' ' ')" \
    "run/slides/synth_01/heatmap.tif run/slides/synth_02/heatmap.tif run/slides/synth_03/heatmap.tif "
is "an unknown slide's tiles have neither label nor lesion fraction" \
    "$(python3 -c "
import csv
print({(r['label'], r['lesion_fraction']) for r in csv.DictReader(open('run/slides/synth_01/scores.csv'))})")" "{('', '')}"
check "it is not counted" python3 -c "
import json
m = json.load(open('run/metrics.json'))
assert [s['slide'] for s in m['slides'] if s['labelled']] == ['synth_03'], m['slides']
assert m['unlabelled'] > 0, m"
check "metrics are of patients, too few for intervals, and of slides, of which one is too few" python3 -c "
import json
m = json.load(open('run/metrics.json'))
i = m['best_f1']['intervals']
assert i['unit'] == 'patient' and i['units'] == 1 and 'at least 10 patients' in i['absent'], i
s = m['slide_scores']
assert (s['slides'], s['with_lesions'], s['left_out']) == (1, 1, 0) and 'each slide has lesions' in s['absent'], s
assert 'not probabilities' in m['reliability']['absent']"
check "pixels of the score map are those whose centre is lesion" python3 -c "
import csv, json, re
import numpy as np
m = json.load(open('run/metrics.json'))['pixels']
s = np.load('run/slides/synth_03/scoremap.npy').astype(float)
slide = json.load(open('run/slides/synth_03/slide.json'))
x = (np.arange(s.shape[1]) + 0.5) * slide['width'] / s.shape[1]
y = (np.arange(s.shape[0]) + 0.5) * slide['height'] / s.shape[0]
lesion = np.zeros(s.shape, bool)
for block in re.findall(r'<Coordinates>(.*?)</Coordinates>', open('c/annotations/synth_03.xml').read(), re.S):
    p = [(float(a), float(b)) for a, b in re.findall(r'X=.([-0-9.]+). Y=.([-0-9.]+).', block)]
    inside = np.zeros(s.shape, bool)
    for (a, b), (c, d) in zip(p, p[1:] + p[:1]):
        if b != d:
            inside ^= ((y > min(b, d)) & (y <= max(b, d)))[:, None] & (x[None, :] >= (a + (y - b) * (c - a) / (d - b))[:, None])
    lesion |= inside
keep = ~np.isnan(s)
good, bad = s[keep & ~lesion], s[keep & lesion]
assert m['slides'] == 1 and m['pixels'] == keep.sum() and abs(m['prevalence'] - len(bad) / keep.sum()) < 1e-12, (m, keep.sum(), len(bad))
auroc = (np.sign(bad[:, None] - good[None]).mean() + 1) / 2
assert abs(m['auroc'] - auroc) < 1e-12 and 0 <= m['aupro'] <= 1, (m, auroc)"
like "the report says so too" "$(cat run/report.html)" 'No intervals: an interval needs at least 10 patients \(here: 1\)'
sed 's/train: {/train: {source: slides, /; s/^dataset: {/dataset: {write: false, /' run.yaml >direct.yaml
"$WSIFLOW" run -c direct.yaml -o direct -j 2 >direct.log 2>&1
is "training straight from slides does not see them either" "$? $(tail -n +2 direct/model/tiles.csv | cut -d, -f1 | sort -u)" "0 synth_00"

finish
