#!/bin/sh
# The report against what it is made from: every figure is that of metrics.json or slides.csv, curves are those of scikit-learn, slides are in the order of
# their scores, links lead to files, and hostile names stay names.
. tests/lib.sh
cd "$tmp" || exit 1
long=$(printf 'n%.0s' $(seq 1 180))
"$WSIFLOW" synth -o cohort -n 4 -l 2 --width 2560 --height 2048 >synth.log 2>&1
python3 - "$long" <<'P'
import csv, os, sys
rows = list(csv.DictReader(open("cohort/manifest.csv")))
names = [r["slide"] for r in rows]
odd = {0: '"><img src=x onerror=alert(1)>.tif', 3: sys.argv[1] + ".tif"}
for i, row in enumerate(rows):
    row.update(centre=f"<i>centre {i % 2}</i>", split="train" if row["label"] == "normal" and i == 0 else "test")
    if i in odd:
        stem = os.path.splitext(os.path.basename(row["slide"]))[0]
        os.rename("cohort/" + row["slide"], "cohort/slides/" + odd[i])
        xml = f"cohort/annotations/{stem}.xml"
        if os.path.exists(xml):
            os.rename(xml, f"cohort/annotations/{odd[i][:-4]}.xml")
        row["slide"] = "slides/" + odd[i]
with open("cohort/manifest.csv", "w", newline="") as file:
    out = csv.DictWriter(file, rows[0].keys())
    out.writeheader()
    out.writerows(rows)
P
head -c 30000 "cohort/slides/synth_01.tif" >cohort/slides/cut_off.tif
echo 'slides/cut_off.tif,patient_9,centre_9,test,normal' >>cohort/manifest.csv
cat >run.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations, unannotated: normal}
tiles: {size: 128}
score: {slides: all, overlap: 0.5}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.log 2>&1
is "a run with odd names and a damaged slide" $? 3

cat >page.py <<'P'
import csv, json, os, re
from html.parser import HTMLParser
from urllib.parse import unquote
text = open("run/report.html", encoding="utf-8").read()
metrics = json.load(open("run/metrics.json"))
slides = list(csv.DictReader(open("run/slides.csv")))
class Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.links, self.images, self.tables, self.row, self.cell, self.heading = [], [], [], [], None, None, ""
        self.words, self.policy, self.section, self.in_h2 = [], None, "", False
    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.tags.append((tag, a))
        if tag == "h2": self.in_h2, self.section = True, ""
        if tag == "a": self.links.append(a["href"])
        if tag == "img": self.images.append(a)
        if tag == "meta" and a.get("http-equiv"): self.policy = a["content"]
        if tag == "table": self.tables.append((self.section, []))
        if tag == "tr": self.tables[-1][1].append([])
        if tag in ("td", "th"):
            self.cell = a
            self.tables[-1][1][-1].append([a.get("data-v"), ""])
    def handle_endtag(self, tag):
        if tag == "h2": self.in_h2 = False
        if tag in ("td", "th"): self.cell = None
    def handle_data(self, data):
        if self.in_h2: self.section += data
        if self.cell is not None: self.tables[-1][1][-1][-1][1] += data
        self.words.append(data)
page = Reader()
page.feed(text)
def table(section, number=0):
    return [t for name, t in page.tables if name.startswith(section)][number]
P
check "the page loads nothing and allows nothing but its own style and script" python3 - <<'P'
from page import *
import base64, hashlib
for tag, a in page.tags:
    assert not [k for k in a if k.startswith("on")], (tag, a)
    for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
        value = a.get(name, "")
        assert not re.match(r"(?i)\s*([a-z][a-z0-9+.-]*:|//)", value) or value.startswith("data:image/"), (tag, a)
assert "url(" not in text and "@import" not in text
assert {t for t, _ in page.tags} & {"iframe", "object", "embed", "form", "link", "base"} == set()
for kind in ("style", "script"):
    inside = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
    assert len(inside) == 1 and f"{kind}-src 'sha256-{digest}'" in page.policy, (kind, page.policy)
