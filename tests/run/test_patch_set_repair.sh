#!/bin/sh
# Images of a patch set that are removed or changed are cut again by the next run; training never takes them for what the manifest says.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o c -n 2 -l 1 --width 2048 --height 2048 >synth.log 2>&1
cat >run.yaml <<'Y'
slides: {manifest: c/manifest.csv, annotations: c/annotations}
tiles: {size: 64, mpp: 4.0}
dataset: {lesion_min: 0.25}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
score: {slides: none}
Y
sed 's/epochs: 1/epochs: 2/' run.yaml >two.yaml
sed 's/epochs: 1/epochs: 3/' run.yaml >three.yaml
sums() { (cd "$1" && find dataset -type f | sort | xargs sha256sum && sha256sum model/model.safetensors); }
run() { # CONFIG FOLDER
    timeout 60 "$WSIFLOW" run -c "$1.yaml" -o "$2" -j 2 --patience 0 >"$2.out" 2>"$2.err"
}
run run calm
is "a run" $? 0
sums calm >calm.sums
good=$(find calm/dataset/train/good -name '*.png' | sort | head -1)
other=$(find calm/dataset/train/good -name '*.png' | sort | tail -1)
mask=$(find calm/dataset -name '*_mask.png' | sort | head -1)
again() { # NAME
    run run calm
    is "$1: the next run" $? 0
    sums calm >again.sums
    check "$1: the patch set and the model are as they were" cmp calm.sums again.sums
}
rm "$good"
again "a missing patch"
like "it is printed" "$(cat calm.err)" 'patch set: 1 patches are missing and 0 have changed .* \(1 slide\)$'
cp "$other" "$good"
again "another tile over an image"
like "it is printed, too" "$(cat calm.err)" 'patch set: 0 patches are missing and 1 have changed'
printf 'torn' >"$other"
again "a torn image"
if [ -n "$mask" ]; then
    rm "$mask"
    again "a missing mask"
fi
touch "$good"
run run calm
is "an image that is only touched: nothing is done" "$(grep -c 'done in\|patch set' calm.err)" 0

# ---- what the times do not show is found by training
cp -p "$good" keep.png
cp "$other" "$good"
touch -d 2020-01-01 "$good"
run two calm
is "training on an image with an old time that is another: code" $? 1
like "and the reason, with a way out" "$(cat calm.err; "$WSIFLOW" status calm)" 'does not have the hash in manifest.csv.*wsiflow retry'
"$WSIFLOW" retry calm >/dev/null
run two calm
is "after retry the same command ends well" $? 0
check "with the image that was cut" cmp "$good" keep.png
rm "$good"
run three calm
is "a missing patch, and another configuration" $? 0
finish
