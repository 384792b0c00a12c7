#!/bin/sh
# Flags of tiles: in the manifest and the card, and tiles left out by dataset.drop_flags.
. tests/lib.sh
cd "$tmp" || exit 2
"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 2048 --height 2048 >/dev/null 2>&1
cat >all.yaml <<'EOT'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 128, mpp: 1.0, min_tissue: 0}
train: {run: false}
EOT
sed '$a dataset: {drop_flags: "blank pen"}' all.yaml >some.yaml
flags() { python3 -c '
import csv, sys
for row in csv.DictReader(open(sys.argv[1])): print(row["file"], row["flags"], row["sha256"])' "$1"; }

"$WSIFLOW" dataset -c all.yaml -o run >/dev/null 2>&1
is "a patch set with glass" $? 0
flags run/dataset/manifest.csv >all
like "tiles of glass are flagged" "$(cat all)" ' blank '
like "tiles of tissue are not" "$(cat all)" '\.png  [0-9a-f]{64}$'
is "the card counts them" "$(sed -n 's/^| blank | \([0-9]*\) .*/\1/p' run/dataset/CARD.md)" "$(grep -c ' blank ' all)"

"$WSIFLOW" dataset -c some.yaml -o run >/dev/null 2>&1
flags run/dataset/manifest.csv >some
is "they are left out when the configuration says so, and the others stay as they were" "$(cat some)" "$(grep -v ' blank ' all)"
is "nor do their files stay in the set" "$(cd run/dataset && find train test -name '*.png' | wc -l)" "$(wc -l <some)"
"$WSIFLOW" dataset -c some.yaml -o fresh >/dev/null 2>&1
check "the same manifest as of a fresh run" cmp run/dataset/manifest.csv fresh/dataset/manifest.csv

sed 's/blank pen/foxed/' some.yaml >wrong.yaml
"$WSIFLOW" dataset -c wrong.yaml -o wrong >message 2>&1
is "an unknown flag is an error" $? 1
like "that names the key and the flags" "$(cat message)" 'dataset.drop_flags is "foxed": allowed are blur pen dark blank saturation'

# Collagen that saffron or picric acid stains is as yellow as old glass; a tile of nothing else must not take it for glass.
python3 -c 'import numpy, tifffile' 2>/dev/null || { finish; exit; }
mkdir yellow && python3 - <<'PY'
import numpy as np, tifffile
draw = np.random.default_rng(1)
for name, glass, stain in ("saffron", 243, (.026, .074, .20)), ("picric", 225, (.01, .04, .15)):
    od = np.zeros((1536, 2048, 3))
    amount = 1 + .05 * draw.normal(size=(96, 128, 1)).clip(-2, 2).repeat(16, 0).repeat(16, 1)
    od[256:1280, 256:1280] = (amount * stain)[256:1280, 256:1280]
    od[256:768, 1408:1792] = (amount * (.10, .35, .20))[256:768, 1408:1792]
    image = np.clip(glass * 10 ** -od + draw.normal(scale=1.5, size=od.shape), 0, 255).astype(np.uint8)
    with tifffile.TiffWriter(f"yellow/{name}.tif") as out:
        for step in 1, 2, 4, 8:
            out.write(np.ascontiguousarray(image[::step, ::step]), tile=(128, 128), photometric="rgb", compression="zlib", metadata=None,
                      resolution=(20000 / step, 20000 / step), resolutionunit=3, subfiletype=int(step > 1))
PY
for stain in none macenko; do
    printf 'slides: {folder: yellow}\ntiles: {size: 128, mpp: 1.0, min_tissue: 0, stain: %s}\ndataset: {test_fraction: 0, valid_fraction: 0}\ntrain: {run: false}\n' $stain >yellow.yaml
    "$WSIFLOW" dataset -c yellow.yaml -o yellow_$stain >message 2>&1
    is "a patch set of yellow stain on white and on grey glass, stain $stain" $? 0
    is "its tiles of tissue are not blank, its tiles of glass are" "$(python3 -c '
import csv
rows = list(csv.DictReader(open("yellow_'$stain'/dataset/manifest.csv")))
print(len(rows), [r["file"] for r in rows if "blank" in r["flags"] and float(r["tissue_fraction"]) > .5 or "blank" not in r["flags"] and float(r["tissue_fraction"]) == 0])')" "96 []"
done
finish
