#!/bin/sh
# Tissue as outlines for QuPath, and edited outlines as tissue: the way there and back changes no pixel, and only slides with a file are
# changed.  Oracles: shapely, numpy.
. tests/lib.sh
root=$PWD
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 3 -l 1 --width 4096 --height 3072 >synth.log 2>&1
cat >run.yaml <<'Y'
slides:
  folder: cohort/slides
tiles:
  size: 128
dataset:
  write: false
train:
  run: false
Y
"$WSIFLOW" run -c run.yaml -o found >out 2>err
is "the run ends with 0" $? 0
if python3 -c 'import shapely' 2>/dev/null; then
    check "outlines are valid and have the mask's area" python3 - <<'P'
import json, numpy as np
from PIL import Image
from shapely.geometry import shape
for slide in "synth_00", "synth_01", "synth_02":
    folder = "found/slides/%s/" % slide
    mask = np.array(Image.open(folder + "tissue.png")) > 0
    features = json.load(open(folder + "tissue.geojson"))["features"]
    polygons = [shape(f["geometry"]) for f in features]
    assert polygons and all(p.is_valid for p in polygons)
    assert all(f["properties"]["classification"]["name"] == "Tissue" for f in features)
    fraction = sum(p.area for p in polygons) / (4096 * 3072)
    assert abs(fraction - mask.mean()) < 1e-6, (fraction, mask.mean())
    um2 = sum(f["properties"]["measurements"]["Area µm^2"] for f in features)
    assert abs(um2 - mask.mean() * 4096 * 3072 * .25) < 1, um2
P
else
    skip "outlines are valid and have the mask's area" "no Python module shapely"
fi
mkdir outlines
cp found/slides/synth_00/tissue.geojson outlines/synth_00.geojson
# A rectangle of two thirds of the slide's width is cut out of all tissue of synth_01, and a square is drawn by hand.
python3 - <<'P'
import json
data = json.load(open("found/slides/synth_01/tissue.geojson"))
def box(x0, y0, x1, y1, name):
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]},
            "properties": {"objectType": "annotation", "classification": {"name": name, "color": [1, 2, 3]}}}
data["features"] += [box(0, 0, 2730, 3072, "Ignore*"), box(3840, 2816, 4032, 3008, "Drawn by hand")]
json.dump(data, open("outlines/synth_01.geojson", "w"))
P
sed 's/^tiles:/tissue:\n  outlines: outlines\ntiles:/' run.yaml >edited.yaml
"$WSIFLOW" run -c edited.yaml -o edited >out 2>err
is "a run with outlines ends with 0" $? 0
like "the last lines count slides without a file" "$(cat out)" '^tissue +2 slides by tissue.outlines; 1 slide has no file there and was detected'
for slide in synth_00 synth_02; do
    check "$slide: the way to QuPath and back changes no pixel" cmp found/slides/$slide/tissue.png edited/slides/$slide/tissue.png
    check "$slide: and no tile" cmp found/slides/$slide/tiles.csv edited/slides/$slide/tiles.csv
