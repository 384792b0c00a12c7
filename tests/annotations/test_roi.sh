#!/bin/sh
# Regions of interest, overlap as a fraction, and edges, in the table of tiles.
. tests/lib.sh
cd "$tmp" || exit 2
"$WSIFLOW" synth -o c -n 1 -l 1 --width 4096 --height 3072 >/dev/null 2>&1
slide=$(ls c/slides) stem=${slide%.tif}
printf 'slide\nslides/%s\n' "$slide" >c/m.csv
# The region is the left half except a margin; the tumour groups stay.
python3 - "c/annotations/$stem.xml" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
points = [(300, 200), (2000, 200), (2000, 2900), (300, 2900)]
box = '<Annotation Name="r" Type="Polygon" PartOfGroup="Region"><Coordinates>' + "".join(
    f'<Coordinate Order="{i}" X="{x}" Y="{y}" />' for i, (x, y) in enumerate(points)) + "</Coordinates></Annotation>"
text = text.replace("</Annotations>", box + "</Annotations>")
text = text.replace("<AnnotationGroups>", '<AnnotationGroups><Group Name="Region" PartOfGroup="None" Color="#000000"><Attributes /></Group>')
open(sys.argv[1], "w").write(text)
PY
run() { # NAME TILES GROUPS
    printf 'slides: {manifest: c/m.csv, annotations: c/annotations, groups: "%s"}\ntiles: {size: 128, mpp: 1.0%s}\ntrain: {run: false}\ndataset: {split: random}\n' \
        "$3" "$2" >"$1.yaml"
    "$WSIFLOW" dataset -c "$1.yaml" -o "$1" >"$1.log" 2>&1
}
run unnamed "" ""
like "a group without a rule is an error" "$(cat unnamed.log; "$WSIFLOW" status unnamed)" 'in groups that no rule names: "Region" \(1\)'
run whole "" "Region=ignore"
run part "" "Region=roi"
check "only tissue in the region counts" python3 - "$stem" <<'PY'
import csv, json, sys
tiles = {n: list(csv.DictReader(open(f"{n}/slides/{sys.argv[1]}/tiles.csv"))) for n in ("whole", "part")}
mpp = json.load(open(f"part/slides/{sys.argv[1]}/slide.json"))["mpp_x"]
side = 128 / mpp
def inside(t):  # fraction of the tile in the region
    x, y = float(t["x"]), float(t["y"])
    w = max(0, min(x + side, 2000) - max(x, 300)); h = max(0, min(y + side, 2900) - max(y, 200))
    return w * h / side ** 2
kept = {(t["x"], t["y"]) for t in tiles["part"]}
assert 0 < len(kept) < len(tiles["whole"]), (len(kept), len(tiles["whole"]))
assert all(inside(t) > 0.45 for t in tiles["part"])
assert all((t["x"], t["y"]) in kept for t in tiles["whole"] if inside(t) == 1)
PY
is "a region does not change the lesions" "$(sed 's/"outlines": [0-9]*//' "whole/slides/$stem/mask.json")" "$(sed 's/"outlines": [0-9]*//' "part/slides/$stem/mask.json")"
none=$(cat part.log)
run without "" "Region=ignore Another=roi"
like "an annotation without a region is reported at the end of the run" "$(cat without.log)" 'no region of interest .roi in slides.groups., so all of its tissue is used'
is "one with a region is not" "$(printf '%s' "$none" | grep -c 'no region of interest')" 0
cp -r part changed
sed 's/X="2000"/X="1400"/g' "c/annotations/$stem.xml" >x && mv x "c/annotations/$stem.xml"
"$WSIFLOW" dataset -c part.yaml -o changed >/dev/null 2>&1
check "a changed region gives other tiles" sh -c "test \$(wc -l <changed/slides/$stem/tiles.csv) -lt \$(wc -l <part/slides/$stem/tiles.csv)"

run fraction ", overlap: 0.25" "Region=ignore"
run px ", overlap: 32" "Region=ignore"
check "an overlap of 0.25 is one of 32 px" cmp "fraction/slides/$stem/tiles.csv" "px/slides/$stem/tiles.csv"
finish
