#!/bin/sh
# Files of an interrupted training or run count as absent only when the system says so; starting over would lose work.
. tests/lib.sh
need_faults
python3 -c 'import numpy; from PIL import Image' 2>/dev/null || skip_all "python3-numpy or PIL is missing"
cd "$tmp" || exit 1
python3 - <<'P'
import os
import numpy as np
from PIL import Image
rng = np.random.default_rng(1)
os.makedirs("set/train/good")
for i in range(24):
    Image.fromarray(rng.integers(120, 255, (64, 64, 3), dtype=np.uint8)).save("set/train/good/s%d_%06d.png" % (i % 4, i))
P
train() { # EXTRA
    "$WSIFLOW" train -c "$1.yaml" -p set -o m.safetensors >train.log 2>&1
}
config() { # NAME KEYS
    printf 'tiles: {size: 64}\nmodel: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\ntrain: {epochs: 2, batch: 4%s}\n' "$2" >"$1.yaml"
}
config plain ''
config cached ', feature_cache: fp32, keep_features: true'

# The model cannot be published, so the checkpoint of its last epoch stays.
with_faults rename m.safetensors 5 "$WSIFLOW" train -c plain.yaml -p set -o m.safetensors >train.log 2>&1
is "a training whose model cannot be written ends with an error" $? 1
check "and leaves its checkpoint" test -s m.safetensors.checkpoint
sum=$(sha256sum <m.safetensors.checkpoint)
for fault in 'stat 116' 'stat 5' 'open 116' 'open 24' 'read 5'; do
    set -- $fault
    with_faults "$1" m.safetensors.checkpoint "$2" "$WSIFLOW" train -c plain.yaml -p set -o m.safetensors >train.log 2>&1
    is "$fault on the checkpoint: the training does not begin again" "$? $(grep -c '^epoch' train.log)" "1 0"
    like "$fault: the reason is printed" "$(cat train.log)" 'm.safetensors.checkpoint: (Stale file handle|Input/output error|Too many open files)'
    is "$fault: the checkpoint stays" "$(sha256sum <m.safetensors.checkpoint)" "$sum"
done
train plain
is "without the fault it continues after the last epoch" "$? $(grep -c '^epoch' train.log)" "0 0"
first=$(sha256sum <m.safetensors)
train plain
is "to the same bytes" "$(sha256sum <m.safetensors)" "$first"
printf 'broken' >m.safetensors.checkpoint
train plain
is "a broken checkpoint does not stop it" "$? $(grep -c '^epoch' train.log)" "0 2"

train cached
is "features in a file" $? 0
with_faults stat m.safetensors.features 116 "$WSIFLOW" train -c cached.yaml -p set -o m.safetensors >train.log 2>&1
is "which cannot be looked at now: an error" $? 1
like "with its name" "$(cat train.log)" 'm.safetensors.features: Stale file handle'

# ---- the weights of an extractor
printf 'model: {extractor: resnet18, weights: w.safetensors}\n' >weights.yaml
cp m.safetensors w.safetensors
for number in 116 5; do
    with_faults stat w.safetensors $number "$WSIFLOW" train -c weights.yaml -p set -o w2.safetensors >train.log 2>&1
    like "weights that cannot be looked at now are not called absent ($number)" "$(cat train.log)" 'w.safetensors: (Stale file handle|Input/output error)'
done

# ---- the folder of a run
mkdir run && cp plain.yaml run/config.yaml
with_faults stat config.yaml 116 "$WSIFLOW" dataset --verify run >run.log 2>&1
check "a config.yaml that cannot be looked at is not called missing" sh -c '! grep -q "is not the folder of a run" run.log'
like "but printed with the reason" "$(cat run.log)" 'config.yaml: Stale file handle'
finish
