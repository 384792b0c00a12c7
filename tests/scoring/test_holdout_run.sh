#!/bin/sh
# The hold-out: the same tiles from images, shards and slides, by patient; a model without such a hold-out is marked wherever it is shown.
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o cohort -n 5 -l 1 --width 2048 --height 2048 >synth.log 2>&1
cat >base.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 64}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
Y
# Two patients have two slides each.
python3 - <<'P'
import csv
rows = list(csv.DictReader(open("cohort/manifest.csv")))
for i, row in enumerate(rows):
    row.update(patient=["a", "b", "b", "a", "c"][i], split=["train", "train", "train", "train", "test"][i])
for name, patients in (("manifest", "abbac"), ("one", "aaaac"), ("single", "abcde")):
    with open(f"cohort/{name}.csv", "w", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        for row, patient in zip(rows, patients):
            split = row["split"] if name != "single" else ("train" if patient == "b" else "test")
            writer.writerow({**row, "patient": patient, "split": split})
P
cat >calibration.py <<'P'
import json, struct, sys
def calibration(path):
    f = open(path, "rb")
    model = json.loads(json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))["__metadata__"]["model"])
    return model["calibration"], model["provenance"]["tiles_sha256"]
c, tiles = calibration(sys.argv[1])
for key in sys.argv[2:]:
    print(tiles if key == "sha" else json.dumps(c[key]))
P
field() { # MODEL KEY...
    python3 calibration.py "$@" | tr '\n' ' '
}
run() { # NAME MANIFEST EXTRA OVERLAP
    { sed "s/manifest.csv/$2.csv/; s/size: 64/size: 64, overlap: ${4:-0}/" base.yaml; printf "$3"; } >"$1.yaml"
    "$WSIFLOW" run -c "$1.yaml" -o "$1" -j 2 >"$1.log" 2>&1
    is "$1: a run ends with 0" $? 0
}
train() { # NAME PATCHES CONFIG
    "$WSIFLOW" train -c "$3.yaml" -p "$2" -j 2 -o "$1.safetensors" >"$1.log" 2>&1
    is "$1: a training ends with 0" $? 0
}
keys="sha tiles holdout holdout_groups unused"
short='train: {epochs: 1, max_tiles: 200}\n'

