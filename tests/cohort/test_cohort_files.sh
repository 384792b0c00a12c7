#!/bin/sh
# Which files are slides and annotations: names match without regard to case, what is not used is counted with its reason, an unknown name
# is an error that offers the nearest, and ids cannot leave their folder.
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o c -n 4 -l 2 --width 2048 --height 2048 >synth.log 2>&1
slide() { # FOLDER/NAME [NUMBER]: another slide of that name
    mkdir -p "$(dirname "$1")"
    cp "c/slides/synth_0${2:-0}.tif" "$1"
    printf '%s' "$1" >>"$1" # not the same content under two names
}
note() { # FOLDER/NAME: an annotation of that name
    mkdir -p "$(dirname "$1")"
    cp c/annotations/synth_02.xml "$1"
}
# cohort NAME SLIDES: plans and cuts; prints "ID LABEL" of each slide, then "FILE: REASON" of what is not used.
cohort() {
    printf 'slides: {%s}\ntiles: {size: 64}\ntrain: {run: false}\n' "$2" >"$1.yaml"
    "$WSIFLOW" dataset --patience 0 -c "$1.yaml" -o "run_$1" -j 2 >"$1.log" 2>&1
    echo "code $?"
    [ ! -f "run_$1/wsiflow.db" ] || "$WSIFLOW" status "run_$1" --json | python3 -c '
import json, os, sys
s = json.load(sys.stdin)
for e in s["slides"]: print(e["id"], e["label"])
for u in s["unused"]: print(os.path.basename(u["name"]) + ": " + u["reason"])'
}

# ---- names
slide u/one.TIF
slide u/Two.Tif 2
slide u/three.tif 3
printf 'x' >u/notes.txt
printf 'x' >u/.hidden.tif
ln -s nowhere.tif u/gone.tif
mkdir u/below
note ua/ONE.XML
note ua/two.TIF.Xml
note ua/three_annotations.xml
note ua/other.geojson
printf 'x' >ua/README
ln -s nowhere.xml ua/three.xml
out=$(cohort case 'folder: u, pattern: "*.tif", annotations: ua')
is "patterns match whatever the case; annotations too" "$(echo "$out" | sed -n 1,4p)" "code 0
Two annotated
one annotated
three unknown"
is "everything else is listed with its reason" "$(echo "$out" | sed 1,4d | sort)" "$(sort <<'L'
.hidden.tif: hidden
README: not an annotation by its name (.xml .geojson .geojson.gz .json .ndpa .annotations .png .tif .tiff)
below: a folder; subfolders are not searched
gone.tif: dangling link to nowhere.tif
notes.txt: does not match slides.pattern "*.tif"
other.geojson: matches no slide by its name
three.xml: dangling link to nowhere.xml
three_annotations.xml: matches no slide by its name; the nearest is three
L
)"
note ua/one.xml
note ua/one.geojson
out=$(cohort two 'folder: u, pattern: "O*.tif", annotations: ua')
like "of several annotations the nearest name is used, and the others are listed" "$(echo "$out" | tail -3)" '^ONE.XML: slide one has the annotation .*/one.xml$'
like "then the order of suffixes" "$(echo "$out" | tail -3)" '^one.geojson: slide one has the annotation .*/one.xml$'

# ---- annotations next to the slides that no key names
slide b/plain.tif
slide b/lesion.tif 2
note b/lesion.xml
note b/stray.ndpa
out=$(cohort sibling 'folder: b')
is "a slide next to a file that may be its annotation does not count as normal" "$(echo "$out" | sed -n 2,3p)" "lesion unknown
plain normal"
like "the file is listed" "$out" '^lesion.xml: may be the annotation or mask of the slide next to it'
like "so is one that fits no slide" "$out" '^stray.ndpa: matches no slide'
like "the key names it: used" "$(cohort named 'folder: b, annotations: b')" '^lesion annotated'
like "unannotated: normal is believed" "$(cohort believed 'folder: b, unannotated: normal')" '^lesion normal'
printf 'slide\nb/plain.tif\nb/lesion.tif\n' >b.csv
like "the same by a manifest" "$(cohort bcsv 'manifest: b.csv')" '^lesion unknown'
like "files of the folder that are not in the manifest are listed" "$(printf 'slide\nplain.tif\n' >p.csv; cohort rest 'manifest: p.csv, folder: b')" \
    '^lesion.tif: not in slides.manifest'
slide n/a.tif
slide n/A.tif 1
note na/a.xml
like "the annotation of a.tif is not the one of A.tif" "$(cohort ambiguous 'folder: n, annotations: na' | tr '\n' ' ')" '^code 0 A unknown a annotated'
slide e/é.tif # composed; the annotation decomposed, as macOS has it
note "ea/$(printf 'e\314\201').xml"
like "composed and decomposed letters are the same" "$(cohort nfd 'folder: e, annotations: ea')" '^__ annotated'

