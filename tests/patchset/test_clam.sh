#!/bin/sh
# Coordinates for CLAM: h5py reads the data set and the attributes that CLAM's code uses, and they are those of the tiles.
. tests/lib.sh
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 2 -l 0 --width 3072 --height 2048 >synth.log 2>&1
cat >run.yaml <<'Y'
slides: {manifest: cohort/manifest.csv}
tiles: {size: 96, mpp: 1.1, overlap: 7.5}
dataset: {clam: true, test_fraction: 0, write: false}
Y
"$WSIFLOW" dataset -c run.yaml -o a -j 2 >a.log 2>&1
is "a run that writes them" $? 0
check "one file a slide" sh -c 'test -s a/clam/patches/synth_00.h5 -a -s a/clam/patches/synth_01.h5'
if python3 -c 'import h5py' 2>/dev/null; then
    check "h5py reads what CLAM reads" python3 -c "
import csv, h5py, json
import numpy as np
for name in ('synth_00', 'synth_01'):
    with h5py.File(f'a/clam/patches/{name}.h5', 'r') as file:
        coords = file['coords']
        a = coords.attrs
        slide = json.load(open(f'a/slides/{name}/slide.json'))
        tiles = list(csv.DictReader(open(f'a/slides/{name}/tiles.csv')))
        want = np.floor(np.array([[float(t['x']), float(t['y'])] for t in tiles]) + 0.5)
        assert coords.dtype == np.int64 and coords.shape == (len(tiles), 2) and len(tiles) > 20
        assert (coords[:] == want).all()
        level = slide['levels'][a['patch_level']]
        assert a['name'] == name and a['save_path'] == 'clam/patches', (a['name'], a['save_path'])
        assert tuple(a['level_dim']) == tuple(a['downsampled_level_dim']) == (level['width'], level['height'])
        assert tuple(a['downsample']) == (level['downsample_x'], level['downsample_y'])
        assert abs(a['patch_size'] * a['downsample'][0] * slide['mpp_x'] - 96 * 1.1) <= a['downsample'][0] * slide['mpp_x']
        assert a['target_patch_size'] == 96 and a['target_mpp'] == 1.1
"
else
    skip "h5py reads what CLAM reads" "no h5py here"
fi
"$WSIFLOW" dataset -c run.yaml -o b -j 1 >b.log 2>&1
check "another run gives the same bytes" sh -c 'cmp a/clam/patches/synth_00.h5 b/clam/patches/synth_00.h5 && cmp a/clam/patches/synth_01.h5 b/clam/patches/synth_01.h5'
check "no temporary file is left" sh -c 'test -z "$(find a -name "*.tmp")"'
sed 's/clam: true, //' run.yaml >without.yaml
"$WSIFLOW" dataset -c without.yaml -o c -j 2 >c.log 2>&1
check "without the key there are none" test ! -e c/clam
# The longest names: an id of 220 bytes is the longest, files are named by it, also those of CLAM unless its stem still fits.
long() { printf "%0$1d" 0 | tr 0 "$2"; }
mkdir long && ln cohort/slides/synth_00.tif "long/$(long 251 a).tif" && ln cohort/slides/synth_01.tif "long/$(long 220 b).tif"
printf 'slides: {folder: long}\ntiles: {size: 96, mpp: 4}\ndataset: {clam: true, test_fraction: 0}\ntrain: {run: false}\n' >long.yaml
"$WSIFLOW" dataset -c long.yaml -o l >l.log 2>&1
is "a name too long for the files of a run is refused" $? 1
like "before it, with the limit and the way out" "$(cat l.log)" 'aaa\.tif: .* has 251 bytes, but .* at most 220; .* column id of slides\.manifest'
check "nothing was begun" test ! -e l/dataset
printf 'slide,id\nlong/%s.tif,short\nlong/%s.tif,\n' "$(long 251 a)" "$(long 220 b)" >long.csv
sed 's/folder: long/manifest: long.csv/' long.yaml >longer.yaml
"$WSIFLOW" dataset -c longer.yaml -o l >l.log 2>&1
is "with an id of 220 bytes the run is made" $? 0
check "its images are named by it, and no temporary name is too long" sh -c "test -s l/dataset/train/good/$(long 220 b)_000000.png -a -s l/dataset/train/good/short_000000.png"
check "CLAM's file has the stem where it fits, else the id" sh -c "test -s l/trident/patches/$(long 220 b)_patches.h5 -a -s l/clam/patches/short.h5"

# ---- pixels that are not square: the files hold squares with the centre and the area of each tile, and a note says so
sed 's/label$/label,mpp_x,mpp_y/; 2,$s/$/,0.5,0.6/' cohort/manifest.csv >cohort/oblong.csv
sed 's/manifest.csv/oblong.csv/; s/, write: false//' run.yaml >oblong.yaml
"$WSIFLOW" dataset -c oblong.yaml -o o -j 2 >o.log 2>&1
said='its pixels are not square \(0.5 x 0.6 um\), and CLAM and TRIDENT read squares'
like "the terminal says so" "$(cat o.log)" "synth_00: $said"
like "and the card" "$(cat o/dataset/CARD.md)" "synth_01: $said"
is "of square pixels nothing is said" "$(grep -c 'not square' a.log)" 0
if python3 -c 'import h5py' 2>/dev/null; then
    check "squares have the tile's area and middle" python3 -c "
import csv, h5py
import numpy as np
um = 96 * 1.1
with h5py.File('o/clam/patches/synth_00.h5') as c, h5py.File('o/trident/patches/synth_00_patches.h5') as t:
    xy, side = c['coords'][:], t['coords'].attrs['patch_size_level0']
    assert (xy == t['coords'][:]).all()
    level0 = c['coords'].attrs['patch_size'] * c['coords'].attrs['downsample'][0]
    tiles = [[float(r['x']), float(r['y'])] for r in csv.DictReader(open('o/slides/synth_00/tiles.csv'))]
    middle = np.array(tiles) + [um / 0.5 / 2, um / 0.6 / 2]
    assert abs(side * side * 0.5 * 0.6 / um ** 2 - 1) < 0.01, side
    assert abs(level0 - side) <= 2, (level0, side)
    off = np.abs(xy + side / 2 - middle)
    inside = (xy > 0).all(1) & (xy[:, 0] + side < 3072) & (xy[:, 1] + side < 2048)
    assert inside.sum() > 10 and off[inside].max() <= 1.01, off[inside].max()
    assert (xy >= 0).all() and (xy[:, 0] + side <= 3072).all() and (xy[:, 1] + side <= 2048).all()
"
else
    skip "squares have the tile's area and middle" "no h5py here"
fi
finish
