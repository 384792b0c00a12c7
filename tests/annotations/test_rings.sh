#!/bin/sh
# Random polygons with holes that may overlap, cross their border or leave it, next to exclusions: every pixel is as in
# a rasteriser in numpy, which fills each ring by its winding number, and the same after writing and reading GeoJSON.
. tests/lib.sh
python3 -c 'import numpy, tifffile' 2>/dev/null || skip_all "python3-numpy or python3-tifffile is missing"
cd "$tmp" || exit 2
python3 - <<'P'
import json, numpy as np
H, W = 192, 256
Y, X = np.mgrid[0:H, 0:W] + 0.5
def inside(ring):
    winding = np.zeros(X.shape, int)
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1]):
        if y0 == y1:
            continue
        at = x0 + (Y - y0) * (x1 - x0) / (y1 - y0)
        winding += ((y0 <= Y) & (Y < y1) & (at <= X)).astype(int) - ((y1 <= Y) & (Y < y0) & (at <= X))
    return winding != 0
def ring(rng, corners, x, y, radius, crossed=False):
    angles = rng.uniform(0, 2 * np.pi, corners)
    angles = angles if crossed else np.sort(angles)
    radii = radius * rng.uniform(0.3, 1.3, corners)
    return [(round(float(x + r * np.cos(a)), 3), round(float(y + r * np.sin(a)), 3)) for a, r in zip(angles, radii)]
for number in range(12):
    rng = np.random.default_rng(number)
    features, lesion, cut = [], np.zeros((H, W), bool), np.zeros((H, W), bool)
    for k in range(5):
        x, y, radius = rng.uniform(40, 210), rng.uniform(40, 150), rng.uniform(20, 45)
        rings = [ring(rng, rng.integers(4, 20), x, y, radius, k == 4)]
        rings += [ring(rng, rng.integers(3, 8), x + rng.normal() * 8, y + rng.normal() * 8, radius / 3) for _ in range(rng.integers(0, 4))]
        pixels = inside(rings[0])
        for hole in rings[1:]:
            pixels &= ~inside(hole)
        name = "Exclusion" if k == 2 else "Tumor"
        (cut if k == 2 else lesion)[pixels] = True
        features.append({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [r + r[:1] for r in rings]},
                         "properties": {"classification": {"name": name}}})
    json.dump({"type": "FeatureCollection", "features": features}, open(f"{number}.geojson", "w"))
    np.save(f"{number}.npy", lesion & ~cut)
P
for file in *.geojson; do
    name=${file%.geojson}
    "$WSIFLOW" mask "$file" --size 256x192 --mpp 1 -o "$name.tif" -j 1 >/dev/null 2>&1
    "$WSIFLOW" annotation convert "$file" --size 256x192 -o "back_$file" >/dev/null 2>&1
    "$WSIFLOW" mask "back_$file" --size 256x192 --mpp 1 -o "back_$name.tif" -j 1 >/dev/null 2>&1
done
is "pixels that differ, and those after a round trip" "$(python3 - <<'P'
import os, numpy as np, tifffile
wrong = [0, 0]
for number in range(12):
    want = np.load(f"{number}.npy")
    for k, name in enumerate((f"{number}.tif", f"back_{number}.tif")):
        wrong[k] += int(((tifffile.imread(name, key=0) > 0) != want).sum()) if os.path.exists(name) else 10**6
print(*wrong)
P
)" "0 0"
finish
