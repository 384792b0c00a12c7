#!/bin/sh
# wsiflow mask: an annotation as a pyramid.  Oracles: a point-in-polygon test in numpy, tifffile, OpenSlide, the shoelace formula.
. tests/lib.sh
python3 -c 'import numpy, tifffile, openslide' 2>/dev/null || skip_all "python3-numpy, tifffile or openslide is missing"
mkdir "$tmp/w"
cd "$tmp/w" || exit 2

# A star with a hole, an outline that crosses the hole's border, one that extends beyond the slide.
python3 - <<'PY'
from math import cos, sin, pi
star = [(400 + (300 if i % 2 else 140) * cos(i * pi / 7) + .25, 380 + (300 if i % 2 else 140) * sin(i * pi / 7)) for i in range(14)]
shapes = [("Tumor", star), ("Exclusion", [(350, 350), (350, 420), (430.5, 420), (430.5, 350)]),
          ("Tumor", [(900, 500), (1100, 500), (1100, 760), (850, 700)]), ("Exclusion", [(600, 300), (720, 300), (720, 460), (600, 460)])]
out = ['<?xml version="1.0"?><ASAP_Annotations><Annotations>']
for group, points in shapes:
    out.append(f'<Annotation Name="a" Type="Polygon" PartOfGroup="{group}" Color="#000000"><Coordinates>')
    out += [f'<Coordinate Order="{i}" X="{x!r}" Y="{y!r}" />' for i, (x, y) in enumerate(points)]
    out.append('</Coordinates></Annotation>')
out.append('</Annotations><AnnotationGroups><Group Name="Tumor" PartOfGroup="None" Color="#000000"><Attributes /></Group>'
           '<Group Name="Exclusion" PartOfGroup="None" Color="#000000"><Attributes /></Group></AnnotationGroups></ASAP_Annotations>')
