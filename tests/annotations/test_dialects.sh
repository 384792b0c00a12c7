#!/bin/sh
# One cohort annotated in five dialects: the same lesions, the same labels.  ASAP and GeoJSON come from wsiflow's own writers, HALO,
# ImageScope and NDPA from the script below, which imitates those programs.  The slides are NDPI, since the
# coordinates of NDPA begin in the middle of the glass.
. tests/lib.sh
python3 -c 'import numpy, tifffile, openslide, PIL' 2>/dev/null || skip_all "python3-numpy, tifffile, openslide or PIL is missing"
cd "$tmp" || exit 2
"$WSIFLOW" synth -o c -n 2 -l 2 --width 2400 --height 2048 >/dev/null 2>&1
cat >cohort.py <<'PY'
import io, math, os, struct, xml.etree.ElementTree as ET
import openslide

MPP, OFFSET = 0.5, (1234567, -7654321)

def ndpi(source, target):
    """A Hamamatsu NDPI of one level: a TIFF with 8-byte links whose image is one JPEG, and tags that say where it lies."""
    slide = openslide.OpenSlide(source)
    image = slide.read_region((0, 0), 0, slide.dimensions).convert("RGB")
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=92, subsampling=0)
    data = jpeg.getvalue()
    width, height = image.size
    resolution = struct.pack("<II", round(1e4 / MPP), 1)
    fields = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, struct.pack("<HHH", 8, 8, 8)), (259, 3, 1, 7), (262, 3, 1, 6),
              (271, 2, 10, b"Hamamatsu\0"), (273, 4, 1, 12), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data)),
              (282, 5, 1, resolution), (283, 5, 1, resolution), (296, 3, 1, 3), (65420, 4, 1, 1), (65421, 11, 1, 20.0),
              (65422, 9, 1, OFFSET[0]), (65423, 9, 1, OFFSET[1]), (65424, 9, 1, 0)]
    data += b"\0" * (len(data) % 2)
    at = 12 + len(data)
    extra_at, extra, entries = at + 2 + 12 * len(fields) + 8 + 4 * len(fields), b"", b""
    for tag, kind, count, value in fields:
        form = {3: "<I", 4: "<I", 9: "<i", 11: "<f"}.get(kind, "<I")
        if isinstance(value, bytes):
            form, extra, value = "<I", extra + value, extra_at + len(extra)
        entries += struct.pack("<HHI", tag, kind, count) + struct.pack(form, value)
    with open(target, "wb") as out:
        out.write(b"II*\0" + struct.pack("<Q", at) + data + struct.pack("<H", len(fields)) + entries + struct.pack("<Q", 0))
        out.write(b"\0" * 4 * len(fields) + extra)
    return width, height

def shapes(xml):
    """(group, kind, points): the lesions that synth drew, in whole px as HALO has them, and one of everything else."""
    for a in ET.parse(xml).iter("Annotation"):
        yield "Tumor", "polygon", [(round(float(c.get("X"))), round(float(c.get("Y")))) for c in a.iter("Coordinate")]
    yield "Tumor", "box", [(300, 1500), (701, 1803)]
    yield "Tumor", "circle", [(1700, 1500), (2000, 1800)]  # its box
    yield "Exclusion", "box", [(400, 1600), (500, 1700)]
    yield "Exclusion", "circle", [(1800, 1600), (1900, 1700)]
    yield "Immune cells", "polygon", [(100, 100), (900, 100), (900, 900)]
    yield "Tumor", "line", [(0, 0), (2000, 0), (2000, 2000)]

def polygon(kind, points):
    (x0, y0), (x1, y1) = points[0], points[1]
    if kind == "box":
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    if kind == "circle":  # 128 corners with the area of the ellipse
        step = math.pi / 64
        swell = math.sqrt(step / math.sin(step))
        return [((x0 + x1) / 2 + swell * (x1 - x0) / 2 * math.cos(i * step), (y0 + y1) / 2 + swell * (y1 - y0) / 2 * math.sin(i * step))
                for i in range(128)]
    return points

def asap(drawn, size):
    out = '<?xml version="1.0"?><ASAP_Annotations><Annotations>'
    for group, kind, points in drawn:
        at = "".join(f'<Coordinate Order="{i}" X="{x!r}" Y="{y!r}"/>' for i, (x, y) in enumerate(polygon(kind, points)))
        out += f'<Annotation Name="a" Type="{"PointSet" if kind == "line" else "Polygon"}" PartOfGroup="{group}"><Coordinates>{at}</Coordinates></Annotation>\n'
    groups = "".join(f'<Group Name="{g}" PartOfGroup="None"><Attributes/></Group>' for g in ("Tumor", "Exclusion", "Immune cells"))
    return out + f"</Annotations><AnnotationGroups>{groups}</AnnotationGroups></ASAP_Annotations>"