# ---- unknown names
bad() { # NAME HEADER PATTERN
    printf '%s\n' "$2" >bad.csv
    out=$(cohort "bad$1" 'manifest: bad.csv')
    is "$2 is refused" "$out" "code 1"
    like "and the right name is offered" "$(cat "bad$1.log")" "$3"
}
bad 1 'slide,annotations' 'bad.csv line 1: unknown column "annotations"; did you mean "annotation"\?'
bad 2 'slide,patient_id' 'unknown column "patient_id"; did you mean "patient"\?'
bad 3 'Slide' 'unknown column "Slide"; did you mean "slide"\?'
bad 4 'slide,center' 'unknown column "center"; did you mean "centre"\?'
bad 5 'slide,stage' 'unknown column "stage" \(columns of a manifest: slide, id,'
check "nothing is written for it" test ! -e run_bad1
like "a folder of annotations that is not there" "$(cohort f1 'folder: u, annotations: u_a'; cat f1.log)" 'slides.annotations: .*u_a.*; did you mean "ua"\?'
like "a folder of slides that is not there" "$(cohort f2 'folder: C/slide'; cat f2.log)" 'slides.folder: .*C/slide'
like "its neighbour is offered" "$(cohort f3 'folder: c/slide'; cat f3.log)" 'did you mean "slides"\?'
printf 'slide,split\nc/slides/synth_00.tif,tset\n' >split.csv
like "a split that is none" "$(cohort split 'manifest: split.csv'; cat split.log)" 'split.csv line 2: split "tset".*did you mean "test"\?'

# ---- ids
slide i/x/s.tif
slide i/y/s.tif 1
printf 'slide\ni/x/s.tif\ni/y/s.tif\n' >same.csv
like "two slides of one stem are refused, and the way out is named" "$(cohort same 'manifest: same.csv'; cat same.log)" \
    'two slides would have the name s: .*/x/s.tif and .*/y/s.tif; .*column id'
printf 'slide,id\ni/x/s.tif,x_s\ni/y/s.tif,\n' >ids.csv
is "the column id gives names" "$(cohort ids 'manifest: ids.csv')" "code 0
s normal
x_s normal"
check "they are the folders and patients of the run" sh -c 'test -d run_ids/slides/x_s && grep -q ",x_s,x_s," run_ids/dataset/manifest.csv'
for id in .. .a a/b "a b"; do
    printf 'slide,id\ni/x/s.tif,%s\n' "$id" >id.csv
    like "id \"$id\" is refused" "$(cohort "id" 'manifest: id.csv'; cat id.log)" 'id.csv line 2: id ".*": allowed are'
done
slide d/...tif 1
slide d/..tif 3
slide d/.dot.tif 2
slide d/ok.tif
printf 'slide,split\nd/...tif,test\nd/..tif,test\nd/.dot.tif,train\nd/ok.tif,train\nd/....tif,train\n' >dots.csv
out=$(cohort dots 'manifest: dots.csv')
is "names of dots: ids have none at their beginning; the file that is missing fails alone" "$out" "code 3
_ normal
__ normal
___ normal
_dot normal
ok normal"
is "all files are in folders of the run" "$(find run_dots -maxdepth 2 -name '..*' | wc -l) $(ls -A run_dots/slides | tr '\n' ' ')" "0 _ __ _dot ok "
mkdir k
slide k/ok.tif
echo nonsense >k/cohort.tif
out=$(cohort cohort 'folder: k')
is "a bad slide whose name is that of the jobs of the cohort fails alone, too" "$(echo "$out" | head -1)" "code 3"
out=$("$WSIFLOW" score -m nothing -o scored i/x/s.tif i/y/s.tif 2>&1)
is "wsiflow score refuses two slides of one name" "$? $(test -e scored; echo $?)" "1 1"
like "and names both" "$out" 'two slides would have the name s: i/x/s.tif and i/y/s.tif'
like "also when blanks make them one" "$("$WSIFLOW" score -m nothing -o scored 'a b.tif' a_b.tif 2>&1)" 'the name a_b: a b.tif and a_b.tif'

# ---- one folder by two names: the slides do not count as their own label masks
mkdir lk
for i in 0 2; do cp c/slides/synth_0$i.tif lk/; done
note lk/synth_02.xml
ln -s lk lk_ann
ln -s lk lk_again
for more in 'folder: lk, annotations: lk_ann' 'folder: lk_ann, annotations: lk' 'folder: lk_again, annotations: lk_ann'; do
    out=$(cohort linked "$more, unannotated: normal")
    is "a link to the slides' folder is that folder: $more" "$out" "code 0
synth_00 normal
synth_02 annotated"
done

finish
