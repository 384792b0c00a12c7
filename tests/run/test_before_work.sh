#!/bin/sh
# Errors that would show at the end of a run are found before it starts; status says when no process works on a run.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o c -n 2 -l 1 --width 2048 --height 2048 >synth.log 2>&1
base='slides: {manifest: c/manifest.csv, annotations: c/annotations}
tiles: {size: 64, mpp: 4.0}'
refused() { # NAME PATTERN CONFIGURATION: by run and by --dry-run, and no folder is left
    printf '%s\n' "$3" >wrong.yaml
    for dry in '' --dry-run; do
        # shellcheck disable=SC2086
        out=$(timeout 20 "$WSIFLOW" run $dry -c wrong.yaml -o wrong 2>&1)
        is "$1 $dry: code" "$? $(ls -d wrong 2>/dev/null)" "1 "
        like "$1 $dry: reason" "$out" "$2"
    done
}
mkdir none others && echo x >others/readme.txt && touch file
refused "no folder of patches" 'patches.folder is .*/px, which does not exist' 'patches: {folder: px}'
refused "a file for it" 'patches.folder is .*/file, which is not a folder' 'patches: {folder: file}'
refused "no table of labels" 'evaluate.labels is .*nolabels.csv, which does not exist' "$base
evaluate: {labels: nolabels.csv}"
refused "a folder for it" 'evaluate.labels is .*none, which is not a file' "$base
evaluate: {labels: none}"
refused "no table of stages" 'evaluate.stages is .*nostages.csv, which does not exist' "$base
evaluate: {stages: nostages.csv}"
refused "an empty configuration" 'asks for nothing' ''
refused "a configuration without input" 'asks for nothing' 'tiles: {size: 64}'
for folder in none others; do
    refused "annotations in $folder" "slides.annotations .*$folder.* has no annotation for any of the 2 slides" "slides: {folder: c/slides, annotations: $folder, unannotated: normal}
tiles: {size: 64, mpp: 4.0}"
done
printf 'slides: {folder: c/slides, unannotated: normal}\ntiles: {size: 64, mpp: 4.0}\n' >normal.yaml
"$WSIFLOW" run --dry-run -c normal.yaml -o wrong >normal.out 2>&1
is "without the key all may be normal" $? 0

# ---- what cannot be read
same_code() { # NAME WANTED MANIFEST
    printf 'slides: {manifest: c/%s, annotations: c/annotations}\ntiles: {size: 64, mpp: 4.0}\ntrain: {epochs: 1, batch: 4}\nmodel: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\n' "$3" >code.yaml
    "$WSIFLOW" run --dry-run -c code.yaml -o "code$2" >dry.out 2>&1
    is "$1: the dry run" $? "$2"
    like "$1: it names the slide" "$(cat dry.out)" '^will fail +slide '
    "$WSIFLOW" run -c code.yaml -o "code$2" -j 2 --patience 0 >code.out 2>&1
    is "$1: the run" $? "$2"
}
echo 'version https://git-lfs.github.com/spec/v1' >c/slides/pointer.tif
(cat c/manifest.csv && sed -n 's,synth_01,pointer,gp' c/manifest.csv | sed 's,annotations/pointer.xml,,') >c/pointer.csv
same_code "one slide of several" 3 pointer.csv
sed 's,slides/synth_00,slides/pointer,' c/manifest.csv >c/only.csv
same_code "the only slide to train on" 1 only.csv

# ---- a run that is killed
printf '%s\ntrain: {epochs: 400}\n' "$base" >long.yaml
setsid "$WSIFLOW" run -c long.yaml -o killed -j 2 >/dev/null 2>killed.err &
run=$!
n=0
while [ $n -lt 200 ] && ! "$WSIFLOW" status killed 2>/dev/null | grep -q '^running: train'; do
    n=$((n + 1))
    sleep 0.1
done
like "a run that works" "$("$WSIFLOW" status killed --json)" '"at_work": true'
killed $run
out=$("$WSIFLOW" status killed)
like "a run that was killed: what was running" "$out" '^interrupted: train cohort'
like "and what to do" "$out" '^no wsiflow is working in killed: run the same command again to continue$'
is "nothing runs" "$(echo "$out" | grep -c '^running')" 0
like "as JSON" "$("$WSIFLOW" status killed --json)" '"at_work": false'
finish
