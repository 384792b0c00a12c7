#!/bin/sh
# The folder of a run: what is the user's is neither overwritten nor removed.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o c -n 2 -l 1 --width 2048 --height 2048 >synth.log 2>&1
cat >run.yaml <<'Y'
slides: {manifest: c/manifest.csv, annotations: c/annotations}
tiles: {size: 64, mpp: 4.0}
train: {run: false}
Y
sums() { (cd "$1" && find . -type f | sort | xargs sha256sum); }

# refused NAME PATTERN FOLDER COMMAND...: exit code 1 with the reason, and the folder is as it was
refused() {
    name=$1 pattern=$2 folder=$3
    shift 3
    sums "$folder" >before.sums
    out=$("$WSIFLOW" "$@" 2>&1)
    is "$name: code" $? 1
    like "$name: reason" "$out" "$pattern"
    sums "$folder" >after.sums
    check "$name: nothing was touched" cmp before.sums after.sums
}

mkdir -p own/dataset/train/good
cp -r c/. own
(echo "# notes" && sed 's,c/,,g' run.yaml) >own/config.yaml
printf 'image' >own/dataset/train/good/mine_000001.png
echo mine >own/report.html
for command in run dataset 'run --dry-run'; do
    # shellcheck disable=SC2086
    refused "$command among files" 'own is not empty and not the folder of a run \(it contains .*-o' own $command -c own/config.yaml -o own
done
mkdir -p one named/slides && echo x >one/.hidden && cp c/slides/*.tif named/slides/
refused "a hidden file" 'one is not empty .*\.hidden' one run -c run.yaml -o one
printf 'slides: {folder: slides}\ntrain: {run: false}\n' >named/slides.yaml
(cd named && "$WSIFLOW" run -c slides.yaml) >slides.out 2>&1
is "the name of the configuration is the folder of the scans: code" $? 1
like "and the reason" "$(cat slides.out)" 'would write into slides.folder'
is "the scans are alone" "$(ls named/slides | wc -l)" 2
(cd named && "$WSIFLOW" run -c slides.yaml -o .) >dot.out 2>&1
is "the folder above the scans: code" $? 1
is "it holds what it held" "$(ls named | tr '\n' ' ')" "slides slides.yaml "

# ---- what is fit
mkdir -p empty early/workers && touch early/run.lock early/wsiflow.lock early/.check.1-0.tmp
for folder in empty early new; do
    "$WSIFLOW" run -c run.yaml -o $folder -j 2 >$folder.out 2>&1
    is "a folder that is $folder" $? 0
done
"$WSIFLOW" run -c new/config.yaml -o new -j 2 >again.out 2>&1
is "the stored configuration continues the run" $? 0
(echo "# notes" && cat new/config.yaml) >edited && cp edited new/config.yaml
refused "the stored configuration with notes in it" "the run's own record" new run -c new/config.yaml -o new
check "keeps its notes" cmp edited new/config.yaml

# ---- images of the user in a patch set
for name in mine_000001.png synth_0_000001.png synth_00_1.png cell_000042.jpg own.v2_000001_mask.png; do
    echo mine >"new/dataset/train/good/$name"
done
echo ours >new/dataset/train/good/synth_00_999999.png
sed 's/size: 64/size: 96/' run.yaml >other.yaml
"$WSIFLOW" run -c other.yaml -o new -j 2 >other.out 2>&1
is "another configuration in the same folder" $? 0
is "the user's images are there, those of the run are not" "$(cd new/dataset/train/good && grep -l 'mine\|ours' ./* | wc -l)" 5
grep -v synth_00 c/manifest.csv >c/less.csv
sed 's/manifest.csv/less.csv/; s/train: .*/train: {run: false}\ndataset: {test_fraction: 0}/' run.yaml >less.yaml
"$WSIFLOW" dataset -c less.yaml -o new -j 2 >less.out 2>&1
is "images of a slide that left the run are removed" "$(find new/dataset* -name 'synth_00_[0-9][0-9][0-9][0-9][0-9][0-9].png' | wc -l)" 0

# ---- a run of an earlier version goes on: its files of former names go, the user's stay
echo '{}' >new/repeats.json && echo mine >new/gaps.json
python3 - <<'P'
import sqlite3
table = sqlite3.connect("new/wsiflow.db")
table.execute("INSERT INTO artefact SELECT id, 'former', 'repeats', 'repeats.json', ?, 3 FROM job WHERE stage = 'dataset'", ("0" * 64,))
table.commit()
P
sed '$a run: {name: continued}' run.yaml >continued.yaml
"$WSIFLOW" run -c continued.yaml -o new -j 2 >continued.out 2>&1
is "a run of an earlier version goes on" $? 0
check "its file of a former name is gone" test ! -e new/repeats.json
is "one that the job table does not know stays" "$(cat new/gaps.json)" mine
finish
