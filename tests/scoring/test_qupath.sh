#!/bin/sh
# wsiflow.groovy: run by Groovy against stand-ins of QuPath's classes (tests/qupath/), which have the names and signatures of version 0.5.
# QuPath itself is not there, so this shows that the scripts parse, what they ask of QuPath, and what they give it.
. tests/lib.sh
root=$PWD
java=$(command -v java) && javac=$(command -v javac) && command -v groovy >/dev/null || skip_all "no groovy, java and javac"
JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$java")")")
export JAVA_HOME
python3 -c 'import numpy, tifffile, openslide' 2>/dev/null || skip_all "no Python modules numpy, tifffile and openslide"
cd "$tmp" || exit 1
"$javac" -d classes $(find "$root/tests/qupath" -name '*.java') || exit 1
"$WSIFLOW" synth -o cohort -n 1 -l 0 --width 2500 --height 2100 >/dev/null 2>&1
python3 "$root/tests/leica_slide.py" cohort/slides/synth_00.tif scan.scn
python3 - <<'P'
import numpy as np
square = np.random.default_rng(2).normal(0, 1, (160, 200)).astype("<f4") # cells of 10 um
square[60:80, 90:130] = 5
square[100:120] = np.nan
np.save("square.npy", square)
P
"$WSIFLOW" heatmap square.npy -s scan.scn -o crop -t 2.5 >log 2>&1
printf 'regions: {frame: level0, threshold: 2.5}\nheatmap: {colours: inferno, low: -1, high: 4, opacity: 0.5}\n' >level0.yaml
"$WSIFLOW" heatmap square.npy -s scan.scn -o level0 -c level0.yaml >log 2>&1
"$WSIFLOW" heatmap square.npy -s scan.scn -o bare >log 2>&1 # no threshold, so no regions
mkdir moved && mv crop moved/crop
# ---- slides whose names would be code in a string, a comment or an expression
i=0
: >names
for name in '"; System.exit(9); "*.tif' "'; System.exit(9); '\\\\.tif" '${System.exit(9)}.tif' 'back\slash.tif' '\u0027+System.exit(9)+\u0027.tif' 'ä漢 %41+b.tif' \
    'line
break.tif'; do
    cp cohort/slides/synth_00.tif "$name"
    "$WSIFLOW" heatmap square.npy -s "$name" -o odd$i >log 2>&1 || echo "failed: $name"
    uri=$(python3 -c 'import sys, pathlib; print(pathlib.Path(sys.argv[1]).absolute().as_uri())' "$name")
    printf 'odd%d\todd%d/wsiflow.groovy\t2500\t2100\t%s\t1\tsame\n' $i $i "$uri" >>names
    i=$((i + 1))
done
# Regions of another slide, of another threshold, or of nothing known, beside a script that did not come with them.
for name in alien above unnamed; do
    mkdir $name
    cp moved/crop/heatmap.ome.tif moved/crop/wsiflow.groovy $name
