#!/bin/sh
# docs/CAMELYON16.md, followed literally: every command and every configuration of it is taken from the document and run, on synthetic
# slides with the names of the real ones.  Only the download is a stand-in, and the weights are random numbers in the shape of resnet18.
. tests/lib.sh
doc=$PWD/docs/CAMELYON16.md
here=$PWD
cd "$tmp" || exit 1

if in_long; then width=4096 height=3072; else width=2560 height=2048; fi
"$WSIFLOW" synth -n 7 -l 3 --width $width --height $height -o stand >/dev/null 2>&1 || exit 1
mkdir bin store store/images store/annotations
n=0
for name in normal_001 normal_002 normal_003 test_003 tumor_001 test_001 test_002; do
    mv "stand/slides/synth_0$n.tif" "store/images/$name.tif"
    [ ! -f "stand/annotations/synth_0$n.xml" ] || mv "stand/annotations/synth_0$n.xml" "store/annotations/$name.xml"
    n=$((n + 1))
done
is "the stand-ins have the annotations that the real slides have" "$(ls store/annotations | tr '\n' ' ')" \
    "test_001.xml test_002.xml tumor_001.xml "
cat >bin/aws <<EOS
#!/bin/sh
# aws s3 sync|cp --no-sign-request s3://camelyon-dataset/CAMELYON16/WHAT WHERE
mkdir -p "\$5" && cp -r "$tmp/store/\${4#s3://camelyon-dataset/CAMELYON16/}"\$([ "\$2" = sync ] && echo /.) "\$5"
EOS
printf '#!/bin/sh\nexec "%s" "$@"\n' "$WSIFLOW" >bin/wsiflow
chmod +x bin/aws bin/wsiflow
PATH=$tmp/bin:$PATH
export PATH

# The blocks of the document: block-1.sh, block-2.sh ... and run.yaml, in order.
python3 - "$doc" <<'P' || exit 1
import re, sys
blocks = re.findall(r"^```(sh|yaml)\n(.*?)^```", open(sys.argv[1], encoding="utf-8").read(), re.M | re.S)
shell = 0
for kind, body in blocks:
    if kind == "sh":
        shell += 1
    with open(f"block-{shell}.sh" if kind == "sh" else "run.yaml", "w", encoding="utf-8") as file:
        file.write(body)
with open("blocks", "w") as file:
    file.write(str(shell))
P
like "the document has commands and a configuration" "$(cat blocks) $(grep -c . run.yaml)" '^([7-9]|1[0-9]) [0-9]{2}$'

mkdir camelyon16 && mv run.yaml camelyon16/ && cd camelyon16 || exit 1
python3 - <<'P' || exit 1
# resnet18.safetensors with torchvision's names, He-initialised
import json, numpy as np
rng = np.random.default_rng(7)
tensors = {}
def conv(name, out, inner, size):
    tensors[name + ".weight"] = rng.normal(0, (2 / (inner * size * size)) ** 0.5, (out, inner, size, size))
def norm(name, width):
    for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
        tensors[f"{name}.{part}"] = np.full(width, value)
conv("conv1", 64, 3, 7); norm("bn1", 64)
inner = 64
for stage, width in enumerate((64, 128, 256, 512), 1):
    for block in (0, 1):
        block_name = f"layer{stage}.{block}"
        conv(block_name + ".conv1", width, inner, 3); norm(block_name + ".bn1", width)
        conv(block_name + ".conv2", width, width, 3); norm(block_name + ".bn2", width)
        if block == 0 and stage > 1:
            conv(block_name + ".downsample.0", width, inner, 1); norm(block_name + ".downsample.1", width)
        inner = width
header, offset = {}, 0
for name, value in tensors.items():
    size = value.size * 4
    header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, offset + size]}
    offset += size
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open("resnet18.safetensors", "wb") as file:
    file.write(len(text).to_bytes(8, "little") + text)
    for value in tensors.values():
        file.write(value.astype("<f4").tobytes())
P
cd ..

n=1
while [ "$n" -le "$(cat blocks)" ]; do
    folder=$([ "$n" = 1 ] && echo . || echo camelyon16)
    sed -i 's/^mkdir camelyon16 &&/mkdir -p camelyon16 \&\&/' "block-$n.sh" # it holds run.yaml and the weights already
    check "commands $n: $(grep -m 1 -o 'wsiflow [a-z]*' "block-$n.sh" || head -n 1 "block-$n.sh")" \
        sh -ec "cd $folder; $(cat "block-$n.sh")"
    n=$((n + 1))
done

cd camelyon16 || exit 1
is "the manifest names every slide once" "$(tail -n +2 manifest.csv | wc -l)" 7
check "training read no tile of a slide with lesions" python3 - <<'P'
import csv
rows = list(csv.DictReader(open("run/dataset/manifest.csv")))
train = [row for row in rows if row["split"] == "train"]
assert train and all("normal_" in row["slide"] and row["label"] == "good" for row in train), train[:3]
assert {row["label"] for row in rows if row["split"] == "test"} == {"good", "Ungood"}
P
for name in test_001 test_002 test_003; do
    check "$name has scores, maps and an overview" sh -c "cd run/slides/$name && test -s scores.csv && test -s heatmap.tif &&
        test -s heatmap.ome.tif && test -s heatmap.png && test -s scoremap.npy"
done
check "the report stands" test -s run/report.html
check "a slide without a run has a heatmap" sh -c 'find scored -name "heatmap.tif" | grep -q .'
cd "$here" || exit 1
finish
