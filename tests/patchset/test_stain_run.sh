#!/bin/sh
# tiles.stain and tiles.icc in a patch set.  Oracles: the same tiles without them, changed by numpy and by Pillow (littleCMS).
. tests/lib.sh
python3 -c 'import numpy, tifffile; from PIL import Image, ImageCms' 2>/dev/null || skip_all "python3-numpy, tifffile or PIL is missing"
cd "$tmp" || exit 2

# A profile of RGB with other primaries and a gamma of 1.8, as ICC.1 has it.
python3 - <<'PY'
import struct, numpy as np, tifffile
def s15(*v): return b"".join(struct.pack(">i", round(x * 65536)) for x in v)
xyz = lambda *v: b"XYZ \0\0\0\0" + s15(*v)
curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.8 * 256)) + b"\0\0"
text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 78 + b"\0"
tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": xyz(0.9642, 1, 0.8249), b"rXYZ": xyz(0.61, 0.31, 0.02),
        b"gXYZ": xyz(0.205, 0.63, 0.06), b"bXYZ": xyz(0.1492, 0.06, 0.7449), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
for name, data in tags.items():
    data += b"\0" * (-len(data) % 4)
    table += name + struct.pack(">II", at + len(body), len(data)); body += data
size = at + len(body)
head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ") + struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
head += b"acsp" + b"\0" * 28 + s15(0.9642, 1, 0.8249) + b"\0" * 48
open("test.icc", "wb").write(head[:128] + struct.pack(">I", len(tags)) + table + body)
draw = np.random.default_rng(5)
od = draw.gamma(1, .35, (1024, 1024, 1)) * [.65, .70, .29] + draw.gamma(1, .3, (1024, 1024, 1)) * [.1, .95, .2]
for _ in range(3): od = (od + np.roll(od, 1, 0) + np.roll(od, 1, 1)) / 3
od[:200] = 0
profile = open("test.icc", "rb").read()
a = np.clip(np.rint(245 * np.exp(-od)), 0, 255).astype(np.uint8)
tifffile.imwrite("slide.tif", a, tile=(256, 256), photometric="rgb", resolution=(20000, 20000), resolutionunit=3,
                 extratags=[(34675, 7, len(profile), profile, True)])
open("m.csv", "w").write("slide,split\nslide.tif,train\n")
PY
run() { # NAME KEYS
    printf 'slides: {manifest: m.csv}\ntissue: {mpp: 4}\ntrain: {run: false}\ntiles: {size: 128, mpp: 1.0, min_tissue: 0%s}\n' "$2" >"$1.yaml"
    "$WSIFLOW" dataset -c "$1.yaml" -o "$1" >"$1.log" 2>&1
}
run plain ""
is "without" $? 0
run icc ", icc: true"
is "tiles.icc" $? 0
check "tiles are those without, from the slide's profile to sRGB" python3 - <<'PY'
import glob, numpy as np
from PIL import Image, ImageCms
names = sorted(glob.glob("plain/dataset/train/good/*.png"))
assert len(names) == 16, names
for name in names:
    plain, got = Image.open(name), np.asarray(Image.open(name.replace("plain", "icc", 1))).astype(int)
    want = ImageCms.profileToProfile(plain, "test.icc", ImageCms.createProfile("sRGB"), renderingIntent=0)
    assert np.abs(got - np.asarray(want).astype(int)).max() <= 1
    assert np.abs(got - np.asarray(plain).astype(int)).max() > 5
PY

# Trained straight from slides: positions of tiles stay, their colours do not.
straight() { # ICC
    printf 'slides: {manifest: m.csv}\ntissue: {mpp: 4}\ndataset: {write: false}\nscore: {slides: none}\n' >straight.yaml
    printf 'tiles: {size: 128, mpp: 1.0, min_tissue: 0, icc: %s}\nmodel: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\n' "$1" >>straight.yaml
    printf 'train: {source: slides, epochs: 1}\n' >>straight.yaml
    "$WSIFLOW" run -c straight.yaml -o straight >straight.log 2>&1
}
straight false
is "training straight from slides" $? 0
cp straight/model/model.safetensors without.safetensors
straight true
is "and again with tiles.icc" $? 0
check "which gives another model" sh -c '! cmp -s straight/model/model.safetensors without.safetensors'
sed 's/icc: true/stain: macenko/' straight.yaml >stained.yaml
"$WSIFLOW" run -c stained.yaml -o straight >stained.log 2>&1
is "and with tiles.stain" $? 0
sed 's/write: false/write: true/; s/source: slides, //' stained.yaml >cut.yaml
"$WSIFLOW" run -c cut.yaml -o cut >cut.log 2>&1
check "which gives the model of the normalised patches" cmp straight/model/model.safetensors cut/model/model.safetensors
check "another one than without" sh -c '! cmp -s straight/model/model.safetensors without.safetensors'

for method in macenko reinhard; do
    target=""
    [ $method = macenko ] || target=", stain_target: $PWD/target.png"
    [ -f target.png ] || python3 -c '
import numpy as np
from PIL import Image
od = np.random.default_rng(1).gamma(2, .3, (96, 96, 1)) * [.3, .8, .5] + np.random.default_rng(2).gamma(2, .2, (96, 96, 1)) * [.7, .6, .3]
Image.fromarray(np.clip(240 * np.exp(-od), 0, 255).astype(np.uint8)).save("target.png")'
    run $method ", stain: $method$target"
    is "tiles.stain: $method" $? 0
    check "one fit a slide" grep -q "\"method\": \"$method\"" $method/slides/slide/stain.json
    run again "$target, stain: $method"
    check "the same tiles again" cmp $method/dataset/manifest.csv again/dataset/manifest.csv
    rm -rf again
    is "every tile is there" "$(find $method/dataset/train/good -name '*.png' | wc -l)" 16
done
check "Macenko: tiles are those without, changed by the slide's fit; glass stays glass" python3 - <<'PY'
import glob, json, numpy as np
from PIL import Image
fit = json.load(open("macenko/slides/slide/stain.json"))
he = np.array([fit["haematoxylin"], fit["eosin"]])
ref, top = np.array([[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]]), np.array([1.9705, 1.0308])
for name in sorted(glob.glob("plain/dataset/train/good/*.png")):
    plain, got = (np.asarray(Image.open(n)).astype(float) for n in (name, name.replace("plain", "macenko", 1)))
    c = np.linalg.lstsq(he.T, -np.log((plain.reshape(-1, 3) + 1) / 240).T, rcond=None)[0]
    want = np.clip(240 * np.exp(-(ref.T @ (c * (top / fit["densities"])[:, None]))).T.reshape(plain.shape), 0, 255)
    assert np.abs(got - want).max() <= 0.51, np.abs(got - want).max()
    glass = (plain == 245).all(2)
    assert not glass.any() or got[glass].min() >= 235, got[glass][0]
PY
# Before a slide is touched.
run missing ", stain: reinhard"
like "Reinhard needs a target" "$(cat missing.log)" 'needs tiles.stain_target'
run blank ", stain: reinhard, stain_target: $PWD/none.png"
like "a target that is not there is an error" "$(cat blank.log)" 'none.png'
run alone ", stain_target: $PWD/target.png"
like "so is a target that nothing is normalised to" "$(cat alone.log)" 'tiles.stain is none'
for name in missing blank alone; do
    check "of which no run is left ($name)" test ! -e $name
done
finish
