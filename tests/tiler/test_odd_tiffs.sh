#!/bin/sh
# TIFF files as other programs write them, made by tifffile: which pages are levels, what is refused and with which words, colours.
. tests/lib.sh
python3 -c 'import numpy, tifffile, PIL' 2>/dev/null || skip_all "python3-numpy, tifffile or PIL is missing"
cd "$tmp" || exit 2
cat >make.py <<'PY'
import io, struct, numpy as np, tifffile
from PIL import Image
draw = np.random.default_rng(5)
H, W = 768, 1024
od = draw.gamma(1, .35, (H // 8, W // 8, 1)) * [.65, .70, .29] + draw.gamma(1, .3, (H // 8, W // 8, 1)) * [.1, .95, .2]
slide = np.clip(np.rint(245 * np.exp(-od)), 0, 255).astype(np.uint8).repeat(8, 0).repeat(8, 1)
slide[:, :W // 2] = 243 # glass
np.save("slide.npy", slide)
CANARY = (250, 90, 10) # orange, which no slide has
def canary(h, w):
    return np.full((h, w, 3), CANARY, np.uint8)
half, quarter = slide[::2, ::2], slide[::4, ::4]
common = dict(tile=(128, 128), photometric="rgb", resolution=(20000, 20000), resolutionunit=3)
def write(name, pages, **more):
    """pages: (image, options of this page)"""
    with tifffile.TiffWriter(name, **more) as out:
        for image, options in pages:
            out.write(np.ascontiguousarray(image), **{**common, "metadata": None, **options})
z = dict(compression="zlib")
# ---- pages that are no level
write("label_aspect.tif", [(slide, z), (half, dict(z, subfiletype=1)), (canary(160, 96), dict(z, subfiletype=1, tile=(32, 32)))])
write("label_named.tif", [(slide, z), (canary(192, 256), dict(z, subfiletype=1, description="Scanner 1\nlabel 256x192"))])
write("macro_wide.tif", [(slide, z), (canary(200, 600), dict(z, subfiletype=1))])
write("macro_flag.tif", [(slide, z), (canary(384, 512), dict(z, subfiletype=9))])
# Aperio's levels are not flagged; OpenSlide does not open this one, since a macro is no level.
with tifffile.TiffWriter("aperio_macro.svs") as out:
    for image, options in ((slide, dict(description="Aperio Image Library v1\n1024x768|AppMag = 20|MPP = 0.4990")),
                             (quarter, dict(description="Aperio Image Library v1\n1024x768 -> 256x192")),
                             (canary(160, 96), dict(tile=(32, 32), subfiletype=1, description="Aperio Image Library v1\nlabel 96x160")),
                             (canary(384, 512), dict(subfiletype=9, description="Aperio Image Library v1\nmacro 512x384"))):
        out.write(np.ascontiguousarray(image), **{**dict(tile=(128, 128), photometric="rgb", compression="zlib", metadata=None), **options})
# Facts of the slide that begin like the name of a page; DocumentName and PageName are what programs write file names into.
flagged = dict(z, subfiletype=1)
for name, text in ("barcode", "Scanner 3000\nBarcode: S12-3456\nStain: H&E"), ("label", "Label: S12"), ("macro", "macro"), ("thumbnail", "Thumbnail at 1x"):
    write(f"named_{name}.tif", [(slide, dict(z, description=text)), (half, flagged), (quarter, flagged)])
write("named_all.tif", [(p, dict(flagged if n else z, description="Vendor\nBarcode 7")) for n, p in enumerate((slide, half, quarter))])
for tag in 269, 285:
    write(f"named_{tag}.tif", [(slide, dict(z, extratags=[(tag, 2, 0, "label-free_017.tif", True)])), (half, flagged), (quarter, flagged)])
write("named_big.tif", [(slide, dict(z, description="Label: S12")), (half, dict(flagged, description="Label: S12")), (canary(192, 256), dict(flagged, description="Label_Image"))], byteorder=">")
# ---- two pages of one size: the first is the level
def picked(name, pages, missing=0, **more):
    write(name, pages, **more)
    with tifffile.TiffFile(name) as f:
        tag = f.pages[0].tags[325]
    data = bytearray(open(name, "rb").read())
    for tile in range(missing):
        struct.pack_into({3: "<H", 4: "<I"}[tag.dtype], data, tag.valueoffset + {3: 2, 4: 4}[tag.dtype] * tile, 0)
    open(name, "wb").write(data)
picked("twins_turned.tif", [(slide, dict(z, extratags=[(274, 3, 1, 3, True)])), (slide, z)])
picked("twins_turned2.tif", [(slide, z), (half, dict(flagged, extratags=[(274, 3, 1, 6, True)])), (half, z)])
picked("twins_holes.tif", [(slide, z), (quarter, flagged), (slide, z)], 9)
picked("twins_other.tif", [(slide, z), (half, flagged), (canary(768, 1024), dict(flagged, subfiletype=1)), (canary(384, 512), flagged)])
# ---- the largest page is not the first
write("reversed.tif", [(quarter, dict(z, subfiletype=1)), (half, dict(z, subfiletype=1)), (slide, dict(z, subfiletype=0))])
write("reversed_unflagged.tif", [(half, z), (slide, z)])
write("thumbnail_first.tif", [(quarter, dict(z, tile=None)), (slide, dict(z, subfiletype=0)), (half, dict(z, subfiletype=1))])
write("behind_label.tif", [(canary(100, 90), dict(z, tile=(32, 32))), (slide, z), (half, dict(z, subfiletype=1)), (canary(384, 512), dict(z, subfiletype=1, description="macro 512x384"))])
# ---- byte order
for name, more in ("big.tif", dict(z)), ("big_predictor.tif", dict(compression="zlib", predictor=True)), ("big_none.tif", {}):
    write(name, [(slide, more), (half, dict(more, subfiletype=1))], byteorder=">")
write("big_bigtiff.tif", [(slide, z)], byteorder=">", bigtiff=True)
grey = np.asarray(Image.fromarray(slide).convert("L"))
write("big_grey.tif", [(grey, dict(z, photometric="minisblack"))], byteorder=">")
write("big_deep.tif", [(slide.astype(np.float32), z)], byteorder=">")
write("big_alpha.tif", [(np.dstack([slide, slide[:, :, :1]]), dict(z, extrasamples=["unassalpha"]))], byteorder=">")
# ---- refused
write("strips.tif", [(slide, dict(z, tile=None))])
write("strips.svs", [(slide, dict(z, tile=None, description="Aperio Image Library v1\n1024x768|MPP = 0.5"))])
write("strips_and_tiles.tif", [(quarter, z), (slide, dict(z, tile=None, subfiletype=0))])
open("empty.svs", "w")
open("page.svs", "w").write("\n  <!DOCTYPE HTML><html><body>404 Not Found</body></html>")
open("page2.svs", "wb").write(b"\xef\xbb\xbf<HTML lang=en><body>Sign in</body></HTML>")
open("lfs.svs", "w").write("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
open("annex.svs", "w").write("/annex/objects/SHA256E-s1--2.svs\n")
open("text.svs", "w").write("Grüße, this is a note\n")
open("zeros.svs", "wb").write(bytes(9000))
open("zip.svs", "wb").write(b"PK\3\4" + bytes(range(256)))
Image.fromarray(slide).save("png.svs", "PNG")
for k in 2, 3, 4, 5, 6, 7, 8:
    write(f"turned{k}.tif", [(slide, dict(z, extratags=[(274, 3, 1, k, True)])), (half, dict(z, subfiletype=1))])
write("turned_big.tif", [(slide, dict(z, extratags=[(274, 3, 1, 3, True)]))], byteorder=">")
write("upright.tif", [(slide, dict(z, extratags=[(274, 3, 1, 1, True)]))])
# ---- resolutions, and tiles that are missing
write("dpi1200.tif", [(slide, dict(z, resolution=(1200, 1200), resolutionunit=2))])
write("coarse.tif", [(slide, dict(z, resolution=(8000, 8000)))]) # 1.25 um/px
write("holes.tif", [(slide, z), (half, dict(z, subfiletype=1))])
write("holes_big.tif", [(slide, z)], byteorder=">")
for name, end in ("holes.tif", "<"), ("holes_big.tif", ">"):
    with tifffile.TiffFile(name) as f:
        at = f.pages[0].tags[325].valueoffset
        kind = {3: "H", 4: "I"}[f.pages[0].tags[325].dtype]
    data = bytearray(open(name, "rb").read())
    for tile in range(9): # 9 of 48: row 0 and one of row 1
        struct.pack_into(end + kind, data, at + struct.calcsize(kind) * tile, 0)
    open(name, "wb").write(data)
# ---- JPEG tiles: what they are, and what the directory says
def jpeg_tiff(name, photometric, encode, image=slide, more=()):
    tile = 128
    h, w = image.shape[:2]
    streams = [encode(Image.fromarray(image[y:y + tile, x:x + tile])) for y in range(0, h, tile) for x in range(0, w, tile)]
    tags = {256: (4, w), 257: (4, h), 258: (3, 8, 8, 8), 259: (3, 7), 262: (3, photometric), 277: (3, 3), 282: (5, 20000, 1), 283: (5, 20000, 1),
            284: (3, 1), 296: (3, 3), 322: (4, tile), 323: (4, tile), 324: None, 325: (4, *[len(s) for s in streams]), **dict(more)}
    n, size = len(tags), {2: 1, 3: 2, 4: 4, 5: 4}
    data_at = 8 + 2 + 12 * n + 4
    extra, entries = b"", b""
    total = sum(len(v) * 4 for v in tags.values() if v) + 4 * len(streams) + 64
    stream_at = data_at + total
    tags[324] = (4, *[stream_at + sum(map(len, streams[:i])) for i in range(len(streams))])
    for tag, (kind, *values) in sorted(tags.items()):
        raw = bytes(values) if kind == 2 else b"".join(struct.pack("<H" if kind == 3 else "<I", v) for v in values)
        count = len(values) // 2 if kind == 5 else len(values)
        if len(raw) > 4:
            field, extra = struct.pack("<I", data_at + len(extra)), extra + raw
        else:
            field = raw.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, count) + field
    body = b"II*\0" + struct.pack("<IH", 8, n) + entries + struct.pack("<I", 0) + extra
    open(name, "wb").write(body.ljust(stream_at, b"\0") + b"".join(streams))
def pillow(**options):
    def encode(image):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=92, **options)
        return out.getvalue()
    return encode
def bare(encode): # without its JFIF marker
    def strip(image):
        data = encode(image)
        assert data[2:4] == b"\xff\xe0"
        return data[:2] + data[4 + struct.unpack(">H", data[4:6])[0]:]
    return strip
def adobe(transform, encode):
    def mark(image):
        data = encode(image)
        return data[:2] + b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0" + bytes([transform]) + data[2:]
    return mark
RGB, YCC = 2, 6
aperio = [(270, (2, *b"Aperio Image Library v1\n1024x768|MPP = 0.5000\0"))]
s420, s444 = pillow(subsampling=2), pillow(subsampling=0)
ss = [(530, (3, 2, 2))]
jpeg_tiff("right420.tif", YCC, s420, more=ss)
jpeg_tiff("right444.tif", YCC, s444, more=[(530, (3, 1, 1))])
jpeg_tiff("jfif420.tif", RGB, s420)                  # the marker
jpeg_tiff("jfif444.tif", RGB, s444)                  # the marker alone
jpeg_tiff("bare420.tif", RGB, bare(s420))            # the subsampling alone
jpeg_tiff("adobe444.tif", RGB, adobe(1, bare(s444))) # Adobe's marker
# Right, and behind it a page of that size that says otherwise (written by hand: the first directory leads to a copy of it under RGB).
data = bytearray(open("right420.tif", "rb").read())
count = struct.unpack_from("<H", data, 8)[0]
copy = bytearray(data[8:8 + 2 + 12 * count + 4])
for k in range(count):
    if struct.unpack_from("<H", copy, 2 + 12 * k)[0] == 262:
        struct.pack_into("<H", copy, 2 + 12 * k + 8, RGB)
data += b"\0" * (len(data) % 2)
struct.pack_into("<I", data, 8 + 2 + 12 * count, len(data))
open("twins420.tif", "wb").write(data + copy)
jpeg_tiff("aperio420.svs", RGB, s420, more=aperio)
# RGB samples: Pillow writes the planes as they are when asked to take them as Y, Cb, Cr.
def planes(image):
    out = io.BytesIO()
    Image.merge("YCbCr", image.split()).save(out, "JPEG", quality=92, subsampling=0)
    return out.getvalue()
jpeg_tiff("rgb_right.tif", RGB, bare(planes))
jpeg_tiff("rgb_adobe.tif", YCC, adobe(0, bare(planes)), more=[(530, (3, 1, 1))])
PY
python3 make.py || exit 2

facts() { "$WSIFLOW" slide --json "$1" 2>&1 | python3 -c '
import json, sys
text = sys.stdin.read()
try:
    s = json.loads(text)
    s = s[0] if isinstance(s, list) else s
    print(" ".join("%dx%d" % (l["width"], l["height"]) for l in s["levels"]), "mpp %.4g" % (s["mpp_x"] or 0), "notes %d" % len(s["notes"]))
except ValueError:
    print(text.strip())'; }
refused() { # NAME FILE PATTERN
    text=$("$WSIFLOW" slide "$2" 2>&1)
    is "$1: refused" $? 1
    like "$1: the cause" "$text" "$3"
}

# ---- pages that are no level
is "a page of another aspect ratio is not a level" "$(facts label_aspect.tif)" "1024x768 512x384 mpp 0.5 notes 1"
is "a page named label is no level" "$(facts label_named.tif)" "1024x768 mpp 0.5 notes 1"
is "a wide page is no level" "$(facts macro_wide.tif)" "1024x768 mpp 0.5 notes 1"
is "a page flagged as macro is no level" "$(facts macro_flag.tif)" "1024x768 mpp 0.5 notes 1"
is "Aperio's label and macro in tiles are no levels" "$(facts aperio_macro.svs)" "1024x768 256x192 mpp 0.499 notes 2"
for f in barcode label macro thumbnail all 269 285; do
    is "the slide's own facts take away no page ($f)" "$(facts named_$f.tif)" "1024x768 512x384 256x192 mpp 0.5 notes 0"
done
is "nor in the library's own reader, where a label is still left out" "$(facts named_big.tif)" "1024x768 512x384 mpp 0.5 notes 1"
# ---- two pages of one size
refused "the orientation of the first of two pages" twins_turned.tif 'directory 0: its orientation tag \(274\) is 3'
refused "and that of a level" twins_turned2.tif 'directory 1: its orientation tag \(274\) is 6'
like "missing tiles of the first of two pages" "$("$WSIFLOW" slide twins_holes.tif)" 'level 0: .*9 of 48 tiles missing'
is "a flagged page as large as a level is no level" "$(facts twins_other.tif)" "1024x768 512x384 mpp 0.5 notes 2"
# ---- the largest page
is "the largest page is level 0, wherever it is" "$(facts reversed.tif)" "1024x768 512x384 256x192 mpp 0.5 notes 0"
is "also when no page is flagged" "$(facts reversed_unflagged.tif)" "1024x768 mpp 0.5 notes 1"
is "also behind a thumbnail" "$(facts thumbnail_first.tif)" "1024x768 512x384 mpp 0.5 notes 1"
is "also behind a label" "$(facts behind_label.tif)" "1024x768 512x384 mpp 0.5 notes 2"
# ---- byte order
for f in big big_predictor big_none; do
    is "$f is read" "$(facts $f.tif)" "1024x768 512x384 mpp 0.5 notes 0"
done
is "a big-endian BigTIFF is read" "$(facts big_bigtiff.tif)" "1024x768 mpp 0.5 notes 0"
is "a grey one too" "$(facts big_grey.tif)" "1024x768 mpp 0.5 notes 0"
refused "floating point samples" big_deep.tif 'big_deep\.tif.*samples of 32 bits'
refused "an alpha channel" big_alpha.tif 'big_alpha\.tif.*4 samples of 8 bits'
# ---- refusals
refused "strips" strips.tif 'strips\.tif is not a whole-slide image: .*1024 x 768 px.*strips.*tiled'
refused "strips of Aperio" strips.svs 'strips\.svs is not a whole-slide image: .*strips.*tiled'
refused "a small tiled page and the image in strips" strips_and_tiles.tif 'largest page \(directory 1, 1024 x 768 px\) is stored in strips'
refused "an empty file" empty.svs 'it is empty \(0 bytes\)'
refused "a web page" page.svs 'it is a web page \(HTML\)'
refused "a web page with a mark of UTF-8" page2.svs 'it is a web page \(HTML\)'
refused "a Git LFS pointer" lfs.svs 'it is a Git LFS pointer.*git lfs pull'
refused "a git-annex pointer" annex.svs 'it is a git-annex pointer'
refused "a text" text.svs 'it is a text file'
refused "zero bytes" zeros.svs 'first bytes are all zero'
refused "a ZIP archive" zip.svs 'it is a ZIP archive'
refused "a PNG" png.svs 'it is a PNG image'
for k in 2 3 4 5 6 7 8; do
    refused "orientation $k" turned$k.tif "turned$k\\.tif: directory 0: its orientation tag \\(274\\) is $k, (mirrored|turned)"
done
refused "orientation of a big-endian file" turned_big.tif 'orientation tag \(274\) is 3, turned by 180 degrees'
is "orientation 1 is read" "$(facts upright.tif)" "1024x768 mpp 0.5 notes 0"

# ---- missing tiles are counted, also where a coarser level has the pixels
for f in holes holes_big; do
    like "$f: missing tiles are reported" "$("$WSIFLOW" slide $f.tif)" 'level 0: 1024 x 768 px, downsample 1 x 1, 9 of 48 tiles missing'
    like "$f: and their fraction counts as no data" "$("$WSIFLOW" slide $f.tif)" 'no data 18\.75 %'
    is "$f: as JSON" "$("$WSIFLOW" slide --json $f.tif | python3 -c 'import json, sys
s = json.load(sys.stdin)
print(s["levels"][0]["missing_tiles"], s["levels"][0]["tiles"], s["no_data_fraction"])')" "9 48 0.1875"
done
# ---- tiles finer than level 0
finer() { # NAME FILE MPP MORE: the run's failures
    printf 'slides: {folder: fine}\ntiles: {size: 64, mpp: %s, min_tissue: 0%s}\ntrain: {run: false}\n' "$3" "$4" >f.yaml
    rm -rf fine fine_run
    mkdir fine && cp "$2" fine
    "$WSIFLOW" dataset -c f.yaml -o fine_run >f.log 2>&1
    "$WSIFLOW" status fine_run | grep '^failed:'
}
like "a slide of 1200 dpi is no slide of 1 um/px" "$(finer a dpi1200.tif 1.0 '')" 'dpi1200.*21\.2 times finer than its level 0 \(21\.1667 um/px\).*tiles\.max_upsampling'
like "half of the resolution is refused" "$(finer b upright.tif 0.25 '')" 'upright.*2 times finer'
like "just above the limit too" "$(finer c coarse.tif 0.99 '')" 'coarse.*1\.26 times finer'
is "up to 1.25 times it is cut" "$(finer d coarse.tif 1.0 '')" ""
like "and the card says so" "$(cat fine_run/dataset/CARD.md)" 'coarse: its tiles \(1 um/px\) are 1\.25 times finer than level 0 \(1\.25 um/px\)'
is "allowed by the key it is cut" "$(finer e upright.tif 0.25 ', max_upsampling: 2')" ""
like "and the card says so again" "$(cat fine_run/dataset/CARD.md)" 'upright: its tiles .* are 2 times finer'

# ---- pixels: tiles cut at the slide's own resolution, against what tifffile and Pillow decode; no canary anywhere
mkdir slides
for f in label_aspect label_named macro_wide macro_flag reversed reversed_unflagged thumbnail_first behind_label big big_predictor big_none \
    big_bigtiff big_grey right420 right444 jfif420 jfif444 bare420 adobe444 rgb_right rgb_adobe twins420 twins_other; do
    cp $f.tif slides
done
cp aperio420.svs slides
printf 'slides: {folder: slides}\ntissue: {mpp: 4}\ntiles: {size: 128, mpp: 0.5, min_tissue: 0}\ndataset: {test_fraction: 0, valid_fraction: 0}\ntrain: {run: false}\n' >c.yaml
"$WSIFLOW" dataset -c c.yaml -o run >log 2>&1
is "all of them are cut" $? 0
cat >pixels.py <<'PY'
import csv, glob, json, numpy as np
from PIL import Image
slide = np.load("slide.npy").astype(int)
grey = np.asarray(Image.fromarray(slide.astype(np.uint8)).convert("L")).astype(int)[:, :, None].repeat(3, 2)
worst, images = {}, {}
for row in csv.DictReader(open("run/dataset/manifest.csv")):
    tile = np.asarray(Image.open("run/dataset/" + row["file"])).astype(int)
    x, y = int(row["x"]), int(row["y"])
    expected = (grey if row["slide"] == "big_grey" else slide)[y:y + 128, x:x + 128]
    worst.setdefault(row["slide"], []).append(np.abs(tile - expected).mean())
    images[row["slide"], x, y] = tile
assert len(worst) == 24 and all(len(v) == 48 for v in worst.values()), {k: len(v) for k, v in worst.items()}
jpeg = {"right420", "twins420", "right444", "jfif420", "jfif444", "bare420", "adobe444", "aperio420", "rgb_right", "rgb_adobe"}
for name, differences in worst.items():
    assert max(differences) <= (9 if name in jpeg else 0.001), (name, max(differences))
def same(a, b):
    return all(np.array_equal(images[a, x, y], images[b, x, y]) for s, x, y in images if s == a)
for a, b in ("jfif420", "right420"), ("bare420", "right420"), ("twins420", "right420"), ("aperio420", "right420"), ("jfif444", "right444"), ("adobe444", "right444"), ("rgb_adobe", "rgb_right"):
    assert same(a, b), (a, b)
for path in glob.glob("run/slides/*/overview.png") + glob.glob("run/slides/*/tissue_outline.png"):
    image = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert not (np.abs(image - (250, 90, 10)).max(2) < 60).any(), path
    if "outline" not in path:
        small = (grey if "big_grey" in path else slide).reshape(96, 8, 128, 8, 3).mean((1, 3))
        assert np.abs(image - small).mean() < 9, (path, np.abs(image - small).mean())
notes = {p.split("/")[2]: json.load(open(p))["notes"] for p in glob.glob("run/slides/*/slide.json")}
for name in "jfif420", "jfif444", "bare420", "adobe444", "aperio420":
    assert len(notes[name]) == 1 and "read as YCbCr" in notes[name][0], (name, notes[name])
assert "read as RGB" in notes["rgb_adobe"][0] and not notes["right420"] and not notes["twins420"] and not notes["rgb_right"], notes
PY
check "tiles and overviews are the slide's, to the pixel where nothing is lost; label and macro are nowhere" python3 pixels.py
like "the run ends with the notes" "$(cat log)" '^notes +[0-9]+ on slides'
like "each with its slide" "$(cat log)" '^  jfif420: level 0: .*read as YCbCr'
check "the card has the notes" grep -q 'jfif420.*read as YCbCr' run/dataset/CARD.md
finish