assert page.policy.startswith("default-src 'none'; img-src data:")
P
check "every image has a text, every link leads to a file or a heading" python3 - <<'P'
from page import *
assert page.images and all(i["alt"].strip() for i in page.images), page.images[:2]
ids = {a["id"] for _, a in page.tags if "id" in a}
for link in page.links:
    assert link[1:] in ids if link.startswith("#") else os.path.exists("run/" + unquote(link)), link
assert sum(not l.startswith("#") for l in page.links) > 12
for drawing in re.findall(r"<svg .*?</svg>", text, re.S):
    assert 'role="img"' in drawing and re.search(r"<title>[^<]+</title><desc>[^<]+</desc>", drawing), drawing[:300]
P
check "slides are in the order of their scores, with the numbers of slides.csv" python3 - <<'P'
from page import *
rows = table("Slides")
titles = [c[1] for c in rows[0]]
order = sorted(slides, key=lambda s: (s["score_top_1_percent"] == "", -float(s["score_top_1_percent"] or 0), s["slide"]))
assert len(rows) - 1 == len(order) == 5
for row, slide in zip(rows[1:], order):
    cells = dict(zip(titles, row))
    assert cells["slide"][1].startswith(slide["slide"] + " ("), (cells["slide"], slide["slide"])
    for title, column in (("score", "score_top_1_percent"), ("maximum", "score_maximum"), ("mm² above", "above_threshold_mm2"), ("regions", "regions"), ("scored tiles", "scored_tiles")):
        want = slide[column]
        assert (cells[title][0] is None) == (want == ""), (title, cells[title], want)
        assert want == "" or (abs(float(cells[title][0]) - float(want)) <= 1e-6 * abs(float(want)) and abs(float(cells[title][1]) - float(want)) <= 5.1e-4 * max(1, abs(float(want)))), (title, cells[title], want)
    assert cells["split"][1] == slide["split"] and cells["label"][1] == slide["label"]
assert "failed: ingest: " in rows[-1][titles.index("slide")][1]
P
check "figures are those of metrics.json" python3 - <<'P'
from page import *
def same(shown, value, what):
    assert abs(float(shown.split()[0]) - value) <= 5.1e-5 * max(1, abs(value)), (what, shown, value)
names = {"tiles": "n", "anomalies": "positives", "AP": "average_precision", "AUROC": "auroc", "F1": "f1", "balanced accuracy": "balanced_accuracy"}
rows, seen = table("Metrics of tiles"), 0
for column, key in ((1, "calibrated"), (2, "best_f1")):
    for row in rows[1:]:
        name = names.get(row[0][1], row[0][1])
        value = metrics[key].get(name)
        if row[0][1] == "threshold":
            assert abs(float(row[column][1]) - value) <= 5e-4 * abs(value)
        elif value is None:
            assert row[column][1] == "–", row
        else:
            same(row[column][1], value, row[0][1])
            seen += 1
assert seen >= 18, seen
for number, key in ((1, "calibrated"), (2, "best_f1")):
    got = [[int(c[1]) for c in row[1:]] for row in table("Metrics of tiles", number)[1:]]
    c = metrics[key]["confusion"]
    assert got == [[c["tn"], c["fn"]], [c["fp"], c["tp"]]], (got, c)
for row in table("Slides as a whole")[1:]:
    m = metrics["slide_scores"]["scores"][row[0][1]]
    for cell, key in zip(row[1:], ("auroc", "average_precision", "spearman")):
        assert cell[1] == "–" if key not in m else same(cell[1], m[key], key) is None
for row, m in zip(table("Lesions")[1:], metrics["lesions"]["froc"]):
    assert [row[0][1], row[1][1], int(row[2][1])] == [m["rule"], m["itc"], m["lesions"]], (row, m)
    for cell, value in zip(row[3:], m["sensitivity"] + [m["score"]]):
        same(cell[1], value, "FROC")
