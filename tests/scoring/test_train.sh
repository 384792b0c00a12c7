#!/bin/sh
# wsiflow train with augmentation, with features in a file, and with thresholds: threads, kills and files change no byte; keys that
# contradict each other are reported at once.
. tests/lib.sh
cd "$tmp" || exit 1

python3 - <<'P'
import os, random
from PIL import Image, ImageFilter
random.seed(5)
os.makedirs("set/train/good")
for i in range(40):
    noise = Image.frombytes("L", (64, 64), random.randbytes(4096)).filter(ImageFilter.GaussianBlur(2.5))
    low, high = noise.getextrema()
    texture = noise.point(lambda v: (v - low) * 255 // (high - low))
    tint = [texture.point(lambda v, a=a, b=b: a + v * b // 255) for a, b in ((150, 80), (70, 130), (140, 70))]
    Image.merge("RGB", tint).save(f"set/train/good/{i:03d}.png")
P
cat >plain.yaml <<'Y'
tiles: {size: 64}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 5, batch: 4, patience: 0}
Y
{ cat plain.yaml; echo "augment: {enabled: true, vflip: 0.5, rotate90: 0.5, stain: 0.5}"; echo "threshold: {draws: 8, eps: 0.1}"; } >augment.yaml
for cache in fp32 fp16; do
    sed "s/patience: 0/patience: 0, feature_cache: $cache/" plain.yaml >$cache.yaml
done
train() { # CONFIG THREADS OUTPUT
    "$WSIFLOW" train -c "$1.yaml" -p set -j "$2" -o "$3.safetensors" >"$3.out" 2>"$3.err"
}
hash_of() {
    sha256sum <"$1.safetensors"
}

for kind in plain augment fp32 fp16; do
    train $kind 1 $kind
    is "$kind: a training ends with 0" $? 0
    train $kind 2 again
    is "$kind: two threads give the same bytes" "$(hash_of again)" "$(hash_of $kind)"
done
is "features in a file change no byte" "$(hash_of fp32)" "$(hash_of plain)"
check "half precision does" test "$(hash_of fp16)" != "$(hash_of plain)"
check "augmentation does" test "$(hash_of augment)" != "$(hash_of plain)"
check "no checkpoint and no features are left" sh -c 'test -z "$(ls -A | grep -E "checkpoint|features|tmp$")"'

# ---- killed after an epoch
for kind in augment fp16; do
    "$WSIFLOW" train -c $kind.yaml -p set -j 2 -o killed.safetensors >/dev/null 2>&1 &
    while [ ! -f killed.safetensors.checkpoint ] && kill -0 $! 2>/dev/null; do
        sleep 0.02
    done
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    train $kind 1 killed
    is "$kind: killed and started again gives the same bytes" "$(hash_of killed)" "$(hash_of $kind)"
done
sed 's/feature_cache: fp16/feature_cache: fp16, keep_features: true/' fp16.yaml >kept.yaml
train kept 2 kept
check "features are kept when that is wished" test -s kept.safetensors.features

# ---- reported at once
sed 's/patience: 0/patience: 0, feature_cache: fp16/' augment.yaml >both.yaml
train both 2 both
is "augmentation with features in a file is refused" $? 1
like "and says why" "$(cat both.err)" 'feature_cache.*augment.enabled'
{ cat plain.yaml; echo "threshold: {mode: f-beta}"; } >beta.yaml
train beta 2 beta
is "a threshold by F without labels is refused" $? 1
like "and says what is missing" "$(cat beta.err)" 'train/Ungood'
{ cat plain.yaml; echo "slides: {folder: .}"; echo "threshold: {mode: robust, draws: 8}"; } >robust.yaml
"$WSIFLOW" run -c robust.yaml -o robust >/dev/null 2>robust.err
is "a run reports it before it begins" $? 1
check "and leaves no folder" test ! -e robust
for wrong in 'batch: 7' 'holdout: 0.7' 'batch_parts: 4, batch: 4, epochs: 2'; do
    printf 'slides: {folder: .}\ntrain: {%s}\ndataset: {train_anomalies: true}\nloss: {labels: true}\n' "$wrong" >wrong.yaml
    "$WSIFLOW" run -c wrong.yaml -o wrong >/dev/null 2>wrong.err
    is "train: {$wrong} is reported before a run begins" $? 1
    like "and by name" "$(cat wrong.err)" '(train.batch is 7|train.holdout|train.batch / train.batch_parts is 1)'
done
check "which leaves no folder either" test ! -e wrong
for use in 'augment: {enabled: true, ' 'threshold: {draws: 8}\naugment: {'; do
    printf "$(cat plain.yaml)\n${use}hflip: 0, rotate: 0, jitter: 0, blur: 0, noise: 0}\n" >idle.yaml
    train idle 2 idle
    like "augmentation that does nothing is refused" "$(cat idle.err)" 'augment.*probabilities are 0'
done
finish
