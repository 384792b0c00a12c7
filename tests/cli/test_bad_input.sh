#!/bin/sh
# Bad input: one clear error each that names the file and the position; the other slides finish; exit code 3.
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o cohort -n 3 -l 1 --width 3072 --height 2048 >synth.log 2>&1
good=cohort/slides/synth_00.tif
mkdir slides xml
cp "$good" slides/fine.tif
head -c 100000 "$good" >slides/truncated.tif
echo "this is a text" >slides/text.svs
another() { # NAME: a slide of its own, since copies of one slide with annotations that contradict are an error
    cp "$good" "slides/$1.tif"
    echo "$1" >>"slides/$1.tif"
}
another two_points
another outside
another undefined_group
python3 - "$good" slides/no_mpp.tif <<'P'
# The same slide with its resolution tags taken out: XResolution, YResolution (282, 283) become private tags.
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
big = data[2] == 43
at = struct.unpack("<Q", data[8:16])[0] if big else struct.unpack("<I", data[4:8])[0]
while at:
    n = struct.unpack("<Q", data[at:at + 8])[0] if big else struct.unpack("<H", data[at:at + 2])[0]
    size, start = (20, at + 8) if big else (12, at + 2)
    for i in range(n):
        p = start + i * size
        tag = struct.unpack("<H", data[p:p + 2])[0]
        if tag in (282, 283):
            data[p:p + 2] = struct.pack("<H", tag)
            typ, = struct.unpack("<H", data[p + 2:p + 4])
            data[p + 2:p + 4] = struct.pack("<H", 4)  # LONG: not a resolution any more
            data[p + (12 if big else 8):p + (20 if big else 12)] = struct.pack("<Q" if big else "<I", 0)
    end = start + n * size
    at = struct.unpack("<Q", data[end:end + 8])[0] if big else struct.unpack("<I", data[end:end + 4])[0]
open(sys.argv[2], "wb").write(data)
P
annotation() { # NAME GROUP POINTS...
    name=$1 group=$2
    shift 2
    {
        echo '<?xml version="1.0"?><ASAP_Annotations><Annotations>'
        echo "<Annotation Name=\"a\" Type=\"Polygon\" PartOfGroup=\"$group\" Color=\"#F4FA58\"><Coordinates>"
        n=0
        for p; do
            echo "<Coordinate Order=\"$n\" X=\"${p%,*}\" Y=\"${p#*,}\" />"
            n=$((n + 1))
        done
        echo '</Coordinates></Annotation></Annotations><AnnotationGroups>'
        echo '<Group Name="Tumor" PartOfGroup="None" Color="#FF0000"><Attributes /></Group></AnnotationGroups></ASAP_Annotations>'
    } >"xml/$name.xml"
}
annotation undefined_group Nonsense 10,10 500,10 500,500
annotation two_points Tumor 10,10 500,10
# next to one that has an area; alone it would be an error, since a lesion was meant
sed -i 's|</Annotations>|<Annotation Name="b" Type="Polygon" PartOfGroup="Tumor" Color="#F4FA58"><Coordinates><Coordinate Order="0" X="9" Y="9" /><Coordinate Order="1" X="99" Y="9" /><Coordinate Order="2" X="99" Y="99" /></Coordinates></Annotation></Annotations>|' xml/two_points.xml
annotation only_two_points Tumor 10,10 500,10
another only_two_points
annotation outside Tumor 90000,10 90500,10 90500,500
cat >run.yaml <<'Y'
slides:
  folder: slides
  annotations: xml
  unannotated: normal
tiles:
  size: 128
dataset:
  test_fraction: 0
  valid_fraction: 0
train:
  run: false
Y
"$WSIFLOW" run -c run.yaml -o out -j 2 >out.log 2>err.log
is "some slides failed: exit code 3" $? 3
status=$("$WSIFLOW" status out)
one() { # NAME SLIDE PATTERN: exactly one failed job of that slide, with that reason
    is "$1: one failed job" "$(printf '%s\n' "$status" | grep -c "^failed: [a-z]* $2: ")" 1
    like "$1: the reason" "$(printf '%s\n' "$status" | grep "^failed: [a-z]* $2: ")" "$3"
}
one "a truncated slide" truncated 'truncated\.tif.*truncated'
one "a text named .svs" text 'text\.svs'
one "a slide without mpp" no_mpp 'no_mpp\.tif does not state its resolution.*slides\.manifest.*slides\.mpp'
one "an undefined group" undefined_group 'undefined_group\.xml(:[0-9]+| line [0-9]+).*Nonsense'
one "a polygon outside of the slide" outside 'outside\.xml(:[0-9]+| line [0-9]+).*outside'
one "nothing but a polygon of two points" only_two_points 'only_two_points\.xml.*left out'
is "a polygon of two points is left out, the slide goes on" "$(printf '%s\n' "$status" | grep -c '^failed: [a-z]* two_points: ')" 0
like "and the mask's record says so" "$(cat out/slides/two_points/mask.json)" 'two_points\.xml.*2 points'
check "the other slides are finished" sh -c 'ls out/dataset/train/good/fine_*.png && ls out/dataset/train/good/two_points_*.png'

