#!/bin/sh
# The report as its reader sees it: every curve is complete, and the area under it is the number in its title.
. tests/lib.sh
cd "$tmp" || exit 1

# ---- a run on images
python3 - <<'P'
import os
import numpy as np
from PIL import Image
rng = np.random.default_rng(3)
y, x = np.mgrid[0:64, 0:64]
for split, label, count in (("train", "good", 24), ("test", "good", 23), ("test", "Ungood", 14)):
    os.makedirs(f"set/{split}/{label}")
    for i in range(count):
        a, b = rng.uniform(0.3, 0.6, 2)
        contrast = 60 if label == "good" else 45
        tile = 150 + contrast * np.sin(a * x + b * y)[..., None] * [1, 0.8, 0.9] + rng.normal(0, 4, (64, 64, 3))
        if i < 3 and split == "test":
            tile = np.full((64, 64, 3), 200.0)  # equal scores in both classes
        Image.fromarray(tile.clip(0, 255).astype("uint8")).save(f"set/{split}/{label}/{i:03d}.png")
P
cat >run.yaml <<'Y'
patches: {folder: set}
tiles: {size: 64}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 3, batch: 4}
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.log 2>&1
is "a run on images" $? 0

# curves.py REPORT: "TITLE | points of each line in the units of its axes" as JSON, from the drawing alone: its ticks give the scale.
cat >curves.py <<'P'
import json, re, sys
import xml.etree.ElementTree as ET
charts = []
for text in re.findall(r"<svg .*?</svg>", open(sys.argv[1], encoding="utf-8").read(), re.S):
    svg = ET.fromstring(text)
    tag = lambda name: svg.findall("{http://www.w3.org/2000/svg}" + name)
    number = re.compile(r"^-?[0-9.]+(e-?[0-9]+)?$")
    ticks = [t for t in tag("text") if number.match(t.text or "")]
    if not ticks:
        continue  # a scatter plot: test_embedding.sh
    def scale(anchor, axis):
        at = [(float(t.get(axis)), float(t.text)) for t in ticks if t.get("text-anchor") == anchor]
        (p, a), (q, b) = at[0], at[-1]
        move = -4 if axis == "y" else 0  # the text stands 4 px below its line
        return lambda px: a + (px - p - move) * (b - a) / (q - p)
    sx, sy = scale("middle", "x"), scale("end", "y")
    lines = [[(sx(float(u)), sy(float(v))) for u, v in re.findall(r"[ML]([0-9.-]+) ([0-9.-]+)", p.get("d"))] for p in tag("path") if p.get("stroke-width") == "1.8"]
    title = next(t.text for t in tag("text") if t.get("font-weight") == "bold")
    charts.append({"title": title, "lines": lines})
json.dump(charts, sys.stdout)
P
python3 curves.py run/report.html >charts.json
cat >areas.py <<'P'
import csv, json
import numpy as np
charts = {c["title"]: c["lines"] for c in json.load(open("charts.json"))}
rows = [r for r in csv.DictReader(open("run/scores.csv")) if r["label"] and r["score"]]
label, score = np.array([int(r["label"]) for r in rows]), np.array([float(r["score"]) for r in rows])
pairs = np.sign(score[label == 1][:, None] - score[label == 0][None])
auroc = (pairs + 1).mean() / 2
cuts = np.unique(score)[::-1]
recall = np.array([0] + [(score[label == 1] >= c).mean() for c in cuts])
ap = sum((b - a) * label[score >= c].mean() for a, b, c in zip(recall, recall[1:], cuts))
metrics = json.load(open("run/metrics.json"))["best_f1"]
def area(line):
    x, y = np.array(line).T
    return float(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum())
seen = 0
for title, lines in charts.items():
    for name, metric, mine, first, last in (("ROC", "auroc", auroc, (0, 0), (1, 1)),
                                            ("Precision", "average_precision", ap, None, (1, label.mean()))):
        if title.startswith(name):
            seen += 1
            shown = float(title.split()[-1])
            assert abs(metrics[metric] - mine) < 1e-12, (title, metrics[metric], mine)
            assert abs(shown - mine) <= 5.001e-5, (title, shown)
            assert abs(area(lines[0]) - mine) < 2e-4, (title, area(lines[0]), mine)
            assert np.allclose(lines[0][-1], last, atol=1e-3), (title, lines[0][-1])
            assert lines[0][0][0] < 1e-3 and (first is None or np.allclose(lines[0][0], first, atol=1e-3))
