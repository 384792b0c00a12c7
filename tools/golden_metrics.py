#!/usr/bin/env python3
"""Writes tests/golden/metrics/cases.csv, scores and labels with the metrics of scikit-learn, and more.json, cases of the other metrics with
the results of scikit-learn, SciPy, scikit-image and of the published evaluation scripts of Camelyon16 and MVTec AD, rewritten here.

One line a number: case,kind,a,b,c,d.  kind "item": a = score, b = label.  kind "roc" and "pr": a = threshold, b = x, c = y.
kind "metric": AUROC, average precision, best F1, its threshold.  Numbers have 17 digits.
"""
import json
import os
import warnings
import numpy as np
from scipy import ndimage
from scipy.stats import spearmanr
from skimage import measure
from sklearn.calibration import calibration_curve
from sklearn.metrics import (accuracy_score, average_precision_score, balanced_accuracy_score, cohen_kappa_score, f1_score,
                             precision_recall_curve, precision_score, recall_score, roc_auc_score, roc_curve)

warnings.simplefilter("ignore")
r = np.random.default_rng(20240)


def case(n, fraction, ties, shift=1.0):
    label = (r.random(n) < fraction).astype(int)
    score = r.normal(size=n) + shift * label
    return (np.round(score * ties) / ties if ties else score), label


cases = {
    "plain": case(60, 0.3, 0),
    "ties": case(80, 0.5, 2),
    "many_ties": case(90, 0.2, 1, 0.3),
    "two_values": (np.repeat([0.0, 1.0], 6), np.array([0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1])),
    "constant": (np.full(9, 0.25), np.array([0, 1, 0, 1, 1, 0, 0, 0, 1])),
    "inverted": case(50, 0.4, 0, -2.0),
    "perfect": (np.arange(10.0), np.array([0] * 6 + [1] * 4)),
    "extreme": (np.array([1e-300, -1e300, 1e300, 0.0, 1e-17, -1e-17, 5.0, 5.0]), np.array([0, 0, 1, 0, 1, 0, 1, 0])),
    "equal_f1": (np.array([4.0, 3, 2, 1]), np.array([1, 0, 0, 1])),
    "one_positive": (np.array([0.3, 0.1, 0.2]), np.array([0, 0, 1])),
    "only_positives": (np.array([0.3, 0.1, 0.2]), np.array([1, 1, 1])),
    "only_negatives": (np.array([0.3, 0.1, 0.2]), np.array([0, 0, 0])),
}


def best_f1(score, label):
    thresholds = np.unique(score)
    f1 = []
    for t in thresholds:
        tp = int(((score >= t) & (label == 1)).sum())
        fp = int(((score >= t) & (label == 0)).sum())
        f1.append(2 * tp / (2 * tp + fp + int(label.sum()) - tp))
    return max(f1), thresholds[int(np.argmax(f1))]


path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "metrics", "cases.csv")
with open(path, "w") as out:
    row = lambda *cells: out.write(",".join(c if isinstance(c, str) else "%.17g" % c for c in cells) + "\n")
    row("case", "kind", "a", "b", "c", "d")
    for name, (score, label) in cases.items():
        for s, y in zip(score, label):
            row(name, "item", s, y, "", "")
        both = 0 < label.sum() < len(label)
        ap = average_precision_score(label, score) if label.sum() else ""
        row(name, "metric", roc_auc_score(label, score) if both else "", ap, *best_f1(score, label))
        if both:
            fpr, tpr, threshold = roc_curve(label, score, drop_intermediate=False)
            for t, x, y in list(zip(threshold, fpr, tpr))[1:]:
                row(name, "roc", t, x, y, "")
        if label.sum():
            p, q, threshold = precision_recall_curve(label, score)
            for t, x, y in list(zip(threshold, q, p))[::-1]:
                row(name, "pr", t, x, y, "")


# ---- tests/golden/metrics/more.json: what has structure
def confusion_case(score, label, threshold):
    predicted = (score >= threshold).astype(int)
    return {"score": list(score), "label": [int(y) for y in label], "threshold": threshold,
            "precision": precision_score(label, predicted), "recall": recall_score(label, predicted),
            "specificity": recall_score(label, predicted, pos_label=0), "accuracy": accuracy_score(label, predicted),
            "balanced_accuracy": balanced_accuracy_score(label, predicted), "f1": f1_score(label, predicted)}


