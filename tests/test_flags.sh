#!/bin/sh
# Flags of tiles in a patch set: in the manifest and the card, and left out where the configuration says so.
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
finish
