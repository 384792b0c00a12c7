#!/bin/sh
# A whole run on a small synthetic cohort: all results are there, nothing is done twice, kills change no byte, bad slides stop no other slide.
. tests/lib.sh
cd "$tmp" || exit 1

if in_long; then width=4096 height=3072 kills=12; else width=2560 height=2048 kills=6; fi
"$WSIFLOW" synth -o cohort -n 4 -l 1 --width $width --height $height >synth.log 2>&1
check "synth writes slides, an annotation and a manifest" test -f cohort/slides/synth_03.tif -a -f cohort/annotations/synth_03.xml -a -f cohort/manifest.csv
cat >run.yaml <<'Y'
slides:
  manifest: cohort/manifest.csv
  annotations: cohort/annotations
tiles:
  size: 128
dataset:
  lesion_min: 0.25
train:
  epochs: 2
  batch: 4
model:
  blocks: [1, 1, 1]
  condition: 16
Y

# ---- a run from start to end
"$WSIFLOW" run -c run.yaml -o a -j 2 >a.out 2>a.err
is "a run ends with 0" $? 0
artefacts a >a.sums
check "every artefact is as the job table says" sh -c 'test $(wc -l <a.sums) -gt 30 && ! grep -v " ok$" a.sums'
for f in dataset/manifest.csv dataset/CARD.md model/model.safetensors model/curve.svg metrics.json report.html config.yaml \
    slides/synth_03/heatmap.tif slides/synth_03/heatmap.ome.tif slides/synth_03/heatmap.png slides/synth_03/scores.csv \
    slides/synth_03/overlay.tif slides/synth_03/regions.geojson slides/synth_03/detections.csv slides/synth_03/predicted_mask.tif \
    slides/synth_03/mask.tif slides/synth_00/tissue.png; do
    check "there is $f" test -s "a/$f"
done
check "no temporary file is left" sh -c 'test -z "$(find a -name "*.tmp" -o -name "partial-*" -o -name "checkpoint*")"'
check "normal patches of training slides" sh -c 'ls a/dataset/train/good/synth_00_*.png'
check "lesion patches of test slides" sh -c 'ls a/dataset/test/Ungood/synth_03_*.png'
check "each has a mask" sh -c 'for f in a/dataset/test/Ungood/*.png; do test -f a/dataset/ground_truth/Ungood/$(basename $f .png)_mask.png || exit 1; done'
check "no lesion in training" sh -c 'test ! -d a/dataset/train/Ungood'
check "patients are in one split" python3 -c "
import csv
where = {}
for r in csv.DictReader(open('a/dataset/manifest.csv')):
    where.setdefault(r['patient'], set()).add(r['split'])
assert where and all(len(s) == 1 for s in where.values()), where"
check "metrics are numbers" python3 -c "
import json
m = json.load(open('a/metrics.json'))
assert 0 <= m['best_f1']['auroc'] <= 1 and m['best_f1']['positives'] > 0, m"
check "the report says research use only" grep -q 'For research use only' a/report.html

# ---- nothing is done twice
"$WSIFLOW" run -c run.yaml -o a -j 2 >again.out 2>again.err
is "the same again ends with 0" $? 0
is "and does nothing" "$(grep -c 'done in' again.err)" 0
sed 's/epochs: 2/epochs: 3/' run.yaml >longer.yaml
"$WSIFLOW" run -c longer.yaml -o a -j 2 >longer.out 2>longer.err
is "a longer training ends with 0" $? 0
is "it cuts nothing again" "$(grep -cE 'ingest|tissue|grid|mask|cut|dataset' longer.err)" 0
like "it trains again" "$(cat longer.err)" 'train cohort: done'
"$WSIFLOW" run -c run.yaml -o a -j 2 >back.out 2>back.err
artefacts a >back.sums
check "back to the first configuration gives the first bytes" cmp a.sums back.sums
rm a/slides/synth_01/tissue.png
"$WSIFLOW" run -c run.yaml -o a -j 2 >hole.out 2>hole.err
artefacts a >hole.sums
check "a file that was removed is made again, the same" cmp a.sums hole.sums

# ---- workers do not change bytes
"$WSIFLOW" run -c run.yaml -o b -j 1 >b.out 2>b.err
artefacts b >b.sums
check "one worker or two: the same bytes" cmp a.sums b.sums

# ---- kill -9 of everything, several times, then to the end
i=0
while [ $i -lt $kills ]; do
    setsid "$WSIFLOW" run -c run.yaml -o k -j 2 >/dev/null 2>&1 &
    sleep 0.$((3 + i % 6))
    killed $!
    i=$((i + 1))
done
check "some were killed on the way ($KILLED)" test $KILLED -gt 0
"$WSIFLOW" run -c run.yaml -o k -j 2 >k.out 2>k.err
is "after $kills kills the run ends with 0" $? 0
artefacts k >k.sums
check "killed or not: the same bytes" cmp a.sums k.sums
check "nothing is left of the kills" sh -c 'test -z "$(find k -name "*.tmp" -o -name "partial-*" -o -name "checkpoint*")"'

# ---- a clean stop
"$WSIFLOW" run -c run.yaml -o s -j 2 >/dev/null 2>s.err &
sleep 1
kill -INT $!
wait $!
code=$?
case $code in 130 | 0) good=yes ;; *) good=no ;; esac
is "an interrupted run ends with 130 (or was done already)" $good yes
"$WSIFLOW" run -c run.yaml -o s -j 2 >/dev/null 2>&1
artefacts s >s.sums
check "stopped or not: the same bytes" cmp a.sums s.sums

# ---- two runs in one folder
"$WSIFLOW" run -c longer.yaml -o s -j 1 >/dev/null 2>&1 &
sleep 0.5
second=$("$WSIFLOW" run -c run.yaml -o s -j 1 2>&1)
like "a second run in the folder is refused" "$second" 'another wsiflow is running'
wait

finish
