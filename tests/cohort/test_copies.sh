#!/bin/sh
# One slide under two names: what is said of it must be the same.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o c -n 2 -l 1 --width 2048 --height 2048 >synth.log 2>&1
mkdir f
cp c/slides/synth_00.tif f/normal.tif
cp c/slides/synth_01.tif f/lesion.tif
cp c/slides/synth_01.tif 'f/lesion - Copy.tif'
cp c/annotations/synth_01.xml one.xml
"$WSIFLOW" annotation convert one.xml -o same.geojson >/dev/null 2>&1
python3 - <<'P'
import re
text = open("one.xml").read()
open("other.xml", "w").write(re.sub(r' X="([0-9.]+)"', lambda m: ' X="%s"' % (float(m[1]) * 0.5), text))
P
run() { # NAME COMMAND SECTIONS ROWS: prints the code, then what went wrong
    printf "slide,id,patient,annotation,label\n$4" >"$1.csv"
    printf "slides: {manifest: $1.csv}\ntiles: {size: 64}\ndataset: {test_fraction: 0, valid_fraction: 0$3}\ntrain: {epochs: 1, batch: 4, source: slides}\nmodel: {blocks: [1, 1, 1], condition: 16}\n" >"$1.yaml"
    out=$("$WSIFLOW" "$2" --patience 0 -c "$1.yaml" -o "run_$1" -j 2 2>&1)
    echo "code $?"
    echo "$out"
}
plain='f/normal.tif,n,q,,normal\n' lesion='f/lesion.tif,a,p,one.xml,\n' copy='f/lesion - Copy.tif'
both='have the same content, but'
out=$(run normal dataset '' "$plain$lesion$copy,b,p,,normal\n")
like "a copy that is normal is an error, though patient and split are the same" "$out" "slides a \(annotated\) and b \(normal\) $both only one of them is normal"
is "it is not one of success" "$(echo "$out" | grep -c '^code 0') $(ls run_normal/dataset/manifest.csv 2>/dev/null)" "0 "
like "one file twice, also by another path" "$(run twice dataset '' "$plain${lesion}f/../f/lesion.tif,b,p,,normal\n")" "$both only one"
like "of a copy that is unknown nothing is known to be normal, so the normal one is refused" \
    "$(run unknown dataset '' "$plain${copy},a,p,,unknown\nf/lesion.tif,b,p,,normal\n")" "a \(unknown\) and b \(normal\) $both only one"
like "annotations that differ" "$(run differ dataset '' "$plain$lesion$copy,b,p,other.xml,\n")" "$both their annotations outline different lesions"
like "also where training cuts its own tiles" "$(run cuts run ', write: false' "$plain$lesion$copy,b,p,,normal\n")" "$both only one"
like "the same outlines in another dialect are none" "$(run dialect dataset '' "$plain$lesion$copy,b,p,same.geojson,\n")" "^code 0$"
like "nor is one annotation of both" "$(run same dataset '' "$plain$lesion$copy,b,p,one.xml,\n")" "^code 0$"
like "such copies are counted" "$(cat run_same/dataset/CARD.md)" 'further copies'
like "nor an annotated one and one that is unknown" "$(run half dataset '' "$plain$lesion$copy,b,p,,unknown\n")" "^code 0$"
finish
