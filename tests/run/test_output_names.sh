#!/bin/sh
# What the files of a run call their contents, next to the version of the stage that writes them.
#
# A run takes the results of an earlier build for its own as long as the stage's version is the same.  So a renamed column, JSON key or
# artefact needs a higher version in pipeline/run/stage_table.c.  tests/golden/outputs/names.txt holds both: when the names change here,
# raise the version, and make the file again with
#   UPDATE_GOLDEN=1 sh tests/run/test_output_names.sh
. tests/lib.sh
golden=$PWD/tests/golden/outputs/names.txt
table=$PWD/pipeline/run/stage_table.c
bundle=$PWD/flows/models/bundle.c
cd "$tmp" || exit 1

"$WSIFLOW" synth -o c -n 4 -l 2 --width 2048 --height 2048 >synth.log 2>&1
model='model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1, batch: 4}'
printf 'slides: {folder: c/slides, annotations: c/annotations, unannotated: normal}
tiles: {size: 64, mpp: 2, stain: macenko}
dataset: {clam: true, train_anomalies: true}
loss: {labels: true, focal: 1}
score: {slides: all}\n%s\n' "$model" >slides.yaml
"$WSIFLOW" run -c slides.yaml -o slides >slides.log 2>&1
is "a run of slides ends well" $? 0
sed 's/clam: true/format: shards/; s/batch: 4/batch: 4, run: false/' slides.yaml >shards.yaml
"$WSIFLOW" run -c shards.yaml -o shards >shards.log 2>&1
is "and one that writes shards" $? 0
sed '/^loss/d; s/clam: true, train_anomalies: true/write: false/; s/batch: 4/batch: 4, source: slides/' slides.yaml >direct.yaml
"$WSIFLOW" run -c direct.yaml -o direct >direct.log 2>&1
is "and one that trains from slides" $? 0
printf 'patches: {folder: slides/dataset}\ntiles: {size: 64}\n%s\n' "$model" >patches.yaml
"$WSIFLOW" run -c patches.yaml -o patches >patches.log 2>&1
is "and one of patches" $? 0

cat >names.py <<'P'
import csv, json, os, re, struct, subprocess, sys, tarfile

table, bundle, program = sys.argv[1:4]
source = open(table, encoding="utf-8").read().split("const Stage stages[] = {")[1].split("\n};")[0]
versions = re.findall(r'\{"(\w+)",\s*"[^"]*",\s*SCOPE_\w+,\s*[^{}]*?"[^"]*",\s*(\d+),\s*wants', source)


def members(value, before=""):
    """Names of all members, with dots; members of a list's items have the list's name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            name = "ID" if re.fullmatch(r"synth_\d+", name) else name
            yield before + name
            yield from members(inner, before + name + ".")
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner, before)


def contents(path):
    if path.endswith("detections.csv"):
        return []  # no header: Camelyon16's form
    if path.endswith(".csv"):
        with open(path, newline="", encoding="utf-8") as file:
            return next(csv.reader(file))
    if path.endswith(".json"):
        return members(json.load(open(path, encoding="utf-8")))
    if path.endswith(".safetensors"):
        with open(path, "rb") as file:
            head = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]
        return [*(k for k in head), *members(json.loads(head["model"]))]
    if path.endswith(".tar"):
        with tarfile.open(path) as tar:
            return {n for m in tar if m.name.endswith(".json") for n in members(json.load(tar.extractfile(m)))}
    return []


def plain(name):
    """Without slides, splits and numbers of shards."""
    return re.sub(r"^(train|test|valid)(?=-)", "SPLIT", re.sub(r"synth_\d+", "ID", re.sub(r"\d{6}", "N", name)))


found = {}
for run in sys.argv[4:]:
    jobs = json.loads(subprocess.run([program, "status", "--json", run], capture_output=True, text=True, check=True).stdout)
    for artefact in jobs["artefacts"]:
        name, file = (plain(text) for text in (artefact["name"], os.path.basename(artefact["path"])))
        known = found.setdefault(artefact["stage"], {}).setdefault((name, file), set())
        known |= set(contents(os.path.join(run, artefact["path"])))
print("# Made by tests/run/test_output_names.sh: a stage and its version, its artefacts, the columns or keys in them.")
print(re.search(r'#define FORMAT "([^"]*)"', open(bundle, encoding="utf-8").read())[1])
for stage, version in versions:
    print(stage, version)
    for (name, file), inside in sorted(found.get(stage, {}).items()):
        print(" ", name, file)
        for one in sorted(inside):
            print("   ", one)
P
python3 names.py "$table" "$bundle" "$WSIFLOW" slides shards direct patches >names.txt 2>names.err
is "their outputs can be read" "$?$(cat names.err)" 0
[ -z "${UPDATE_GOLDEN:-}" ] || cp names.txt "$golden"
check "names and versions are those of tests/golden/outputs/names.txt; a stage that changes a name needs a higher version" diff "$golden" names.txt
finish
