#!/usr/bin/env python3
"""How well the models find tumour on PatchCamelyon patches: the table of docs/PCAM.md.

usage: study_pcam.py DATA WORK [--wsiflow BIN] [--seeds 1,2,3] [--only NAME,...] [--table]

DATA is a folder with patches/pcam_96 and weights/.  For every variant and seed a model is trained on a fixed part of train/, and
scored on the rest of train/ (validation: what variants are chosen by) and on test/.  WORK keeps the patches' split, models, scores
and results; what is there is not computed again.  --table only prints the table of what is there.
Needs nothing but Python; wsiflow does the work.
"""
import argparse
import csv
import json
import os
import random
import subprocess
import sys

WEIGHTS = "weights/resnet18_imagenet1k_v1_bnfolded_conv1_to_layer3.safetensors"
PLAIN = "model.normalise=none model.measure=energy"
UNLABELLED = "train.epochs=5"
LABELLED = "train.epochs=6 train.patience=0 loss.labels=true model.score=logit"
# name, what it is, settings, with labels
VARIANTS = [
    ("stock-aio", "resnet18, AIO: stock MSFlow", f"model.step=aio model.se=false model.fpn=none {PLAIN}", False),
    ("glow", "resnet18, Glow", f"model.se=false model.fpn=none {PLAIN}", False),
    ("glow-se", "resnet18, Glow, SE", f"model.fpn=none {PLAIN}", False),
    ("fpn-none-norm", "resnet18, Glow, SE, FPN", PLAIN, False),
    ("default", "the same, tiles normalised, likelihood", "", False),
    ("tile-nose", "the same without SE", "model.se=false", False),
    ("aio-tile", "the same with AIO", "model.step=aio model.se=false", False),
    ("default-aug", "the default, augmented", "augment.enabled=true", False),
    ("default-stain", "the default, augmented, stain too", "augment.enabled=true augment.stain=0.8", False),
    ("default-192", "the default, patches enlarged to 192 px", "tiles.size=192", False),
    ("nose-192", "the same without SE, 192 px", "model.se=false tiles.size=192", False),
    ("aio-192", "the same with AIO, 192 px", "model.step=aio model.se=false tiles.size=192", False),
    ("scat-none", "scattering, Glow, SE, FPN", f"model.extractor=scattering {PLAIN}", False),
    ("scat-tile", "the same, tiles normalised, likelihood", "model.extractor=scattering", False),
    ("L-focal-centre", "labels: focal and centre", "loss.margin=0 loss.selection=auroc", True),
    ("L-precision", "labels: recipe for precision", "loss.alpha=0.25 loss.margin=0.1 loss.selection=f-beta loss.beta=0.5", True),
    ("L-recall", "labels: recipe for recall", "loss.alpha=0.75 loss.margin=0 loss.selection=f-beta loss.beta=2", True),
    ("L-192", "labels: focal and centre, 192 px", "loss.margin=0 loss.selection=auroc tiles.size=192", True),
    ("L-precision-192", "labels: recipe for precision, 192 px",
     "loss.alpha=0.25 loss.margin=0.1 loss.selection=f-beta loss.beta=0.5 tiles.size=192", True),
]
COLUMNS = ["score", "nll", "scale1", "scale2", "scale3", "absolute", "contrast"]


def auroc(score, label):
    order = sorted(range(len(score)), key=lambda i: score[i])
    ranks, i = 0.0, 0
    while i < len(order):
        j = i
        while j < len(order) and score[order[j]] == score[order[i]]:
            j += 1
        ranks += (i + j + 1) / 2 * sum(label[k] for k in order[i:j])
        i = j
    n1 = sum(label)
    return (ranks - n1 * (n1 + 1) / 2) / (n1 * (len(label) - n1))


def average_precision(score, label):
    order = sorted(range(len(score)), key=lambda i: -score[i])
    hits, total, i = 0, 0.0, 0
    while i < len(order):
        j = i
        while j < len(order) and score[order[j]] == score[order[i]]:
            j += 1
        new = sum(label[k] for k in order[i:j])
        hits += new
        total += new * hits / j
        i = j
    return total / sum(label)


def link(source, names, target):
    os.makedirs(target, exist_ok=True)
    for name in names:
        if not os.path.exists(f"{target}/{name}"):
            os.symlink(os.path.abspath(f"{source}/{name}"), f"{target}/{name}")


