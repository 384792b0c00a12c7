#!/bin/sh
# What the system fails for a while (a share that is away, no descriptors, a full disk) costs time and nothing else: no job is parked, no attempt
# is spent, and the bytes are those of an undisturbed run.  What lasts longer than the patience ends with the reason.
. tests/lib.sh
need_faults
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 2304 --height 2048 >synth.log 2>&1 || exit 1
cat >run.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 128, mpp: 1.0}
dataset: {lesion_min: 0.25, clam: true}
train: {run: false}
Y
"$WSIFLOW" run -c run.yaml -o calm -j 2 >calm.out 2>&1
artefacts calm >calm.sums
check "an undisturbed run" sh -c 'test $(wc -l <calm.sums) -gt 10'

# The same with a mask as annotation and profiles of colour, which are read by other libraries.
mkdir masks
cp calm/slides/synth_01/mask.tif masks/synth_01.tif
sed 's,cohort/annotations,masks,; s,mpp: 1.0,mpp: 1.0\, icc: true,' run.yaml >mask.yaml
"$WSIFLOW" run -c mask.yaml -o calm_mask -j 2 >calm_mask.out 2>&1
artefacts calm_mask >calm_mask.sums
check "an undisturbed run with a mask" sh -c 'test $(wc -l <calm_mask.sums) -gt 10'
config=run calm=calm

# disturbed NAME CALL FILE ERRNO WORDS: the calls fail until the run has reported it
disturbed() {
    echo on >"$1.while"
    (
        FAULT_WHILE=$PWD/$1.while FAULT_LOG=$PWD/$1.log
        export FAULT_WHILE FAULT_LOG
        with_faults "$2" "$3" "$4" exec "$WSIFLOW" run -c "$config.yaml" -o "$1" -j 2 >"$1.out" 2>"$1.err"
    ) &
    run=$!
    n=0
    while ! grep -q 'retry in' "$1.err" 2>/dev/null && kill -s 0 $run 2>/dev/null && [ $n -lt 200 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    rm "$1.while"
    wait $run
    is "$1: the run ends with 0" $? 0
    check "$1: calls failed" test -s "$1.log"
    like "$1: it is reported" "$(cat "$1.err")" "$5"
    artefacts "$1" >"$1.sums"
    check "$1: the bytes are those of an undisturbed run" cmp "$calm.sums" "$1.sums"
    is "$1: no attempt was spent" "$("$WSIFLOW" status "$1" --json |
        python3 -c 'import json, sys; print({j["attempt"] for j in json.load(sys.stdin)["jobs"]})')" "{1}"
}
disturbed no_descriptor open synth_00.tif 24 'synth_00.*Too many open files; retry in'
disturbed read_fails read synth_01.xml 5 'Input/output error; retry in'
disturbed share_away open '*.tif' 2 'No such file or directory; retry in'
FAULT_SKIP=20 # of each process: the first files of the run are written
export FAULT_SKIP
disturbed disk_full write '*.tmp' 28 'paused: retry in'
unset FAULT_SKIP

config=mask calm=calm_mask
FAULT_SKIP=2
export FAULT_SKIP
disturbed mask_read read '*masks/synth_01.tif' 5 'Input/output error; retry in'
unset FAULT_SKIP

# ---- what does not end
lasting() { # NAME CALL FILE ERRNO SKIP
    FAULT_SKIP=$5
    export FAULT_SKIP
    with_faults "$2" "$3" "$4" "$WSIFLOW" run -c run.yaml -o "$1" -j 2 --patience 0 >"$1.out" 2>"$1.err"
    code=$?
    unset FAULT_SKIP
}
lasting slide_lost open synth_00.tif 5 0
is "a slide that cannot be read for longer than the patience: exit 3" $code 3
like "the reason is reported" "$(cat slide_lost.err)" 'ingest synth_00: parked: .*synth_00\.tif.*Input/output error'
"$WSIFLOW" retry slide_lost >retry.out
"$WSIFLOW" run -c run.yaml -o slide_lost -j 2 >again.out 2>&1
artefacts slide_lost >slide_lost.sums
check "after a retry the bytes are those of an undisturbed run" cmp calm.sums slide_lost.sums
lasting full write '*.tmp' 28 40
is "a disk that stays full: exit 1" $code 1
like "with the reason" "$(cat full.err)" 'No space left on device'
is "nothing is parked" "$("$WSIFLOW" status full | grep -c '^failed')" 0
"$WSIFLOW" run -c run.yaml -o full -j 2 >again.out 2>&1
artefacts full >full.sums
check "and the same command continues when there is room" cmp calm.sums full.sums
lasting no_heart open wsiflow.lock 24 1
is "a heartbeat that cannot open the job table: exit 1" $code 1
like "with the reason" "$(cat no_heart.err)" 'the heartbeat needs the job table.*Too many open files'
finish
