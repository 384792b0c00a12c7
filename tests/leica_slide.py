"""Writes a small Leica SCN slide whose scanned area begins at (600, 450) px of 4000 x 3200: leica_slide.py IMAGE-SLIDE OUT.scn [NM_Y]

OpenSlide gives such slides openslide.bounds-x and -y, which QuPath's images begin at.  The pixels are those of IMAGE-SLIDE's upper left.
A pixel is 500 nm wide and NM_Y (500) high by the resolution, from which OpenSlide takes it; places are in units of 500 nm in x and y."""
import sys

import numpy as np
import openslide
import tifffile

NM = 500  # per pixel
NM_Y = int(sys.argv[3]) if len(sys.argv) > 3 else NM
WIDTH, HEIGHT, LEFT, TOP = 4000, 3200, 600, 450

IMAGE = """<image name="{name}" uuid="urn:uuid:{name}"><creationDate>2010-01-01T00:00:00Z</creationDate>
<device model="Leica SCN400;Leica SCN" version="1.4"/><pixels sizeX="{w}" sizeY="{h}">{levels}</pixels>
<view sizeX="{view[0]}" sizeY="{view[1]}" offsetX="{view[2]}" offsetY="{view[3]}" spacingZ="0"/>
<scanSettings><objectiveSettings><objective>20</objective></objectiveSettings><illuminationSettings>
<numericalAperture>0.4</numericalAperture><illuminationSource>brightfield</illuminationSource></illuminationSettings></scanSettings></image>"""


def image(name, pages, first, view):
    levels = "".join('<dimension sizeX="%d" sizeY="%d" r="%d" ifd="%d"/>' % (p.shape[1], p.shape[0], r, first + r)
                     for r, p in enumerate(pages))
    return IMAGE.format(name=name, w=pages[0].shape[1], h=pages[0].shape[0], levels=levels, view=[NM * v for v in view])


tissue = np.array(openslide.OpenSlide(sys.argv[1]).read_region((0, 0), 0, (2304, 2048)))[..., :3].copy()
macro = np.full((256, 320, 3), 240, np.uint8)
main = [tissue, tissue[::4, ::4].copy()]
xml = ('<?xml version="1.0"?>\n<scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">'
       '<collection name="c" uuid="urn:uuid:c" sizeX="%d" sizeY="%d"><barcode></barcode>' % (WIDTH * NM, HEIGHT * NM)
       + image("macro", [macro], 0, (WIDTH, HEIGHT, 0, 0))
       + image("main", main, 1, (tissue.shape[1], tissue.shape[0], LEFT, TOP)) + "</collection></scn>")
with tifffile.TiffWriter(sys.argv[2], bigtiff=True) as out:
    for i, page in enumerate([macro] + main):
        per_cm = [1e7 / nm / (1 if i == 1 else 4) for nm in (NM, NM_Y)]
        out.write(page, tile=(256, 256), photometric="rgb", compression="zlib", description=xml if i == 0 else None,
                  metadata=None, resolution=per_cm, resolutionunit="CENTIMETER", software="test")