done
"$WSIFLOW" heatmap square.npy -s cohort/slides/synth_00.tif -o other -t 2.5 >log 2>&1
"$WSIFLOW" heatmap square.npy -s scan.scn -o higher -t 3 >log 2>&1
cp other/regions.geojson alien
cp higher/regions.geojson above
sed '1s/"wsiflow":{[^}]*},//' moved/crop/regions.geojson >unnamed/regions.geojson
mkdir large
ln -s ../bare/heatmap.ome.tif large/
sed 's/^def mostCells = .*/def mostCells = 8000/' bare/wsiflow.groovy >large/wsiflow.groovy
# name, script, size of the open image, its URI, times, viewer
{
    printf 'crop\tmoved/crop/wsiflow.groovy\t2304\t2048\tfile:/somewhere/scan.scn\t2\tsame\n'
    printf 'whole\tmoved/crop/wsiflow.groovy\t4000\t3200\tfile:/somewhere/scan.scn\t1\tsame\n'
    printf 'level0\tlevel0/wsiflow.groovy\t2304\t2048\tfile:/somewhere/scan.scn\t1\tsame\n'
    printf 'bare\tbare/wsiflow.groovy\t2304\t2048\tfile:/somewhere/scan.scn\t1\tsame\n'
    printf 'large\tlarge/wsiflow.groovy\t2304\t2048\tfile:/somewhere/scan.scn\t1\tsame\n'
    printf 'size\tbare/wsiflow.groovy\t2304\t2047\tfile:/somewhere/scan.scn\t1\tsame\n'
    printf 'name\tmoved/crop/wsiflow.groovy\t2304\t2048\tfile:/somewhere/other.scn\t1\tsame\n'
    printf 'batch\tmoved/crop/wsiflow.groovy\t2304\t2048\tfile:/somewhere/scan.scn\t1\tother\n'
    for name in alien above unnamed; do printf '%s\t%s/wsiflow.groovy\t2304\t2048\tfile:/somewhere/scan.scn\t1\tsame\n' $name $name; done
    cat names
} >cases
groovy -cp classes "$root/tests/qupath/run_scripts.groovy" <cases >out 2>err
is "all cases run to their end" "$? $(cat err)" "0 "
cat >cases.py <<'P'
import json, numpy as np
cases, of = {}, None
for line in open("out", encoding="utf-8"):
    kind, _, rest = line.rstrip("\n").partition(" ")
    if kind == "case":
        of = cases[rest] = {"wsiflow:": [], "overlay": [], "object": []}
    else:
        of[kind].append(rest)
values = np.load("square.npy")
def objects(name):
    return {i: (float(x), float(y)) for i, x, y in (o.split() for o in cases[name]["object"])}
def image(name):
    return np.frombuffer(open(name + ".0.argb", "rb").read(), ">u4").reshape(values.shape)
P
check "the map is laid over level 0, which begins outside of a cropped image; twice gives one overlay" python3 - <<'P'
from cases import *
assert cases["crop"]["overlay"] == ["-600 -450 4000 3200 0 0 image 200 160 shown true"], cases["crop"]
assert cases["whole"]["overlay"] == ["0 0 4000 3200 0 0 image 200 160 shown true"]
# A map of more cells than mostCells is shown by the first level that has fewer.
assert cases["large"]["overlay"] == ["-600 -450 4000 3200 0 0 image 100 80 shown true"], cases["large"]
assert "maxima of 2 x 2 cells" in cases["large"]["wsiflow:"][0]
P
check "colours are those of heatmap.tif at every value; no data is transparent" python3 - <<'P'
from cases import *
import openslide, tifffile
for name, folder, low, high, opacity in ("crop", "moved/crop", 0, 7.5, .6), ("level0", "level0", -1, 4, .5):
    argb = image(name)
    text = open(folder + "/wsiflow.groovy").read()
    assert f"def low = {low:g}d, high = {high:g}d" in text and f"def opacity = {opacity:g}d" in text, text[:900]
    empty = np.isnan(values)
    assert (argb[empty] == 0).all() and (argb[~empty] >> 24 == round(255 * opacity)).all(), (argb[empty][:4], np.unique(argb[~empty] >> 24))
    rgb = (argb[..., None] >> np.array([16, 8, 0]) & 255).astype(int)
    # heatmap.tif blends them over the slide, with 256ths.
    shown = tifffile.imread(folder + "/heatmap.tif", level=0).astype(int)
    glass = np.all(shown[empty][:1] == shown[empty], axis=1).mean()
    weight = round(256 * opacity)
    under = (shown * 256 - 128 - rgb * weight) / (256 - weight)
    at = np.clip((values[~empty] - low) / (high - low), 0, 1)
    assert len(np.unique(argb[~empty])) > 50
    assert (under[~empty] > -3).all() and (under[~empty] < 258).all(), (under[~empty].min(), under[~empty].max())
    # One colour for one step of 256, and another one for another step.
    step = (at * 255 + .5).astype(int)
    colour = {s: c for s, c in zip(step, argb[~empty])}
    assert all(colour[s] == c for s, c in zip(step, argb[~empty])) and len(set(colour.values())) == len(colour)