assert seen == 2, list(charts)
P
check "the areas under ROC and precision are AUROC and average precision, and the lines end where they must" python3 areas.py
check "the training's lines have all epochs" python3 -c "
import csv, json
lines = next(c['lines'] for c in json.load(open('charts.json')) if c['title'] == 'Training')
rows = list(csv.DictReader(open('run/model/curve.csv')))
for line, name in zip(lines, ('train_nll', 'holdout_nll')):
    want = [(float(r['epoch']), float(r[name])) for r in rows if r[name]]
    assert len(line) == len(want) == 3, (line, want)
    high = max(abs(v) for _, v in want) + 1e-9
    assert all(abs(a - c) < 0.02 and abs(b - d) < 0.02 * high for (a, b), (c, d) in zip(line, want)), (line, want)
"

# ---- the threshold, with the number of tiles it is from, wherever it is used
cat >shown.py <<'P'
import json, re, sys
m = json.load(open("run/metrics.json"))
c = m["calibration"]
want = f"threshold {c['threshold']:.6g} (normal-quantile, eps 0.05) from n = {c['tiles']} held-out normal tiles"
for name in sys.argv[1:]:
    text = open(name, encoding="utf-8").read()
    assert want in text, (name, want, text[-600:])
    assert all(d in text.replace("&apos;", "'").replace("&#39;", "'") for d in c["doubts"]) and c["doubts"], (name, c["doubts"])
assert abs(m["calibrated"]["threshold"] - c["threshold"]) < 1e-12 and str(c["tiles"]) in m["calibrated"]["threshold_from"]
P
"$WSIFLOW" train -c run.yaml -o model >train.log 2>&1
"$WSIFLOW" score -m model -p set/test -o scored.csv >score.log 2>&1
"$WSIFLOW" evaluate -m model scored.csv >evaluate.log 2>&1
check "train, score, evaluate and the report show the threshold, n, and what speaks against it" \
    python3 shown.py train.log score.log evaluate.log run/report.html
like "evaluate has metrics at it" "$(cat evaluate.log)" "^all, calibrated threshold of the model: 37 rows"
is "a threshold of another column is refused" "$("$WSIFLOW" evaluate -m model -s nll scored.csv >/dev/null 2>&1; echo $?)" 2
sed '$a evaluate: {score: top}' run.yaml >top.yaml
cp -r run top
"$WSIFLOW" run -c top.yaml -o top -j 2 >top.log 2>&1
is "metrics of another column have none at the calibration's threshold, and say why" \
    "$(python3 -c "import json; m = json.load(open('top/metrics.json'))['calibrated']; print(sorted(m), 'column score' in m['absent'])") $(grep -c "threshold is a value of the column score" top/report.html)" "['absent'] True 1"
check "a table that is wider than the window scrolls in its own box" python3 -c "
import re
page = open('run/report.html', encoding='utf-8').read()
assert re.search(r'[.]box[{]overflow-x:auto', page)
assert len(re.findall('<table', page)) == len(re.findall('<div class=.box.><table', page)) > 0
"

# ---- names are names, in HTML and in Markdown
"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 4096 --height 3072 >synth.log 2>&1
python3 - <<'P'
import csv
rows = list(csv.DictReader(open("cohort/manifest.csv")))
for row, patient, centre in zip(rows, ('<b>x</b> & "y"', "| *p* [a](b) `c`"), ("<script>alert(1)</script>", "_under_ | <i>")):
    row.update(patient=patient, centre=centre)
with open("cohort/manifest.csv", "w", newline="") as file:
    out = csv.DictWriter(file, rows[0].keys() | {"centre": 1}.keys())
    out.writeheader()
    out.writerows(rows)
P
cat >names.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
run: {name: "</title><script>alert(2)</script> # *run* <img src=x onerror=alert(3)>"}
tiles: {size: 128}
score: {slides: all}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
Y
"$WSIFLOW" run -c names.yaml -o names -j 2 >names.log 2>&1
is "a run with odd names" $? 0
check "tiles and scores say the split of their slide, and the headline is of the test alone" python3 -c "
import csv, glob, json
m = json.load(open('names/metrics.json'))
splits = {s['slide']: s['split'] for s in m['slides']}
assert set(splits.values()) == {'train', 'test'} and m['split'] == 'test', m
n = 0
for slide, split in splits.items():
    for name in ('tiles', 'scores'):
        rows = list(csv.DictReader(open(f'names/slides/{slide}/{name}.csv')))
        assert rows and {r['split'] for r in rows} == {split}, (slide, name)
    n += sum(bool(r['label'] and r['score']) for r in rows) if split == 'test' else 0
