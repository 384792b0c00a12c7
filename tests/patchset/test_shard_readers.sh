#!/bin/sh
# Tar shards, by the program: Python's tarfile and Pillow read them, the facts are those of the manifest, a second run changes no byte, a kill
# leaves no partial shard, and training reads them like images, whoever wrote them.
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o cohort -n 4 -l 1 --width 3072 --height 2048 >synth.log 2>&1
cat >folder.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 128}
dataset: {lesion_min: 0.25}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 16}
Y
sed 's/lesion_min: 0.25/lesion_min: 0.25, format: shards, shard_mb: 1/' folder.yaml >shards.yaml
"$WSIFLOW" dataset -c folder.yaml -o folder -j 2 >folder.log 2>&1
is "a patch set as files" $? 0
"$WSIFLOW" dataset -c shards.yaml -o shards -j 2 >shards.log 2>&1
is "the same as shards" $? 0
check "the first shard is train-000000.tar" test -s shards/dataset/train-000000.tar
check "no image is left in a folder" sh -c 'test -z "$(find shards -name "synth_*_[0-9]*.png")"'

python3 - <<'P' >python.out 2>&1
import csv, glob, hashlib, io, json, tarfile
import numpy as np
from PIL import Image
manifest = {r["file"]: r for r in csv.DictReader(open("shards/dataset/manifest.csv"))}
files = {(r["slide"], r["x"], r["y"]): r["file"] for r in csv.DictReader(open("folder/dataset/manifest.csv"))}
seen, masks, largest = 0, 0, 0
for path in sorted(glob.glob("shards/dataset/*.tar")):
    name = path.rsplit("/", 1)[1]
    tar = tarfile.open(path)
    members = tar.getmembers()
    largest = max(largest, len(open(path, "rb").read()))
    assert all(m.mtime == 0 and m.uid == 0 and m.gid == 0 and m.uname == "" and m.isreg() for m in members)
    samples = {}
    for m in members:  # as WebDataset groups them
        key, field = m.name.split(".", 1)
        samples.setdefault(key, {})[field] = tar.extractfile(m).read()
    for key, sample in samples.items():
        row, facts = manifest.pop(f"{name}/{key}.png"), json.loads(sample["json"])
        assert hashlib.sha256(sample["png"]).hexdigest() == row["sha256"] == facts["sha256"]
        assert all(facts[c] == row[c] for c in ("slide", "patient", "split", "label")), (facts, row)
        assert round(facts["x"]) == int(row["x"]) and abs(facts["lesion_fraction"] - float(row["lesion_fraction"])) < 1e-3
        assert facts["size"] == 128 and facts["mpp"] == 1
        assert name.startswith(row["split"] + "-")
        file = files[row["slide"], row["x"], row["y"]]
        assert (np.asarray(Image.open("folder/dataset/" + file)) == np.asarray(Image.open(io.BytesIO(sample["png"])))).all()
        assert ("mask.png" in sample) == (row["label"] == "Ungood")
        if "mask.png" in sample:
            stem = file.rsplit("/", 1)[1][:-4]
            assert open(f"folder/dataset/ground_truth/Ungood/{stem}_mask.png", "rb").read() == sample["mask.png"]
            masks += 1
        seen += 1
assert not manifest and seen == len(files) and masks > 0, (len(manifest), seen, len(files), masks)
assert largest <= 1000000 + 1024, largest
print("samples", seen, "masks", masks)
P
is "Python reads every sample, and it is the file's image, mask and facts" $? 0
sed 's/^/# /' python.out

# ---- again, and after kills
sha256sum shards/dataset/* shards/slides/*/patches* >first.sums
"$WSIFLOW" dataset -c shards.yaml -o shards -j 2 >again.out 2>again.err
is "the same again does nothing" "$(grep -c 'done in' again.err)" 0
"$WSIFLOW" dataset -c shards.yaml -o other -j 1 >other.log 2>&1
(cd other && sha256sum dataset/* slides/*/patches*) | sed 's#  #  shards/#' >other.sums
check "another run gives the same bytes" cmp first.sums other.sums
i=0
while [ $i -lt 5 ]; do
    setsid "$WSIFLOW" dataset -c shards.yaml -o killed -j 2 >/dev/null 2>&1 &
    sleep 0.$((2 + i * 2))
    killed $!
    for f in killed/dataset/*.tar killed/slides/*/*.tar; do
        if [ -f "$f" ] && ! python3 -c "import sys, tarfile; tarfile.open(sys.argv[1]).getnames()" "$f"; then
            echo "$f" >>half
        fi
    done
    i=$((i + 1))
done
check "some were killed on the way ($KILLED)" test $KILLED -gt 0
check "a kill leaves no half shard" test ! -f half
"$WSIFLOW" dataset -c shards.yaml -o killed -j 2 >killed.log 2>&1
(cd killed && sha256sum dataset/* slides/*/patches*) | sed 's#  #  shards/#' >killed.sums
check "after kills the bytes are the same" cmp first.sums killed.sums

