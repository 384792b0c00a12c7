#!/bin/sh
# Files next to slides that no key names: one that may be an annotation or a mask makes its slide unknown, others are listed.
# Names decide, so most of the slides here are none: a dry run does not mind.
. tests/lib.sh
cd "$tmp" || exit 1
tiff='II*\0\010\0\0\0\0\0\0\0\0\0'
dry() { # SLIDES: prints the summary's labels and what is not used
    printf 'slides: {%s}\ntrain: {run: false}\n' "$1" >c.yaml
    "$WSIFLOW" dataset --dry-run -c c.yaml 2>&1 | grep -vE '^(writes|disk|jobs|splits)'
}
n=0
folder() { # FILE...: a folder with S.tif, T.tif and these
    n=$((n + 1))
    mkdir "f$n"
    for file in S.tif T.tif "$@"; do
        mkdir -p "$(dirname "f$n/$file")"
        printf "$tiff" >"f$n/$file"
    done
}

# ---- next to the slides
for file in S_mask.tif S-labels.png S_annotation.json S.png S.seg.tif 's GT.npy' S_tumor_mask_1.tiff S_tumour.xml 'S (1).geojson' s_mask.svs S.qpdata \
    annotations/S.xml masks/S.tif labels/S_x.png qupath/S.geojson Masks/a/b/S.png tumor/S-1.png; do
    folder "$file"
    out=$(dry "folder: f$n")
    is "$file: its slide is unknown, the other one normal, and the file is not a slide" \
        "$(echo "$out" | grep -cE '^slides +2[; ]|^ +1 without annotation, counted|^ +1 unknown') $(echo "$out" | grep 'may be the' | grep -cF ": $(basename "$file")")" "3 1"
done
for file in U_mask.tif SS.png S_normal.tif Smask.tif thumbnails/S.png masks/U.png; do
    folder "$file"
    is "$file says nothing of a slide" "$(dry "folder: f$n" | grep -cE '^ +[0-9]+ unknown')" 0
done
folder S_mask.tif
like "unannotated: normal is accepted, the mask is not a slide" "$(dry "folder: f$n, unannotated: normal")" '^ +2 without annotation, counted as normal'
printf '<x/>' >"f$n/T.xml"
like "in slides.annotations that is the slides' folder, too" "$(dry "folder: f$n, annotations: f$n")" 'name it in the column annotation of slides.manifest \(1\): S_mask.tif'
rm "f$n/T.xml"
printf "slide\nf$n/S.tif\nf$n/T.tif\n" >m.csv
like "slides of a manifest" "$(dry 'manifest: m.csv')" '^ +1 unknown'
printf "slide\nf$n/S_mask.tif\nf$n/T.tif\n" >m.csv
is "who is named as a slide is one" "$(dry 'manifest: m.csv' | grep -cE '^ +[0-9]+ unknown')" 0
printf "slide,annotation\nf$n/S.tif,f$n/S_mask.tif\nf$n/T.tif,\n" >m.csv
is "who is named as an annotation is not listed" "$(dry "manifest: m.csv, folder: ." | grep -c S_mask)" 0
folder annotations/S.xml
is "slides.annotations names the folder: used" "$(dry "folder: f$n, annotations: f$n/annotations" | grep -cE '^ +1 with annotation|may be')" 1

# ---- ids
folder
mkdir ids
printf '<x/>' >ids/a_x.xml
printf "slide,id\nf$n/S.tif,a_x\nf$n/T.tif,\n" >m.csv
is "an annotation is found by the column id" "$(dry 'manifest: m.csv, annotations: ids' | grep -cE '^ +1 with annotation|not used')" 1

# ---- other files
folder
printf 'read me' >"f$n/README.txt"
printf 'a,b\n' >"f$n/list.csv"
printf '\377\330\377\340' >"f$n/S_thumb.jpg"
printf '\211PNG\r\n' >"f$n/overview.png"
printf '\320\317\021\340\0' >"f$n/Thumbs.db"
: >"f$n/.DS_Store"
: >"f$n/empty"
printf "$tiff" >"f$n/nosuffix"
printf 'nonsense' >"f$n/claims.svs"
out=$(dry "folder: f$n")
like "what is plainly no slide is none; a TIFF without suffix and who claims to be one are" "$out" '^slides +4[; ]'
for text in 'text file \(2\): README.txt, list.csv' 'JPEG image \(1\): S_thumb.jpg' 'PNG image \(1\): overview.png' 'does not know its format \(1\): Thumbs.db' \
    'hidden \(1\): .DS_Store' 'empty \(0 bytes\) \(1\): empty'; do
    like "listed: $text" "$out" "$text\$"
done
is "the pattern names the suffix: believed" "$(dry "folder: f$n, pattern: '*.jpg'" | grep -cE '^slides +1[; ]')" 1
mkdir none
printf x >none/notes.txt
like "a folder of nothing else: the error names one" "$(dry 'folder: none')" 'no slide found: .*notes.txt: not a slide: it is a text file'
finish