def reliability_case(score, label):
    fraction, mean = calibration_curve(label, score, n_bins=10)
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], score), minlength=10)
    ece = float((counts[counts > 0] * abs(fraction - mean)).sum() / len(score))
    return {"score": list(score), "label": [int(y) for y in label], "n": [int(c) for c in counts],
            "mean_score": list(mean), "fraction": list(fraction), "ece": ece}


def rows_of(mask):
    return ["".join("#" if pixel else "." for pixel in row) for row in mask]


def components_case(mask, radius):
    distance = ndimage.distance_transform_edt(mask == 0) if mask.any() else np.full(mask.shape, np.inf)
    grown = ndimage.binary_fill_holes(distance < radius)
    labels = measure.label(mask, connectivity=2)
    axes = [p.major_axis_length for p in measure.regionprops(labels)]
    return {"mask": rows_of(mask), "radius": radius, "grown": rows_of(grown), "sizes": [int(n) for n in np.bincount(labels.ravel())[1:]],
            "labels": [int(v) for v in labels.ravel()] if labels.size < 400 else None, "axes": axes}


# The two evaluation scripts of the organisers of Camelyon16, in other words than the program's: lists of numbers, one threshold after the other.
def froc_2016(wrong, hits, lesions, slides):
    thresholds = sorted(set(wrong + hits))[1:]
    x = [sum(p >= t for p in wrong) / slides for t in thresholds] + [0]
    y = [sum(p >= t for p in hits) / lesions for t in thresholds] + [0]
    return [float(np.interp(rate, x[::-1], y[::-1])) for rate in RATES]


def froc_step(wrong, hits, lesions, slides):
    thresholds = sorted((set(wrong + hits)) - {0})[::-1]
    x = [0] + [sum(p >= t for p in wrong) / slides for t in thresholds]
    y = [0] + [sum(p >= t for p in hits) / lesions for t in thresholds]
    return [float(y[min(int(np.searchsorted(x, rate)), len(x) - 1)]) for rate in RATES]


RATES = [0.25, 0.5, 1, 2, 4, 8]
PIXEL = 0.243 * 32


def froc_slide(mask, detections, rounds, with_itc):
    wrong, in_itc, hits, itc, axes = [], 0, [], [], []
    labels = np.zeros((1, 1), int)
    if mask is not None:
        grown = ndimage.binary_fill_holes(ndimage.distance_transform_edt(mask == 0) < 75 / (PIXEL * 2))
        labels = measure.label(grown, connectivity=2)
        axes = [p.major_axis_length for p in measure.regionprops(labels)]
        itc = [a < 275 / PIXEL and not with_itc for a in axes]
        hits = [0.0] * len(axes)
    for confidence, x, y in detections:
        i, j = (round(x), round(y)) if rounds else (int(x), int(y))
        k = labels[j, i] if j < labels.shape[0] and i < labels.shape[1] else 0
        if k == 0:
            wrong.append(confidence)
        elif itc[k - 1]:
            in_itc += 1
        else:
            hits[k - 1] = max(hits[k - 1], confidence)
    return wrong, hits, len(axes) - sum(itc), in_itc, axes


def froc_case(slides):
    out = {"slides": [{"mask": None if m is None else rows_of(m), "detections": [list(d) for d in ds]} for m, ds in slides]}
    for rounds, curve in ((False, froc_2016), (True, froc_step)):
        for with_itc in (False, True):
            parts = [froc_slide(m, ds, rounds, with_itc) for m, ds in slides]
            lesions = sum(p[2] for p in parts)
            out[curve.__name__ + ("_with_itc" if with_itc else "")] = {
                "lesions": lesions, "in_itc": sum(p[3] for p in parts),
                "sensitivity": curve(sum((p[0] for p in parts), []), sum((p[1] for p in parts), []), lesions, len(slides))}
    return out


def random_froc(seed, ties):
    q = np.random.default_rng(seed)
    slides = []
    for s in range(5):
        mask = None
        if s < 3:
            mask = np.zeros((70, 90), int)
            for _ in range(4):
                y, x, h, w = q.integers(6, 50), q.integers(6, 60), q.integers(1, 14), q.integers(1, 40)
                mask[y:y + h, x:min(x + w, 84)] = 1
        n = int(q.integers(3, 30))
        confidence = q.random(n)
        confidence = np.ceil(confidence * 4) / 4 if ties else confidence
        slides.append((mask, [(float(c), float(x), float(y)) for c, x, y in zip(confidence, q.random(n) * 88, q.random(n) * 68)]))
    return froc_case(slides)


