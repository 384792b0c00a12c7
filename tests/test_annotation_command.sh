#!/bin/sh
# wsiflow annotation convert: every dialect and label masks in, ASAP XML and GeoJSON out.  The mask of what came out is the oracle.
. tests/lib.sh
python3 -c 'import numpy, tifffile, PIL' 2>/dev/null || skip_all "python3-numpy, tifffile or PIL is missing"
mkdir "$tmp/w"
root=$PWD
cd "$tmp/w" || exit 2
run() { python3 -; }

# Blobs with holes and islands, corners that touch; as written by others: strips, tiles, LZW, several labels.
python3 - <<'PY'
import numpy as np, tifffile
from PIL import Image
noise = np.random.default_rng(3)
a = noise.normal(size=(411, 533))
for _ in range(20):
    a = (a + np.roll(a, 1, 0) + np.roll(a, 1, 1) + np.roll(a, -1, 0) + np.roll(a, -1, 1)) / 5
label = (a > 0.02).astype(np.uint8)
label[200:260, 100:180] = noise.integers(0, 2, (60, 80))
np.save("one.npy", label)
Image.fromarray(label).save("strips.tif", compression="tiff_lzw")
tifffile.imwrite("tiles.tif", label * 255, tile=(64, 80), compression="zlib", bigtiff=True)
tifffile.imwrite("three.tif", label + (a > 0.06).astype(np.uint8) * 2, tile=(64, 64))
tifffile.imwrite("coarse.tif", label[::4, ::4])
np.save("coarse.npy", label[::4, ::4])
tifffile.imwrite("rgb.tif", np.zeros((64, 64, 3), np.uint8))
PY

# back FILE WxH: the mask of a converted file.
back() { "$WSIFLOW" mask "$1" --size "$2" --mpp 1 -o back.tif >/dev/null 2>message || cat message; }
same() { python3 -c '
import sys, numpy as np, tifffile
got, want = tifffile.imread("back.tif", key=0), np.load(sys.argv[1])
assert got.shape == want.shape and np.array_equal(got, want), (got.shape, int((got != want).sum()))' "$1"; }

for mask in strips tiles; do
    for kind in xml geojson; do
        "$WSIFLOW" annotation convert $mask.tif -o $mask.$kind >said 2>message
        is "$mask.tif becomes $kind" $? 0
        back $mask.$kind 533x411
        check "and gives back the same pixels" same one.npy
    done
done
check "the area that is told is the number of pixels" run <<'PY'
import numpy as np
said = dict(line.split("\t") for line in open("said").read().splitlines())
assert said["dialect"] == "label mask" and abs(float(said["lesion px"]) - np.load("one.npy").sum()) < 1e-3, said
PY
check "GeoJSON polygons are valid" run <<'PY'
try:
    from shapely.geometry import shape
except ImportError:
    raise SystemExit
import json
for feature in json.load(open("strips.geojson"))["features"]:
    assert shape(feature["geometry"]).is_valid
PY
"$WSIFLOW" annotation convert tiles.xml -o again.geojson >/dev/null && "$WSIFLOW" annotation convert again.geojson -o again.xml >/dev/null
back again.xml 533x411
check "XML to GeoJSON to XML" same one.npy
"$WSIFLOW" annotation convert tiles.xml -o again2.geojson >/dev/null
check "the same bytes each time" cmp again.geojson again2.geojson

"$WSIFLOW" annotation convert three.tif -o x.xml >/dev/null 2>message
is "a label that nobody named is an error" $? 1
like "that names it" "$(cat message)" 'in groups that no rule names: "2" .*"3" '
"$WSIFLOW" annotation convert three.tif --groups "2=lesion 3=lesion" -o x.xml >/dev/null
back x.xml 533x411
check "named labels" run <<'PY'
import numpy as np, tifffile
assert np.array_equal(tifffile.imread("back.tif", key=0), tifffile.imread("three.tif") > 0)
PY

"$WSIFLOW" annotation convert coarse.tif --size 533x411 -o coarse.xml >/dev/null
"$WSIFLOW" mask coarse.xml --size 533x411 --mpp 1 --level-mpp 4 -o back.tif >/dev/null 2>&1
check "a coarser mask lies where it should" run <<'PY'
import numpy as np, tifffile
assert np.array_equal(tifffile.imread("back.tif", key=0), np.load("coarse.npy"))
PY

"$WSIFLOW" annotation convert rgb.tif -o x.xml >/dev/null 2>message
is "a picture is no mask" $? 1
like "and the error says so" "$(cat message)" '3 samples of 8 bits'
head -c 3000 strips.tif >cut.tif
"$WSIFLOW" annotation convert cut.tif -o cut.xml >/dev/null 2>message
is "a truncated mask is an error" $? 1
is "that leaves nothing behind" "$(ls -A | grep -c cut.xml)" 0
for wrong in "convert strips.tif" "convert strips.tif -o x.png" "strips.tif -o x.xml" "convert strips.tif --size 5 -o x.xml"; do
    # shellcheck disable=SC2086
    "$WSIFLOW" annotation $wrong >/dev/null 2>&1
    is "wrong usage: $wrong" $? 2
done

cd "$root" || exit 2
if [ -n "${WSIFLOW_TEST_DATA:-}" ]; then
    xml=$WSIFLOW_TEST_DATA/slides/tumor_001_L5.xml
    cd "$tmp/w" || exit 2
    "$WSIFLOW" mask "$xml" --size 3056x6912 --mpp 7.779 -o a.tif >/dev/null
    "$WSIFLOW" annotation convert a.tif -o a.geojson >/dev/null
    "$WSIFLOW" annotation convert a.geojson -o a.xml >/dev/null
    "$WSIFLOW" mask a.xml --size 3056x6912 --mpp 7.779 -o b.tif >/dev/null
    check "a Camelyon16 annotation: mask to polygons to mask, byte by byte" cmp a.tif b.tif
    "$WSIFLOW" annotation convert "$WSIFLOW_TEST_DATA/slides/slaid_karolinska-mask.tif" --groups "2=lesion 3=lesion 4=lesion 5=lesion" \
        -o k.geojson >said 2>message
    like "a mask of somebody else is read or refused with a reason" "$(cat said message)" 'outlines|no label mask'
else
    skip "real annotations" "set WSIFLOW_TEST_DATA to the folder of real data"
fi
finish
