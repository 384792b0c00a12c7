#!/usr/bin/python3
"""Does a review help?  A synthetic cohort with pen strokes and folds on the tissue, a first run without labels, a review that is simulated from the
truth, and a second run that uses it; compared on slides that no review has seen.

    tools/study_review.py WSIFLOW FOLDER [--seeds 1 2 3 4 5] [--slides 12] [--side 3072]

The review goes through `wsiflow view`, with the requests that the page sends.  It knows only the training slides.  A region of the first run is confirmed when
at least half of it is lesion, rejected when at most a twentieth of it is, and left open otherwise.  A slide on which everything was rejected and that has no
lesion is done; the others stay in progress, so what the run has missed on them stays unknown.

What is compared, as AUROC of the tiles of the test slides (lesion: at least a quarter of the tile; normal: none of it; others do not count):
  before    trained on all training slides, as if all of them were normal
  cleaned   trained on what the review left as normal, without labels
  reviewed  trained with loss.labels: confirmed regions as anomalies, rejected ones as hard normals
with intervals of 95 % by bootstrap over the slides.  Writes FOLDER/result.json."""
import argparse
import csv
import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
from shapely.geometry import Polygon, box
from shapely.ops import unary_union

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "view"))
from review_client import Reviewer  # noqa: E402

FIRST = """slides: {{manifest: {cohort}/blind.csv{annotations}}}
run: {{seed: {seed}}}
tiles: {{size: 64, mpp: 1}}
dataset: {{train_anomalies: {labels}, valid_fraction: 0}}
model: {{blocks: [1, 1, 2], normalise: none, measure: energy, score: {score}}}
train: {{epochs: 4}}
loss: {{labels: {labels}}}
score: {{slides: {scored}, overlap: 0.25}}
heatmap: {{cell_um: 32, overlay: false}}
threshold: {{eps: 0.1}}
"""


def truth_of(path):
    """The lesions of a slide as one shape."""
    if not path.exists():
        return Polygon()
    outlines = []
    for annotation in ElementTree.parse(path).getroot().iter("Annotation"):
        points = sorted(annotation.iter("Coordinate"), key=lambda c: int(c.get("Order")))
        outlines.append(Polygon([(float(c.get("X")), float(c.get("Y"))) for c in points]).buffer(0))
    return unary_union(outlines)


def auroc(score, label):
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    values, inverse = np.unique(score, return_inverse=True)
    ranks = (np.bincount(inverse, ranks) / np.bincount(inverse))[inverse]
    n1 = label.sum()
    n0 = len(label) - n1
    return (ranks[label].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)


class Cohort:
    """Slides by turns in training and test; the last half of them has lesions."""

    def __init__(self, args, folder, seed):
        self.folder = folder
        self.names = [f"synth_{i:02d}" for i in range(args.slides)]
        self.train, self.test = self.names[0::2], self.names[1::2]
        if not (folder / "manifest.csv").exists():
            run(args.program, "synth", "-o", folder, "-n", args.slides, "-l", args.slides // 2, "--width", args.side,
                "--height", args.side, "--artefacts", 3, "-s", seed)
        with open(folder / "blind.csv", "w") as out:
            out.write("slide,patient,split\n")
            for name in self.names:
                out.write(f"slides/{name}.tif,{name},{'train' if name in self.train else 'test'}\n")
        self.truth = {name: truth_of(folder / "annotations" / f"{name}.xml") for name in self.names}


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def tiles_of(cohort, folder):
    """Of the test slides: slide number, score, whether lesion."""
    rows = []
    for number, name in enumerate(cohort.test):
        with open(folder / "slides" / name / "scores.csv") as table:
            for row in csv.DictReader(table):
                x, y, w, h = (float(row[k]) for k in ("x", "y", "width", "height"))
                lesion = cohort.truth[name].intersection(box(x, y, x + w, y + h)).area / (w * h)
                if row["score"] and (lesion == 0 or lesion >= 0.25):
                    rows.append((number, float(row["score"]), lesion > 0))
    return np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), np.array([r[2] for r in rows])


