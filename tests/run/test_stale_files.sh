#!/bin/sh
# Files of an earlier configuration stay, since they are results again when it is put back.  Until then the run counts them.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 2048 --height 2048 >synth.log 2>&1 || exit 1
cat >with.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 256, mpp: 1.0}
dataset: {lesion_min: 1, clam: true}
Y
sed 's/, clam: true//' with.yaml >without.yaml
"$WSIFLOW" dataset -c with.yaml -o run >first.out 2>&1
is "a first run" $? 0
is "has no earlier files" "$(grep -c ^earlier: first.out)" 0
"$WSIFLOW" dataset -c without.yaml -o run >second.out 2>&1
is "the same without coordinates for CLAM" $? 0
like "counts what it has left behind" "$(cat second.out)" \
    "earlier: [0-9]* files of an earlier configuration.* are still in the folder and are not results of this run: .*clam\\.json [(]2[)]"
n=$(sed -n 's/^earlier: \([0-9]*\) files.*/\1/p' second.out)
is "all of them" "$n" "$(find run/clam run/trident run/slides -name 'clam.json' -o -name '*.h5' | wc -l)"
rm -r run/clam run/trident
find run/slides -name clam.json | tail -n +2 | xargs rm
"$WSIFLOW" dataset -c without.yaml -o run >third.out 2>&1
like "counts files that exist" "$(cat third.out)" "earlier: 1 file of an earlier configuration.* is still .*: clam\\.json [(]1[)]"
"$WSIFLOW" dataset -c with.yaml -o run >fourth.out 2>&1
is "they are results again" "$(grep -c ^earlier: fourth.out)" 0
finish
