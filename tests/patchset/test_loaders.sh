#!/bin/sh
# How other programs read the outputs of a run: the rules of their loaders, written here after their code.
#   anomalib 2: data/datasets/image/mvtecad.py and folder.py, data/utils/path.py    webdataset: tariterators.py
#   CLAM: extract_features_fp.py, dataset_modules/dataset_h5.py    TRIDENT: trident/IO.py, Processor.py, wsi_objects/WSI.py and WSIPatcher.py
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o cohort -n 6 -l 4 --width 3072 --height 2048 >synth.log 2>&1
python3 - <<'P'
import csv
rows = list(csv.DictReader(open("cohort/manifest.csv")))
lesion = [r for r in rows if r.get("annotation") or r["slide"] > "slides/synth_01.tif"]
splits = iter(("train", "train", "train", "valid", "test", "test"))
with open("cohort/manifest.csv", "w", newline="") as file:
    out = csv.DictWriter(file, list(rows[0] | {"split": ""}))
    out.writeheader()
    out.writerows(row | {"split": next(splits)} for row in rows)
P
cat >loaders.py <<'P'
import glob, io, os, sys, tarfile
from pathlib import Path


def mvtec(root):
    """Every .png below is a sample by its last three parts; those of ground_truth are masks, given in the order of names to the anomalies
    of test; each anomaly, of whatever split, must have a mask whose name holds its own."""
    found = [(*path.parts[-3:], path) for path in Path(root).glob("**/*") if path.suffix in (".png", ".PNG")]
    assert found, "no images"
    for split, label, name, path in found:
        assert path == Path(root) / split / label / name, f"{path} is taken for {split}/{label}/{name}"
    masks = sorted((f"{s}/{l}/{n}" for s, l, n, _ in found if s == "ground_truth"))
    samples = sorted((f"{s}/{l}/{n}", s, l) for s, l, n, _ in found if s != "ground_truth")
    tested = [name for name, split, label in samples if split == "test" and label != "good"]
    assert len(tested) == len(masks), f"{len(masks)} masks for {len(tested)} anomalies of test"
    mask_of = dict(zip(tested, masks))
    for name, split, label in samples:
        if label != "good":
            assert name in mask_of, f"{name} has no mask"
            assert Path(name).stem in Path(mask_of[name]).stem, (name, mask_of[name])
    return {split: sum(s == split for _, s, _ in samples) for split in {s for _, s, _ in samples}}, len(masks)


def folder(normal, abnormal=None, normal_test=None, mask=None):
    """Images of the usual endings below each folder; masks and anomalies pair by the order of their paths."""
    endings = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
    def files(path):
        found = sorted(str(f) for f in Path(path).glob("**/*") if f.suffix.lower() in endings and not f.is_dir())
        assert found, f"no images in {path}"
        return found
    masks, anomalies = files(mask), files(abnormal)
    assert len(masks) == len(anomalies), (len(masks), len(anomalies))
    for image, m in zip(anomalies, masks):
        assert Path(image).stem in Path(m).stem, (image, m)
    return len(files(normal)), len(files(normal_test)), len(anomalies)


def webdataset(path):
    """Regular files only; the key is all before the first dot of the base name, the field all behind; the files of a sample stand together, and no
    field comes twice."""
    seen, samples, current, sample = set(), [], None, {}
    for member in tarfile.open(path):
        if not member.isreg():
            continue
        folder, _, base = member.name.rpartition("/")
        key, dot, field = base.partition(".")
        assert key and dot, member.name
        key = f"{folder}/{key}" if folder else key
        if key != current:
            assert key not in seen, f"{key} is torn apart"
            seen.add(key)
            current, sample = key, {}
            samples.append((key, sample))
        assert field.lower() not in sample, member.name
        sample[field.lower()] = tarfile.open(path).extractfile(member.name).read()
    return samples
P
with() {
    printf 'slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations, unannotated: normal}\ntiles: {size: 128}\ndataset: {lesion_min: 0.25, valid_fraction: 0, %s}\n' "$1"
}
count() { # RUN SPLIT LABEL: patches of its manifest
    python3 -c "
import csv, sys
print(sum((r['split'], r['label']) == (sys.argv[2], sys.argv[3]) for r in csv.DictReader(open(sys.argv[1] + '/dataset/manifest.csv'))))" "$@"
}