open("a.xml", "w").write("\n".join(out))
PY
cat >oracle.py <<'PY'
"""Pixels whose centre lies in the union of the lesions and in no exclusion: crossing numbers, a formula of its own."""
import re, numpy as np, xml.etree.ElementTree as ET
def region(path, width, height, scale=1):
    mask = {"Tumor": np.zeros((height, width), bool), "Exclusion": np.zeros((height, width), bool)}
    x, y = np.arange(width) + 0.5, (np.arange(height) + 0.5)[:, None]
    for a in ET.parse(path).iter("Annotation"):
        p = [(float(c.get("X")) * scale, float(c.get("Y")) * scale) for c in a.iter("Coordinate")]
        inside = np.zeros((height, width), bool)
        for (x0, y0), (x1, y1) in zip(p, p[1:] + p[:1]):
            if y0 != y1:
                at = ((y0 <= y) & (y < y1)) | ((y1 <= y) & (y < y0))
                inside ^= at & (x >= x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        mask[a.get("PartOfGroup")] |= inside
    return (mask["Tumor"] & ~mask["Exclusion"]).astype(np.uint8)
PY
run() { PYTHONPATH=. python3 -; }

"$WSIFLOW" mask a.xml --size 1000x770 --mpp 0.25 -o m.tif >areas 2>warnings
is "the mask is written" $? 0
check "tifffile: every pixel is as the point-in-polygon test says; levels are the maximum; the area is that of the pixels" run <<'PY'
import numpy as np, tifffile
from oracle import region
want = region("a.xml", 1000, 770)
with tifffile.TiffFile("m.tif") as f:
    levels = [p.asarray() for p in f.pages]
    assert all(p.tags["ResolutionUnit"].value == 3 for p in f.pages)
assert np.array_equal(levels[0], want), np.abs(levels[0].astype(int) - want).sum()
for a, b in zip(levels, levels[1:]):
    a = np.pad(a, ((0, a.shape[0] % 2), (0, a.shape[1] % 2)))
    assert np.array_equal(a.reshape(a.shape[0] // 2, 2, -1, 2).max((1, 3)), b)
rows = [line.split("\t") for line in open("areas").read().splitlines()]
assert rows[0] == ["label", "name", "px", "mm2"] and [r[:2] for r in rows[1:]] == [["0", "not lesion"], ["1", "lesion"]]
assert int(rows[2][2]) == want.sum() and int(rows[1][2]) == want.size - want.sum()
# The area is that of the polygons; the pixels approximate it, here with 4 x 4 samples per pixel.
fine = region("a.xml", 1000 * 4, 770 * 4, 4).sum() / 16
assert abs(float(rows[2][3]) - fine * 0.25 ** 2 * 1e-6) < 2e-6, (rows, fine)
assert abs(float(rows[1][3]) + float(rows[2][3]) - want.size * 0.25 ** 2 * 1e-6) < 2e-6
PY
check "OpenSlide opens it: size, resolution, pixels" run <<'PY'
import numpy as np, openslide
from oracle import region
s = openslide.OpenSlide("m.tif")
assert s.dimensions == (1000, 770)
assert abs(10000 / float(s.properties["tiff.XResolution"]) - 0.25) < 1e-6
assert np.array_equal(np.asarray(s.read_region((0, 0), 0, s.dimensions))[..., 0], region("a.xml", 1000, 770))
PY
like "an outline partly outside the slide is reported" "$(cat warnings)" 'partly outside'

"$WSIFLOW" mask a.xml --size 1000x770 --mpp 0.25 --level-mpp 1.7 -o coarse.tif >areas 2>/dev/null
check "a coarser mask: the nearest whole multiple, by maximum, with the right resolution" run <<'PY'
import numpy as np, tifffile
from oracle import region
want = np.pad(region("a.xml", 1000, 770), ((0, 0), (0, 1)))  # 770 = 7 x 110, 1001 = 7 x 143
want = want.reshape(110, 7, 143, 7).max((1, 3))
with tifffile.TiffFile("coarse.tif") as f:
    assert np.array_equal(f.pages[0].asarray(), want)
    a, b = f.pages[0].tags["XResolution"].value
    assert abs(10000 * b / a - 1.75) < 1e-6
PY

# Areas do not depend on the level, and end at the slide's border.  A box with a square hole, and an ellipse half of which is
# outside: ImageScope, where both are given by their boxes.
cat >areas.xml <<'X'
<Annotations><Annotation Name="Tumor"><Regions>
<Region Type="1" NegativeROA="0"><Vertices><Vertex X="100" Y="100"/><Vertex X="301" Y="200.5"/></Vertices></Region>
<Region Type="1" NegativeROA="1"><Vertices><Vertex X="150" Y="150"/><Vertex X="160" Y="160"/></Vertices></Region>
<Region Type="2" NegativeROA="0"><Vertices><Vertex X="950" Y="300"/><Vertex X="1050" Y="360"/></Vertices></Region>
</Regions></Annotation></Annotations>
X
for mpp in 0.25 1 16 40; do
    "$WSIFLOW" mask areas.xml --size 1000x770 --mpp 0.25 --level-mpp $mpp -o areas.tif 2>/dev/null | sed -n 3p
done >areas
"$WSIFLOW" annotation convert areas.xml --size 1000x770 -o areas.geojson >converted 2>/dev/null
"$WSIFLOW" annotation convert areas.xml -o areas.geojson >whole 2>/dev/null
check "the area is that of the polygons within the slide, whatever the level" run <<'PY'
from math import pi
box, half = 201 * 100.5 - 100, pi * 50 * 30 / 2
rows = [line.split("\t") for line in open("areas").read().splitlines()]
assert len(rows) == 4 and len({r[3] for r in rows}) == 1, rows
assert abs(float(rows[0][3]) - (box + half) * 0.25 ** 2 * 1e-6) < 1e-6, (rows, box + half)
assert int(rows[0][2]) != int(rows[1][2])
area = [float(open(n).read().split("\t")[-1]) for n in ("converted", "whole")]
assert abs(area[0] - box - half) < 0.01 and abs(area[1] - box - 2 * half) < 0.01, (area, box, half)
PY

"$WSIFLOW" mask a.xml --size 1000x770 --mpp 0.25 -j 1 -o one.tif >/dev/null 2>&1
"$WSIFLOW" mask a.xml --size 1000x770 --mpp 0.25 -j 4 -o four.tif >/dev/null 2>&1
check "the same bytes for any number of threads" cmp one.tif four.tif

for wrong in "a.xml -o x.tif" "a.xml --size 10x --mpp 1 -o x.tif" "a.xml --size 1000x770 -o x.tif" "a.xml --size 9x9 --slide s -o x.tif"; do
    # shellcheck disable=SC2086
    "$WSIFLOW" mask $wrong >/dev/null 2>&1
    is "wrong usage: $wrong" $? 2
done
"$WSIFLOW" mask a.xml --size 1000x770 --mpp 0.25 --groups "Tumor=good" -o x.tif >/dev/null 2>message
is "an unknown kind of group is an error" $? 2
like "and is named" "$(cat message)" '"Tumor" is "good"'
"$WSIFLOW" mask a.xml --size 1000x770 --mpp 0.25 --level-mpp 0.01 -o x.tif >/dev/null 2>message
is "finer than level 0 is an error" $? 1
"$WSIFLOW" mask a.xml --size 1000x770 --mpp 0.25 --groups "Tumor=not Exclusion=lesion" -o swapped.tif >areas 2>/dev/null
like "the rules of groups can be changed" "$(cat areas)" '^1	lesion	'
is "nothing is left of a failed mask" "$(ls -A | grep -c x.tif)" 0

if [ -n "${WSIFLOW_TEST_DATA:-}" ]; then
    cd - >/dev/null || exit 2
    data=$WSIFLOW_TEST_DATA
    "$WSIFLOW" mask "$data/slides/tumor_001_L5.xml" --slide "$data/slides/tumor_001_L5_pyr.tif" -o "$tmp/s.tif" >"$tmp/areas"
    check "the mask of a real slide covers it" python3 - "$tmp/s.tif" "$data/slides/tumor_001_L5_pyr.tif" <<'PY'
import sys, openslide
mask, slide = map(openslide.OpenSlide, sys.argv[1:])
assert mask.dimensions == slide.dimensions
assert abs(float(mask.properties["tiff.XResolution"]) / float(slide.properties["tiff.XResolution"]) - 1) < 1e-6
PY
    /usr/bin/time -f %M -o "$tmp/kib" "$WSIFLOW" mask "$data/annotations/camelyon16/tumor_031.xml" --size 97792x221184 --mpp 0.243 \
        -o "$tmp/big.tif" >"$tmp/areas" 2>/dev/null
    is "97,792 x 221,184 px" $? 0
    kib=$(cat "$tmp/kib")
    check "in at most 500 MB ($((kib / 1024)) MiB)" test "$kib" -le 488281
    check "OpenSlide opens that too, and its area is the polygons' to within a pixel along the border" \
        python3 - "$tmp/big.tif" "$tmp/areas" "$data/annotations/camelyon16/tumor_031.xml" <<'PY'
import math, sys, numpy as np, openslide, xml.etree.ElementTree as ET
s = openslide.OpenSlide(sys.argv[1])
assert s.dimensions == (97792, 221184)
assert np.asarray(s.read_region((0, 0), s.level_count - 1, s.level_dimensions[-1]))[..., 0].max() == 1
px = int(open(sys.argv[2]).read().splitlines()[2].split("\t")[2])
area = length = 0
for a in ET.parse(sys.argv[3]).iter("Annotation"):
    p = [(float(c.get("X")), float(c.get("Y"))) for c in a.iter("Coordinate")]
    edges = list(zip(p, p[1:] + p[:1]))
    part = abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in edges)) / 2
    area += part if a.get("PartOfGroup") != "Exclusion" else -part
    length += sum(math.dist(*e) for e in edges)
assert abs(px - area) < length, (px, area, length)
PY
else
    skip "real slides" "set WSIFLOW_TEST_DATA to the folder of real data"
fi
finish
