#!/bin/sh
# wsiflow annotation convert: every dialect and label masks in, ASAP XML and GeoJSON out.  The oracle is the mask of the written file.
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
        check "and gives the same pixels" same one.npy
    done
done
check "the area that is reported is the number of pixels" run <<'PY'
import numpy as np
said = dict(line.split("\t") for line in open("said").read().splitlines())
assert said["dialect"] == "label mask" and abs(float(said["lesion px"]) - np.load("one.npy").sum()) < 1e-3, said
PY
if python3 -c "import shapely" 2>/dev/null; then
    check "GeoJSON polygons are valid" run <<'PY'
import json
from shapely.geometry import shape
for feature in json.load(open("strips.geojson"))["features"]:
    assert shape(feature["geometry"]).is_valid
PY
else
    skip "GeoJSON polygons are valid" "python3-shapely is missing"
fi
"$WSIFLOW" annotation convert tiles.xml -o again.geojson >/dev/null && "$WSIFLOW" annotation convert again.geojson -o again.xml >/dev/null
back again.xml 533x411
check "XML to GeoJSON to XML" same one.npy
"$WSIFLOW" annotation convert tiles.xml -o again2.geojson >/dev/null
check "the same bytes each time" cmp again.geojson again2.geojson

"$WSIFLOW" annotation convert three.tif -o x.xml >/dev/null 2>message
is "a label without a rule is an error" $? 1
like "which names it" "$(cat message)" 'in groups that no rule names: "2" .*"3" '
"$WSIFLOW" annotation convert three.tif --groups "2=lesion 3=lesion" -o x.xml >/dev/null
back x.xml 533x411
check "named labels" run <<'PY'
import numpy as np, tifffile
assert np.array_equal(tifffile.imread("back.tif", key=0), tifffile.imread("three.tif") > 0)
PY

"$WSIFLOW" annotation convert coarse.tif --size 533x411 -o coarse.xml >/dev/null
"$WSIFLOW" mask coarse.xml --size 533x411 --mpp 1 --level-mpp 4 -o back.tif >/dev/null 2>&1
check "a coarser mask has the right position" run <<'PY'
import numpy as np, tifffile
assert np.array_equal(tifffile.imread("back.tif", key=0), np.load("coarse.npy"))
PY

# Masks as people have them.  Each kind gives the pixels of one.npy, or is refused with a message that names the kind.
python3 - <<'PY'
import numpy as np, tifffile
from PIL import Image, features
one = np.load("one.npy")
white = one * 255
png = lambda image, name, **more: image.save(f"k_{name}.png", **more)
tif = lambda data, name, **more: tifffile.imwrite(f"k_{name}.tif", data, **more)
png(Image.fromarray(white), "grey")
png(Image.fromarray(white).convert("1"), "bit")
png(Image.fromarray(np.dstack([white] * 3)), "rgb")
png(Image.fromarray(np.dstack([white * 0 + 255] * 3 + [white])), "transparent")
png(Image.fromarray(np.dstack([white, one * 0 + 255])), "grey_alpha")
png(Image.fromarray(one.astype(np.uint16)), "16_bits")
palette = Image.fromarray(one, "P")
palette.putpalette([0, 0, 0, 200, 30, 30])
png(palette, "palette", bits=2)
palette.save("k_palette.tif")
Image.fromarray(white).convert("1").save("k_group4.tif", compression="group4")
tif(one.astype(bool), "bit_tiles", tile=(64, 80), photometric="minisblack")
tif(one.astype(np.int8), "int8", tile=(64, 80), compression="zlib")
tif(one.astype(np.int16), "int16_big_endian", byteorder=">")
tif(one.astype(np.uint32), "uint32", tile=(64, 80))
tif(np.dstack([white] * 3), "rgb_tiles", tile=(64, 80), photometric="rgb", compression="zlib")
# Refused.
tif(one.astype(np.float32), "no_float")
tif(one.astype(np.int8) * -3, "no_negative")
tif(one.astype(np.uint16) * 300, "no_300")
tif(one.astype(bool), "no_white_is_zero")  # as tifffile writes booleans
tif(np.dstack([white] * 4), "no_cmyk", photometric="separated")
noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
tif(noise, "no_photograph", photometric="rgb")
png(Image.fromarray(np.dstack([white] * 3 + [one * 100 + 1])), "no_glass")
Image.fromarray(white).save("k_no_jpeg.jpg")
Image.fromarray(one).save("k_no_jpeg_in.tif", compression="jpeg", quality=100)
Image.fromarray(np.dstack([white] * 3)).save("k_no_jpeg_rgb.tif", compression="jpeg")
if features.check("webp"):
    Image.fromarray(np.dstack([white] * 3)).save("k_no_webp_in.tif", compression="webp")
def says(name, compression):  # the tag alone: the pixels are not read
    tif(one, name)
    with tifffile.TiffFile(f"k_{name}.tif", mode="r+") as f:
        f.pages[0].tags["Compression"].overwrite(compression)
