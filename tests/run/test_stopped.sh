#!/bin/sh
# A worker that is suspended during a run, with or without the lock of the job table, is killed and replaced; a run that is suspended as a
# whole and continued later loses nothing.
. tests/lib.sh
need_faults
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 2048 --height 2048 >synth.log 2>&1 || exit 1
cat >run.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 128, mpp: 1.0}
train: {run: false}
Y
"$WSIFLOW" run -c run.yaml -o calm -j 2 >calm.out 2>&1
is "an undisturbed run" $? 0
artefacts calm >calm.sums

# A shell ignores SIGINT in the background, and timeout of coreutils 9.10 leaves it so.
begin() { # NAME CALL FILE WORKERS: a run of which a worker stops in that call; $! is it
    FAULT_LOG=$PWD/$1.mark
    export FAULT_LOG
    with_faults "$2" "$3" 0 exec env --default-signal=INT timeout 50 "$WSIFLOW" run -c run.yaml -o "$1" -j "$4" >"$1.out" 2>"$1.err"
}
# Alone and first: the interrupt has to come before the stopped worker is replaced, on a loaded machine too.
begin interrupted rename tissue.json 2 &
four=$!
until_there interrupted.mark
began=$(date +%s)
kill -s INT $four
wait $four
is "a stopped worker does not keep a run from being interrupted" $? 130
check "nor for long" test $(($(date +%s) - began)) -lt 20
check "interrupted: a worker was stopped" test -s interrupted.mark
# The lock is held in rename and unlink, not in open.
begin at_tiles rename tiles.csv 2 &
one=$!
begin at_patches rename patches.csv 1 &
two=$!
begin at_open open content.json 2 &
three=$!
setsid "$WSIFLOW" run -c run.yaml -o whole -j 2 >whole.out 2>whole.err &
five=$!
until_there whole.err
kill -s STOP -- -$five
for run in at_tiles at_patches at_open; do
    until_there $run.mark
    check "$run: a worker was stopped" test -s $run.mark
done
for run in $one $two $three; do
    wait $run
    is "the run ends with 0" $? 0
done
kill -s CONT -- -$five
wait $five
is "a run that was stopped as a whole ends with 0" $? 0
for run in at_tiles at_patches at_open whole; do
    artefacts $run >$run.sums
    check "$run: the bytes are those of an undisturbed run" cmp calm.sums $run.sums
done
for run in at_tiles at_patches at_open; do
    like "$run: the reason is printed" "$(cat $run.err)" 'the worker was suspended .* and was killed'
    is "$run: no temporary file is left" "$(find $run -name '*.tmp')" ""
done
is "whole: no attempt was spent" "$("$WSIFLOW" status whole --json |
    python3 -c 'import json, sys; print({j["attempt"] for j in json.load(sys.stdin)["jobs"]})')" "{1}"
finish