# ---- configurations
bad() { # NAME PATTERN TEXT
    printf '%b' "$3" >bad.yaml
    text=$("$WSIFLOW" run -c bad.yaml -o bad 2>&1)
    code=$?
    is "$1: exit code 1" $code 1
    like "$1: the reason" "$text" "$2"
    is "$1: one line" "$(printf '%s\n' "$text" | wc -l)" 1
}
bad "an unknown key" 'bad\.yaml line 3: .*epchs' 'train:\n  epochs: 3\n  epchs: 4\n'
bad "an unknown section" 'bad\.yaml line 1: .*trian' 'trian:\n  epochs: 3\n'
bad "a wrong type" 'bad\.yaml line 2: train\.epochs is "many"' 'train:\n  epochs: many\n'
bad "out of range" 'bad\.yaml line 2: train\.epochs is 0: allowed are 1 to' 'train:\n  epochs: 0\n'
bad "a wrong choice" 'bad\.yaml line 2: tiles\.edge is "wrap": allowed are drop pad shift' 'tiles:\n  edge: wrap\n'
bad "a missing folder" 'nowhere' 'slides:\n  folder: nowhere\n'
bad "an unset variable" 'bad\.yaml line 2: slides\.folder uses \$\{WSIFLOW_NO_SUCH\}' 'slides:\n  folder: ${WSIFLOW_NO_SUCH}/x\n'
bad "nothing to do" 'asks for nothing' 'train:\n  epochs: 3\n'

# ---- keys of a model, before a slide is touched
early() { # WHAT PATTERN SECTION
    printf 'slides:\n  folder: %s\nmodel:\n  %s\n' "$PWD/slides" "$3" >early.yaml
    like "$1" "$("$WSIFLOW" run -c early.yaml -o early 2>&1)" "$2"
    check "and no run is begun" test ! -e early
}
early "a positional code of 6 channels" 'model.condition is 6: allowed are 4 to 256, a multiple of 4' 'condition: 6'
early "an extractor without its weights" 'model.extractor resnet18 needs a file of weights' 'extractor: resnet18'
early "weights that are not there" 'model.weights is ".*nowhere", but there is no such file' 'extractor: resnet18
  weights: /nowhere'

# ---- missing weights
mkdir -p patches/train/good
cp out/dataset/train/good/*.png patches/train/good/
printf 'model:\n  extractor: resnet18\n  weights: nowhere.safetensors\ntiles:\n  size: 128\n' >weights.yaml
text=$("$WSIFLOW" train -c weights.yaml --patches patches -o m.safetensors 2>&1)
is "missing weights: exit code 1" $? 1
like "missing weights: the file is named" "$text" 'nowhere\.safetensors'
check "and no model is written" sh -c '! test -e m.safetensors'
printf 'model:\n  extractor: resnet18\ntiles:\n  size: 128\n' >weights.yaml
like "no weights given: said so" "$("$WSIFLOW" train -c weights.yaml --patches patches -o m.safetensors 2>&1)" 'weights'
like "an unknown extractor: the known ones are listed" \
    "$(printf 'model:\n  extractor: vgg\n' >x.yaml; "$WSIFLOW" train -c x.yaml --patches patches -o m.safetensors 2>&1)" 'vgg.*scattering'

# ---- usage
"$WSIFLOW" frobnicate >usage.log 2>&1
is "an unknown command: exit code 2" $? 2
"$WSIFLOW" score -m x >usage.log 2>&1
is "missing arguments: exit code 2" $? 2
like "and what is needed" "$(cat usage.log)" 'required: '
like "every report of versions says research use only" "$("$WSIFLOW" --version)" 'For research use only'

finish
