#!/bin/sh
# DICOM slides: the files of a series are one slide by whichever name it is given, in a cohort too; OpenSlide 3 says which version reads them.
. tests/lib.sh
python3 -c 'import numpy, tifffile, PIL' 2>/dev/null || skip_all "python3-numpy, tifffile or PIL is missing"
cd "$tmp" || exit 2
cat >make.py <<'PY'
import os, struct, numpy as np, tifffile
from PIL import ImageCms
WSM, CT = "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
LONG = {"OB", "OW", "SQ", "UN", "UT"}
def element(group, number, vr, value, implicit=False):
    if isinstance(value, str):
        value = value.encode()
    elif isinstance(value, int):
        value = struct.pack({"US": "<H", "UL": "<I"}[vr], value)
    value += b"\0" if len(value) % 2 and vr in ("UI", "OB", "UN") else b" " * (len(value) % 2)
    tag = struct.pack("<HH", group, number)
    if implicit:
        return tag + struct.pack("<I", len(value)) + value
    return tag + vr.encode() + (b"\0\0" + struct.pack("<I", len(value)) if vr in LONG else struct.pack("<H", len(value))) + value
def item(*elements):
    body = b"".join(elements)
    return struct.pack("<HHI", 0xfffe, 0xe000, len(body)) + body
def endless(group, number, *items): # a sequence and items of unknown length
    out = struct.pack("<HH2sHI", group, number, b"SQ", 0, 0xffffffff)
    for body in items:
        out += struct.pack("<HHI", 0xfffe, 0xe000, 0xffffffff) + body + struct.pack("<HHI", 0xfffe, 0xe00d, 0)
    return out + struct.pack("<HHI", 0xfffe, 0xe0dd, 0)