says("no_jp2_in", 34712)
says("no_aperio_jp2", 33005)
says("no_jxl_in", 50002)
says("no_lerc_in", 34887)
Image.fromarray(white).save("k_no_bmp.bmp")
Image.fromarray(white).save("k_no_gif.gif")
np.save("k_no_numpy.npy", one)
colours = np.zeros((*one.shape, 3), np.uint8)
colours[one > 0] = (200, 0, 40)
colours[:9, :9] = 255
png(Image.fromarray(colours), "no_names")
PY
python3 - <<'PY'  # Adam7, which Pillow cannot write: seven passes of the same pixels
import struct, zlib, numpy as np
one = np.load("one.npy")
raw = b""
for y, x, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
    raw += b"".join(b"\0" + row.tobytes() for row in one[y::dy, x::dx])
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
open("k_interlaced.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *one.shape[::-1], 8, 0, 0, 0, 1))
                                     + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
PY
python3 -c '
import numpy as np
from PIL import Image
assert np.array_equal(np.array(Image.open("k_interlaced.png")), np.load("one.npy"))' || echo "not ok - Pillow reads the interlaced file"
for mask in k_[!n]*; do
    "$WSIFLOW" annotation convert "$mask" -o k.xml >/dev/null 2>message && "$WSIFLOW" mask k.xml --size 533x411 --mpp 1 -o "back_$mask.tif" >/dev/null 2>&1
done
python3 - k_[!n]* >kinds <<'PY'
import os, sys, numpy as np, tifffile
one = np.load("one.npy")
for name in sys.argv[1:]:
    back = f"back_{name}.tif"
    print(name, os.path.exists(back) and np.array_equal(tifffile.imread(back, key=0), one))
PY
is "so many kinds of masks" "$(wc -l <kinds)" 15
while read -r mask same; do
    is "a mask as $mask" "$same" True
done <kinds
refused() { # FILE PATTERN
    "$WSIFLOW" annotation convert "$1" -o no.xml >/dev/null 2>message
    like "$1 is refused with its kind" "$(cat message)" "$2"
}
refused k_no_float.tif 'k_no_float.tif is not a label mask: 1 sample of 32 bits; its pixels are floats'
refused k_no_negative.tif 'the value -3 .* in column [0-9]+, row [0-9]+'
refused k_no_300.tif 'the value 300'
refused k_no_white_is_zero.tif '0 is white in it .WhiteIsZero.'
refused k_no_cmyk.tif 'neither grey, palette nor RGB'
refused k_no_photograph.tif 'the 256th colour'
refused k_no_glass.png 'half-transparent'
refused k_no_jpeg.jpg 'is a JPEG image.*label masks are PNG or TIFF'
refused k_no_jpeg_in.tif 'is not a label mask: its compression is JPEG .tag 259 is 7.*Deflate'
refused k_no_jpeg_rgb.tif 'its compression is JPEG'
[ ! -e k_no_webp_in.tif ] || refused k_no_webp_in.tif 'its compression is WebP'
refused k_no_jp2_in.tif 'its compression is JPEG 2000 .tag 259 is 34712'
refused k_no_aperio_jp2.tif 'its compression is JPEG 2000'
refused k_no_jxl_in.tif 'its compression is JPEG XL'
refused k_no_lerc_in.tif 'its compression is LERC'
refused k_no_bmp.bmp 'is a BMP image'
refused k_no_gif.gif 'is a GIF image'
refused k_no_numpy.npy 'is a NumPy array'
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n' >k_no_lfs.xml
refused k_no_lfs.xml 'is a Git LFS pointer.*git lfs pull'
printf 'Rar!\032\007' >k_no_rar.xml
refused k_no_rar.xml 'is a RAR archive: unpack it first'
refused k_no_names.png '"#ffffff" \(1\).*"#c80028" \('
"$WSIFLOW" annotation convert k_no_names.png --group "#c80028=lesion" --group "#ffffff=not" -o k.xml >/dev/null 2>message
like "colours of an image are reported" "$(cat message)" 'an image of colours'
back k.xml 533x411
check "and are groups" run <<'PY'
import numpy as np, tifffile
want = np.load("one.npy")
want[:9, :9] = 0
assert np.array_equal(tifffile.imread("back.tif", key=0), want)
PY
# What must not be read as a mask: several masks, a rotated one, one of another slide, colours in the order of a quantiser.
python3 - <<'PY'
import numpy as np, tifffile
from PIL import Image
one = np.load("one.npy")
none = one * 0
tif = lambda data, name, **more: tifffile.imwrite(f"l_{name}.tif", data, **more)
tif(np.stack([none, one]), "stack", photometric="minisblack")
tif(np.stack([none, one, none]), "imagej", imagej=True)
tif(np.stack([none, one]), "ome", metadata={"axes": "CYX"}, ome=True, photometric="minisblack")
tif(np.stack([none, one]), "tiles", photometric="minisblack", tile=(64, 80))
with tifffile.TiffWriter("l_hidden.tif") as out:
    out.write(np.stack([none, one]), truncate=True, photometric="minisblack")
tif(np.stack([none, one], -1), "channels", photometric="minisblack", planarconfig="contig")
def pages(name, *data):
    with tifffile.TiffWriter(f"l_{name}.tif") as out:
        for page in data:
            out.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", metadata=None)
pages("aspect", one, one[::2])
pages("larger", one[::2, ::2], one)
pages("other", one, np.dstack([one[::2, ::2] * 255] * 3))
pages("levels", one, one[::2, ::2], one[::4, ::4])
for turned in range(2, 9):
    tif(one, f"turned_{turned}", extratags=[(274, "H", 1, turned, True)])
exif = Image.Exif()
exif[274] = 6
Image.fromarray(one * 255).save("l_turned_exif.png", exif=exif)
exif[274] = 1
Image.fromarray(one * 255).save("l_upright_exif.png", exif=exif)
def palette(name, indices, *entries, **more):
    image = Image.fromarray(indices.astype(np.uint8), "P")
    image.putpalette([v for entry in entries for v in entry])
    image.save(name, **more)
red, black, white = (200, 0, 40), (0, 0, 0), (255, 255, 255)
palette("l_red_first.png", 1 - one, red, black, bits=1)
palette("l_red_first.tif", 1 - one, red, black)
palette("l_white_first.png", one, white, red)
palette("l_glass_first.png", one, white, red, transparency=0)
palette("l_white_lesion.png", 1 - one, white, black)
Image.fromarray(one.T.copy()).save("l_transposed.png")
Image.fromarray(np.pad(one[::2, ::2], ((0, 9), (0, 0)))).save("l_padded.png")
Image.fromarray(one[:100]).save("l_part.png")
for name, rounded in (("floor", np.floor), ("ceil", np.ceil)):
    w, h = (int(rounded(v / 8)) for v in (533, 411))
    Image.fromarray(np.ones((h, w), np.uint8)).save(f"l_{name}.png")
PY
refused l_stack.tif 'of its 2 pages the first has 533 x 411 px, and page 2 is of the same size'
refused l_imagej.tif 'of its 3 pages .* page 2 is of the same size'
refused l_ome.tif 'of its 2 pages .* page 2 is of the same size'
refused l_tiles.tif 'of its 2 pages .* page 2 is of the same size'
refused l_hidden.tif 'several planes .a tifffile stack.'
refused l_channels.tif 'its last sample is not transparency but a separate channel'
refused l_aspect.tif 'page 2 is of a different aspect ratio'
refused l_larger.tif 'page 2 is larger'
refused l_other.tif 'page 2 is of other pixels'
for turned in 2 3 4 5 6 7 8; do
    refused "l_turned_$turned.tif" "its orientation .tag 274. is $turned"
done
refused l_turned_exif.png 'its orientation .tag 274. is 6'
refused l_red_first.png '"#c80028" \('
refused l_red_first.tif '"#c80028" \('
refused l_white_first.png '"#ffffff" \('
fits() { # FILE AREA [OPTION...]
    file=$1 area=$2
    shift 2
    "$WSIFLOW" annotation convert "$file" --size 533x411 "$@" -o l.xml >said 2>message
    is "the area of $file" "$(sed -n 's/lesion px.//p' said)" "$area"
}
area=$(python3 -c 'import numpy as np; print(np.load("one.npy").sum())')
fits l_levels.tif "$area"
fits l_upright_exif.png "$area"
fits l_glass_first.png "$area"
fits l_white_lesion.png "$area"
fits l_red_first.png "$area" --group "#c80028=lesion"
fits l_red_first.tif "$area" --group "#c80028=lesion"
fits l_floor.png $((8 * 66 * 8 * 51))
fits l_ceil.png $((533 * 411))
aspect() { # FILE
    "$WSIFLOW" annotation convert "$1" --size 533x411 -o no.xml >/dev/null 2>message
    is "$1 has another aspect ratio" $? 1
    like "and the message says so" "$(cat message)" 'does not have the aspect ratio of the slide .533 x 411 px'
}
aspect l_transposed.png
aspect l_padded.png
aspect l_part.png
head -c 2000 k_rgb.png >k_cut.png
refused k_cut.png 'k_cut.png: the mask cannot be decoded in row'
head -c 3000 strips.tif >cut.tif
"$WSIFLOW" annotation convert cut.tif -o cut.xml >/dev/null 2>message
is "a truncated mask is an error" $? 1
is "which leaves nothing" "$(ls -A | grep -c cut.xml)" 0
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
    like "a mask of another program is read or refused with a reason" "$(cat said message)" 'outlines|not a label mask'
else
    skip "real annotations" "set WSIFLOW_TEST_DATA to the folder of real data"
fi
finish