# ---- anomalib
with 'max_per_class: 30' >run.yaml
"$WSIFLOW" dataset -c run.yaml -o run -j 2 >run.log 2>&1
is "a patch set with train, validation and test, all with what was left out of the sample" $? 0
check "there are anomalies in validation and test, and patches that wait" sh -c "
test $(count run valid Ungood) -gt 0 && test $(count run test Ungood) -gt 0 && test -n \"\$(find run/dataset_unused -name '*.png' | head -1)\""
is "MVTec's rule reads dataset/ whole" "$(python3 -c "
from loaders import mvtec
splits, masks = mvtec('run/dataset')
print(splits['train'], splits['test'], masks, sorted(splits))" 2>&1 | tail -1)" \
    "$(count run train good) $(($(count run test good) + $(count run test Ungood))) $(count run test Ungood) ['test', 'train']"
is "the validation set is read by it too, as a test" "$(mkdir -p v && cp -r run/dataset_valid v/test && mv v/test/ground_truth v/ && python3 -c "
from loaders import mvtec
print(mvtec('v'))" 2>&1 | tail -1)" "({'test': $(($(count run valid good) + $(count run valid Ungood)))}, $(count run valid Ungood))"
folder_rule() {
    python3 -c "
from loaders import folder
d = '$1/dataset'
print(*folder(f'{d}/train/good', f'{d}/test/Ungood', f'{d}/test/good', f'{d}/ground_truth/Ungood'))" 2>&1 | tail -1
}
is "the Folder rule reads the same" "$(folder_rule run)" "$(count run train good) $(count run test good) $(count run test Ungood)"
check "the manifest names every file where it is" python3 -c "
import csv, os
for r in csv.DictReader(open('run/dataset/manifest.csv')):
    assert os.path.isfile('run/dataset/' + r['file']), r['file']"
check "sha256sum checks it all" sh -c 'cd run/dataset && sha256sum --quiet -c SHA256SUMS && grep -q dataset_valid/ground_truth SHA256SUMS'
like "so does --verify" "$("$WSIFLOW" dataset --verify run 2>&1)" ', 20 cut again, 0 differ'
with 'max_per_class: 30, image: jpeg' >jpeg.yaml
"$WSIFLOW" dataset -c jpeg.yaml -o jpeg -j 2 >jpeg.log 2>&1
is "the Folder rule reads a JPEG set" "$(folder_rule jpeg)" "$(count jpeg train good) $(count jpeg test good) $(count jpeg test Ungood)"
with 'max_per_class: 30, train_anomalies: true' >taught.yaml
"$WSIFLOW" dataset -c taught.yaml -o run -j 2 >taught.log 2>&1
is "and one with labelled anomalies in training" "$(folder_rule run) $(test "$(count run train Ungood)" -gt 0 && echo taught)" \
    "$(count run train good) $(count run test good) $(count run test Ungood) taught"
"$WSIFLOW" dataset -c run.yaml -o run -j 2 >back.log 2>&1
is "back to the first set, MVTec's rule reads it again" "$(python3 -c "
from loaders import mvtec
print(mvtec('run/dataset')[1])" 2>&1 | tail -1)" "$(count run test Ungood)"

# ---- WebDataset
with 'max_per_class: 30, format: shards' >shards.yaml
"$WSIFLOW" dataset -c shards.yaml -o shards -j 2 >shards.log 2>&1
check "webdataset's rule gives each sample of the manifest whole" python3 -c "
import csv, glob, hashlib, json
from loaders import webdataset
rows = {r['file']: r for r in csv.DictReader(open('shards/dataset/manifest.csv'))}
for path in sorted(glob.glob('shards/dataset/*.tar')):
    for key, sample in webdataset(path):
        row = rows.pop(path.split('/')[-1] + '/' + key + '.png')
        assert set(sample) == ({'png', 'json', 'mask.png'} if row['label'] == 'Ungood' else {'png', 'json'}), sample.keys()
        assert hashlib.sha256(sample['png']).hexdigest() == row['sha256'] and json.loads(sample['json'])['label'] == row['label']
assert not rows, list(rows)[:3]"