def write(path, series, instance, image, um, flavor="VOLUME", tile=128, icc=b"", sop=WSM, before=b"", syntax=EXPLICIT):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    h, w = image.shape[:2]
    across, down = -(-w // tile), -(-h // tile)
    padded = np.full((down * tile, across * tile, 3), 255, np.uint8)
    padded[:h, :w] = image
    frames = [padded[y:y + tile, x:x + tile].tobytes() for y in range(0, down * tile, tile) for x in range(0, across * tile, tile)]
    meta = b"".join((element(2, 1, "OB", b"\0\1"), element(2, 2, "UI", sop), element(2, 3, "UI", instance), element(2, 0x10, "UI", syntax),
                     element(2, 0x12, "UI", "1.2.3.4")))
    spacing = "%.6f\\%.6f" % (um / 1000, um / 1000)
    implicit = syntax == IMPLICIT
    def e(*of):
        return element(*of, implicit)
    data = b"".join((
        e(8, 8, "CS", "ORIGINAL\\PRIMARY\\%s\\NONE" % flavor), e(8, 0x16, "UI", sop), e(8, 0x18, "UI", instance), before,
        e(0x10, 0x10, "PN", "CANARY^NAME"), e(0x20, 0xd, "UI", "1.2.3"), e(0x20, 0xe, "UI", series),
        e(0x20, 0x9311, "CS", "TILED_FULL"), e(0x28, 2, "US", 3), e(0x28, 4, "CS", "RGB"), e(0x28, 6, "US", 0), e(0x28, 8, "IS", str(len(frames))),
        e(0x28, 0x10, "US", tile), e(0x28, 0x11, "US", tile), e(0x28, 0x100, "US", 8), e(0x28, 0x101, "US", 8), e(0x28, 0x102, "US", 7),
        e(0x28, 0x103, "US", 0), e(0x48, 6, "UL", w), e(0x48, 7, "UL", h),
        e(0x48, 0x105, "SQ", item(e(0x28, 0x2000, "OB", icc), e(0x48, 0x106, "SH", "1"), e(0x48, 0x112, "DS", "20")) if icc else b""),
        e(0x48, 0x303, "UL", 1),
        e(0x5200, 0x9229, "SQ", item(e(0x28, 0x9110, "SQ", item(e(0x28, 0x30, "DS", spacing))))),
        e(0x7fe0, 0x10, "OW", b"".join(frames))))
    open(path, "wb").write(b"\0" * 128 + b"DICM" + element(2, 0, "UL", len(meta)) + meta + data)

draw = np.random.default_rng(5)
H, W = 768, 1000
def slide_like():
    od = draw.gamma(1, .35, (H // 8, W // 8, 1)) * [.65, .70, .29] + draw.gamma(1, .3, (H // 8, W // 8, 1)) * [.1, .95, .2]
    out = np.clip(np.rint(245 * np.exp(-od)), 0, 255).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    out[:, :300] = 243
    return out
icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
icc = icc.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ") # red is blue
nested = endless(8, 0x1140, element(8, 0x1150, "UI", CT) + endless(8, 0x1110, b"", element(8, 0x1155, "UI", "1.9")), b"")
def series(folder, uid, names, image, **more):
    write(f"{folder}/{names[0]}", uid, uid + ".1", image[::2, ::2], 1.0, **more)
    write(f"{folder}/{names[1]}", uid, uid + ".2", image, 0.5, **more)
    write(f"{folder}/{names[2]}", uid, uid + ".3", np.full((64, 128, 3), (250, 90, 10), np.uint8), 4.0, flavor="LABEL", **more)
one, two, three, four = (slide_like() for i in range(4))
np.save("one.npy", one)
series("slides/one", "1.2.10", ("b.dcm", "c.dcm", "a.dcm"), one, before=nested, icc=icc)
series("slides/1.2.20", "1.2.20." + "9" * 60, ("1.2.20.1", "1.2.20.2", "1.2.20.3"), two) # named by UIDs, which are too long
series("slides", "1.2.30", ("flat_1.dcm", "flat_2.dcm", "flat_3.dcm"), three)
series("slides/pair", "1.2.40", ("a.dcm", "b.dcm", "c.dcm"), four)
series("slides/pair", "1.2.50", ("d.dcm", "e.dcm", "f.dcm"), four)
write("slides/one/report", "1.2.10", "1.2.10.9", one[:64, :64], 1, sop=CT) # of the series, and no slide
write("other/ct.dcm", "1.2.60", "1.2.60.1", one[:64, :64], 1, sop=CT)
def private(size): # before the Series Instance UID
    return element(9, 0x1010, "OB", b"\1" * size)
write("private/a.dcm", "1.2.80", "1.2.80.1", one[:64, :64], 1, before=private(300000))
write("deflated/a.dcm", "1.2.90", "1.2.90.1", one[:64, :64], 1, before=b"\x01\x02\x03\x04\x05\x06\x07\x08")
write("implicit/a.dcm", "1.2.70", "1.2.70.1", one, 0.5, syntax=IMPLICIT)
open("cut.dcm", "wb").write(open("slides/one/c.dcm", "rb").read()[:300])
with tifffile.TiffWriter("slides/tiff.tif") as out:
    out.write(one, tile=(128, 128), photometric="rgb", compression="zlib", metadata=None, resolution=(20000, 20000), resolutionunit=3, extratags=[(34675, 7, len(icc), icc, True)])
os.makedirs("empty")
PY
python3 make.py || exit 2
version=$("$WSIFLOW" doctor 2>/dev/null | grep -o 'OpenSlide [0-9.]*' | head -1)
case $version in
"OpenSlide 3."*) reads=no ;;
*) reads=yes ;;
esac

# ---- without OpenSlide's help
like "a folder without DICOM" "$("$WSIFLOW" slide empty 2>&1)" 'empty is a folder that holds no file of a DICOM slide'
like "a folder of two slides" "$("$WSIFLOW" slide slides/pair 2>&1)" 'slides/pair is a folder that holds 2 DICOM slides: name one by any of its files'
like "another kind of DICOM" "$("$WSIFLOW" slide other/ct.dcm 2>&1)" 'ct.dcm is not a whole-slide image: it is DICOM, but not of a whole slide'
like "a folder of that" "$("$WSIFLOW" slide other 2>&1)" 'other is a folder that holds no file of a DICOM slide'
is "a long private element does not hide the series" "$("$WSIFLOW" slide private 2>&1 | grep -c "no file of a DICOM slide")" 0
# Where OpenSlide reads DICOM (from 4.0 on) the reason is its own.
like "a header that cannot be parsed" "$("$WSIFLOW" slide deflated/a.dcm 2>&1)" \
    'deflated/a.dcm.*(it is DICOM, but its header cannot be parsed|libdicom Parse error)'
like "a folder of that names the file" "$("$WSIFLOW" slide deflated 2>&1)" \
    'no file of a DICOM slide: the header of a.dcm cannot be parsed up to its Series Instance UID'
cp -r slides/one locked
chmod 000 locked/c.dcm
chmod 755 "$tmp"
nobody() { if [ "$(id -u)" = 0 ]; then setpriv --reuid 65534 --clear-groups "$@"; else "$@"; fi; }
if ! nobody cat locked/c.dcm 2>/dev/null && nobody "$WSIFLOW" --version >/dev/null 2>&1; then
    like "a file of the series that cannot be read is named" "$(nobody "$WSIFLOW" slide locked 2>&1)" 'cannot read locked/c.dcm'
    like "by any file" "$(nobody "$WSIFLOW" slide locked/a.dcm 2>&1)" 'cannot read locked/c.dcm'
    like "doctor says so too" "$(nobody "$WSIFLOW" doctor . 2>&1)" 'cannot read ./locked/c.dcm'
else
    skip "a file of the series that cannot be read" "every file can be read here"
fi
"$WSIFLOW" slide cut.dcm >cut.log 2>&1
is "a truncated header is an error, not a crash" $? 1

printf 'slides: {folder: slides}\ntissue: {mpp: 4}\ntiles: {size: 128, mpp: 0.5, min_tissue: 0, icc: true}\ndataset: {test_fraction: 0, valid_fraction: 0}\ntrain: {run: false}\n' >c.yaml
"$WSIFLOW" dataset --patience 0 -c c.yaml -o run >log 2>&1
code=$?
cohort() { # FOLDER: slides, then what is not used
    "$WSIFLOW" status "$1" --json | python3 -c '
import json, os, sys
s = json.load(sys.stdin)
print(*[e["id"] for e in s["slides"]])
for line in sorted(os.path.basename(u["name"]) + ": " + u["reason"] for u in s["unused"]): print(line)'
}
is "a folder, or files of one series, are one slide" "$(cohort run)" "1.2.20 flat_2 one tiff
pair: a folder of 2 DICOM slides: set slides.folder to it, or name a file of each slide in slides.manifest"
printf 'slide,id\none,uno\n1.2.20/1.2.20.3,due\nflat_1.dcm,\n' >m.csv
sed 's|folder: slides|folder: slides, manifest: m.csv|' c.yaml >m.yaml
"$WSIFLOW" dataset --patience 0 -c m.yaml -o run_m >log_m 2>&1
is "a manifest names a slide by folder or file; its other files are not listed" "$(cohort run_m)" "due flat_1 uno
pair: a folder of 2 DICOM slides: set slides.folder to it, or name a file of each slide in slides.manifest
tiff.tif: not in slides.manifest"

if [ $reads = no ]; then
    for f in slides/one slides/one/a.dcm slides/1.2.20/1.2.20.2; do
        like "$f: the error names the version" "$("$WSIFLOW" slide $f 2>&1)" "$f is a DICOM slide, which $version does not read: OpenSlide 4.0 and later do"
    done
    is "the run does the others, and says so" $code 3
    like "doctor opens each slide once" "$("$WSIFLOW" doctor slides)" 'slides    1 usable, 4 not usable'
    skip "pixels, resolution, colours" "$version does not read DICOM"
    finish
    exit
fi

# ---- with OpenSlide 4
is "all are cut" $code 0
like "doctor opens each slide once" "$("$WSIFLOW" doctor slides)" 'slides    4 usable, 1 not usable'
cat >facts.py <<'PY'
import json, subprocess, sys
def facts(path):
    s = json.loads(subprocess.run([sys.argv[1], "slide", "--json", path], check=True, stdout=subprocess.PIPE).stdout)
    s = s[0] if isinstance(s, list) else s
    return {k: v for k, v in s.items() if k not in ("path", "file", "slide")}
def same(paths):
    all = [facts(p) for p in paths]
    assert all.count(all[0]) == len(all), all
    return all[0]
one = same(["slides/one", "slides/one/", "slides/one/a.dcm", "slides/one/b.dcm", "slides/one/c.dcm"])
assert one["vendor"] == "dicom" and one["mpp_source"] == "file" and abs(one["mpp_x"] - .5) < 1e-9, one
assert [(l["width"], l["height"]) for l in one["levels"]] == [(1000, 768), (500, 384)], one
two = same(["slides/1.2.20", "slides/1.2.20/1.2.20.1", "slides/1.2.20/1.2.20.3"])
assert two["fingerprint"] != one["fingerprint"]
assert "CANARY" not in json.dumps(one)
PY
check "the folder and each of its files are the same slide" python3 facts.py "$WSIFLOW"
cat >pixels.py <<'PY'
import csv, numpy as np
from PIL import Image
tiles = {}
for row in csv.DictReader(open("run/dataset/manifest.csv")):
    tiles.setdefault(row["slide"], {})[int(row["x"]), int(row["y"])] = np.asarray(Image.open("run/dataset/" + row["file"]))
assert sorted(tiles) == ["1.2.20", "flat_2", "one", "tiff"] and all(len(t) == len(tiles["tiff"]) >= 42 for t in tiles.values()), {k: len(t) for k, t in tiles.items()}
one = np.load("one.npy")
for (x, y), tile in tiles["one"].items():
    assert np.array_equal(tile, tiles["tiff"][x, y]), (x, y)
changed = sum(not np.array_equal(tile, one[y:y + 128, x:x + 128]) for (x, y), tile in tiles["one"].items())
assert changed > 20, changed
PY
check "tiles are those of the same slide as TIFF, and the ICC profile is applied to both" python3 pixels.py
finish