# ---- images, shards, slides, and the patch sets alone
run images manifest "$short"
run shards manifest "dataset: {format: shards}\n$short"
run slides manifest "train: {epochs: 1, max_tiles: 200, source: slides}\nscore: {slides: none}\n"
held=$(field images/model/model.safetensors $keys)
like "a patient is held out" "$held" '"patients" 1 0 $'
is "the same from shards" "$(field shards/model/model.safetensors $keys)" "$held"
is "and straight from slides" "$(field slides/model/model.safetensors $keys)" "$held"
printf 'tiles: {size: 64}\nmodel: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\ntrain: {epochs: 1, max_tiles: 200}\n' >set.yaml
train p images/dataset set
is "and from the images alone, with their manifest" "$(field p.safetensors $keys)" "$held"
train s shards/dataset set
is "and from the shards alone" "$(field s.safetensors $keys)" "$held"
mkdir bare && cp -r shards/dataset/*.tar bare
train t bare set
is "and from the shards without their manifest" "$(field t.safetensors $keys)" "$held"
rm -rf bare && mkdir bare && cp -r images/dataset/train bare
train n bare set
like "images without a manifest: their names give the slide" "$(field n.safetensors holdout)" '"slides-of-unknown-patients"'
like "they are not taken for patients" "$(cat n.log)" 'held-out normal tiles of [0-9]+ slides?; patients are unknown'
check "nor by the card of a model" sh -c '! grep -q "held-out normal tiles of [0-9]* patient" n.log'
like "which is reported" "$(cat n.log)" 'names of 200|names of [0-9]+ of [0-9]+ images give the slide .slides: 4.'
(cd bare/train/good && for f in *.png; do mv "$f" "$(echo "$f" | tr -d _)"; done)
train u bare set
is "names that say nothing: single tiles" "$(field u.safetensors holdout trusted)" '"tiles" false '
like "which is reported" "$(cat u.log)" 'not to be trusted: single tiles'
cp images/dataset/train/good/*.png bare/train/good
cp images/dataset/manifest.csv bare/
n=$(ls bare/train/good | grep -vc _)
train v bare set
like "images that the manifest does not name are counted, also those that no draw could take" "$(cat v.log)" ": $n images of .*train/good are not in manifest.csv"

# ---- one patient, and one slide
run one one 'train: {epochs: 1}\nscore: {slides: test}\n'
is "one patient: whole slides" "$(field one/model/model.safetensors holdout trusted)" '"slides" false '
run single single 'train: {epochs: 1}\nscore: {slides: test}\n' 0.5
is "one slide: blocks" "$(field single/model/model.safetensors holdout trusted)" '"blocks" false '
for name in one single; do
    for file in "$name/model/CARD.md" "$name/dataset/CARD.md" "$name/report.html" "$name/metrics.json"; do
        like "$file is marked" "$(cat "$file")" 'not to be trusted|"trusted": false'
    done
    like "$name: the log is" "$(cat "$name.log")" 'not to be trusted'
done
check "a hold-out of patients is not marked" sh -c '! grep -l "not to be trusted" images/dataset/CARD.md'
n=$(field images/model/model.safetensors tiles | tr -d ' ')
like "n stands in metrics.json" "$(tr -d ' \n' <images/metrics.json)" "\"calibration\":\\{\"tiles\":$n,"
like "and in the report" "$(cat images/report.html)" "n = $n held-out normal tiles"
like "and on the terminal" "$(cat images.log)" "model: threshold .* n = $n held-out normal tiles of 1 patient"
like "what train.max_tiles drew is reported there too" "$(cat images.log)" 'training: train.max_tiles: 200 of [0-9]+ normal tiles are drawn'
like "and in the card" "$(cat images/model/CARD.md)" "n = $n held"
check "no image is in two splits" test "$(tr -d ' \n' <images/repeated_images.json)" = '{"within_split":0,"across_splits":0,"blank_across_splits":0}'

# ---- repeated images
python3 - <<'P'
import os, random
from PIL import Image
random.seed(4)
for folder in ("train/good", "test/good", "test/Ungood"):
    os.makedirs("set/" + folder)
    for i in range(9):
        noise = Image.frombytes("RGB", (64, 64), random.randbytes(64 * 64 * 3))
        noise.resize((16, 16)).resize((64, 64)).save(f"set/{folder}/{i}.png")
Image.new("RGB", (64, 64), (250, 250, 250)).save("set/train/good/white.png")
Image.new("RGB", (64, 64), (250, 250, 250)).save("set/test/good/blank.png")
P
train clean set set
like "white images in train and test are counted" "$(cat clean.log)" 'images without tissue that are both in train and in another split: 1'
cp set/train/good/1.png set/train/good/copy.png
train within set set
like "copies among the training images are reported" "$(cat within.log)" 'repeated images: copies of held-out'
mkdir -p moved/dataset_valid/good moved/dataset_valid/Ungood
cp -r set moved/dataset
cp set/train/good/3.png moved/dataset_valid/good/held.png
"$WSIFLOW" train -c set.yaml -p moved/dataset -o leak.safetensors >leak.log 2>&1
is "a training image in the valid split next to the patch set is an error" $? 1
like "that names both" "$(cat leak.log)" 'leak: .*train/good/3.png and .*dataset_valid/good/held.png are the same image'
mv moved/dataset_valid/good/held.png moved/dataset_valid/Ungood/
{ cat set.yaml; echo 'patches: {repeats: count}'; } >moved.yaml
(cd moved/dataset && "$WSIFLOW" train -c ../../moved.yaml -p . -o ../../leak.safetensors) >leak.log 2>&1
is "or counted, also from within" $? 0
like "with how many there are" "$(cat leak.log)" 'images of valid and test that are also trained on.*: 1'
cp set/train/good/4.png set/test/Ungood/same.png
"$WSIFLOW" train -c set.yaml -p set -o leak.safetensors >leak.log 2>&1
is "a training image in test is an error" $? 1
like "that names both" "$(cat leak.log)" 'leak: .*train/good/4.png and .*test/Ungood/same.png are the same image'
rm set/test/Ungood/same.png
python3 -c "
from PIL import Image
Image.open('set/train/good/7.png').save('set/test/good/stored.png', compress_level=0)"
"$WSIFLOW" train -c set.yaml -p set -o leak.safetensors >leak.log 2>&1
is "also when it is stored in other bytes" $? 1
like "by its pixels" "$(cat leak.log)" 'train/good/7.png and .*test/good/stored.png are the same image'
{ sed 's/, max_tiles: 200//' set.yaml; echo 'patches: {folder: set, repeats: count}'; } >count.yaml
"$WSIFLOW" run -c count.yaml -o count -j 2 >count.log 2>&1
is "or counted" $? 0
like "which the card says" "$(cat count/model/CARD.md)" 'images of valid and test that are also trained on.*: 1'
mkdir tars
cp shards/dataset/train-000000.tar tars/
cp shards/dataset/train-000000.tar tars/test-000000.tar
"$WSIFLOW" train -c set.yaml -p tars -o leak.safetensors >leak.log 2>&1
is "the same in shards" $? 1
like "by their names" "$(cat leak.log)" 'leak: .*train-000000.tar/.* and .*test-000000.tar/.* are the same image'
finish