def review(program, cohort, folder):
    counts = {"confirmed": 0, "rejected": 0, "open": 0, "done": 0}
    with Reviewer(program, str(folder)) as reviewer:
        for name in cohort.train:
            for feature in reviewer.regions(name):
                rings = feature["geometry"]["coordinates"]
                shape = Polygon(rings[0], rings[1:]).buffer(0)
                lesion = shape.intersection(cohort.truth[name]).area / shape.area if shape.area else 0.5
                state = "confirmed" if lesion >= 0.5 else "rejected" if lesion <= 0.05 else "open"
                counts[state] += 1
                if state != "open":
                    reviewer.decide(name, feature["properties"]["id"], state, "other" if state == "rejected" else "")
            done = cohort.truth[name].is_empty
            counts["done"] += done
            reviewer.mark(name, "done" if done else "in progress")
    return counts


def patches_of(folder):
    with open(folder / "dataset" / "manifest.csv") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == "train"]
    return {"normal": sum(r["label"] == "good" for r in rows), "hard": sum(r.get("hard") == "1" for r in rows),
            "anomalies": sum(r["label"] == "Ungood" for r in rows)}


def interval(values):
    return [round(float(v), 4) for v in np.percentile(values, [2.5, 97.5])]


def one_seed(args, seed):
    top = args.folder / f"seed_{seed}"
    cohort = Cohort(args, top / "cohort", seed)
    arms = {"before": ("", "false", "scales"), "cleaned": (f", annotations: {top}/before/review", "false", "scales"),
            "reviewed": (f", annotations: {top}/before/review", "true", "logit")}
    result, scored = {"seed": seed}, {}
    for arm, (annotations, labels, score) in arms.items():
        config = top / f"{arm}.yaml"
        config.write_text(FIRST.format(cohort=cohort.folder, annotations=annotations, labels=labels, score=score, seed=seed,
                                       scored="all" if arm == "before" else "test"))
        run(args.program, "run", "-c", config, "-o", top / arm)
        if arm == "before":
            result["review"] = review(args.program, cohort, top / arm)
        result[f"{arm}_patches"] = patches_of(top / arm)
        scored[arm] = tiles_of(cohort, top / arm)
        result[arm] = round(float(auroc(*scored[arm][1:])), 4)
        print(f"seed {seed}: {arm} {result[arm]:.3f} {result[f'{arm}_patches']} {result['review']}", flush=True)
    draws = {arm: [] for arm in arms}
    rng = np.random.default_rng(seed)
    for _ in range(1000):
        chosen = rng.integers(0, len(cohort.test), len(cohort.test))
        for arm, (slide, score, label) in scored.items():
            index = np.concatenate([np.flatnonzero(slide == c) for c in chosen])
            both = 0 < label[index].sum() < len(index)
            draws[arm].append(auroc(score[index], label[index]) if both else np.nan)
    for arm in arms:
        result[f"{arm}_interval"] = interval([d for d in draws[arm] if d == d])
        gain = np.array(draws[arm]) - np.array(draws["before"])
        result[f"{arm}_gain_interval"] = interval(gain[~np.isnan(gain)])
    labels = np.array(draws["reviewed"]) - np.array(draws["cleaned"])
    result["labels_gain_interval"] = interval(labels[~np.isnan(labels)])
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--slides", type=int, default=12)
    parser.add_argument("--side", type=int, default=3072)
    args = parser.parse_args()
    args.folder = args.folder.resolve()
    args.folder.mkdir(parents=True, exist_ok=True)
    results = []
    for seed in args.seeds:
        results.append(one_seed(args, seed))
        (args.folder / "result.json").write_text(json.dumps(results, indent=1) + "\n")
    for result in results:
        print(json.dumps(result))


main()
