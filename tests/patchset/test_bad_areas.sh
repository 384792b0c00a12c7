#!/bin/sh
# A slide with tiles that cannot be read: exactly those areas are lost, and they are listed.
. tests/lib.sh
python3 -c 'import numpy, tifffile' 2>/dev/null || skip_all "python3-numpy or tifffile is missing"
cd "$tmp" || exit 2
python3 - <<'PY'
import numpy as np, tifffile
draw = np.random.default_rng(5)
od = draw.gamma(1, .35, (768, 1024, 1)) * [.65, .70, .29] + draw.gamma(1, .3, (768, 1024, 1)) * [.1, .95, .2]
a = np.clip(np.rint(245 * np.exp(-od)), 0, 255).astype(np.uint8)
tifffile.imwrite("s.tif", a, tile=(256, 256), photometric="rgb", compression="zlib", resolution=(20000, 20000), resolutionunit=3)
with tifffile.TiffFile("s.tif") as f:
    at, size = f.pages[0].dataoffsets, f.pages[0].databytecounts
data = bytearray(open("s.tif", "rb").read())
for tile in 5, 10:  # column 1 of row 1, column 2 of row 2
    data[at[tile]:at[tile] + size[tile]] = b"\xff" * size[tile]
open("s.tif", "wb").write(data)
open("m.csv", "w").write("slide,split\ns.tif,train\n")
PY
cat >listed.py <<'PY'
import json, sys
areas = json.load(sys.stdin)[sys.argv[1]]
assert [(a["level"], a["x"], a["y"], a["width"], a["height"]) for a in areas] == [(0, 256, 256, 256, 256), (0, 512, 512, 256, 256)], areas
assert all(a["reason"] for a in areas)
PY
"$WSIFLOW" slide s.tif --json >facts.txt
check "wsiflow slide --json lists level, position, size and reason" sh -c "$(command -v python3) listed.py bad_areas <facts.txt"
is "wsiflow slide lists them" "$("$WSIFLOW" slide s.tif | grep -c 'unreadable: level 0')" 2
printf 'slides: {manifest: m.csv}\ntissue: {mpp: 4}\ntiles: {size: 128, mpp: 1.0, min_tissue: 0, edge: pad}\ntrain: {run: false}\n' >c.yaml
"$WSIFLOW" dataset -c c.yaml -o run >run.log 2>&1
is "the slide is used" $? 0
check "tissue.json has the same list" sh -c "$(command -v python3) listed.py bad_area_list <run/slides/s/tissue.json"
is "tiles without data are not in the patch set" "$(cut -d, -f10 run/dataset/manifest.csv | grep -c '^0\.0000$')" 0
like "but counted" "$(cat run.log)" 'patch set: 2 tiles were left out because less than 50 % of each could be read: 2 of s$'
finish
