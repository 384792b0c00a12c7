#!/bin/sh
# The embedding of a run: which tiles, PCA and t-SNE as scikit-learn computes them from the same latents, and the drawings of the report.
. tests/lib.sh
root=$PWD
cd "$tmp" || exit 1
python3 -c "import sklearn" 2>/dev/null || skip_all "no Python module sklearn"
"$WSIFLOW" synth -o c -n 4 -l 2 --width 3072 --height 3072 >/dev/null 2>&1
# Two centres; the name of one is markup.
printf 'slide,centre\nsynth_00.tif,Alpha\nsynth_01.tif,<i>Beta\nsynth_02.tif,Alpha\nsynth_03.tif,<i>Beta\n' >c/slides/manifest.csv
printf 'slides: {manifest: c/slides/manifest.csv, annotations: c/annotations, unannotated: normal}
tiles: {size: 64, mpp: 2}
score: {slides: all, overlap: 0.6}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1, batch: 4}
embedding: {points: 240, perplexity: 20}\n' >run.yaml
"$WSIFLOW" run -c run.yaml -o one -j 1 >one.log 2>&1
is "a run ends well" "$?$(grep -c 'embedding' one.log)" 01
cp -r one two
rm two/embedding.*
"$WSIFLOW" run -c run.yaml -o two -j 4 >two.log 2>&1
check "computed again with more workers it is the same bytes" cmp one/embedding.csv two/embedding.csv
before=$(stat -c %Y.%i one/embedding.csv)
sed 's/^tiles:/run: {name: other words}\n&/' run.yaml >words.yaml
"$WSIFLOW" run -c words.yaml -o one >words.log 2>&1
is "another name of the run writes the report again, not the embedding" "$?$(grep -q "other words" one/report.html && echo new) $(stat -c %Y.%i one/embedding.csv)" "0new $before"

cat >points.py <<'P'
import csv, glob, json
import numpy as np
from scipy.spatial.distance import squareform
from sklearn.decomposition import PCA
from sklearn.manifold._t_sne import _joint_probabilities

points = list(csv.DictReader(open("one/embedding.csv", newline="", encoding="utf-8")))
facts = json.load(open("one/embedding.json"))
assert len(points) == facts["points"] == 240, facts
latents, size = {}, {}
for path in glob.glob("one/slides/*/latents.csv"):
    rows = list(csv.DictReader(open(path, newline="", encoding="utf-8")))
    for row, values in zip(rows, np.load(path.replace(".csv", ".npy")).astype(float)):
        latents[row["slide"], row["x"], row["y"]] = values
        key = row["label"], row["slide"]
        size[key] = size.get(key, 0) + 1
assert len(latents) == facts["kept"] > 240

# Evenly by label, then by centre, then by slide.
centre = {p["slide"]: p["centre"] for p in points}
assert sorted(set(centre.values())) == ["<i>Beta", "Alpha"] and len(centre) == 4, centre
count = lambda **want: sum(all(p[k] == v for k, v in want.items()) for p in points)
def even(counts, sizes):
    """No group has fewer than another by more than 1, unless it has no more."""
    return all(c == s or c >= max(counts) - 1 for c, s in zip(counts, sizes))
labels = ["0", "1", ""]
of = lambda **want: sum(n for (l, s), n in size.items() if want.get("label", l) == l and want.get("centre", centre[s]) == centre[s] and want.get("slide", s) == s)
assert even([count(label=l) for l in labels], [of(label=l) for l in labels])
for l in labels:
    assert even([count(label=l, centre=c) for c in ("Alpha", "<i>Beta")], [of(label=l, centre=c) for c in ("Alpha", "<i>Beta")]), l
    for c in ("Alpha", "<i>Beta"):
        slides = [s for s in centre if centre[s] == c]
        assert even([count(label=l, slide=s) for s in slides], [of(label=l, slide=s) for s in slides]), (l, c)

x = np.array([latents[p["slide"], p["x"], p["y"]] for p in points])
x /= np.linalg.norm(x, axis=1, keepdims=True)
pca = PCA(2, svd_solver="full")
plane = pca.fit_transform(x)
own = np.array([[float(p["pca1"]), float(p["pca2"])] for p in points])
for k in range(2):
    sign = np.sign((own[:, k] * plane[:, k]).sum())
    assert np.abs(own[:, k] - sign * plane[:, k]).max() < 1e-8, "PCA"
assert np.abs(np.array(facts["pca_variance_fraction"]) - pca.explained_variance_ratio_).max() < 1e-10

# The divergence of the written points by its definition, with the probabilities of scikit-learn (in float32).
y = np.array([[float(p["tsne1"]), float(p["tsne2"])] for p in points])
squares = lambda a: ((a[:, None] - a[None]) ** 2).sum(axis=2)
p = _joint_probabilities(squares(x), facts["tsne_perplexity"], False)
q = squareform(1 / (1 + squares(y)), checks=False)
q = q / (2 * q.sum())
divergence = 2 * (p * np.log(p / q)).sum()
assert abs(divergence - facts["tsne_divergence"]) < 1e-4, (divergence, facts)
assert divergence < 2 and np.abs(y.mean(axis=0)).max() < 1e-6
print(divergence)
P
check "240 tiles, even by label, centre and slide; PCA and divergence are those of scikit-learn" python3 points.py

cat >drawn.py <<'P'
import re
from html.parser import HTMLParser
html = open("one/report.html", encoding="utf-8").read()
section = html.split("Latents of tiles</h2>")[1].split("<h2")[0]
drawings = re.findall(r"<svg .*?</svg>", section, re.S)
assert len(drawings) == 6, len(drawings)
for drawing in drawings:
    dots = [len(re.findall(r"M[0-9. ]+h0", path)) for path in re.findall(r"<path [^>]*>", drawing)]
    # A legend entry is a path of one dot; its text counts the points.
    legend = [int(n) for n in re.findall(r"\((\d+)\)</text>", drawing)]
    assert sum(dots) == 240 + len(legend) and sum(legend) == 240, (dots, legend)
    assert sorted(d for d in dots if d)[-1] == max(legend)
assert "240 of" in section and "&lt;i&gt;Beta" in section and "<i>" not in section
P
check "six drawings with a dot for each of them, and names are text" python3 drawn.py

sed 's/points: 240/points: 0/' run.yaml >none.yaml
"$WSIFLOW" run -c none.yaml -o one >none.log 2>&1
is "without points there is no section" "$?$(grep -c 'Latents of tiles' one/report.html)" 00
finish
