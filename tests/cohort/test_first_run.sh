#!/bin/sh
# The first run of a new user: slides without annotations, or one slide, end with heatmaps; the first lines say what a run is about to do.
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o c -n 4 -l 1 --width 2048 --height 2048 >synth.log 2>&1
common='tiles: {size: 128}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 16}'
config() { # NAME SECTIONS
    printf '%b\n%s\n' "$2" "$common" >"$1.yaml"
}
run() { # NAME: runs; sets code and out
    out=$("$WSIFLOW" run --patience 0 -c "$1.yaml" -o "run_$1" -j 2 2>"$1.err")
    code=$?
}
heatmaps() { # RUN
    (cd "$1/slides" && ls ./*/heatmap.png 2>/dev/null | cut -d/ -f2 | tr '\n' ' ')
}

# ---- no annotations at all
mkdir one several
cp c/slides/synth_00.tif one/
cp c/slides/synth_0[012].tif several/
config one 'slides: {folder: one}'
run one
is "one slide: exit code 0" "$code" 0
is "it has a heatmap" "$(heatmaps run_one)" "synth_00 "
like "and a report" "$(ls run_one)" report.html
is "nothing is parked" "$("$WSIFLOW" status run_one | grep -c '^failed')" 0
config several 'slides: {folder: several}'
run several
is "a folder of slides: exit code 0, heatmaps of all" "$code $(heatmaps run_several)" "0 synth_00 synth_01 synth_02 "
like "the first lines count the slides" "$(echo "$out" | head -1)" '^slides +3; patients are unknown .*: each slide counts as one patient$'
like "they say what counts as normal, and why" "$out" '^ +3 without annotation, counted as normal: no annotations are given \(slides.annotations'
like "they say the splits" "$out" '^splits +train 2 slides, valid 0 slides, test 1 slide$'
like "what is scored, and by which rule" "$out" '^scored +all 3 \(score.slides: auto, because no slide is annotated\)$'
like "what will be written" "$out" '^writes +patch set .*model .*heatmaps of 3 slides.*report.html'
like "the last lines say where to look" "$out" '^heatmaps +run_several/slides/\*/heatmap.png .* of 3 slides$'
like "and the report" "$out" '^report +run_several/report.html'

like "the patch set too" "$out" '^patch set +run_several/dataset/manifest.csv'

# ---- all slides test a model of others: they are all scored, whether annotated or not
"$WSIFLOW" synth -o tested -n 2 -l 1 --width 2048 --height 2048 >/dev/null 2>&1
sed '2,$s/,\(train\|test\|valid\),/,test,/' tested/manifest.csv >tested/all.csv
for annotations in ', annotations: tested/annotations' ''; do
    config tested "slides: {manifest: tested/all.csv, unannotated: normal$annotations}\ndataset: {clam: true}\nscore: {model: run_several/model/model.safetensors}"
    out=$("$WSIFLOW" run -c tested.yaml -o run_tested --dry-run 2>&1)
    why='no slide is annotated'
    [ -z "$annotations" ] || why='each slide is in the test split or unknown'
    like "why all are scored: $why" "$out" "^scored +all 2 \(score.slides: auto, because $why\)$"
    like "and what is written for others" "$out" '^writes .*CLAM and TRIDENT \(clam/, trident/\)'
done

# ---- files of an earlier run in the same folder
config several 'slides: {folder: several}\ndataset: {write: false}'
sed 's/train: {/train: {source: slides, /' several.yaml >again.yaml && mv again.yaml several.yaml
run several
is "the same folder without a patch set" "$code" 0
check "the earlier one is still there" test -e run_several/dataset/CARD.md
check "and is not shown as this run's" sh -c '! printf "%s" "$1" | grep -q "^patch set"' - "$out"

# ---- nothing in the test split
printf 'slide,split,annotation,label\nslides/synth_00.tif,train,,normal\nslides/synth_03.tif,valid,annotations/synth_03.xml,\n' >c/untested.csv
config auto 'slides: {manifest: c/untested.csv}'
like "auto: all are scored, and the summary says why" "$("$WSIFLOW" run --dry-run -c auto.yaml)" '^scored +all 2 \(score.slides: auto, because no slide is in the test split\)$'
config untested 'slides: {manifest: c/untested.csv}\nscore: {slides: test}'
run untested
is "score.slides: test without a test slide ends with 0" "$code" 0
like "what will not be scored is said before it starts" "$out" '^scored +none: no slide is in the test split.*set score.slides: auto or all'
is "nothing is parked for it" "$("$WSIFLOW" status run_untested | grep -c '^failed')" 0

# ---- all slides unknown
mkdir marked
cp c/slides/synth_03.tif marked/
cp c/annotations/synth_03.xml marked/
config unknown 'slides: {folder: marked}'
run unknown
is "nothing to train on is found before the run begins" "$code $(ls -d run_unknown 2>/dev/null)" "1 "
like "and what to set is named" "$(cat unknown.err)" 'no slide to train on: of 1 slides 1 are unknown .*slides.unannotated: normal.*score.model'
config foreign 'slides: {folder: marked}\nscore: {model: run_one/model/model.safetensors}'
run foreign
is "with a model they are scored: exit code 0" "$code $(heatmaps run_foreign)" "0 synth_03 "
like "the annotation that no key names is listed, at the beginning" "$(echo "$out" | grep -n 'next to it' | head -1)" '^[1-9]:  may be the annotation .* \(1\): synth_03.xml$'
is "and at the end" "$(echo "$out" | grep -c 'next to it.*synth_03.xml')" 2

# ---- slides without tissue, files that are missing
printf 'slide,split,label\nslides/synth_00.tif,train,normal\n../white.tif,test,normal\nslides/gone.tif,test,normal\n' >c/holes.csv
python3 -c "
import numpy, tifffile
tifffile.imwrite('white.tif', numpy.full((1536, 1536, 3), 243, 'uint8'), tile=(256, 256), photometric='rgb',
                 resolution=(10000, 10000), resolutionunit='CENTIMETER')"
config holes 'slides: {manifest: c/holes.csv}'
run holes
is "a missing slide fails alone" "$code" 3
like "it is predicted" "$out" '^missing +1 slide and 0 annotations .*gone.tif$'
like "and counted at the end" "$out" '^failed +1 slide: wsiflow status run_holes'
like "a slide without tiles is counted and named at the end" "$out" 'a slide without tiles: .* \(1\): white.tif$'

# ---- dry run
"$WSIFLOW" synth -o d -n 3 -l 1 --width 2048 --height 2048 >synth.log 2>&1
config dry 'slides: {manifest: d/manifest.csv, annotations: d/annotations}'
touch before
dry=$("$WSIFLOW" run --dry-run -c dry.yaml -o nowhere/at/all)
is "a dry run ends with 0" $? 0
check "it writes nothing" sh -c 'test ! -e nowhere && find . -newer before -type f | grep -v tap.out | (! grep .)'
like "it counts with and without annotation" "$(echo "$dry" | sed -n 2,3p | tr '\n' ' ')" '1 with annotation +2 without annotation, counted as normal $'
like "it prints the disk, needed and free" "$dry" '^disk +about .*B needed .* at most .*B \(estimated from 3 of 3 slides\); .*B free in nowhere/at/all$'
"$WSIFLOW" run -c dry.yaml -o dryrun -j 2 >/dev/null 2>&1
is "it counts the jobs that the run has" "$(echo "$dry" | sed -n 's/^jobs *\([0-9]*\):.*/\1/p')" \
    "$("$WSIFLOW" status dryrun --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["jobs"]))')"
check "the disk that it needs is below the most it may be" python3 - "$dry" <<'P'
import os, re, sys
unit = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "bytes": 1}
most = re.search(r"at most ([0-9.]+)\s(\w+)", sys.argv[1])
used = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk("dryrun") for f in files if "model" not in d)
assert used < float(most[1]) * unit[most[2]], (used, most[0])
P
like "wsiflow dataset has it too" "$("$WSIFLOW" dataset --dry-run -c dry.yaml)" '^jobs +1[0-9]: ingest 3, .*dataset 1$'
finish
