#!/bin/sh
# Pooled latents of a sample of tiles: which tiles, that the choice depends on nothing but seed and position, and the values.
. tests/lib.sh
root=$PWD
cd "$tmp" || exit 1
python3 -c "import numpy" 2>/dev/null || skip_all "no Python module numpy"
"$WSIFLOW" synth -o c -n 3 -l 2 --width 3072 --height 3072 >/dev/null 2>&1
printf 'slides: {folder: c/slides, annotations: c/annotations, unannotated: normal}
tiles: {size: 64, mpp: 2}
score: {slides: all, overlap: 0.67, latents: 90}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8, measure: energy}
train: {epochs: 1, batch: 4}\n' >run.yaml
"$WSIFLOW" run -c run.yaml -o one -j 1 >one.log 2>&1
is "a run ends well" $? 0

# A run with several workers that is killed while it scores and continued.
setsid "$WSIFLOW" run -c run.yaml -o four -j 4 >four.log 2>&1 &
pid=$!
n=0
until ls four/slides/*/partial-*/block-00000000 >/dev/null 2>&1 || [ $n -gt 600 ]; do
    n=$((n + 1))
    sleep 0.05
done
killed $pid
is "a second one is killed while it scores" "$KILLED $(ls -d four/slides/*/partial-* 2>/dev/null | head -1 | grep -c partial)" "1 1"
"$WSIFLOW" run -c run.yaml -o four -j 4 >again.log 2>&1
is "and ends well when it is continued" $? 0
same() {
    for f in one/slides/*/latents.*; do
        cmp "$f" "four/${f#one/}" || return 1
    done
}
check "with other workers, and after a kill, the latents are the same bytes" same

sed 's/latents: 90/latents: 30/' run.yaml >fewer.yaml
cp -r one fewer
"$WSIFLOW" run -c fewer.yaml -o fewer >fewer.log 2>&1
cat >rows.py <<'P'
import csv, glob, os
import numpy as np

slides = sorted(glob.glob("one/slides/*/scores.csv"))
assert len(slides) == 3, slides
for scores in slides:
    folder = os.path.dirname(scores)
    lines = open(scores).read().splitlines()
    kept = open(folder + "/latents.csv").read().splitlines()
    assert kept[0] == lines[0]
    at = [lines.index(line) for line in kept[1:]]
    assert len(lines) > 600 and at == sorted(set(at)), "rows of scores.csv, in their order"
    table, sample = list(csv.DictReader(lines)), list(csv.DictReader(kept))
    latents = np.load(folder + "/latents.npy")
    assert latents.shape == (90, 384) and latents.dtype == np.float32 and len(sample) == 90

    # Evenly by label, as far as there are so many.
    size = {l: sum(r["label"] == l for r in table) for l in ("0", "1", "")}
    present = [n for n in size.values() if n]
    low, left = 0, 90
    while sum(min(n, low + 1) for n in present) <= 90:
        low += 1
    for label, n in size.items():
        count = sum(r["label"] == label for r in sample)
        assert min(n, low) <= count <= min(n, low + 1), (label, n, count, low)

    # Not the first ones, nor one corner.
    x = np.array([float(r["x"]) for r in sample])
    allx = np.array([float(r["x"]) for r in table])
    assert x.min() < np.quantile(allx, .2) and x.max() > np.quantile(allx, .8)

    # Half of the mean of z^2 is what the model measures at a scale; each of its 8 channels is in 8 of the 64 groups.
    for l in range(3):
        energy = np.array([float(r["scale%d" % (l + 1)]) for r in sample])
        pooled = latents[:, 128 * l:128 * l + 64].astype(float).mean(axis=1) / 2
        assert np.abs(energy - pooled).max() < 1e-5 * np.abs(energy).max(), l
        assert np.abs(latents[:, 128 * l + 64:128 * l + 128]).max() > 0.01

    fewer = open(folder.replace("one", "fewer") + "/latents.csv").read().splitlines()[1:]
    assert len(fewer) == 30 and set(fewer) <= set(kept), "a smaller sample is a part of it"
P
check "rows are those of scores.csv, evenly by label, and mean squares agree with the scores of the scales" python3 rows.py

sed 's/latents: 90/latents: 0/' run.yaml >none.yaml
"$WSIFLOW" run -c none.yaml -o fewer >none.log 2>&1
is "none are kept when none are asked for" "$?$(tail -q -n +2 fewer/slides/*/latents.csv)" 0

# Images: the patch set of a run with its own test split.
printf 'patches: {folder: one/dataset}
tiles: {size: 64}
score: {latents: 25}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1, batch: 4}\n' >patches.yaml
"$WSIFLOW" run -c patches.yaml -o images >images.log 2>&1
is "a run of images ends well" $? 0
check "its sample is evenly by label too" python3 - <<'P'
import csv
import numpy as np
rows, table = (list(csv.DictReader(open("images/" + f))) for f in ("latents.csv", "scores.csv"))
size = [sum(r["label"] == l for r in table) for l in "01"]
count = [sum(r["label"] == l for r in rows) for l in "01"]
assert len(rows) == 25 and min(size) > 0, (size, count)
assert abs(count[0] - count[1]) <= 1 or count[size.index(min(size))] == min(size), (size, count)
assert np.load("images/latents.npy").shape == (25, 384)
assert all(r in table for r in rows)
P
finish
