#!/usr/bin/env python3
"""Writes tests/golden/embedding/cases.json: points with the PCA and the t-SNE of scikit-learn.

p: of the pairs i < j, row by row.  Coordinates are multiples of 1/4, so that the squared distances are exact in the float32 that scikit-learn's bisection reads.
"""
import json
import os
import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.manifold._t_sne import _joint_probabilities

r = np.random.default_rng(2008)


def groups(n, d, count, spread):
    centre = r.normal(size=(count, d)) * spread
    return np.round(4 * (centre[np.arange(n) % count] + r.normal(size=(n, d)))) / 4


def squares(x):
    return ((x[:, None] - x[None]) ** 2).sum(axis=2)


def case(x, perplexity):
    pca = PCA(n_components=2, svd_solver="full")
    plane = pca.fit_transform(x)
    start = plane / plane[:, 0].std() * 1e-4
    p = _joint_probabilities(squares(x), perplexity, False)
    # Few points have many minima: which one is reached depends on the last digits of the start.
    reached = []
    for k in range(12):
        tsne = TSNE(method="exact", perplexity=perplexity, init=start * (1 + 1e-6 * k), learning_rate="auto", n_iter=1000, early_exaggeration=12)
        reached.append(float(tsne.fit(x).kl_divergence_))
    return {"n": len(x), "d": x.shape[1], "perplexity": perplexity, "x": x.ravel().tolist(), "plane": plane.ravel().tolist(),
            "fraction": pca.explained_variance_ratio_.tolist(), "p": p.ravel().tolist(), "divergences": sorted(reached)}


cases = {
    "groups": case(groups(60, 12, 3, 4), 10),
    "one_cloud": case(groups(50, 5, 1, 0), 15),
    "wide": case(groups(24, 40, 2, 2), 5),
    "repeats": case(np.repeat(groups(20, 6, 4, 3), 2, axis=0), 8),
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "embedding", "cases.json")
os.makedirs(os.path.dirname(path), exist_ok=True)
with open(path, "w") as out:
    json.dump(cases, out)
    out.write("\n")
