#!/bin/sh
# Pyramids as other programs see them: OpenSlide, tifffile, libvips and an XML parser.
# The files and the formulas of their pixels come from test_pyramid.c (/pyramid/samples).
. tests/lib.sh
program=$(dirname "$WSIFLOW")/tests/tiler/test_pyramid
python=${PYTHON:-/usr/bin/python3}
[ -x "$program" ] || skip_all "$program is not built"
"$python" -c 'import numpy' 2>/dev/null || skip_all "$python has no numpy"
WSIFLOW_SAMPLES=$tmp "$program" -p /pyramid/samples >"$tmp/log" 2>&1 || {
    echo "1..1"
    echo "not ok 1 - the samples are written"
    sed 's/^/# /' "$tmp/log"
    exit 1
}

cat >"$tmp/common.py" <<'P'
import sys, numpy as np
W, H, MPP = 1501, 1037, (0.243, 0.2431)
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([(x // 3 + y // 2 * (c + 1)) % 200 + 20 for c in range(3)], 2).astype(np.uint8)
label = ((x // 100 + y // 100) % 3 * 100).astype(np.uint8)
score = np.where(x < 100, np.nan, ((x // 3 + y // 2) % 200 + 20) / np.float32(256)).astype(np.float32)
ome_sizes = [(W, H)]
while max(ome_sizes[-1]) > 256:
    ome_sizes.append(((ome_sizes[-1][0] + 1) // 2, (ome_sizes[-1][1] + 1) // 2))
sizes = [s for s in ome_sizes if min(s) >= 256]         # multi-IFD: no level smaller than a tile
def pool(a):
    """Maximum of 2 x 2, the last row and column alone where the size is odd."""
    a = np.pad(a, ((0, a.shape[0] % 2), (0, a.shape[1] % 2)), mode="edge")
    return a.reshape(a.shape[0] // 2, 2, a.shape[1] // 2, 2).max((1, 3))
P
run() { PYTHONPATH=$tmp:tests "$python" - "$tmp" 2>&1; }

if "$python" -c 'import openslide' 2>/dev/null; then
    check "OpenSlide sees all levels of multi-IFD files, the right resolution, and the right pixels" run <<'P'
from common import *
import openslide
for kind, wanted in ("jpeg", rgb), ("lossless", rgb), ("label", np.stack([label] * 3, 2)):
    s = openslide.OpenSlide(f"{sys.argv[1]}/multi_{kind}.tif")
    assert s.properties["openslide.vendor"] == "generic-tiff"
    assert list(s.level_dimensions) == sizes, s.level_dimensions
    assert s.properties["tiff.ResolutionUnit"] == "centimeter"
    for axis, mpp in zip("XY", MPP):
        assert abs(10000 / float(s.properties[f"tiff.{axis}Resolution"]) / mpp - 1) < 1e-6
    assert all(abs(d / 2 ** k - 1) < 0.01 for k, d in enumerate(s.level_downsamples)), s.level_downsamples
    got = np.asarray(s.read_region((0, 0), 0, sizes[0]).convert("RGB")).astype(int)
    error = np.abs(got - wanted)
    assert error.mean() < 8 if kind == "jpeg" else error.max() == 0, (kind, error.mean())
    top = np.asarray(s.read_region((0, 0), len(sizes) - 1, sizes[-1]).convert("RGB")).astype(int)
    assert abs(top.mean() - wanted.mean()) < (40 if kind == "label" else 1.5), (kind, top.mean(), wanted.mean())
P
    check "OpenSlide's mask levels are the maximum of what they cover" run <<'P'
from common import *
import openslide
s, level = openslide.OpenSlide(f"{sys.argv[1]}/multi_label.tif"), label
for k, size in enumerate(sizes):
    assert np.array_equal(np.asarray(s.read_region((0, 0), k, size).convert("RGB"))[..., 0], level), k
    level = pool(level)
P
    check "OpenSlide reads an image that is smaller than a usual tile" run <<'P'
from common import *
import openslide
s = openslide.OpenSlide(f"{sys.argv[1]}/multi_small.tif")
assert s.dimensions == (188, 130)
assert np.array_equal(np.asarray(s.read_region((0, 0), 0, (188, 130)).convert("RGB")), rgb[:130, :188])
P
else
    skip "OpenSlide reads multi-IFD files" "python3-openslide is not installed"
fi

if command -v openslide-show-properties >/dev/null; then
    like "openslide-show-properties names every level" "$(openslide-show-properties "$tmp/multi_jpeg.tif")" \
        "^openslide.level-count: '3'$"
else
    skip "openslide-show-properties names every level" "openslide-tools is not installed"
fi

if "$python" -c 'import tifffile' 2>/dev/null; then
    check "tifffile: one series with all levels, tags on every level" run <<'P'
from common import *
import tifffile
for layout in "multi", "ome":
    for kind, compression, predictor, sample in ("jpeg", 7, 1, 1), ("lossless", 8, 2, 1), ("label", 8, 1, 1), ("float", 8, 1, 3):
        with tifffile.TiffFile(f"{sys.argv[1]}/{layout}_{kind}.tif") as t:
            assert t.is_ome == (layout == "ome") and not t.is_bigtiff
            assert len(t.series) == 1 and t.byteorder == "<"
            levels = t.series[0].levels
            assert [l.shape[1::-1] for l in levels] == (ome_sizes if layout == "ome" else sizes)
            assert len(t.pages) == (1 if layout == "ome" else len(sizes))
            for k, level in enumerate(levels):
                page = level.pages[0]
                tags = {tag.name: tag.value for tag in page.tags}
                assert tags["NewSubfileType"] == (1 if k else 0)
                assert tags["Compression"] == compression and int(page.predictor) == predictor
                formats = tags["SampleFormat"]
                assert set(int(f) for f in (formats if isinstance(formats, tuple) else [formats])) == {sample}
                assert tags["Software"].startswith("wsiflow ") and "DateTime" not in tags
                assert tags["TileWidth"] == tags["TileLength"] == 256 and tags["ResolutionUnit"] == 3
                for axis, mpp in zip("XY", MPP):
                    n, d = tags[f"{axis}Resolution"]
                    assert abs(10000 * d / n / (mpp * 2 ** k) - 1) < 1e-6
                assert all(c > 0 for c in page.databytecounts)  # every tile is there
P
    check "tifffile: exact pixels of lossless files, and every level of masks" run <<'P'
from common import *
import tifffile
for layout in "multi", "ome":
    assert np.array_equal(tifffile.imread(f"{sys.argv[1]}/{layout}_lossless.tif"), rgb)
    level = label
    with tifffile.TiffFile(f"{sys.argv[1]}/{layout}_label.tif") as t:
        for l in t.series[0].levels:
            assert np.array_equal(l.asarray(), level)
            level = pool(level)
P
    check "float tiles are deflated as they are, padding is no data" run <<'P'
from common import *
import tifffile, zlib
with tifffile.TiffFile(f"{sys.argv[1]}/ome_float.tif") as t:
    page, got = t.pages[0], np.full((H + 256, W + 256), np.nan, np.float32)
    across = -(-W // 256)
    for i, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts)):
        t.filehandle.seek(offset)
        values = np.frombuffer(zlib.decompress(t.filehandle.read(count)), "<f4").reshape(256, 256)
        v, u = i // across * 256, i % across * 256
        got[v:v + 256, u:u + 256] = values
    assert np.array_equal(got[:H, :W], score, equal_nan=True)
    assert np.isnan(got[H:]).any() and np.isnan(got[:H, W:1536]).all()              # padding is "no data"
P
    check "OME-XML: by the rules of the schema, names escaped, physical size in um, one plane" run <<'P'
from common import *
import ome_rules, tifffile, xml.etree.ElementTree as E
ns = {"o": "http://www.openmicroscopy.org/Schemas/OME/2016-06"}
for kind, typ, channels in ("jpeg", "uint8", 3), ("lossless", "uint8", 3), ("label", "uint8", 1), ("float", "float", 1):
    ome_rules.check(f"{sys.argv[1]}/ome_{kind}.tif")
    with tifffile.TiffFile(f"{sys.argv[1]}/ome_{kind}.tif") as t:
        text = t.pages[0].tags["ImageDescription"].value
        image = E.fromstring(text.encode()).find("o:Image", ns)
        pixels = image.find("o:Pixels", ns)
        assert image.get("Name") == "Anomaly <score> & café"
        assert pixels.get("Type") == typ and pixels.get("BigEndian") == "false" and pixels.get("DimensionOrder") == "XYCZT"
        assert [int(pixels.get("Size" + a)) for a in "XYCZT"] == [W, H, channels, 1, 1]
        assert [float(pixels.get("PhysicalSize" + a)) for a in "XY"] == list(MPP)
        assert [pixels.get("PhysicalSize" + a + "Unit") for a in "XY"] == ["µm", "µm"]
        channel = pixels.findall("o:Channel", ns)
        assert len(channel) == 1 and int(channel[0].get("SamplesPerPixel")) == channels
        assert channel[0].get("Name") == ("anomaly" if kind == "float" else None)
        assert len(pixels.findall("o:TiffData", ns)) == 1
        assert image.find("o:Description", ns).text == "a <comment>"
        note = E.fromstring(text.encode()).find("o:StructuredAnnotations/o:MapAnnotation", ns)
        assert image.find("o:AnnotationRef", ns).get("ID") == note.get("ID")
        assert [(m.get("K"), m.text) for m in note.iter("{%s}M" % ns["o"])] == [("no_data", "NaN & <nothing>")]
P
else
    skip "tifffile reads all files" "python3-tifffile is not installed"
fi

if command -v vips >/dev/null; then
    vips copy "$tmp/ome_float.tif" "$tmp/float.v" >/dev/null 2>&1
    like "libvips: size and type of the float map" "$(vipsheader "$tmp/float.v")" ": 1501x1037 float, 1 band"
    vips rawsave "$tmp/float.v" "$tmp/float.raw" >/dev/null 2>&1
    check "libvips decodes the float map exactly" run <<'P'
from common import *
got = np.fromfile(f"{sys.argv[1]}/float.raw", np.float32).reshape(H, W)
assert np.array_equal(got, score, equal_nan=True)
P
    is "libvips: SubIFD 1 is the second reduced level" \
        "$(vipsheader "$tmp/ome_float.tif[subifd=1]" 2>/dev/null | sed 's/.*: //; s/,.*//')" "376x260 float"
else
    skip "libvips decodes the float map" "libvips-tools is not installed"
fi
finish
