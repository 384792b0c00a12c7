#!/bin/sh
# A model holds the recipe of its tiles: everyone who scores a slide with it gets the same scores, and what contradicts it is refused.
. tests/lib.sh
python3 -c 'import numpy; from PIL import Image' 2>/dev/null || skip_all "python3-numpy or PIL is missing"
repo=$PWD
cd "$tmp" || exit 1

"$WSIFLOW" synth -o c -n 2 -l 1 --width 2048 --height 2048 >synth.log 2>&1
printf 'slide,split\nslides/synth_00.tif,train\nslides/synth_01.tif,test\n' >c/plain.csv
small='model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1, batch: 4}
score: {slides: all, overlap: 0'
run() { # NAME TILES SCORE
    printf 'slides: {manifest: c/plain.csv}\ntiles: {%s}\n%s%s}\n' "$2" "$small" "$3" >"$1.yaml"
    "$WSIFLOW" run -c "$1.yaml" -o "$1" -j 2 >"$1.log" 2>&1
}
recipe='size: 64, mpp: 2, filter: area, icc: true, stain: macenko'
run own "$recipe" ""
is "a run that trains and scores" $? 0
model=$PWD/own/model/model.safetensors
printf 'score: {overlap: 0}\n' >overlap.yaml
"$WSIFLOW" score -m "$model" -c overlap.yaml -o alone c/slides/synth_01.tif >alone.log 2>&1
is "wsiflow score with that model alone" $? 0
scores() { # of the test slide, without what the annotation says
    python3 -c '
import csv, sys
for r in csv.DictReader(open(sys.argv[1])): print(*[v for k, v in r.items() if k not in ("label", "lesion_fraction", "split")])' "$1"
}
is "gives the scores of the run" "$(scores alone/synth_01/scores.csv)" "$(scores own/slides/synth_01/scores.csv)"
check "and its map" cmp alone/synth_01/scoremap.npy own/slides/synth_01/scoremap.npy
run other "" ", model: $model"
is "score.model in a configuration that says nothing of tiles" $? 0
is "gives the same scores" "$(scores other/slides/synth_01/scores.csv)" "$(scores own/slides/synth_01/scores.csv)"
check "the calibrated threshold is that of the model which scored" python3 - <<'P'
import json, struct
data = open("own/model/model.safetensors", "rb").read()
head = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
want = json.loads(head["__metadata__"]["model"])["calibration"]["threshold"]
for run in "own", "other":
    got = json.load(open(run + "/metrics.json"))["calibrated"]["threshold"]
    assert abs(got - want) < 1e-6 * abs(want), (run, got, want)
P
sed 's|plain.csv|plain.csv, annotations: c/annotations|' other.yaml >annotated.yaml
"$WSIFLOW" run -c annotated.yaml -o annotated -j 2 >annotated.log 2>&1
check "the confusion matrix at it comes first, and is what a count of the scores gives" python3 - <<'P'
import csv, json
m = json.load(open("annotated/metrics.json"))
at, best = m["calibrated"], m["best_f1"]
assert m["split"] == "test" and at["threshold"] != best["threshold"]
rows = [r for r in csv.DictReader(open("annotated/slides/synth_01/scores.csv")) if r["label"] in "01" and r["label"] and r["score"]]
count = {k: 0 for k in ("tp", "fp", "tn", "fn")}
for r in rows:
    high, lesion = float(r["score"]) >= at["threshold"], r["label"] == "1"
    count["tp" if high and lesion else "fp" if high else "fn" if lesion else "tn"] += 1
assert {k: at["confusion"][n] for k, n in zip(count, ("tp", "fp", "tn", "fn"))} == count, (at["confusion"], count)
assert count["tp"] + count["fn"] > 0 and count["tn"] + count["fp"] > 0
page = open("annotated/report.html").read()
assert 0 < page.index(">at the calibrated threshold of the model<") < page.index(">at the threshold of the best F1<")
P
"$WSIFLOW" evaluate -m "$model" annotated/slides/*/scores.csv >evaluate.log 2>&1
is "so it does in the terminal" "$(grep -o 'calibrated threshold of the model\|threshold of the best F1' evaluate.log | head -1)" "calibrated threshold of the model"
sed 's/model: {/model: {kernels: reference, /' other.yaml >kernels.yaml
"$WSIFLOW" run -c kernels.yaml -o other -j 2 >kernels.log 2>&1
is "other kernels: slides are scored again, and nothing is cut" "$(grep -c '\] score .*done in' kernels.log) $(grep -c '\] cut ' kernels.log)" "2 0"
for key in size mpp filter icc stain; do
    case $key in size) value=128 was=64 ;; mpp) value=1 was=2 ;; filter) value=bilinear was=area ;; icc) value=false was=true ;; *) value=none was=macenko ;; esac
    run wrong "$key: $value" ", model: $model"
    is "tiles.$key: $value contradicts the model" $? 1
    like "and both values are named" "$(cat wrong.log)" "tiles\.$key is $value in the configuration, but $was in .*model.safetensors"
    printf 'tiles: {%s: %s}\n' $key $value >one.yaml
    "$WSIFLOW" score -m "$model" -c one.yaml -o no c/slides/synth_01.tif >no.log 2>&1
    is "so it does to wsiflow score" $? 1
    like "in the same words" "$(cat no.log)" "tiles\.$key is $value in the configuration, but $was in "
done
check "before anything is written" sh -c 'test ! -e wrong && test ! -e no'
python3 -c '
from PIL import Image; import numpy as np
od = np.random.default_rng(1).gamma(2, .3, (96, 96, 1)) * [.3, .8, .5] + np.random.default_rng(2).gamma(2, .2, (96, 96, 1)) * [.7, .6, .3]
Image.fromarray(np.clip(240 * np.exp(-od), 0, 255).astype(np.uint8)).save("target.png")'
run wrong "stain: macenko, stain_target: $PWD/target.png" ", model: $model"
like "another target of the stain is a contradiction too" "$(cat wrong.log)" 'tiles\.stain_target is .*haematoxylin'
run same "$recipe" ", model: $model"
is "the same values in words are none" $? 0

# ---- what the bundle holds
cat >edit.py <<'P'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
n = struct.unpack("<Q", data[:8])[0]
head = json.loads(data[8:8 + n])
model = json.loads(head["__metadata__"]["model"])
spec = model["specification"]
print(json.dumps(spec["tile_recipe"], sort_keys=True))
if len(sys.argv) > 2:
    spec["cut"] = spec.pop("tile_recipe")
    head["__metadata__"]["format"] = sys.argv[3]
    head["__metadata__"]["model"] = json.dumps(model)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    open(sys.argv[2], "wb").write(struct.pack("<Q", len(text)) + text + data[8 + n:])
P
python3 edit.py "$model" >cut.json
check "the bundle holds size, um/px, filter, ICC, and the stain's target as numbers" python3 - <<'P'
import json
cut = json.load(open("cut.json"))
assert cut["size"] == 64 and cut["mpp"] == 2 and cut["filter"] == "area" and cut["icc"] is True, cut
assert cut["stain_target"]["method"] == "macenko" and len(cut["stain_target"]["eosin"]) == 3, cut
P
# The keys of a model differ between formats, so the message must come from the format and not from the first unknown key.
for format in 1 2 3; do
    python3 edit.py "$model" old.safetensors "wsiflow-model $format" >/dev/null
    "$WSIFLOW" score -m old.safetensors -o no c/slides/synth_01.tif >old.log 2>&1
    is "a model of format $format scores no slide" $? 1
    like "and the message names its format" "$(cat old.log)" "its format is \"wsiflow-model $format\", and this version reads \"wsiflow-model 4\" only; train it again"
done
earlier='old.safetensors: not a model of this version of wsiflow: its format is "wsiflow-model 3".*train it again'
"$WSIFLOW" score -m old.safetensors -o old.csv -p own/dataset/test >old.log 2>&1
is "it scores no images either" $? 1
like "in the same words" "$(cat old.log)" "$earlier"
run wrong "" ", model: $PWD/old.safetensors"
is "a run ends before it begins" $? 1
like "in the same words" "$(cat wrong.log)" "$earlier"

# ---- models of images
train() { # NAME KEYS OPTIONS...
    printf 'tiles: {%s}\nmodel: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\ntrain: {epochs: 1, batch: 4}\n' "$2" >"$1.yaml"
    name=$1
    shift 2
    "$WSIFLOW" train -c "$name.yaml" -o "$name.safetensors" "$@" >"$name.log" 2>&1
}
cut_of() { python3 edit.py "$1.safetensors"; }
train set 'size: 64' -p own/dataset
is "from the patch set of a run" $? 0
is "it is made as the patch set says" "$(cut_of set)" "$(cat cut.json)"
"$WSIFLOW" score -m set.safetensors -o set c/slides/synth_01.tif >score.log 2>&1
is "so slides can be scored" $? 0
train set 'size: 64, mpp: 1' -p own/dataset
like "tiles.mpp that contradicts the patch set" "$(cat set.log)" 'tiles.mpp is 1 in the configuration, but the images of own/dataset have 2 um/px at 64 px'
train set 'size: 64, filter: bilinear' -p own/dataset
like "and any other key" "$(cat set.log)" 'tiles.filter is bilinear in the configuration, but area in own/dataset'
train half 'size: 32' -p own/dataset
like "images at half their size have twice the um/px" "$(cut_of half)" '"mpp": 4\.0'
like "which is reported" "$(cat half.log)" '([0-9]+) of \1 images are not 32 x 32 px and were resampled: \1 of 64 x 64 px'
mkdir -p only foreign && cp -r own/dataset/train only/ && cp -r own/dataset/train foreign/ && cp own/dataset/manifest.csv only/
train only 'size: 64' -p only
like "a manifest alone gives the um/px, and nothing else" "$(cut_of only)" '"filter": null, "icc": null, "mpp": 2\.0, .*"stain_target": null'
# What is not given is unknown: scores with another filter or stain would be wrong without a message.
refused() { # NAME KEYS
    like "$1: unknown parts are named" "$(cat "$1.log")" "how the images were made from slides is unknown \($2\), .* no slides"
    rm -rf no
    "$WSIFLOW" score -m "$1.safetensors" -o no c/slides/synth_01.tif >score.log 2>&1
    is "$1: its model scores no slide" $? 1
    like "$1: the message says what to do" "$(cat score.log)" "$1.safetensors was trained on images.*\($2\).*train it again with these keys"
    "$WSIFLOW" score -m "$1.safetensors" -o "$1.csv" -p own/dataset/test >score.log 2>&1
    is "$1: it scores images" $? 0
}
refused only 'tiles.filter, tiles.icc, tiles.stain'
cp -r own/dataset without && rm without/tiles.json
train without 'size: 64' -p without
refused without 'tiles.filter, tiles.icc, tiles.stain'
train foreign 'size: 64' -p foreign
refused foreign 'tiles.mpp, tiles.filter, tiles.icc, tiles.stain'
train partly 'size: 64, mpp: 2, icc: false' -p foreign
refused partly 'tiles.filter, tiles.stain'
train foreign 'size: 64, mpp: 2, filter: lanczos3, icc: false, stain: none' -p foreign
"$WSIFLOW" score -m foreign.safetensors -c overlap.yaml -o foreign c/slides/synth_01.tif >score.log 2>&1
is "a model of images whose keys are all given scores slides" $? 0
is "at these um/px" "$(sed -n 2p foreign/synth_01/scores.csv | cut -d, -f6)" "$(sed -n 2p own/slides/synth_01/scores.csv | cut -d, -f6)"
"$WSIFLOW" score -m foreign.safetensors -c foreign.yaml -o foreign c/slides/synth_01.tif >score.log 2>&1
is "the configuration it was trained with contradicts nothing" $? 0
train all "$recipe" -p without
"$WSIFLOW" score -m all.safetensors -o all c/slides/synth_01.tif >score.log 2>&1
is "so does the recipe of the set in words: it is that of tiles.json" "$(cut_of all)" "$(cat cut.json)"

# ---- runs on a patch set
images() { # NAME TILES MORE
    printf 'patches: {folder: own/dataset}\ntiles: {%s}\n%s%s}\n' "$2" "$small" "$3" >"$1.yaml"
    "$WSIFLOW" run -c "$1.yaml" -o "$1" -j 2 >"$1.log" 2>&1
}
images prun 'size: 64' ''
is "a run on a patch set" $? 0
is "its model is made as the patch set says" "$(python3 edit.py prun/model/model.safetensors)" "$(cat cut.json)"
"$WSIFLOW" score -c prun/config.yaml -m prun/model/model.safetensors -o prun_score c/slides/synth_01.tif >score.log 2>&1
is "its stored configuration does not contradict its own model" $? 0
"$WSIFLOW" score -c other/config.yaml -m "$model" -o other_score c/slides/synth_01.tif >score.log 2>&1
is "nor that of a run which scored with another's" $? 0
"$WSIFLOW" run -c prun/config.yaml -o prun >score.log 2>&1
is "a run goes on with its stored configuration" $? 0
is "and makes nothing again" "$(grep -c '\] train ' score.log)" 0
images wrongp 'size: 64, filter: bilinear' ''
like "a contradiction to the patch set stops the training of a run" "$(cat wrongp.log)" 'tiles.filter is bilinear in the configuration, but area in .*own/dataset'
printf 'slides: {manifest: c/plain.csv}\npatches: {folder: without}\ntiles: {size: 64, mpp: 2}\n%s}\n' "$small" >both.yaml
"$WSIFLOW" run -c both.yaml -o both >both.log 2>&1
is "a run that would score slides with a model of such images ends" $? 1
like "and names the keys" "$(cat both.log)" 'without.*unknown \(tiles.filter, tiles.icc, tiles.stain\).*give these keys'
check "before it begins" test ! -e both

# ---- another program's manifest.csv next to images
for head in 'image,label' 'path;class'; do
    printf '%s\na.png,0\n' "$head" >foreign/manifest.csv
    train strange 'size: 64' -p foreign
    like "a manifest.csv with $head: the message has a way out" "$(cat strange.log)" 'manifest.csv.*if another program made it, rename it'
done
sed 's/tissue_fraction/tissue_share/; s/lesion_fraction/lesion_share/; s/readable_fraction/valid_share/' own/dataset/manifest.csv >foreign/manifest.csv
train strange 'size: 64' -p foreign
like "one of an earlier version: make it again" "$(cat strange.log)" 'the manifest of the patches: .*manifest.csv was made by an earlier version of wsiflow: make it again'
is "and it is not to be renamed" "$(grep -c rename strange.log)" 0
mv foreign/manifest.csv foreign/labels.csv
train strange 'size: 64' -p foreign
is "which works" $? 0

# ---- a system that fails is no absence
if [ -z "${WSIFLOW_ASAN:-}" ] && ${CC:-gcc} -shared -fPIC -o faults.so "$repo/tests/faults.c" -ldl 2>cc.log; then
    for fault in 'stat tiles.json 116' 'open tiles.json 5' 'stat manifest.csv 5' 'open manifest.csv 116' 'stat good 116'; do
        set -- $fault
        rm -f bad.safetensors
        with_faults "$1" "$2" "$3" "$WSIFLOW" train -c set.yaml -p own/dataset -o bad.safetensors >bad.log 2>&1
        is "$1 of $2 fails: so does the training" $? 1
        like "with the system's reason" "$(cat bad.log)" "$2.*(Stale file handle|Input/output error)"
    done
fi
finish