pixels = {r[0][1]: r[1][1] for r in table("Pixels")[1:]}
for name, key in (("AUROC", "auroc"), ("AP", "average_precision"), ("AUPRO up to 0.3", "aupro"), ("prevalence", "prevalence"), ("pixels", "pixels")):
    same(pixels[name], metrics["pixels"][key], name)
cards = re.sub(r"<[^>]+>", " ", text[text.index('<div class="cards">'):text.index("Highest slides")])
for value in (metrics["best_f1"]["auroc"], metrics["best_f1"]["average_precision"], metrics["lesions"]["froc"][0]["score"]):
    assert f"{value:.3f}" in cards, (value, cards)
assert f"prevalence of {metrics['best_f1']['prevalence']:.4f}" in cards and "4 of 5" in cards, cards
P
check "hostile and long names are text" python3 - <<'P'
from page import *
words = "".join(page.words)
assert '"><img src=x onerror=alert(1)>.tif' in words and "n" * 180 in words and "<i>centre 0</i>" in words
assert not [a for t, a in page.tags if t == "img" and a.get("src") == "x"] and not [1 for t, _ in page.tags if t in ("i", "b")]
assert "cut_off failed: ingest: " in words
P

# ---- curves by another implementation
cat >drawn.py <<'P'
import xml.etree.ElementTree as ET
from page import *
def lines():
    out = {}
    for drawing in re.findall(r"<svg .*?</svg>", text, re.S):
        svg = ET.fromstring(drawing)
        tag = lambda name: svg.findall("{http://www.w3.org/2000/svg}" + name)
        title = next((t.text for t in tag("text") if t.get("font-weight") == "bold"), "")
        if not title.startswith(("ROC", "Precision")):
            continue
        ticks = [t for t in tag("text") if re.match(r"^-?[0-9.]+$", t.text or "")]
        def scale(anchor, axis):
            at = [(float(t.get(axis)), float(t.text)) for t in ticks if t.get("text-anchor") == anchor]
            (p, a), (q, b) = at[0], at[-1]
            return lambda px: a + (px - p + (4 if axis == "y" else 0)) * (b - a) / (q - p)
        sx, sy = scale("middle", "x"), scale("end", "y")
        path = [p for p in tag("path") if p.get("stroke-width") == "1.8"][0]
        out[title.split(",")[0]] = [(sx(float(u)), sy(float(v))) for u, v in re.findall(r"[ML]([0-9.-]+) ([0-9.-]+)", path.get("d"))]
    return out
P
if python3 -c 'import sklearn' 2>/dev/null; then
    check "ROC and precision-recall curves are those of scikit-learn" python3 - <<'P'
from drawn import *
import glob
import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve
rows = [r for p in glob.glob("run/slides/*/scores.csv") for r in csv.DictReader(open(p)) if r["label"] and r["score"] and r["split"] == "test"]
label, score = np.array([int(r["label"]) for r in rows]), np.array([float(r["score"]) for r in rows])
drawn = lines()
def far(a, b):
    """The largest distance of points of a from the line b."""
    a, b = np.array(a), np.array(b)
    p, d = b[:-1], b[1:] - b[:-1]
    worst = 0
    for x in a:
        t = np.clip(((x - p) * d).sum(1) / np.maximum((d * d).sum(1), 1e-300), 0, 1)
        worst = max(worst, np.sqrt((((p + t[:, None] * d) - x) ** 2).sum(1)).min())
    return worst
fpr, tpr, _ = roc_curve(label, score)
want = np.array([fpr, tpr]).T
assert far(drawn["ROC curve"], want) < 1e-3 and far(want, drawn["ROC curve"]) < 1e-3
assert np.allclose(drawn["ROC curve"][0], 0, atol=1e-3) and np.allclose(drawn["ROC curve"][-1], 1, atol=1e-3)
precision, recall, _ = precision_recall_curve(label, score)
points = np.array([recall, precision]).T[:-1]  # scikit-learn adds (0, 1)
assert far(points, drawn["Precision-recall curve"]) < 1e-3
assert np.allclose(drawn["Precision-recall curve"][-1], (1, label.mean()), atol=1e-3)
P
else
    skip "ROC and precision-recall curves are those of scikit-learn" "scikit-learn is not here"
