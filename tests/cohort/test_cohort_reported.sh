#!/bin/sh
# What a run found is reported where people look, by the names that they know: card, report, status, tables.  And what only people read
# re-runs nothing: a file that is added, a slide that is moved.
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o c -n 3 -l 1 --width 2048 --height 2048 >synth.log 2>&1
mkdir s a
mv c/slides/synth_00.tif 's/slide 2 (copy).tif'
mv c/slides/synth_01.tif 's/Fälle <b>&|.tif'
mv c/slides/synth_02.tif s/lesion.tif
mv c/annotations/synth_02.xml a/lesion.xml
cp a/lesion.xml 'a/of <i>nobody|.xml'
cat >run.yaml <<'Y'
slides: {folder: s, annotations: a, unannotated: normal}
tiles: {size: 128}
dataset: {lesion_min: 0.25}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 16}
score: {slides: all}
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.out 2>run.err
is "a run" $? 0
is "names that cannot be folder names are changed" "$(ls run/slides | tr '\n' ' ')" "F__lle__b___ lesion slide_2__copy_ "
is "slide.json has the name and the path" "$(python3 -c "
import json
s = json.load(open('run/slides/slide_2__copy_/slide.json'))
print(s['file'], '|', s['path'])")" "slide 2 (copy).tif | $(pwd -P)/s/slide 2 (copy).tif"
is "the manifest of the patch set has the name" "$(python3 -c "
import csv
print(sorted({r['slide'] + ' is ' + r['slide_file'] for r in csv.DictReader(open('run/dataset/manifest.csv'))}))")" \
    "['F__lle__b___ is Fälle <b>&|.tif', 'lesion is lesion.tif', 'slide_2__copy_ is slide 2 (copy).tif']"
check "so has the card, escaped" grep -qF '| slide 2 (copy).tif |' run/dataset/CARD.md
check "so has the report, escaped" grep -qF '>slide_2__copy_</a> (slide 2 (copy).tif)' run/report.html
check "markup in names stays text" sh -c "grep -qF 'Fälle &lt;b&gt;&amp;|.tif' run/report.html && ! grep -qF 'Fälle <b>' run/report.html"
is "status has name, path and label" "$("$WSIFLOW" status run --json | python3 -c '
import json, os, sys
for s in json.load(sys.stdin)["slides"]: print(s["id"], s["file"], os.path.basename(s["path"]), s["label"], s["scored"])' | tail -1)" \
    "slide_2__copy_ slide 2 (copy).tif slide 2 (copy).tif normal True"
for where in run.out run/dataset/CARD.md run/report.html; do
    sed 's/\\//g; s/&lt;/</g; s/&gt;/>/g' $where >plain
    check "an annotation that matches no slide is listed in $where" grep -qF 'of <i>nobody|.xml' plain
    like "$where: with the reason" "$(cat plain)" 'matches no slide by its name'
done
sed 's/format: folder//; s/lesion_min: 0.25/lesion_min: 0.25, format: shards/' run.yaml >tar.yaml
"$WSIFLOW" dataset -c tar.yaml -o tar -j 2 >/dev/null 2>&1
is "facts in shards have the name" "$(tar -xOf "$(ls tar/dataset/train-*.tar | head -1)" --wildcards '*.json' | python3 -c '
import json, sys
print(len({json.loads(line)["slide_file"] for line in sys.stdin if line.strip()}) > 0)')" True

# ---- a file that is added
touch before
echo x >s/notes.xml
"$WSIFLOW" run -c run.yaml -o run -j 2 >again.out 2>again.err
is "a further file is listed" "$? $(grep -c 'notes.xml' run/dataset/CARD.md run/report.html | cut -d: -f2 | tr '\n' ' ')" "0 1 1 "
is "and nothing is cut, trained or scored for it" "$(find run/model run/slides -type f -newer before)" ""

# ---- slides that are moved
"$WSIFLOW" run -c run.yaml -o run -j 2 >/dev/null 2>&1
touch before
mv s moved
sed 's/folder: s/folder: moved/' run.yaml >moved.yaml
"$WSIFLOW" run -c moved.yaml -o run -j 2 >moved.out 2>moved.err
is "moved slides" $? 0
is "are not trained on or scored again" "$(find run/model run/slides/*/scores.csv run/slides/*/heatmap.tif -newer before)" ""
like "their record has the new path" "$(cat run/slides/lesion/slide.json)" 'moved/lesion.tif'

# ---- a slide that is added while a run is on
printf 'slides: {folder: moved, unannotated: normal}\ntiles: {size: 128}\n' >on.yaml
before=$("$WSIFLOW" dataset --dry-run -c on.yaml | grep ^splits)
"$WSIFLOW" dataset -c on.yaml -o on -j 1 >on.out 2>on.err &
while [ ! -s on.out ]; do sleep 0.02; done
i=0
while [ $i -lt 6 ]; do
    cp moved/lesion.tif "moved/added_$i.tif"
    i=$((i + 1))
done
wait $!
is "a run while slides are added ends with 0" $? 0
is "they wait for the next run" "$(ls on/slides | grep -c added)" 0
is "the others keep their splits" "$(python3 -c "
import csv
print(len({r['slide'] + r['split'] for r in csv.DictReader(open('on/dataset/manifest.csv'))}))")" 3
like "which are those of the plan" "$before" '^splits +train 2 .* test 1 '
finish