done
check "what was cut out is no tissue, what was drawn is, the rest stays" python3 - <<'P'
import json, numpy as np
from PIL import Image
found, edited = (np.array(Image.open(r + "/slides/synth_01/tissue.png")) > 0 for r in ("found", "edited"))
h, w = found.shape
x, y = np.meshgrid((np.arange(w) + .5) * 4096 / w, (np.arange(h) + .5) * 3072 / h)
wanted = found | ((x >= 3840) & (x < 4032) & (y >= 2816) & (y < 3008))
wanted &= x >= 2730
assert np.array_equal(edited, wanted) and (edited != found).any()
facts = json.load(open("edited/slides/synth_01/tissue.json"))
assert facts["source"] == "outlines" and abs(facts["tissue_fraction"] - wanted.mean()) < 1e-12
P
check "slides.csv says where the tissue is from" python3 - <<'P'
import csv
rows = {r["slide"]: r["tissue"] for r in csv.DictReader(open("edited/slides.csv"))}
assert rows == {"synth_00": "outlines", "synth_01": "outlines", "synth_02": "detected"}, rows
P
cp found/slides/synth_01/tissue.geojson outlines/synth_01.geojson
"$WSIFLOW" run -c edited.yaml -o edited >out 2>err
like "an edited file repeats its slide" "$(cat err)" 'tissue synth_01: done'
is "and no other" "$(grep -c 'tissue synth_0[02]: done' err)" 0
check "synth_01 is as it was found" cmp found/slides/synth_01/tissue.png edited/slides/synth_01/tissue.png
echo '{"type":"FeatureCollection","features":[' >outlines/synth_02.geojson
"$WSIFLOW" run -c edited.yaml -o edited >out 2>err
is "a file that cannot be read fails its slide" $? 3
like "with its name" "$(cat err)" 'outlines/synth_02.geojson'
rm -r outlines
out=$("$WSIFLOW" run -c edited.yaml -o edited 2>&1)
is "a folder that is not there stops the run before it starts" $? 1
like "and is named" "$out" 'tissue.outlines is .*outlines, which does not exist'

# ---- a slide whose scanned area does not begin at its corner, with pixels that are not square
python3 "$root/tests/leica_slide.py" cohort/slides/synth_00.tif scan.scn
printf 'slide,mpp_x,mpp_y\nscan.scn,0.5,0.25\n' >scan.csv
for frame in qupath level0; do
    sed "s/folder: .*/manifest: scan.csv/; s/^tiles:/regions:\n  frame: $frame\n&/" run.yaml >scan.yaml
    "$WSIFLOW" run -c scan.yaml -o scan_$frame >out 2>err
    mkdir -p outlines
    cp scan_$frame/slides/scan/tissue.geojson outlines/scan.geojson
    sed 's/^tiles:/tissue:\n  outlines: outlines\n&/' scan.yaml >again.yaml
    "$WSIFLOW" run -c again.yaml -o again_$frame >out 2>err
    check "frame $frame: there and back changes no pixel" cmp scan_$frame/slides/scan/tissue.png again_$frame/slides/scan/tissue.png
    like "frame $frame: the tissue is by outlines" "$(cat again_$frame/slides.csv)" '^scan,done,.*,outlines,'
done
# The file says in which frame it is, and the key may say another one.
cp scan_level0/slides/scan/tissue.geojson outlines/scan.geojson
sed 's/frame: level0/frame: qupath/' again.yaml >other.yaml
"$WSIFLOW" run -c other.yaml -o other >out 2>err
check "a file in another frame than regions.frame is in its own" cmp scan_level0/slides/scan/tissue.png other/slides/scan/tissue.png
check "coordinates begin at the bounds, areas are in um^2" python3 - <<'P'
import json, numpy as np
from PIL import Image
mask = np.array(Image.open("scan_qupath/slides/scan/tissue.png")) > 0
rows, columns = np.nonzero(mask)
scale = 4000 / mask.shape[1], 3200 / mask.shape[0]
for frame, offset in ("qupath", (600, 450)), ("level0", (0, 0)):
    features = json.load(open("scan_%s/slides/scan/tissue.geojson" % frame))["features"]
    points = np.concatenate([r for f in features for r in f["geometry"]["coordinates"]])
    low, high = points.min(0) + offset, points.max(0) + offset
    assert np.abs(low - [columns.min() * scale[0], rows.min() * scale[1]]).max() < .01
    assert np.abs(high - [(columns.max() + 1) * scale[0], (rows.max() + 1) * scale[1]]).max() < .01
    um2 = sum(f["properties"]["measurements"]["Area µm^2"] for f in features)
    assert abs(um2 - mask.mean() * 4000 * 3200 * .5 * .25) < 1, um2
P
finish