# ---- a sample of the samples: shards are written again
sed 's/shard_mb: 1/shard_mb: 1, max_per_class: 10/' shards.yaml >sample.yaml
"$WSIFLOW" dataset -c sample.yaml -o shards -j 2 >sample.out 2>sample.err
is "a sample is taken" $? 0
is "nothing is cut for it" "$(grep -c '] cut' sample.err)" 0
check "shards hold what the manifest names, and no more" python3 -c "
import collections, csv, glob, tarfile
rows = list(csv.DictReader(open('shards/dataset/manifest.csv')))
count = collections.Counter((r['split'], r['label']) for r in rows)
assert max(count.values()) == 10, count
there = [f'{p[15:]}/{n}' for p in glob.glob('shards/dataset/*.tar') for n in tarfile.open(p).getnames() if n.endswith('.png') and not n.endswith('.mask.png')]
assert sorted(there) == sorted(r['file'] for r in rows), (len(there), len(rows))"
"$WSIFLOW" dataset -c shards.yaml -o shards -j 2 >back.log 2>&1
sha256sum shards/dataset/* shards/slides/*/patches* >back.sums
check "and all come back, the same" cmp first.sums back.sums

# ---- training reads them
for source in patches shards slides; do
    case $source in
    patches) base=folder ;;
    shards) base=shards ;;
    slides) base=slides && sed 's/lesion_min/write: false, lesion_min/' folder.yaml >slides.yaml ;;
    esac
    sed "s/epochs: 1/source: $source, epochs: 1/" $base.yaml >train-$source.yaml
    "$WSIFLOW" run -c train-$source.yaml -o $base -j 2 >train-$source.log 2>&1
    is "training from $source" $? 0
done
check "images, shards, slides: the same model" sh -c 'cmp folder/model/model.safetensors shards/model/model.safetensors && cmp folder/model/model.safetensors slides/model/model.safetensors'
check "straight from slides no patch was written" test ! -e slides/dataset
"$WSIFLOW" run -c train-slides.yaml -o slides -j 2 >slides.out 2>slides.err
is "and again does nothing" "$(grep -c 'done in' slides.err)" 0

# ---- shards of others: GNU and pax headers, long names, a folder in the names, .jpg, other fields, labels as numbers
mkdir foreign
python3 - <<'P'
import io, json, tarfile
import numpy as np
from PIL import Image
rng = np.random.default_rng(1)
for kind, format in (("0", tarfile.GNU_FORMAT), ("1", tarfile.PAX_FORMAT)):
    with tarfile.open(f"foreign/train-00000{kind}.tar", "w", format=format) as tar:
        for i in range(24):
            pixels = np.clip(rng.normal(180, 30, (160, 160, 3)), 0, 255).astype(np.uint8)
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "JPEG")
            stem = f"some/folder/{'long' * (i % 2) * 40}name-{kind}-{i:04d}"
            label = ["good", 0, "Ungood", 1][i % 4]
            for field, content in (("jpg", data.getvalue()), ("cls", b"0"), ("json", json.dumps({"label": label, "slide": f"s{i % 5}", "note": "\u00e4" * 300}).encode())):
                member = tarfile.TarInfo(f"{stem}.{field}")
                member.size, member.mtime = len(content), 1234567890
                tar.addfile(member, io.BytesIO(content))
P
sed 's/^slides:.*/run: {name: foreign}/' folder.yaml >foreign.yaml
"$WSIFLOW" train -c foreign.yaml --patches foreign -o foreign.safetensors >foreign.log 2>&1
is "training on shards that Python wrote" $? 0
gzip -c foreign/train-000000.tar >zipped.tar && mkdir zipped && mv zipped.tar zipped/train-000000.tar
like "a compressed tar is refused with a reason" "$("$WSIFLOW" train -c foreign.yaml --patches zipped -o z 2>&1)" 'uncompressed tar'
mkdir bare && python3 -c "
import io, tarfile
from PIL import Image
data = io.BytesIO(); Image.new('RGB', (8, 8)).save(data, 'PNG')
tar = tarfile.open('bare/train-000000.tar', 'w'); m = tarfile.TarInfo('a.png'); m.size = len(data.getvalue()); data.seek(0); tar.addfile(m, data); tar.close()"
like "a sample without label is refused" "$("$WSIFLOW" train -c foreign.yaml --patches bare -o z 2>&1)" 'a.json has no "label"'
sed 's/epochs: 1/source: shards, epochs: 1/' folder.yaml >wrong.yaml
like "shards that nobody writes are refused at once" "$("$WSIFLOW" run -c wrong.yaml -o wrong 2>&1)" 'dataset.format is folder'


# ---- a manifest that names what is not in the shards is wrong, however often it is read
wrong() { # NAME SED: the manifest is edited so
    mkdir "$1"
    cp shards/dataset/*.tar shards/dataset/tiles.json "$1"
    sed "$2" shards/dataset/manifest.csv >"$1/manifest.csv"
    printf 'patches: {folder: %s}\ntiles: {size: 128}\nmodel: {blocks: [1, 1, 1], condition: 16}\ntrain: {epochs: 1, batch: 4}\nscore: {slides: none}\n' "$1" >"$1.yaml"
    timeout 30 "$WSIFLOW" run -c "$1.yaml" -o "$1.run" -j 1 >"$1.out" 2>&1
    is "$1: exit 1" $? 1
    like "$1: parked at once, with the reason" "$(cat "$1.out")" "$3"
}
wrong other_key '2,$s,/\([^,]*\)_[0-9]*\.png,/\1_999999.png,' 'train cohort: parked: .*has no sample .*_999999, although manifest.csv lists it'
wrong no_shard '3,$s,[a-z]*-[0-9]*.tar/,,' 'train cohort: parked: .*is not a sample of a shard'
finish
