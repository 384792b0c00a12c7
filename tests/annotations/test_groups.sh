#!/bin/sh
# Annotation groups with unusual names, in a configuration and on the command line.  The oracle is the area of squares.
. tests/lib.sh
python3 -c 'import yaml' 2>/dev/null || skip_all "python3-yaml is missing"
cd "$tmp" || exit 2
python3 - <<'P'
# Squares of 100, 200, 300 and 400 px; each name would break a list that is split at spaces or at =.
from xml.sax.saxutils import quoteattr
names = ["Layer 1", "a=b", "Tumor: Positive", "Immune cells=lesion"]
out = ['<?xml version="1.0"?><ASAP_Annotations><Annotations>']
for i, name in enumerate(names):
    x, side = 500 * i, 100 * (i + 1)
    points = [(x, 0), (x + side, 0), (x + side, side), (x, side)]
    out.append(f'<Annotation Name="a" Type="Polygon" PartOfGroup={quoteattr(name)} Color="#000000"><Coordinates>')
    out += [f'<Coordinate Order="{k}" X="{px}" Y="{py}" />' for k, (px, py) in enumerate(points)]
    out.append("</Coordinates></Annotation>")
out.append("</Annotations><AnnotationGroups>")
out += [f'<Group Name={quoteattr(n)} PartOfGroup="None" Color="#000000"><Attributes /></Group>' for n in names]
out.append("</AnnotationGroups></ASAP_Annotations>")
open("a.xml", "w").write("\n".join(out))
P
area() { "$WSIFLOW" annotation convert a.xml -o out.geojson "$@" 2>&1 | sed -n 's/^lesion px\t//p'; }
is "names with spaces, = and : on the command line" \
    "$(area --group 'Layer 1=lesion' --group 'a=b=lesion' --group 'Tumor: Positive=ignore' --group 'Immune cells=lesion=lesion')" 210000
is "* is every other group" "$(area --group 'Layer 1=ignore' --group '*=lesion')" 290000
is "a name before *" "$(area --group '*=ignore' --group 'TUMOR: positive=lesion')" 90000
like "a name without a kind" "$("$WSIFLOW" annotation convert a.xml -o o.xml --group 'Layer 1' 2>&1)" 'write NAME=lesion'
like "the nearest kind" "$("$WSIFLOW" annotation convert a.xml -o o.xml --group 'Layer 1=leison' 2>&1)" 'did you mean "lesion"'
like "the text form says what to write" "$("$WSIFLOW" mask a.xml --size 9x9 --mpp 1 -o o.tif -g 'Layer 1=lesion' 2>&1)" \
    '"Layer".* --group "Layer 1=lesion"'
like "an unknown field" "$("$WSIFLOW" annotation convert a.xml -o o.xml --group-field names 2>&1)" 'did you mean "name"'

# The same letters in two Unicode forms, and in capitals.
python3 - <<'P'
import json
names = ["Tume\u0301ur", "TUM\u00c9UR", "tum\u00e9ur", "Gr\u00f6\u00dfe"]
ring = lambda x: [[x, 0], [x + 100, 0], [x + 100, 100], [x, 100], [x, 0]]
json.dump([{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring(200 * i)]},
            "properties": {"classification": {"name": n}}} for i, n in enumerate(names)], open("forms.geojson", "w"))
P
"$WSIFLOW" annotation convert forms.geojson -o out.xml --group 'Tuméur=lesion' --group 'größe=lesion' >said 2>message
is "one name in several forms" "$(sed -n 's/^lesion px\t//p' said)" 40000
is "without a warning" "$(cat message)" ""
like "two kinds for it" "$("$WSIFLOW" annotation convert forms.geojson -o o.xml --group 'Tuméur=lesion' --group 'TUMÉUR=not' 2>&1)" 'compared without case'
"$WSIFLOW" annotation convert forms.geojson -o out.xml --group 'Tuméur=lesion' --group 'größe=lesion' --group 'Tumeur=lesion' --group 'Normal=not' --group '*=ignore' >/dev/null 2>message
like "names that no outline has" "$(cat message)" 'forms.geojson: these named groups have no outline: "Tumeur", "Normal"$'

# A run with the mapping; another YAML reader can read what it stores.
"$WSIFLOW" synth -o c -n 1 -l 0 --width 3072 --height 2048 >/dev/null 2>&1
mkdir x && cp a.xml x/synth_00.xml
cat >run.yaml <<'Y'
slides:
  folder: c/slides
  annotations: x
  groups:
    Layer 1: lesion
    a=b: not
    "Tumor: Positive": ignore
    ? Immune cells=lesion
    : lesion
train: {run: false}
Y
"$WSIFLOW" dataset -c run.yaml -o r >log 2>&1
is "the run reads the mapping" "$(python3 -c 'import json; print("%.0f" % json.load(open("r/slides/synth_00/mask.json"))["lesion_area_px"])')" 170000
"$WSIFLOW" dataset -c run.yaml -o idle --dry-run >log 2>&1
is "all names are used" "$(grep -c 'no annotation has an outline' log)" 0
sed 's/    Layer 1: lesion/    Layer 1: lesion\n    Layer 11: lesion\n    tumour: not/' run.yaml >idle.yaml
"$WSIFLOW" dataset -c idle.yaml -o idle --dry-run >log 2>&1
like "names that no annotation has are reported once" "$(grep 'no annotation has an outline' log)" 'slides.groups: "Layer 11", "tumour"$'
is "another YAML reader reads the stored mapping" \
    "$(python3 -c 'import yaml; print(yaml.safe_load(open("r/config.yaml"))["slides"]["groups"])')" \
    "{'Layer 1': 'lesion', 'a=b': 'not', 'Tumor: Positive': 'ignore', 'Immune cells=lesion': 'lesion'}"
finish