def prepare(pcam, work):
    """Fixed parts of train/: 200 normals validate; of the anomalies all validate, or 40 where labels teach."""
    good, bad = sorted(os.listdir(f"{pcam}/train/good")), sorted(os.listdir(f"{pcam}/train/Ungood"))
    random.Random(0).shuffle(good)
    random.Random(1).shuffle(bad)
    for name, teaching in (("plain", []), ("labelled", None)):
        folder = f"{work}/{name}"
        other = list(bad)
        if teaching is None:
            random.Random(2).shuffle(other := sorted(bad))
            teaching, other = other[40:], other[:40]
        link(f"{pcam}/train/good", good[200:], f"{folder}/train/good")
        link(f"{pcam}/train/good", good[:200], f"{folder}/val/good")
        link(f"{pcam}/train/Ungood", other, f"{folder}/val/Ungood")
        link(f"{pcam}/train/Ungood", teaching, f"{folder}/train/Ungood") if teaching else None
        for label in ("good", "Ungood"):
            link(f"{pcam}/test/{label}", os.listdir(f"{pcam}/test/{label}"), f"{folder}/test/{label}")


def configuration(path, data, seed, settings):
    sections = {"run": {"seed": seed}, "tiles": {"size": 96},
                "model": {"extractor": "resnet18", "weights": f"{data}/{WEIGHTS}"}}
    for setting in settings.split():
        key, value = setting.split("=", 1)
        section, key = key.split(".", 1)
        sections.setdefault(section, {})[key] = value
    if sections["model"]["extractor"] == "scattering":
        del sections["model"]["weights"]
    with open(path, "w") as f:
        for section, keys in sections.items():
            f.write(f"{section}:\n" + "".join(f"  {k}: {v}\n" for k, v in keys.items()))


def measure(path, blank):
    rows = list(csv.DictReader(open(path)))
    result = {}
    for suffix, kept in (("", rows), ("-without-blank", [r for r in rows if os.path.basename(r["file"]) not in blank])):
        label = [int(r["label"]) for r in kept]
        for column in COLUMNS + ["logit"]:
            score = [float(r[column]) for r in kept]
            result[column + suffix] = [auroc(score, label), average_precision(score, label)]
    return result


def run_one(args, name, settings, labelled, seed, blank):
    out = f"{args.work}/{name}-{seed}"
    if os.path.exists(f"{out}/result.json"):
        return
    os.makedirs(out, exist_ok=True)
    patches = f"{args.work}/{'labelled' if labelled else 'plain'}"
    configuration(f"{out}/config.yaml", os.path.abspath(args.data), seed, (LABELLED if labelled else UNLABELLED) + " " + settings)
    call = lambda *a: subprocess.run([args.wsiflow, *a], check=True, stderr=subprocess.DEVNULL)
    call("train", "-c", f"{out}/config.yaml", "-p", patches, "-o", f"{out}/model")
    result = {}
    for part in ("val", "test"):
        call("score", "-m", f"{out}/model", "-c", f"{out}/config.yaml", "-p", f"{patches}/{part}", "-o", f"{out}/{part}.csv")
        result[part] = measure(f"{out}/{part}.csv", blank)
    json.dump(result, open(f"{out}/result.json", "w"))
    print(f"{name} seed {seed}: {result['test']['score'][0]:.3f}", file=sys.stderr, flush=True)


def spread(values, digits=3):
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.{digits}f} (one seed)"
    sd = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5
    return f"{mean:.{digits}f} ± {sd:.{digits}f}"


def table(args):
    print("| variant | validation AUROC | test AUROC | test AP | without near-blank: AUROC | AP |\n|---|---|---|---|---|---|")
    results = {}
    for name, text, _, _ in VARIANTS:
        paths = [f"{args.work}/{name}-{s}/result.json" for s in args.seeds]
        found = results[name] = [json.load(open(p)) for p in paths if os.path.exists(p)]
        if found:
            cell = lambda part, key, i: spread([r[part][key][i] for r in found])
            print(f"| {text} | {cell('val', 'score', 0)} | {cell('test', 'score', 0)} | {cell('test', 'score', 1)} "
                  f"| {cell('test', 'score-without-blank', 0)} | {cell('test', 'score-without-blank', 1)} |")
    print("\n| variant, test AUROC of | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))
    for name, text, _, _ in VARIANTS:
        if results[name]:
            print(f"| {text} | " + " | ".join(spread([r["test"][c][0] for r in results[name]]) for c in COLUMNS) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("work")
    parser.add_argument("--wsiflow", default="build/release/wsiflow")
    parser.add_argument("--seeds", default="1,2,3", type=lambda text: [int(s) for s in text.split(",")])
    parser.add_argument("--only", default="", type=lambda text: [n for n in text.split(",") if n])
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if not args.table:
        pcam = f"{args.data}/patches/pcam_96"
        prepare(pcam, args.work)
        blank = {os.path.basename(r["file"]) for r in csv.DictReader(open(f"{pcam}/labels.csv")) if r["near_blank"] == "1"}
        for seed in args.seeds:
            for name, _, settings, labelled in VARIANTS:
                if not args.only or name in args.only:
                    run_one(args, name, settings, labelled, seed, blank)
    table(args)


main()
