#!/bin/sh
# A record that the job table has is read or is an error: an empty one would hide leaks, warnings and tiles without data.  What a run shows at its
# end is by the table as well: files of an earlier configuration are no results.
. tests/lib.sh
need_faults
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 2048 --height 2048 >synth.log 2>&1 || exit 1
cat >set.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 256, mpp: 1.0}
dataset: {lesion_min: 1}
Y
sed 's/^dataset:.*/dataset: {write: false}\ntrain: {run: true, epochs: 1, batch: 8, source: slides}/' set.yaml >slides.yaml
"$WSIFLOW" dataset -c set.yaml -o calm -j 2 >calm.out 2>&1
is "an undisturbed run" $? 0
artefacts calm >calm.sums

# lasting NAME CALL FILE ERRNO WORDS COMMAND...: what cannot be read for longer than the patience
lasting() {
    row=$1 call=$2 file=$3 number=$4 words=$5
    FAULT_LOG=$PWD/$1.log
    export FAULT_LOG
    shift 5
    with_faults "$call" "$file" "$number" "$@" >"$row.out" 2>&1
    is "$row: exit 1" $? 1
    unset FAULT_LOG
    like "$row: with the reason" "$(cat "$row.out")" "$words"
}
for record in content cut mask tissue; do
    lasting "$record" open "$record.json" 5 "$record.json.*Input/output error" \
        "$WSIFLOW" dataset -c set.yaml -o "$record" -j 2 --patience 0
    check "$record: no card" sh -c "! test -e $record/dataset/CARD.md"
done
lasting normals read '*/content.json' 116 'content.json.*Stale file handle' "$WSIFLOW" run -c slides.yaml -o normals -j 2 --patience 0
check "nothing was trained" sh -c '! test -e normals/model/model.safetensors'
lasting shown open missing_metrics.json 24 'missing_metrics.json.*Too many open files' "$WSIFLOW" dataset -c set.yaml -o calm -j 2

# ---- for a while
echo on >while
(
    FAULT_WHILE=$PWD/while FAULT_LOG=$PWD/while.log
    export FAULT_WHILE FAULT_LOG
    with_faults read '*/cut.json' 116 exec "$WSIFLOW" dataset -c set.yaml -o again -j 2 >again.out 2>&1
) &
run=$!
n=0
while ! grep -q 'retry in' again.out 2>/dev/null && kill -s 0 $run 2>/dev/null && [ $n -lt 200 ]; do
    n=$((n + 1))
    sleep 0.1
done
rm while
wait $run
is "a record that is back: the run ends with 0" $? 0
artefacts again >again.sums
check "with the bytes of an undisturbed run" cmp calm.sums again.sums

# ---- an earlier configuration in the same folder
like "a run shows its patch set" "$(cat calm.out)" '^patch set .*calm/dataset/manifest.csv'
like "and what it lacks" "$(cat calm.out)" '^patch set: '
"$WSIFLOW" run -c slides.yaml -o calm -j 2 >later.out 2>&1
check "the earlier manifest is still there" test -e calm/dataset/manifest.csv
is "another run in that folder does not show it" "$(grep -c '^patch set' later.out)" 0
like "but its own model" "$(cat later.out)" '^model .*calm/model/model.safetensors'
"$WSIFLOW" dataset -c set.yaml -o calm -j 2 >third.out 2>&1
is "nor does the patch set show the model" "$(grep -c '^model' third.out)" 0
finish
