#!/bin/sh
# The font of overviews is needed before the work begins: without it nothing is scored that could not be shown.
. tests/lib.sh
cd "$tmp" || exit 1
command -v strace >/dev/null && strace -f -o /dev/null true 2>/dev/null || skip_all "there is no strace"
font=$(strace -f -e trace=openat "$WSIFLOW" doctor 2>&1 | sed -n 's/.*"\(.*\/DejaVuSans\.ttf\)".*/\1/p' | head -1)
like "the font is a file" "$font" '^/.*/DejaVuSans.ttf$'
without() { # COMMAND...: as if the file were not there
    strace -f -o /dev/null -P "$font" -e trace=openat -e inject=openat:error=ENOENT "$WSIFLOW" "$@" 2>&1
}
is "doctor has nothing to say about it" "$("$WSIFLOW" doctor | grep -c '^font')" 0
like "where it is missing, doctor says which package has it" "$(without doctor)" "font +cannot read the font $font.*fonts-dejavu-core"
"$WSIFLOW" synth -o c -n 1 -l 0 --width 2048 --height 2048 >/dev/null 2>&1
python3 - <<'P' || skip_all "python3-numpy is missing"
import numpy
numpy.save("map.npy", numpy.zeros((16, 16), "float32"))
P
printf 'slides: {folder: c/slides}\n' >run.yaml
for command in "run -c run.yaml -o run" "heatmap map.npy -s c/slides/synth_00.tif -o maps"; do
    # shellcheck disable=SC2086
    out=$(without $command)
    is "${command%% *} fails" $? 1
    like "with that reason" "$out" "cannot read the font"
done
is "before anything is written" "$(ls)" "$(printf 'c\nmap.npy\nrun.yaml')"
finish
