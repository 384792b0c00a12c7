#!/bin/sh
# Splits and folds without metrics are named in the card, in the report and on the terminal, before any training.
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o cohort -n 4 -l 1 --width 2048 --height 2048 >synth.log 2>&1 ||
    "$WSIFLOW" synth -o cohort -n 4 -l 1 --width 4096 --height 3072 >synth.log 2>&1
with() { # MANIFEST DATASET-KEYS
    printf 'slides: {manifest: %s, annotations: cohort/annotations, unannotated: normal}\ntiles: {size: 128}\ndataset: {%s}\n' "$1" "$2"
    printf 'train: {epochs: 1, batch: 4, max_tiles: 40}\nmodel: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\nscore: {overlap: 0}\n'
}
warnings() { # FOLDER: of its card, one a line
    sed -n '/^## Warnings/,/^## Rules/s/^- //p' "$1/dataset/CARD.md"
}
with cohort/manifest.csv 'split: random, folds: 4, fold: 1' >folds.yaml
"$WSIFLOW" run -c folds.yaml -o folds -j 2 >folds.out 2>&1
is "folds of which one has lesions" $? 0
warnings folds >folds.card
is "the card names the others" "$(grep -cE '^fold [1-4] of 4 has no annotated slide: AUROC, average precision and F1 cannot be computed from it$' folds.card)" 3
annotated=$(python3 -c "
import csv
print(next(r['fold'] for r in csv.DictReader(open('folds/dataset/manifest.csv')) if r['slide'] == 'synth_03'))")
is "and not the one that has them" "$(grep -c "^fold $annotated of" folds.card)" 0
check "terminal and report say the same" sh -c '
while read -r line; do
    grep -qF "patch set: $line" folds.out && grep -qF ">$line<" folds/report.html && grep -qF "\"$line\"" folds/metrics.json || exit 1
done <folds.card'
[ "$annotated" = 1 ] || like "the fold that tests is named by its tiles too" "$(cat folds.card)" '^the test split has no Ungood tile'

# The manifest's own splits.
split() { # SPLITS of the four slides
    python3 - "$@" <<'P'
import csv, sys
rows = list(csv.DictReader(open("cohort/manifest.csv")))
with open("cohort/own.csv", "w", newline="") as file:
    out = csv.DictWriter(file, list(rows[0]))
    out.writeheader()
    out.writerows(row | {"split": split} for row, split in zip(rows, sys.argv[1:]))
P
    with cohort/own.csv 'valid_fraction: 0' >own.yaml
    "$WSIFLOW" dataset -c own.yaml -o own -j 2 >own.out 2>&1
    warnings own
}
is "a test and a validation without lesions" "$(split train valid test train)" "the valid split has no Ungood tile: AUROC, average precision and F1 cannot be computed from it
the test split has no Ungood tile: AUROC, average precision and F1 cannot be computed from it"
is "no test at all" "$(split train train train train)" "no slide is in the test split: no metrics can be computed"
is "nothing to warn of" "$(split train train test test)" ""
check "then there is no heading either" sh -c '! grep -q "## Warnings" own/dataset/CARD.md'
finish
