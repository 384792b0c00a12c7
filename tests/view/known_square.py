"""A square that is 240 um wide and high, black on the slide and of high scores on its map.

    known_square.py slide SLIDE OUT.tif   the first 2304 x 2048 px of a slide, with the square
    known_square.py map SCOREMAP OUT.npy  a map of the same shape: HIGH in the square, LOW one cell around it and in the tissue, no data elsewhere

The square is given in cells of the map; the slide that tests/leica_slide.py makes of OUT.tif begins at ORIGIN."""
import sys

import numpy as np

MPP = 0.5, 0.4  # um/px in x and y, from the manifest of the test
SIZE = 4000, 3200  # px
ORIGIN = 600, 450
CELL = 32, 40  # px: 16 um
CELLS = 50, 30, 65, 45  # left, top, right, bottom
HIGH, LOW = 8.0, 0.0
PX = tuple(CELLS[i] * CELL[i % 2] for i in range(4))


def write_slide(source, path):
    import openslide
    import tifffile
    pixels = np.array(openslide.OpenSlide(source).read_region((0, 0), 0, (2304, 2048)))[..., :3].copy()
    left, top, right, bottom = (PX[i] - ORIGIN[i % 2] for i in range(4))
    pixels[top:bottom, left:right] = 0
    tifffile.imwrite(path, pixels, tile=(256, 256), photometric="rgb", resolution=(20000, 20000), resolutionunit="CENTIMETER", metadata=None)


def write_map(source, path):
    values = np.load(source)
    assert values.shape == (SIZE[1] // CELL[1], SIZE[0] // CELL[0]), values.shape
    values = np.where(np.isfinite(values), np.float32(LOW), np.float32(np.nan))
    left, top, right, bottom = CELLS
    values[top - 1:bottom + 1, left - 1:right + 1] = LOW
    values[top:bottom, left:right] = HIGH
    np.save(path, values.astype("<f4"))


if __name__ == "__main__":
    {"slide": write_slide, "map": write_map}[sys.argv[1]](*sys.argv[2:])
