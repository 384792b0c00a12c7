#!/bin/sh
# The four configurations of real input run from start to end; training and embedding are shortened so that the check stays short.
. tests/lib.sh
[ -n "${WSIFLOW_TEST_DATA:-}" ] || skip_all "WSIFLOW_TEST_DATA is not set: no real slides and patches"
WSIFLOW_TEST_DATA=$(cd "$WSIFLOW_TEST_DATA" && pwd)
export WSIFLOW_TEST_DATA
cp -r configs "$tmp/configs"
cd "$tmp" || exit 1

metric() { # FILE KEY: a metric of metrics.json
    python3 -c "
import json, sys
m = json.load(open(sys.argv[1]))
for k in sys.argv[2].split('.'):
    m = m[k]
print(m)" "$1" "$2"
}

run() { # NAME EPOCHS: the configuration with so many epochs, and patches as they are instead of enlarged
    if grep -q 'epochs:' "configs/$1.yaml"; then
        sed "s/epochs: .*/epochs: $2/; s/size: 192/size: 96/" "configs/$1.yaml" >"configs/$1.short.yaml"
    else
        { cat "configs/$1.yaml"; printf 'train:\n  epochs: %d\n' "$2"; } >"configs/$1.short.yaml"
    fi
    printf 'embedding:\n  points: 200\n' >>"configs/$1.short.yaml"
    "$WSIFLOW" run -c "configs/$1.short.yaml" -o "$1" -j 2 >"$1.log" 2>"$1.err"
    code=$?
    is "$1 ends with 0" $code 0
    [ $code -eq 0 ] || sed 's/^/# /' "$1.err" | tail -5
}

run pcam 2
auroc=$(metric pcam/metrics.json best_f1.auroc)
echo "# pcam_96, 2 epochs: AUROC $auroc, AP $(metric pcam/metrics.json best_f1.average_precision), without near-blank $(metric pcam/metrics.json without_near_blank.auroc)"
is "pcam: 400 normal and 600 tumour patches" "$(metric pcam/metrics.json best_f1.n) $(metric pcam/metrics.json best_f1.positives)" "1000 600"
check "pcam: AUROC above 0.70" python3 -c "assert $auroc > 0.70"

run lc25000 2
auroc=$(metric lc25000/metrics.json best_f1.auroc)
echo "# lc25000, 2 epochs: AUROC $auroc"
check "lc25000: AUROC above 0.95" python3 -c "assert $auroc > 0.95"

run tumor_001 1
s=tumor_001/slides/tumor_001_L5_pyr
check "tumor_001: lesion patches with masks" sh -c 'ls tumor_001/dataset/train/Ungood/*.png && ls tumor_001/dataset_train/ground_truth/Ungood/*_mask.png'
check "tumor_001: mask and heatmap lie on the slide" python3 - "$s" <<'P'
import sys, csv, json, numpy as np, openslide, tifffile
s = sys.argv[1]
slide = json.load(open(s + "/slide.json"))
w, h, mx, my = slide["width"], slide["height"], slide["mpp_x"], slide["mpp_y"]
assert (w, h) == (3056, 6912) and abs(mx - 7.779) < 1e-3
m = openslide.OpenSlide(s + "/mask.tif")
assert m.dimensions == (w, h), m.dimensions
mask = tifffile.imread(s + "/mask.tif")
area = json.load(open(s + "/mask.json"))["lesion_area_px"]
assert abs(mask.sum() - area) < 900, (mask.sum(), area)  # to a pixel along the boundary
ys, xs = np.nonzero(mask)
assert 2100 < xs.mean() < 2350 and 3900 < ys.mean() < 4250, (xs.mean(), ys.mean())  # where the annotation is
o = openslide.OpenSlide(s + "/heatmap.tif")
for k, (lw, lh) in enumerate(o.level_dimensions):
    ex, ey = o.dimensions[0] / 2**k, o.dimensions[1] / 2**k
    assert abs(lw - ex) < 1.01 and abs(lh - ey) < 1.01, (k, lw, lh)
with tifffile.TiffFile(s + "/heatmap.ome.tif") as t:
    assert len(t.series) == 1 and len(t.series[0].levels) >= len(o.level_dimensions)
    import xml.etree.ElementTree as E
    p = E.fromstring(t.ome_metadata).find(".//{*}Pixels").attrib
    hy, hx = t.series[0].shape[-2:]
assert abs(hx * float(p["PhysicalSizeX"]) - w * mx) < 1e-3 * mx * w and abs(hy * float(p["PhysicalSizeY"]) - h * my) < 1e-3 * my * h
assert (hx, hy) == o.dimensions
P

run cmu_1 1
s=cmu_1/slides/CMU-1-Small-Region
check "cmu_1: images and heatmap" sh -c "test -s $s/tissue.png && test -s $s/heatmap.tif && test -s $s/heatmap.ome.tif && test -s $s/heatmap.png && test -s cmu_1/report.html"
check "cmu_1: no lesion, so no AUROC is made up" python3 -c "
import json
m = json.load(open('cmu_1/metrics.json'))
parts = [m, *m.get('splits', [])]
assert not [p for p in parts if 'auroc' in p.get('best_f1', {})] and all(p.get('absent') or p['best_f1']['absent'] for p in parts), m"

for slide in "$WSIFLOW_TEST_DATA"/slides/*; do
    text=$("$WSIFLOW" slide "$slide" 2>&1)
    code=$?
    case $code in
    0) like "$(basename "$slide") is read" "$text" 'size [0-9]+ x [0-9]+ px' ;;
    *) like "$(basename "$slide") is refused with a reason that names it" "$text" "wsiflow slide: .*$(basename "$slide")" ;;
    esac
done

finish
