"""The rules of the OME schema 2016-06 that a file of wsiflow can break, without the schema itself.

check(PATH) asserts them and returns the element Image and the annotation's keys and values.  With WSIFLOW_OME_XSD, the path of ome.xsd, xmllint validates
the XML against it too.
"""
import os, re, subprocess, tempfile
import xml.etree.ElementTree as E
import tifffile

NS = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
# In the order that the schema gives; the children that files of wsiflow may have.
CHILDREN = {"OME": ["Image", "StructuredAnnotations"], "Image": ["Description", "Pixels", "AnnotationRef"],
            "Pixels": ["Channel", "TiffData"], "Channel": [], "TiffData": [], "StructuredAnnotations": ["MapAnnotation"],
            "MapAnnotation": ["Value"], "Value": ["M"], "M": [], "Description": [], "AnnotationRef": []}
ATTRIBUTES = {"OME": {"Creator"}, "Image": {"ID", "Name"}, "Channel": {"ID", "Name", "Color", "SamplesPerPixel"},
              "TiffData": {"IFD", "FirstC", "PlaneCount"}, "MapAnnotation": {"ID", "Namespace"}, "AnnotationRef": {"ID"}, "M": {"K"},
              "Pixels": {"ID", "DimensionOrder", "Type", "BigEndian", "Interleaved", "SizeX", "SizeY", "SizeC", "SizeZ", "SizeT",
                         "PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeXUnit", "PhysicalSizeYUnit"}}
TYPES = {"float": ("float32", 3), "uint8": ("uint8", 1)}


def walk(element):
    name = element.tag.removeprefix("{%s}" % NS)
    kinds = [c.tag.removeprefix("{%s}" % NS) for c in element]
    order = CHILDREN[name]
    assert [order.index(k) for k in kinds] == sorted(order.index(k) for k in kinds), (name, kinds)
    assert {a for a in element.attrib if not a.startswith("{")} <= ATTRIBUTES.get(name, set()), (name, element.attrib)
    for child in element:
        walk(child)


def check(path):
    with tifffile.TiffFile(path) as t:
        t.pages.useframes = False
        text = t.pages[0].tags["ImageDescription"].value
        root = E.fromstring(text.encode())
        assert root.tag == "{%s}OME" % NS
        walk(root)
        image, = root.findall("{*}Image")
        pixels, = image.findall("{*}Pixels")
        p, channels = pixels.attrib, pixels.findall("{*}Channel")
        for element, pattern in [(image, r"Image:\d+"), (pixels, r"Pixels:\d+")] + [(c, r"Channel:\d+:\d+") for c in channels]:
            assert re.fullmatch(pattern, element.get("ID")), element.attrib
        ids = [e.get("ID") for e in root.iter() if e.get("ID") and not e.tag.endswith("Ref")]
        assert len(set(ids)) == len(ids), ids
        assert all(e.get("ID") in ids for e in root.iter() if e.tag.endswith("Ref"))
        assert p["DimensionOrder"] == "XYCZT" and p["BigEndian"] == "false" and p["SizeZ"] == p["SizeT"] == "1"
        assert all(float(p["PhysicalSize" + a]) > 0 and p["PhysicalSize%sUnit" % a] == "µm" for a in "XY")
        assert sum(int(c.get("SamplesPerPixel")) for c in channels) == int(p["SizeC"])
        assert all(-2**31 <= int(c.get("Color", -1)) < 2**31 for c in channels)
        # Each channel has one plane, and each directory of the main chain is one.
        planes = [(int(d.get("IFD")), int(d.get("FirstC")), d.get("PlaneCount")) for d in pixels.findall("{*}TiffData")]
        assert planes == [(i, i, "1") for i in range(len(channels))] and len(t.pages) == len(channels)
        dtype, sample = TYPES[p["Type"]]
        for page in t.pages:
            assert (page.imagewidth, page.imagelength) == (int(p["SizeX"]), int(p["SizeY"])) and page.dtype == dtype
            subs = list(page.pages or [])
            assert len(subs) == (page.tags[330].count if 330 in page.tags else 0)
            for k, level in enumerate([page] + subs):
                # A level's pixel is exactly 2^k pixels wide; its last one may stand for less.
                formats = level.tags["SampleFormat"].value
                assert {int(f) for f in (formats if isinstance(formats, tuple) else (formats,))} == {sample}
                for axis in "XY":
                    n, d = level.tags[axis + "Resolution"].value
                    assert abs(1e4 * d / n / (float(p["PhysicalSize" + axis]) * 2**k) - 1) < 1e-6
                assert level.tags["NewSubfileType"].value == (1 if k else 0)
    xsd = os.environ.get("WSIFLOW_OME_XSD")
    if xsd:
        with tempfile.NamedTemporaryFile(suffix=".xml") as xml:
            xml.write(text.encode())
            xml.flush()
            subprocess.run(["xmllint", "--noout", "--nonet", "--schema", xsd, xml.name], check=True)
    return image, {m.get("K"): m.text for m in root.iter("{%s}M" % NS)}