P
check "regions come in the frame of the open image, whatever frame the file has; twice adds none" python3 - <<'P'
from cases import *
files = {f: json.load(open(f + "/regions.geojson"))["features"] for f in ("moved/crop", "level0")}
wanted = {f["id"]: f["geometry"]["coordinates"][0][0] for f in files["moved/crop"]}
assert len(wanted) > 1 and files["moved/crop"][0]["geometry"] != files["level0"][0]["geometry"]
for case in "crop", "batch":
    got = objects(case)
    assert set(got) == set(wanted) and len(cases[case]["object"]) == len(wanted)
    assert all(np.allclose(got[i], wanted[i], atol=.002) for i in got)
assert all(np.allclose(np.subtract(at, (600, 450)), wanted[i], atol=.002) for i, at in objects("whole").items())
first = {f["id"]: f["geometry"]["coordinates"][0][0] for f in files["level0"]}
assert all(np.allclose(np.add(at, (600, 450)), first[i], atol=.002) for i, at in objects("level0").items())
assert cases["crop"]["wsiflow:"][-1] == f"0 regions were added, {len(wanted)} were there already"
P
check "what cannot be done is said: another slide, another size, no regions, a viewer with another slide" python3 - <<'P'
from cases import *
assert not cases["name"]["overlay"] + cases["name"]["object"] + cases["size"]["overlay"] + cases["batch"]["overlay"]
assert "is of scan.scn, but other.scn is open" in cases["name"]["wsiflow:"][0]
assert "2304 x 2047 px, but the slide of this heatmap has 4000 x 3200 px, or 2304 x 2048 px" in cases["size"]["wsiflow:"][0]
assert cases["bare"]["overlay"] and "no regions: there is no " in cases["bare"]["wsiflow:"][-1]
assert cases["batch"]["wsiflow:"][0] == "no overlay: the slide is not shown in the current viewer"
P
check "regions of another slide or threshold are not added, and the script says whose they are" python3 - <<'P'
from cases import *
said = {name: cases[name]["wsiflow:"][-1] for name in ("alien", "above", "unnamed")}
assert not any(cases[name]["object"] for name in said), said
assert "is of synth_00 at the threshold 2.5, but this heatmap is of scan at the threshold 2.5" in said["alien"], said
assert "is of scan at the threshold 3.0, but this heatmap is of scan at the threshold 2.5" in said["above"], said
assert "does not say which slide" in said["unnamed"], said
P
check "names of slides are text in the scripts, whatever is in them" python3 - <<'P'
from cases import *
import glob
odd = [c for n, c in cases.items() if n.startswith("odd")]
assert len(odd) == 7 and all(c["overlay"] == ["0 0 2500 2100 0 0 image 200 160 shown true"] for c in odd), odd
P
check "the bytes do not depend on the folder" sh -c "mkdir x && '$WSIFLOW' heatmap square.npy -s scan.scn -o x/y -t 2.5 >log 2>&1 && cmp x/y/wsiflow.groovy moved/crop/wsiflow.groovy"

# ---- a second call into the same folder
"$WSIFLOW" heatmap square.npy -s scan.scn -o twice -t 2.5 >log 2>&1
is "nothing was there to remove" "$(grep -c removed log)" 0
echo mine >twice/notes.txt
printf 'heatmap: {overlay: false}\n' >off.yaml
"$WSIFLOW" heatmap square.npy -s cohort/slides/synth_00.tif -o twice -c off.yaml >log 2>&1
is "a call that writes no regions and no overlay succeeds" "$?" 0
is "it removes those of the earlier call, and nothing else" "$(cd twice && echo *)" "heatmap.ome.tif heatmap.png heatmap.tif notes.txt thumbnail.jpg wsiflow.groovy"
is "it says so in one line" "$(grep removed log)" "wsiflow heatmap: removed from twice, being of an earlier call: overlay.tif, regions.geojson, detections.csv, predicted_mask.tif"
finish
