#!/bin/sh
# A slide that is replaced during a run: the run fails for it, and the next run uses only the new slide.
. tests/lib.sh
need_faults
cd "$tmp" || exit 1
"$WSIFLOW" synth -o c -n 3 -l 1 --width 2048 --height 2048 >synth.log 2>&1
cp c/slides/synth_00.tif first.tif
"$WSIFLOW" synth -o d -s 7 -n 1 -l 0 --width 2048 --height 2048 >synth2.log 2>&1
cp d/slides/synth_00.tif second.tif
cat >run.yaml <<'Y'
slides: {manifest: c/manifest.csv, annotations: c/annotations}
tiles: {size: 64, mpp: 4.0}
dataset: {lesion_min: 0.25}
train: {run: false}
Y
cp second.tif c/slides/synth_00.tif && touch -d 2020-01-01 c/slides/synth_00.tif
"$WSIFLOW" run -c run.yaml -o calm -j 2 >calm.out 2>&1
artefacts calm | grep -v ' \.' >calm.sums

# swapped NAME CALL FILE: the worker stops there, and the first slide becomes another
swapped() {
    cp first.tif c/slides/synth_00.tif
    (
        FAULT_LOG=$PWD/$1.mark
        export FAULT_LOG
        with_faults "$2" "$3" 0 exec "$WSIFLOW" run -c run.yaml -o "$1" -j 1 >"$1.first" 2>&1
    ) &
    first=$!
    until_there "$1.mark"
    cp second.tif c/slides/synth_00.tif && touch -d 2020-01-01 c/slides/synth_00.tif
    kill -s CONT "$(cat "$1.mark")"
    wait $first
    code=$?
    check "$1: the run does not end well" test $code -ne 0
    like "$1: and says why" "$("$WSIFLOW" status "$1")" 'failed: .* synth_00: .*synth_00.tif changed during the run'
    "$WSIFLOW" run -c run.yaml -o "$1" -j 2 >"$1.out" 2>"$1.err"
    is "$1: the same command ends well" $? 0
    artefacts "$1" | grep -v ' \.' >"$1.sums"
    check "$1: the bytes are those of the new slide alone" cmp calm.sums "$1.sums"
}
swapped at_ingest rename content.json
swapped at_grid rename tiles.csv
swapped at_cut rename patches.csv

# ---- no slide could be cut: the patch set blames the cut, not the tissue
with_faults open tiles.csv 24 "$WSIFLOW" dataset --patience 0 -c run.yaml -o faulty -j 2 >faulty.out 2>&1
out=$("$WSIFLOW" status faulty)
is "the tissue is not blamed" "$(echo "$out" | grep -c 'is there tissue')" 0
like "but the failures are" "$out" 'failed: dataset cohort: there is no patch set, because cutting failed for all 3 slides'
finish