# After the evaluation code of MVTec AD.
def aupro(score, labels, limit):
    regions = [k for k in np.unique(labels) if k]
    order = np.argsort(-score, kind="stable")
    wrong = (labels[order] == 0).astype(float)
    part = np.zeros(len(score))
    for k in regions:
        part[labels[order] == k] = 1 / (labels == k).sum()
    x, y = np.cumsum(wrong) / wrong.sum(), np.cumsum(part) / len(regions)
    keep = np.append(np.diff(score[order]) != 0, True)
    x, y = np.concatenate(([0], x[keep])), np.concatenate(([0], y[keep]))
    if limit not in x:
        i = np.searchsorted(x, limit)
        cut = y[i - 1] + (y[i] - y[i - 1]) * (limit - x[i - 1]) / (x[i] - x[i - 1])
        x, y = np.concatenate((x[:i], [limit])), np.concatenate((y[:i], [cut]))
    inside = x <= limit
    return float(np.trapz(y[inside], x[inside]) / limit)


def aupro_case(n, regions, ties, limit):
    labels = r.choice(regions + 1, size=n, p=[0.7] + [0.3 / regions] * regions)
    score = r.normal(size=n) + (labels > 0)
    score = np.round(score * ties) / ties if ties else score
    return {"score": list(score), "region": [int(k) for k in labels], "regions": regions, "limit": limit, "aupro": aupro(score, labels, limit)}


def kappa_case(n, classes):
    a, b = r.integers(0, classes, n), r.integers(0, classes, n)
    b = np.where(r.random(n) < 0.6, a, b)
    return {"a": [int(i) for i in a], "b": [int(i) for i in b], "classes": classes,
            "kappa": cohen_kappa_score(a, b, weights="quadratic", labels=range(classes))}


def spearman_case(n, ties):
    x = r.normal(size=n)
    y = x + r.normal(size=n)
    x, y = (np.round(x * ties) / ties, np.round(y * ties) / ties) if ties else (x, y)
    return {"x": list(x), "y": list(y), "rho": float(spearmanr(x, y)[0])}


probability = r.random(200)
blobs = np.zeros((30, 40), int)
blobs[3:12, 5:9] = blobs[3:5, 5:20] = blobs[10:12, 5:20] = blobs[3:12, 18:20] = blobs[20, 30] = blobs[21, 31] = blobs[29, 0:7] = 1
text = json.dumps({
    "confusion": [confusion_case(*cases["ties"], 0.5), confusion_case(*cases["plain"], 0.25), confusion_case(*cases["many_ties"], 0)],
    "reliability": [reliability_case(probability, (r.random(200) < probability ** 2).astype(int)),
                    reliability_case(np.round(probability[:60], 1), (r.random(60) < 0.4).astype(int))],
    "components": [components_case(blobs, 4.82), components_case(blobs, 1.0), components_case(blobs, 5.0), components_case((r.random((17, 19)) < 0.3).astype(int), 1.5),
                   components_case((r.random((15, 24)) < 0.1).astype(int), 2.3), components_case(np.zeros((5, 4), int), 3.0)],
    "froc": [random_froc(seed, ties) for seed, ties in ((1, False), (2, True), (3, False), (4, True))],
    "aupro": [aupro_case(300, 3, 0, 0.3), aupro_case(200, 5, 2, 0.3), aupro_case(150, 1, 1, 0.3), aupro_case(100, 2, 0, 1.0)],
    "kappa": [kappa_case(40, 5), kappa_case(25, 4)],
    "spearman": [spearman_case(30, 0), spearman_case(50, 2)],
    "percentile": [{"values": list(v), "low": np.percentile(v, 2.5), "high": np.percentile(v, 97.5)} for v in (r.normal(size=101), r.normal(size=40), r.normal(size=1))],
})
with open(os.path.join(os.path.dirname(path), "more.json"), "w") as out:
    out.write(text.replace('}, {', '},\n{') + "\n")
