#!/bin/sh
# Images that have not the size of the model's tiles are resampled, and this is always reported.  Oracle: Pillow.
. tests/lib.sh
python3 -c 'from PIL import Image' 2>/dev/null || skip_all "PIL is missing"
cd "$tmp" || exit 1

# 20 images of 64 x 64 px (PNG), 6 of 70 x 64 (JPEG), 5 of 64 x 96 (progressive JPEG), 1 of 128 x 128 whose size stands behind 70 kB
# of comments; for testing 8 of 100 x 96 and 4 of 64 x 64.
python3 - <<'P'
import os, random
from PIL import Image, ImageFilter
random.seed(5)
def image(w, h):
    noise = Image.frombytes("L", (w, h), random.randbytes(w * h)).filter(ImageFilter.GaussianBlur(2.5))
    low, high = noise.getextrema()
    texture = noise.point(lambda v: (v - low) * 255 // (high - low))
    return Image.merge("RGB", [texture.point(lambda v, a=a, b=b: a + v * b // 255) for a, b in ((150, 80), (70, 130), (140, 70))])
for folder in "set/train/good", "set/test/good", "set/test/Ungood": os.makedirs(folder)
for i in range(20): image(64, 64).save(f"set/train/good/a{i:02d}.png")
for i in range(6): image(70, 64).save(f"set/train/good/b{i:02d}.jpg", quality=95)
for i in range(5): image(64, 96).save(f"set/train/good/c{i:02d}.jpg", quality=95, progressive=True)
image(128, 128).save("set/train/good/d.jpg", quality=95)
data = open("set/train/good/d.jpg", "rb").read()
comment = b"\xff\xfe" + (35002).to_bytes(2, "big") + b"x" * 35000
open("set/train/good/d.jpg", "wb").write(data[:2] + comment + comment + data[2:])
Image.open("set/train/good/d.jpg").load()
for i in range(8): image(100, 96).save(f"set/test/Ungood/{i}.png")
for i in range(4): image(64, 64).save(f"set/test/good/{i}.png")
P
printf 'patches: {folder: set}\ntiles: {size: 64, mpp: 1}\nmodel: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\ntrain: {epochs: 1, batch: 4}\n' >c.yaml
trained='12 of 32 images are not 64 x 64 px and were resampled, 11 of them stretched because they are not square: 6 of 70 x 64 px, 5 of 64 x 96 px, 1 of 128 x 128 px'
scored='8 of 12 images are not 64 x 64 px and were resampled, 8 of them stretched because they are not square: 8 of 100 x 96 px'
"$WSIFLOW" run -c c.yaml -o run -j 2 >run.log 2>&1
is "a run on images of several sizes" $? 0
like "the terminal reports those of training" "$(cat run.log)" "^training: $trained"
like "and those that were scored" "$(cat run.log)" "^scoring: $scored"
like "so does the report" "$(cat run/report.html)" "Training: $trained"
like "of both" "$(cat run/report.html)" "Scoring: $scored"
check "the counts are Pillow's" python3 - <<'P'
import collections, glob, json
from PIL import Image
for facts, pattern in ("run/model/image_sizes.json", "set/train/good/*"), ("run/image_sizes.json", "set/test/*/*"):
    want = collections.Counter(Image.open(p).size for p in glob.glob(pattern))
    got = json.load(open(facts))
    assert {(s["width"], s["height"]): s["images"] for s in got["sizes"]} == dict(want), (got, want)
    assert got["images"] == sum(want.values()) and got["resampled"] == sum(n for s, n in want.items() if s != (64, 64)), got
P
"$WSIFLOW" train -c c.yaml -o m.safetensors >train.log 2>&1
like "wsiflow train reports them" "$(cat train.log)" "^wsiflow train: $trained"
"$WSIFLOW" score -m m.safetensors -p set/test -o s.csv >score.log 2>&1
like "wsiflow score reports them" "$(cat score.log)" "^wsiflow score: $scored"
"$WSIFLOW" score -m m.safetensors -p set/test/good -o s.csv >score.log 2>&1
is "nothing is reported where all fit" "$(grep -c resampled score.log)" 0
"$WSIFLOW" sample m.safetensors -n 1 -p set/test/Ungood -o drawn >sample.log 2>&1
like "wsiflow sample reports them" "$(cat sample.log)" '^wsiflow sample: 8 of 8 images .* 8 of 100 x 96 px'
python3 - <<'P'
import glob, json, os, tarfile, io
os.makedirs("shards")
with tarfile.open("shards/train-000000.tar", "w") as tar:
    for i, path in enumerate(sorted(glob.glob("set/train/good/*"))):
        for name, data in ((f"{i:03d}" + os.path.splitext(path)[1], open(path, "rb").read()), (f"{i:03d}.json", json.dumps({"label": 0, "mpp": 1}).encode())):
            info = tarfile.TarInfo(name); info.size = len(data); tar.addfile(info, io.BytesIO(data))
P
"$WSIFLOW" train -c c.yaml -p shards -o m.safetensors >shards.log 2>&1
like "of shards too" "$(cat shards.log)" "^wsiflow train: $trained"
finish
