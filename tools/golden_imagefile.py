#!/usr/bin/python3
"""Makes tests/golden/imagefile/: small images of every kind that imagefile_read takes, and what it must give (NAME.rgb, 8-bit RGB).

   tools/golden_imagefile.py

PNG files are assembled here chunk by chunk, so that kinds that Pillow cannot write (16 bit, interlaced) are there too; what they
must give follows from the rules in tiler/imagefile/imagefile.h.  JPEG files are written and decoded by Pillow (libjpeg-turbo).
"""
import os
import struct
import zlib

import numpy as np
from PIL import Image

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "image")
H, W = 11, 13
y, x = np.mgrid[0:H, 0:W]
RED, GREEN, BLUE = x * 19 % 256, y * 23 % 256, (x * y * 7 + 40) % 256
ALPHA = (x * 37 + y * 11) % 256


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack(samples, depth):
    """Rows of samples (h, w, c) as filter-less scan lines."""
    rows = b""
    for row in samples.reshape(samples.shape[0], -1):
        if depth == 16:
            data = row.astype(">u2").tobytes()
        elif depth == 8:
            data = row.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(v, f"0{depth}b") for v in row)
            data = bytes(int(bits[i:i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))
        rows += b"\0" + data
    return rows


def png(samples, depth, colour, extra=b"", interlaced=False):
    if samples.ndim == 2:
        samples = samples[..., None]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        data = b"".join(pack(samples[t::v, l::u], depth) for t, l, v, u in passes if samples[t::v, l::u].size)
    else:
        data = pack(samples, depth)
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def rgb(*channels):
    return np.stack(np.broadcast_arrays(*channels), -1)


def on_white(colour, alpha):
    a = alpha[..., None].astype(int)
    return (colour * a + 255 * (255 - a) + 127) // 255


def save(name, data, wanted):
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)
    if wanted is not None:
        with open(os.path.join(OUT, name + ".rgb"), "wb") as f:
            f.write(wanted.astype(np.uint8).tobytes())


os.makedirs(OUT, exist_ok=True)
colour = rgb(RED, GREEN, BLUE)
save("rgb.png", png(colour, 8, 2), colour)
save("interlaced.png", png(colour, 8, 2, interlaced=True), colour)
save("rgba.png", png(np.dstack([colour, ALPHA]), 8, 6), on_white(colour, ALPHA))
save("grey.png", png(GREEN, 8, 0), rgb(GREEN, GREEN, GREEN))
save("grey_alpha.png", png(np.dstack([GREEN, ALPHA]), 8, 4), on_white(rgb(GREEN, GREEN, GREEN), ALPHA))
bit = (x + y) % 2
save("grey1.png", png(bit, 1, 0), rgb(bit, bit, bit) * 255)
wide = colour * 257 + (x * 5 + y)[..., None] % 100
save("rgb16.png", png(wide, 16, 2), np.minimum((wide.astype(int) * 255 + 32895) >> 16, 255))
palette = np.array([[i * 30 % 256, i * 70 % 256, 255 - i * 15] for i in range(16)])
index = (x + 2 * y) % 16
plte = chunk(b"PLTE", palette.astype(np.uint8).tobytes())
save("palette4.png", png(index, 4, 3, plte), palette[index])
fade = np.arange(16) * 17
save("palette_alpha.png", png(index, 8, 3, plte + chunk(b"tRNS", fade.astype(np.uint8).tobytes())),
     on_white(palette[index], fade[index]))
gamma = chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"tIME", b"\x07\xd0\1\1\0\0\0") + chunk(b"tEXt", b"Comment\0x")
save("gamma.png", png(colour, 8, 2, gamma), colour)  # gamma is not applied

image = Image.fromarray(rgb(RED, GREEN, RED // 2 + GREEN // 2).astype(np.uint8))
for name, image, options in (("420.jpg", image, dict(quality=85, subsampling=2)),
                             ("444.jpg", image, dict(quality=95, subsampling=0)),
                             ("progressive.jpg", image, dict(quality=85, progressive=True)),
                             ("grey.jpg", image.convert("L"), dict(quality=85))):
    path = os.path.join(OUT, name)
    image.save(path, **options)
    with open(path, "rb") as f:
        save(name, f.read(), np.asarray(Image.open(path).convert("RGB")))
image.convert("CMYK").save(os.path.join(OUT, "cmyk.jpg"), quality=85)  # refused