fi

# ---- FROC of the run is that of its files
mkdir found truth
python3 - <<'P'
import csv, glob, os, shutil
for row in csv.DictReader(open("run/slides.csv")):
    if row["split"] == "test" and row["state"] == "done":
        shutil.copy(f"run/slides/{row['slide']}/detections.csv", f"found/{row['slide']}.csv")
for entry in csv.DictReader(open("cohort/manifest.csv")):
    stem = os.path.splitext(os.path.basename(entry["slide"]))[0]
    if os.path.exists(f"cohort/annotations/{stem}.xml"):
        shutil.copy(f"cohort/annotations/{stem}.xml", "truth/")
P
"$WSIFLOW" evaluate --detections found --annotations truth --mpp 0.5 --json >froc.json 2>froc.err
is "FROC from the files of the run" $? 0
check "FROC inside the run is that of its files, and the damaged slide is left out by name" python3 - <<'P'
import json
mine, other = json.load(open("run/metrics.json"))["lesions"], json.load(open("froc.json"))
for key in ("slides", "normal", "regions", "itc", "detections"):
    assert mine[key] == other[key], (key, mine[key], other[key])
for a, b in zip(mine["froc"], other["froc"]):
    assert (a["rule"], a["itc"], a["lesions"]) == (b["rule"], b["itc"], b["lesions"])
    assert a["score"] == b["score"] and a["sensitivity"] == b["sensitivity"] and a["curve"] == b["curve"], (a, b)
assert mine["regions"] > 0 and [l["slide"] for l in mine["left_out"]] == ["cut_off"], mine["left_out"]
P
# ---- in a browser
if python3 -c 'import selenium' 2>/dev/null && command -v chromium chromedriver >/dev/null; then
    check "in a browser: no table wider than 1280 px, own boxes on a phone, a click sorts, and the policy refuses nothing of ours" python3 - "$PWD" <<'P'
import sys
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
options = webdriver.ChromeOptions()
options.binary_location = "/usr/bin/chromium"
for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={sys.argv[1]}/profile"):
    options.add_argument(option)
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
try:
    for width in (1280, 390):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
        browser.get(f"file://{sys.argv[1]}/run/report.html")
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        page, wide = browser.execute_script("return [document.documentElement.scrollWidth, [...document.querySelectorAll('.box')].filter(b => b.scrollWidth > b.clientWidth + 1).length]")
        assert page <= width and (wide == 0 or width == 390), (width, page, wide)
    names = lambda: browser.execute_script("return [...document.querySelector('table.sortable').tBodies[0].rows].map(r => r.querySelector('.name').textContent)")
    maxima = lambda: browser.execute_script("const t = document.querySelector('table.sortable'), i = [...t.tHead.rows[0].cells].findIndex(h => h.textContent === 'maximum');"
                                            "return [...t.tBodies[0].rows].map(r => r.cells[i].getAttribute('data-v')).map(v => v === null ? null : +v)")
    click = lambda: browser.execute_script("[...document.querySelectorAll('table.sortable th button')].find(b => b.textContent === 'maximum').click()")
    before = sorted(names())
    for up in (False, True):
        click()
        values = [v for v in maxima() if v is not None]
        assert values == sorted(values, reverse=not up) and maxima()[len(values):] == [None], maxima()
        assert sorted(names()) == before
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = false); dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script("return [...document.querySelectorAll('details')].every(d => d.open)")
    assert browser.get_log("browser") == []
finally:
    browser.quit()
P
else
    skip "the report in a browser" "chromium, chromedriver or python3-selenium is not here"
fi
finish