def layers(drawn, region, point, head):
    """Layers of regions; what is excluded is a negative region of the lesions' layer."""
    out = f'{head}<Annotations>'
    for number, layer in enumerate(("Tumor", "Immune cells"), 1):
        out += f'<Annotation Id="{number}" Name="{layer}" Visible="True" LineColor="65280"><Regions>'
        for group, kind, points in drawn:
            if (group == "Immune cells") == (layer == "Immune cells"):
                at = "".join(point % p for p in points)
                out += f'<Region {region(kind, int(group == "Exclusion"))}><Vertices>{at}</Vertices></Region>\n'
        out += "</Regions></Annotation>"
    return out + "</Annotations>"

def imagescope(drawn, size):
    kinds = {"polygon": 0, "box": 1, "circle": 2, "line": 4}
    return layers(drawn, lambda kind, negative: f'Id="1" Type="{kinds[kind]}" Text="" NegativeROA="{negative}"', '<Vertex X="%r" Y="%r" Z="0"/>', "")

def halo(drawn, size):
    kinds = {"polygon": "Polygon", "box": "Rectangle", "circle": "Ellipse", "line": "Polygon"}
    return layers(drawn, lambda kind, negative: f'Type="{kinds[kind]}" HasEndcaps="{int(kind == "line")}" NegativeROA="{negative}"', '<V X="%d" Y="%d" />', "")

def ndpa(drawn, size):
    nm = lambda p: [(v - s / 2) * 1000 * MPP + o for v, s, o in zip(p, size, OFFSET)]
    out = '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<annotations>'
    for i, (group, kind, points) in enumerate(drawn, 1):
        out += f'<ndpviewstate id="{i}"><title>{group}</title><details/><coordformat>nanometers</coordformat><lens>1.2</lens><x>1</x><y>2</y><z>0</z><showtitle>0</showtitle>'
        if kind == "circle":
            (x0, y0), (x1, y1) = points
            x, y = nm(((x0 + x1) / 2, (y0 + y1) / 2))
            out += f'<annotation type="circle" displayname="AnnotateCircle" color="#000000"><x>{x!r}</x><y>{y!r}</y><radius>{(x1 - x0) / 2 * 1000 * MPP!r}</radius><measuretype>0</measuretype></annotation>'
        else:
            at = "".join("<point><x>%r</x><y>%r</y></point>" % tuple(nm(p)) for p in polygon(kind, points))
            out += f'<annotation type="freehand" displayname="AnnotateFreehand" color="#000000"><measuretype>0</measuretype><closed>{int(kind != "line")}</closed><pointlist>{at}</pointlist></annotation>'
        out += "</ndpviewstate>\n"
    return out + "</annotations>"

os.makedirs("slides")
for number in range(2):
    name = f"synth_{number:02d}"
    size = ndpi(f"c/slides/{name}.tif", f"slides/{name}.ndpi")
    drawn = list(shapes(f"c/annotations/{name}.xml"))
    for dialect, write, suffix in (("asap", asap, "xml"), ("imagescope", imagescope, "xml"), ("halo", halo, "xml"), ("ndpa", ndpa, "ndpi.ndpa")):
        os.makedirs(dialect, exist_ok=True)
        open(f"{dialect}/{name}.{suffix}", "w").write(write(drawn, size))
PY
check "the cohort is made" python3 cohort.py
mkdir geojson
for slide in synth_00 synth_01; do
    "$WSIFLOW" annotation convert "asap/$slide.xml" --slide "slides/$slide.ndpi" --group "Immune cells=ignore" -o "geojson/$slide.geojson" >/dev/null 2>&1
done
for dialect in asap geojson imagescope halo ndpa; do
    cat >$dialect.yaml <<Y
slides: {folder: slides, pattern: "*.ndpi", annotations: $dialect, groups: {"Immune cells": ignore}}
tiles: {size: 64, mpp: 1}
dataset: {split: random}
train: {run: false}
Y
    "$WSIFLOW" dataset -c $dialect.yaml -o run-$dialect >$dialect.log 2>&1
    is "$dialect: a patch set" $? 0