assert m['best_f1']['n'] == n > 0 and [s['split'] for s in m['splits']] == ['test', 'train'], (n, m)
"
cmark-gfm --unsafe -e table -e autolink -e strikethrough names/dataset/CARD.md >card.html 2>/dev/null || : >card.html
if [ -s card.html ]; then
    check "the card has only its own markup, and names as they are" python3 -c "
import re, xml.etree.ElementTree as ET
text = open('card.html', encoding='utf-8').read()
tags = set(re.findall(r'<(\w+)', text))
assert tags <= {'h1', 'h2', 'p', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'ul', 'li', 'code'}, tags
page = ET.fromstring('<x>' + text + '</x>')
cells = [c.text or '' for c in page.iter('td')]
for name in ('<b>x</b> & \"y\"', '| *p* [a](b) \`c\`', '<script>alert(1)</script>', '_under_ | <i>'):
    assert name in cells, (name, cells)
assert page.find('h1').text == 'Patch set: </title><script>alert(2)</script> # *run* <img src=x onerror=alert(3)>', page.find('h1').text
"
else
    skip "the card has only its own markup, and names as they are" "cmark-gfm is not here"
fi
check "the report has only its own markup, and nothing that is markup is shown as text" python3 -c "
from html.parser import HTMLParser
tags, text, path, heads = set(), [], [], {}
class Reader(HTMLParser):
    def handle_starttag(self, tag, attributes):
        tags.add(tag)
        path.append(tag)
        assert not [a for a, _ in attributes if a.startswith('on')], (tag, attributes)
    def handle_endtag(self, tag):
        while path and path.pop() != tag:
            pass
    def handle_data(self, data):
        text.append(data)
        if path:
            heads.setdefault(path[-1], []).append(data)
Reader(convert_charrefs=True).feed(open('names/report.html', encoding='utf-8').read())
assert not tags & {'b', 'i', 'iframe', 'object', 'form'} and heads['h2'][0] == 'Slides' and heads['h2'][-1] == 'Provenance', (tags, heads['h2'])
assert len(heads['script']) == 1 and 'alert' not in heads['script'][0], heads['script']
name = '</title><script>alert(2)</script> # *run* <img src=x onerror=alert(3)>'
assert heads['title'][0] == ''.join(heads['h1']) == name, (heads['title'], heads['h1'])
centre = '<script>alert(1)</script>'
assert centre in ''.join(text), 'the histogram by centre names it'
shown = ''.join(text).replace(name, '').replace(heads['script'][0], '').replace(centre, '')
assert not [t for t in ('<h', '<p', '<td', '</') if t in shown.replace('<https', '')], shown[:300]
"

# ---- no lesion at all: no metric is made up
sed 's/, annotations: [^}]*//; s/^run:.*//' names.yaml >normals.yaml
python3 - <<'P'
import csv
rows = list(csv.DictReader(open("cohort/manifest.csv")))
keep = [k for k in rows[0] if k != "annotation"]
with open("cohort/manifest.csv", "w", newline="") as file:
    out = csv.DictWriter(file, keep, extrasaction="ignore")
    out.writeheader()
    out.writerows(row | {"label": "normal"} for row in rows)
P
"$WSIFLOW" run -c normals.yaml -o normals -j 2 >normals.log 2>&1
is "a run without lesions ends with 0" $? 0
check "its metrics are absent, with the reason" python3 -c "
import json
m = json.load(open('normals/metrics.json'))
best = m['best_f1']
assert best['positives'] == 0 and 'there are no anomalies among the rows' in best['absent'], best
assert not {'auroc', 'average_precision', 'f1', 'specificity', 'confusion', 'threshold'} & set(best), best
assert 'specificity' in m['calibrated'] and 'recall' not in m['calibrated'], m['calibrated']
page = open('normals/report.html', encoding='utf-8').read()
assert 'there are no anomalies among the rows' in page and 'no curves without both' in page, page[:3000]
"
finish
