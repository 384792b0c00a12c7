#!/bin/sh
# Names that mean something to a spreadsheet or to an option parser come through a run as they are.  The oracle is Python's csv.
. tests/lib.sh
cd "$tmp" || exit 2
"$WSIFLOW" synth -o c -n 2 -l 0 --width 3072 --height 2048 >/dev/null 2>&1
mv c/slides/synth_00.tif "c/slides/-a.tif"
mv c/slides/synth_01.tif "c/slides/=b.tif"
printf 'slide,patient,split\nslides/-a.tif,=1+1,train\nslides/=b.tif,@home,train\n' >c/m.csv
printf 'slides: {manifest: c/m.csv}\ntiles: {size: 128}\ndataset: {split: manifest, valid_share: 0, test_share: 0}\ntrain: {run: false}\n' >run.yaml
"$WSIFLOW" dataset -c run.yaml -o r >log 2>&1
is "the data set is made" $? 0
is "slides and patients as the manifest names them" "$(python3 -c '
import csv
rows = list(csv.DictReader(open("r/dataset/manifest.csv", newline="")))
print(sorted({(r["slide"], r["patient"]) for r in rows}))')" "[('-a', '=1+1'), ('_b', '@home')]"
check "and its own reader finds every file" "$WSIFLOW" dataset --verify r --sample 2
finish