done
check "the same lesions, in area, fraction of each tile and pixel, and the same labels" python3 - <<'PY'
import csv, json, numpy as np, tifffile
rows = lambda path: list(csv.DictReader(open(path)))
names = {"asap": "ASAP", "geojson": "QuPath GeoJSON", "imagescope": "Aperio ImageScope", "halo": "HALO", "ndpa": "Hamamatsu NDPA"}
lesions = 0
for slide in ("synth_00", "synth_01"):
    first = None
    for dialect, name in names.items():
        folder = f"run-{dialect}/slides/{slide}"
        facts = json.load(open(f"{folder}/mask.json"))
        fractions = np.array([[float(v) for v in row.values()] for row in rows(f"{folder}/lesions.csv")])
        mask = tifffile.imread(f"{folder}/mask.tif", key=0)
        labels = [(r["x"], r["y"], r["label"], r["split"]) for r in rows(f"run-{dialect}/dataset/manifest.csv") if r["slide"] == slide]
        assert facts["dialect"] == name, facts
        assert any("1 annotation has no area" in w for w in facts["warnings"]), facts["warnings"]
        first = first or (facts["lesion_area_px"], fractions, mask, labels)
        assert abs(facts["lesion_area_px"] - first[0]) < 0.01, (dialect, facts["lesion_area_px"], first[0])
        assert fractions.shape == first[1].shape and np.abs(fractions - first[1]).max() < 1e-6, (dialect, np.abs(fractions - first[1]).max())
        assert np.array_equal(mask, first[2]), (dialect, int((mask != first[2]).sum()))
        assert labels == first[3] and len(labels) > 20, (dialect, len(labels))
    # Inside the box and its hole, the circle and its hole, and inside the open line.
    assert [int(mask[y, x]) for x, y in ((301, 1501), (401, 1601), (1750, 1650), (1850, 1650), (1990, 10))] == [1, 0, 1, 0, 0]
    lesions += sum(row[2] != "good" for row in labels)
assert lesions > 10, lesions
PY
like "outlines without area are reported at the end of the run" "$(cat halo.log)" 'annotation synth_00: synth_00.xml:[0-9]+: 1 annotation has no area and marks no lesion: "open line" .1.'
like "and in the card" "$(sed 's/\\//g' run-halo/dataset/CARD.md)" '^[-*] synth_01: synth_01.xml:[0-9]+: 1 annotation has no area'
is "without paths of this machine" "$(grep -c "$tmp" run-halo/dataset/CARD.md)" 0
# All groups of the cohort without a rule, before anything runs.
for dialect in asap geojson imagescope halo ndpa; do
    sed 's/, groups: {.*}}/}/' $dialect.yaml >unnamed.yaml
    like "$dialect: groups without a rule are reported at once" "$("$WSIFLOW" dataset -c unnamed.yaml -o unnamed --dry-run 2>&1)" \
        '^groups +2 of the first 2 annotations .*: "Immune cells" .2.; name each'
done
is "named ones are not" "$("$WSIFLOW" dataset -c ndpa.yaml -o unnamed --dry-run 2>&1 | grep -c '^groups')" 0
# Masks have the names of slides; in a folder of their own they are annotations nevertheless.
mkdir masks
"$WSIFLOW" mask asap/synth_00.xml --slide slides/synth_00.ndpi --group "Immune cells=ignore" -o masks/synth_00.tif >/dev/null 2>&1
python3 -c '
import tifffile
from PIL import Image
Image.fromarray(tifffile.imread("run-asap/slides/synth_01/mask.tif", key=0) * 255).save("masks/synth_01.PNG")'
sed 's/annotations: asap/annotations: masks/' asap.yaml >masks.yaml
"$WSIFLOW" dataset -c masks.yaml -o run-masks >masks.log 2>&1
is "label masks as the annotations of a cohort" $? 0
check "give the same pixels" cmp run-masks/slides/synth_01/mask.tif run-asap/slides/synth_01/mask.tif
check "from TIFF too" cmp run-masks/slides/synth_00/mask.tif run-asap/slides/synth_00/mask.tif
cat >whole.yaml <<Y
slides: {manifest: whole.csv, annotations: halo, groups: {"Immune cells": ignore}}
tiles: {size: 64, mpp: 1}
model: {extractor: scattering, blocks: [1, 1, 1], condition: 16}
train: {epochs: 1, batch: 8}
Y
printf 'slide,split\nslides/synth_00.ndpi,train\nslides/synth_01.ndpi,test\n' >whole.csv
"$WSIFLOW" run -c whole.yaml -o whole >whole.log 2>&1
like "and in the report" "$(cat whole/report.html)" 'synth_01: synth_01.xml:[0-9]+: 1 annotation has no area'
finish
