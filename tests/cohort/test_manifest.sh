#!/bin/sh
# Manifests as spreadsheets write them: blanks, separators, empty columns.  Names that are one to the eye are one, or an error.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o c -n 2 -l 0 --width 1024 --height 1024 >synth.log 2>&1

dry() { # LINES OF THE MANIFEST (as printf has them): prints what a dry run says
    printf "$1" >m.csv
    printf 'slides: {manifest: m.csv}\ntrain: {run: false}\n' >m.yaml
    "$WSIFLOW" dataset --dry-run -c m.yaml 2>&1
}
one=c/slides/synth_00.tif two=c/slides/synth_01.tif

# ---- blanks
like "blanks around cells are none of the patient's" "$(dry "slide,patient,split\n$one,P1,train\n$two,P1 ,test\n")" \
    'patient P1 .*(train|test)'
like "nor around the header, tabs, no-break spaces and quoted cells" \
    "$(dry "slide , patient,label\n \t$one,P1, normal\n\"$two \",\"\302\240P1\", normal \n")" '^slides +2, from 1 patient$'
same() { # NAME TEXT TEXT [COLUMN]
    like "$1 is refused, both are named" "$(dry "slide,${4:-patient}\n$one,$2\n$two,$3\n")" \
        "m.csv line 3: ${4:-patient} \".*\" differs from \".*\" in line 2 only in case, blanks"
}
same "a patient in two cases" P1 p1
same "a patient with a blank within" 'P 1' P1
same "a patient composed and decomposed" 'J\303\251r' 'Je\314\201r'
same "a patient in full width" P1 '\357\274\2601'
same "a centre in two cases" UMCU Umcu centre
like "patients that differ by more are two" "$(dry "slide,patient\n$one,P-1\n$two,P1\n")" '^slides +2, from 2 patients$'

# ---- the form of the table
like "semicolons are named" "$(dry "slide;annotation\n$one;\n")" 'm.csv line 1: its cells are separated by semicolons, not by commas'
like "also where cells hold commas" "$(dry "slide;mpp\n$one;0,25\n")" 'm.csv line 1: its cells are separated by semicolons'
like "tabs are named" "$(dry "slide\tpatient\n$one\tp\n")" 'm.csv line 1: its cells are separated by tabs'
like "a comma at the end of every line is not a column" "$(dry "slide,label,\n$one,normal,\n$two,normal,\n")" '^slides +2[; ]'
like "but text in a column without a name is an error" "$(dry "slide,,label\n$one,tumor,\n")" 'm.csv line 2: "tumor" is in column 2, which has no name'
like "a header without rows" "$(dry "slide,annotation\n")" 'm.csv has a header and no rows'
finish
