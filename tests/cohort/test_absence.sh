#!/bin/sh
# A file is absent only if the system says so: a file that cannot be looked at, a folder that cannot be read to its end, are errors.
. tests/lib.sh
need_faults
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 3 -l 2 --width 2048 --height 2048 >synth.log 2>&1 || exit 1
rm -f cohort/manifest.csv
cat >run.yaml <<'Y'
slides: {folder: cohort/slides, annotations: cohort/annotations, unannotated: normal}
tiles: {size: 256, mpp: 1.0}
Y
annotation=$(basename "$(ls cohort/annotations/*.xml | head -1)")
"$WSIFLOW" dataset -c run.yaml -o calm -j 2 >calm.out 2>&1
is "an undisturbed run" $? 0

# refused NAME CALL FILE ERRNO SKIP WORDS COMMAND...: the command fails and says why
refused() {
    row=$1 call=$2 file=$3 number=$4 words=$6
    FAULT_SKIP=$5 FAULT_LOG=$PWD/$1.log
    export FAULT_SKIP FAULT_LOG
    shift 6
    with_faults "$call" "$file" "$number" "$@" >"$row.out" 2>&1
    code=$?
    unset FAULT_SKIP FAULT_LOG
    check "$row: the call failed" test -s "$row.log"
    is "$row: exit 1" $code 1
    like "$row: with the reason" "$(cat "$row.out")" "$words"
}
refused annotation_stat stat "*/$annotation" 116 0 "$annotation: Stale file handle" "$WSIFLOW" dataset -c run.yaml -o r1 -j 2
refused slide_stat stat '*/synth_01.tif' 5 0 'synth_01.tif: Input/output error' "$WSIFLOW" dataset -c run.yaml -o r2 -j 2
refused annotations_end readdir annotations 5 0 'annotations: Input/output error' "$WSIFLOW" dataset -c run.yaml -o r3 -j 2
refused slides_end readdir slides 116 3 'slides: Stale file handle' "$WSIFLOW" dataset -c run.yaml -o r4 -j 2
refused workers_end readdir workers 5 0 'workers: Input/output error' "$WSIFLOW" dataset -c run.yaml -o calm -j 2
ln -s nowhere.tif cohort/slides/dangling.tif
ln -s loop.tif cohort/slides/loop.tif
"$WSIFLOW" dataset -c run.yaml -o r5 -j 2 >links.out 2>&1
is "links that lead nowhere are absent" $? 0
like "and listed" "$(cat links.out r5/dataset/CARD.md)" 'dangling.tif: dangling link to nowhere.tif'
like "also one that leads to itself" "$(cat links.out r5/dataset/CARD.md)" 'loop.tif: dangling link to loop.tif'
check "nothing was planned with less" sh -c '! test -e r1/dataset/manifest.csv && ! test -e r3/dataset/manifest.csv'

# ---- folders of images
python3 - <<'P'
import os
import numpy as np
from PIL import Image
g = np.random.default_rng(1)
for sub, n in (("train/good", 40), ("test/good", 4), ("test/Ungood", 4)):
    os.makedirs("set/" + sub)
    for i in range(n):
        Image.fromarray(g.integers(120, 220, (64, 64, 3), dtype=np.uint8)).save(f"set/{sub}/p{i:02d}.png")
os.makedirs("set/valid/good")
Image.open("set/train/good/p00.png").save("set/valid/good/copy.png")
P
cat >train.yaml <<'Y'
tiles: {size: 64}
model: {extractor: scattering}
train: {epochs: 1, batch: 8}
Y
train() { "$WSIFLOW" train -c train.yaml -p set -o m.safetensors; }
like "a copy in valid is a leak" "$(train 2>&1)" 'leak: .* are the same image'
refused valid_end readdir '*valid/good' 5 0 'valid/good: Input/output error' "$WSIFLOW" train -c train.yaml -p set -o m.safetensors
refused valid_stat stat '*set/valid/good' 116 0 'valid/good: Stale file handle' "$WSIFLOW" train -c train.yaml -p set -o m.safetensors
refused split_end readdir '*set/valid' 5 0 'valid: Input/output error' "$WSIFLOW" train -c train.yaml -p set -o m.safetensors
rm -r set/valid
refused images_end readdir '*train/good' 5 20 'train/good: Input/output error' "$WSIFLOW" train -c train.yaml -p set -o m.safetensors
refused shards_end readdir '*set' 5 0 'set: Input/output error' "$WSIFLOW" train -c train.yaml -p set -o m.safetensors
refused recipe_stat stat '*set/tiles.json' 116 0 'tiles.json: Stale file handle' "$WSIFLOW" train -c train.yaml -p set -o m.safetensors
finish