# ---- CLAM and TRIDENT: both find the file by the name of the slide's, and read the tiles from the slide themselves
mkdir odd
cp cohort/slides/synth_00.tif "odd/slide 2 (copy).tif"
cp cohort/slides/synth_01.tif odd/a.b.ome.tif
cp cohort/slides/synth_02.tif odd/c..tif
printf 'slides: {folder: odd}\ntiles: {size: 96, mpp: 1.1, overlap: 0.25}\ndataset: {clam: true, test_fraction: 0, valid_fraction: 0}\n' >odd.yaml
"$WSIFLOW" dataset -c odd.yaml -o odd_run -j 2 >odd.log 2>&1
is "slides with odd names" $? 0
cat >bags.py <<'P'
import csv, os
import h5py, numpy as np
from openslide import OpenSlide
from PIL import Image
from loaders_h5 import clam, trident
images = {}
for row in csv.DictReader(open("odd_run/dataset/manifest.csv")):
    images.setdefault(row["slide"], {})[int(row["x"]), int(row["y"])] = "odd_run/dataset/" + row["file"]
for name in ("slide 2 (copy).tif", "a.b.ome.tif", "c..tif"):
    mine = next(v for k, v in images.items() if k[0] == name[0])
    slide = OpenSlide("odd/" + name)
    for kind, tiles in (("CLAM", clam("odd_run/clam", "odd", name, ".tif")), ("TRIDENT", trident("odd_run", "trident", "odd/" + name))):
        tiles = list(tiles)
        assert {xy for xy, _, _ in tiles} == set(mine) and len(tiles) == len(mine) > 5, (kind, name, len(tiles), len(mine))
        for xy, level, side in tiles[:: max(1, len(tiles) // 4)]:
            got = slide.read_region(xy, level, (side, side)).convert("RGB").resize((96, 96), Image.BILINEAR)
            off = np.abs(np.asarray(got, int) - np.asarray(Image.open(mine[xy]), int)).mean()
            assert off < 12, (kind, name, xy, off)
P
cat >loaders_h5.py <<'P'
import os
import h5py
from openslide import OpenSlide


def clam(root, slides, slide_id, ending):
    """The bag of a line of the CSV: patches/NAME.h5 and the slide NAME + ending, where NAME is all before the ending's first place."""
    name = slide_id.split(ending)[0]
    assert os.path.isfile(os.path.join(slides, name + ending))
    with h5py.File(os.path.join(root, "patches", name + ".h5"), "r") as file:
        coords = file["coords"]
        for xy in coords[:]:
            yield tuple(int(v) for v in xy), int(coords.attrs["patch_level"]), int(coords.attrs["patch_size"])


def trident(job, coords_dir, slide):
    """patches/NAME_patches.h5, where NAME lacks the ending (.ome.tif as a whole); sides follow from two magnifications."""
    base = os.path.basename(slide)
    name = base[: -len(".ome.tif")] if base.lower().endswith(".ome.tif") else os.path.splitext(base)[0]
    with h5py.File(os.path.join(job, coords_dir, "patches", name + "_patches.h5"), "r") as file:
        coords, attrs = file["coords"][:], dict(file["coords"].attrs)
    assert None not in [attrs.get(k) for k in ("patch_size", "level0_magnification", "target_magnification")], attrs
    assert {"patch_size_level0", "overlap", "name", "savetodir", "level0_width", "level0_height"} <= set(attrs), attrs
    wsi = OpenSlide(slide)
    assert (attrs["level0_width"], attrs["level0_height"]) == wsi.dimensions and attrs["name"] == name
    downsample = (10 / attrs["target_magnification"]) / (10 / attrs["level0_magnification"])
    side = round(attrs["patch_size"] * downsample)
    assert side == attrs["patch_size_level0"] and attrs["overlap"] == 24, attrs
    level = max((i for i, d in enumerate(wsi.level_downsamples) if d <= downsample + 0.1), default=0)
    for xy in coords:
        assert xy[0] < wsi.dimensions[0] and xy[1] < wsi.dimensions[1]
        yield tuple(int(v) for v in xy), level, round(side / int(wsi.level_downsamples[level]))
P
check "CLAM's and TRIDENT's rules find every slide and read the tiles that we cut" python3 bags.py
mkdir more
cp cohort/slides/synth_03.tif "more/slide 2 (copy).tif"
printf 'slide,id\nodd/slide 2 (copy).tif,first\nmore/slide 2 (copy).tif,second\n' >two.csv
printf 'slides: {manifest: two.csv}\ntiles: {size: 96}\ndataset: {clam: true, test_fraction: 0, write: false}\n' >two.yaml
"$WSIFLOW" dataset -c two.yaml -o two -j 2 >two.log 2>&1
is "two slides of one stem do not share a file" "$(ls two/clam/patches two/trident/patches | tr '\n' ' ')" \
    "two/clam/patches: first.h5 second.h5  two/trident/patches: first_patches.h5 second_patches.h5 "
finish
