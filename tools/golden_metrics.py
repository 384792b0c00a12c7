#!/usr/bin/env python3
"""Writes tests/golden/metrics/cases.csv: scores and labels with the metrics of scikit-learn.

One line a number: case,kind,a,b,c,d.  kind "item": a = score, b = label.  kind "roc" and "pr": a = threshold, b = x, c = y.
kind "metric": AUROC, average precision, best F1, its threshold.  Numbers have 17 digits.
"""
import os
import warnings
import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

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
