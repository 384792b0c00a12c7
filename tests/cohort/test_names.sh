#!/bin/sh
# Names that mean something to a spreadsheet or to an option parser come through a run as they are.  The oracle is Python's csv.
. tests/lib.sh
cd "$tmp" || exit 2
"$WSIFLOW" synth -o c -n 2 -l 0 --width 3072 --height 2048 >/dev/null 2>&1
mv c/slides/synth_00.tif "c/slides/-a.tif"
mv c/slides/synth_01.tif "c/slides/=b.tif"
printf 'slide,patient,split\nslides/-a.tif,=1+1,train\nslides/=b.tif,@home,train\n' >c/m.csv
printf 'slides: {manifest: c/m.csv}\ntiles: {size: 128}\ndataset: {split: manifest, valid_fraction: 0, test_fraction: 0}\ntrain: {run: false}\n' >run.yaml
"$WSIFLOW" dataset -c run.yaml -o r >log 2>&1
is "the data set is made" $? 0
is "slides and patients as the manifest names them" "$(python3 -c '
import csv
rows = list(csv.DictReader(open("r/dataset/manifest.csv", newline="")))
print(sorted({(r["slide"], r["patient"]) for r in rows}))')" "[('-a', '=1+1'), ('_b', '@home')]"
check "and its own reader finds every file" "$WSIFLOW" dataset --verify r --sample 2

# ---- a folder and a title of any bytes: what the run stores reads back as it was given
folder=$(printf 'sl\nides ${X} \344\033[2J')
mkdir any && cp c/slides/-a.tif any/ok.tif && mv any "$folder"
{
    printf 'run: {name: "a\\x01b\\n\\"c<b>"}\n'
    printf 'slides: {folder: !!binary "%s"}\n' "$(printf '%s' "$folder" | sed 's/\${/$${/' | base64 | tr -d '\n')"
    printf 'tiles: {size: 512}\ntrain: {run: false}\n'
} >any.yaml
check "a folder whose name is not UTF-8 and holds a line break" "$WSIFLOW" dataset any.yaml
"$WSIFLOW" config any.yaml >given.txt
"$WSIFLOW" config any/config.yaml >stored.txt
check "the stored configuration is the given one" cmp given.txt stored.txt
is "and another YAML reader finds the folder" "$(python3 -c '
import os, yaml
print(yaml.safe_load(open("any/config.yaml", "rb"))["slides"]["folder"].replace(b"$${", b"${") == os.fsencode(os.getcwd()) + b"/sl\nides ${X} \xe4\x1b[2J")')" True
before=$(stat -c %Y.%y any/slides/ok/tiles.csv)
check "a second run has nothing to do" "$WSIFLOW" dataset any.yaml
is "as it is the same configuration" "$(stat -c %Y.%y any/slides/ok/tiles.csv)" "$before"
finish
