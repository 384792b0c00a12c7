#!/bin/sh
# A worker is stopped just before it gives a file its name, its supervisor is killed, the folder is run again with another configuration,
# and the worker wakes: the files are those of the job table, and no temporary file is left.
. tests/lib.sh
need_faults
cd "$tmp" || exit 1

"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 2304 --height 2048 >synth.log 2>&1 || exit 1
config() { # NAME LEVEL FORMAT
    cat >"$1" <<Y
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 128, mpp: $2}
dataset: {lesion_min: 0.25, format: $3}
train: {run: false}
Y
}
config old.yaml 0.5 folder
config new.yaml 1.0 folder
config old_tar.yaml 0.5 shards
config new_tar.yaml 1.0 shards

# wakes FOLDER CALL FILE OLD NEW: the worker stops in that call for that file, see above
wakes() {
    (
        FAULT_LOG=$PWD/$1.mark
        export FAULT_LOG
        with_faults "$2" "$3" 0 exec "$WSIFLOW" run -c "$4" -o "$1" -j 2 >"$1.first" 2>&1
    ) &
    first=$!
    until_there "$1.mark"
    worker=$(cat "$1.mark")
    kill -s KILL $first
    wait $first 2>/dev/null
    "$WSIFLOW" run -c "$5" -o "$1" -j 2 >"$1.out" 2>"$1.err"
    is "$1: the next run ends with 0" $? 0
    kill -s CONT "$worker" 2>/dev/null
    n=0
    while kill -s 0 "$worker" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$worker/status" 2>/dev/null && [ $n -lt 100 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    artefacts "$1" >"$1.sums"
    check "$1: the worker was stopped" test -n "$worker"
    check "$1: every file is the one of the job table" sh -c 'test $(wc -l <"$0") -gt 10 && ! grep -v " ok$" "$0"' "$1.sums"
    is "$1: no temporary file is left" "$(find "$1" -name '*.tmp')" ""
}
"$WSIFLOW" run -c new.yaml -o calm -j 2 >calm.out 2>&1
artefacts calm >calm.sums
for file in tiles.csv patches.csv manifest.csv mask.tif; do
    run=at_${file%.*}
    wakes "$run" rename $file old.yaml new.yaml
    check "$run: the bytes are those of an undisturbed run" cmp calm.sums "$run.sums"
done
"$WSIFLOW" run -c new_tar.yaml -o calm_tar -j 2 >calm_tar.out 2>&1
artefacts calm_tar >calm_tar.sums
wakes in_shards rename train-000000.tar old_tar.yaml new_tar.yaml
check "in_shards: the bytes are those of an undisturbed run" cmp calm_tar.sums in_shards.sums

# ---- a worker that is killed during a run leaves nothing
(
    FAULT_LOG=$PWD/dead.mark
    export FAULT_LOG
    with_faults rename mask.tif 0 exec "$WSIFLOW" run -c new.yaml -o dead -j 2 >dead.out 2>dead.err
) &
run=$!
until_there dead.mark
kill -s KILL "$(cat dead.mark)"
wait $run
is "a run of which a worker was killed ends with 0" $? 0
like "the death is reported" "$(cat dead.err)" 'killed by signal 9'
is "its temporary file is gone" "$(find dead -name '*.tmp')" ""
artefacts dead >dead.sums
check "the bytes are those of an undisturbed run" cmp calm.sums dead.sums

# ---- a worker whose supervisor has ended does nothing
mkdir -p dead/workers
like "a worker without its supervisor ends with the reason" "$("$WSIFLOW" worker "$PWD/dead" nobody 1 1 60 2>&1)" 'supervisor .*has ended'
finish
