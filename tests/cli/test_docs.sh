#!/bin/sh
# The documents against the program and the sources: what they name exists, and what exists is named.
# Speaks TAP.  WSIFLOW is the program (default: build/release/wsiflow).
cd "$(dirname "$0")/../.." || exit 2
exec python3 - "${WSIFLOW:-build/release/wsiflow}" <<'PYTHON'
import os, re, shutil, subprocess, sys, tempfile

PROGRAM, MAN, PLAN = sys.argv[1], "docs/wsiflow.1", "docs/ARCHITECTURE.md"
TEXTS = ["README.md", "CHANGELOG.md", PLAN, "docs/CAMELYON16.md", "docs/PCAM.md"]
ROOMS = ["base", "tiler", "annotations", "flows", "db", "web", "pipeline"]
number = 0


def check(name, wrong):
    """Passes when nothing is wrong; else says all of it."""
    global number
    number += 1
    print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
    for line in wrong:
        print("#", line)


def skip(name, reason):
    global number
    number += 1
    print(f"ok {number} - {name} # SKIP {reason}")


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def ask(*arguments):
    """Standard output of the program; what goes wrong is a finding of the first check."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        failures.append(f"wsiflow {' '.join(arguments)}: code {done.returncode} {done.stderr.strip()}")
    return done.stdout


# ---- what there is ----
failures = []
commands = re.findall(r"^  ([a-z]+) {2,}\S", ask("--help"), re.M)
options = {}  # command -> {"--long": "-x" or ""}
for command in commands:
    found = re.findall(r"^ +(?:(-[a-zA-Z]), )?(--[a-z-]+)", ask(command, "--help"), re.M)
    options[command] = {long: short for short, long in found}
    failures += [] if options[command].pop("--help", "") == "-h" else [f"wsiflow {command} --help does not show itself"]
config = ask("config")
keys, section = [], None
for line in config.splitlines():
    if match := re.match(r"([a-z_0-9]+):$", line):
        section = match[1]
    elif match := re.match(r"  ([a-z_0-9]+):", line):
        keys.append((section, match[1]))
failures += [] if len(commands) >= 10 else [f"only these commands were found: {commands}"]
failures += [] if len(keys) >= 40 else [f"only these keys were found: {keys}"]
check("the program lists its commands, options and keys", failures)

# ---- the configuration ----
check("configs/default.yaml is what wsiflow config prints",
      [] if text("configs/default.yaml") == config else ["make it again: wsiflow config >configs/default.yaml"])


# ---- the man page ----
def plain(source):
    """A man page's text with its macros but without escapes and fonts: .BR -c ", " --config =CONFIG"""
    source = re.sub(r'^\.\\".*\n', "", source, flags=re.M)
    return re.sub(r"\\f[BIR]|\\\|", "", source).replace(r"\-", "-")


page = plain(text(MAN))
about = {}  # command -> its part of the page
for part in re.split(r"^\.SS wsiflow ", page.split(".SH COMMANDS")[1].split("\n.SH ")[0], flags=re.M)[1:]:
    about[part.split(None, 1)[0]] = part
meaning = page.split("\n.SH CONFIGURATION")[1].split("\n.S")[0]
key_text = dict(re.findall(r"^\.TP\n\.B (\w+)\n(.*?)(?=^\.TP|\Z)", meaning, re.M | re.S))
wrong = []
for command in commands:
    for long, short in options[command].items():
        tag = rf'^\.BR? "?(?:{short} ", " )?{long}(?![a-z-])' if short else rf"^\.BR? {long}(?![a-z-])"
        wrong += [] if re.search(tag, about.get(command, ""), re.M) else [f"wsiflow {command} {short} {long} is missing"]
wrong += [f"wsiflow {command} is missing" for command in commands if command not in about]
check("the man page has every command and option", wrong)
wrong = [f"there is no wsiflow {command}" for command in about if command not in commands]
for command in about.keys() & set(commands):
    known = set(options[command]) | set(options[command].values())
    for line in re.findall(r"^\.TP\n\.BR? (-.*)$", about[command], re.M):
        wrong += [f"wsiflow {command} has no {o}" for o in re.findall(r"--?[a-zA-Z][a-z-]*", line.split("=")[0]) if o not in known]
check("the man page has no other command or option", wrong)
check("the man page has every configuration key",
      [f"{s}.{k} is missing" for s, k in keys if not re.search(rf"\b{k}\b", key_text.get(s, ""))])
version = text("VERSION").strip()
check("man page and changelog are of this version",
      [f"{path} does not name {version}" for path, line in ((MAN, f'"wsiflow {version}"'), ("CHANGELOG.md", f"## {version}"))
       if line not in text(path)])
name = "the man page is well formed"
if shutil.which("groff"):
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", MAN], capture_output=True, text=True)
    macros = "can't open" not in done.stderr and "can't find" not in done.stderr
    check(name, done.stderr.splitlines()) if macros else skip(name, "groff has no man macros here")
else:
    skip(name, "there is no groff")

# ---- the texts: commands, examples, links ----
targets = re.findall(r"^([a-z-]+):.*?## ", text("Makefile"), re.M)
wrong = []
for path in TEXTS:
    source = text(path)
    fenced, prose = re.findall(r"^```sh\n(.*?)^```", source, re.M | re.S), re.sub(r"^```.*?^```", "", source, flags=re.M | re.S)
    fenced = [re.sub(r"(^|\s)#.*", "", part) for part in fenced]
    code = "\n".join(fenced + re.findall(r"`([^`\n]+)`", prose))
    for command, rest in re.findall(r"(?:^|[\s/$])wsiflow ([a-z]+)\b([^\n#|]*)", code):
        if command not in commands:
            wrong.append(f"{path}: there is no wsiflow {command}")
            continue
        known = {"--help", "-h"} | set(options[command]) | set(options[command].values())
        wrong += [f"{path}: wsiflow {command} has no {o}"
                  for o in re.findall(r"(?<=\s)(--[a-z-]+|-[a-zA-Z])(?=[\s=]|$)", rest) if o not in known]
    for target in re.findall(r"(?:^|`|\n)make ([a-z][a-z-]*)(?![\w/])", code):
        wrong += [] if target in targets else [f"{path}: there is no make {target}"]
check("commands, options and make targets of the texts exist", wrong)

wrong = []
for path in TEXTS:
    for i, example in enumerate(re.findall(r"^```yaml\n(.*?)^```", text(path), re.M | re.S), 1):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(example)
            file.flush()
            done = subprocess.run([PROGRAM, "config", file.name], capture_output=True, text=True)
            wrong += [f"{path}, example {i}: {done.stderr.strip()}"] if done.returncode else []
check("the configurations in the texts are valid", wrong)

wrong = []
for path in TEXTS:
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text(path)):
        there = link.startswith(("http://", "https://")) or os.path.exists(os.path.join(os.path.dirname(path), link))
        wrong += [] if there else [f"{path}: {link} does not exist"]
    for file in re.findall(rf"`((?:{'|'.join(ROOMS + ['configs', 'tools', 'tests', 'docs'])})/[\w./-]*)`", text(path)):
        wrong += [] if "NAME" in file or os.path.exists(file) else [f"{path}: {file} does not exist"]
check("links and files of the texts exist", wrong)


# ---- keys in messages and texts ----
known = {f"{s}.{k}" for s, k in keys}
word = re.compile(r"\b(?:%s)\.[a-z][a-z_0-9]*" % "|".join(sorted({s for s, k in keys})))
FILE = re.compile(r"\.(?:c|h|csv|json|geojson|png|tif|ome|lock|safetensors|yaml|former)$")
wrong = []
for room in ROOMS:
    for folder, _, files in os.walk(room):
        for path in (os.path.join(folder, file) for file in files if file.endswith((".c", ".h"))):
            for message in re.findall(r'"(?:[^"\\\n]|\\.)*"', text(path)):
                wrong += [f"{path}: {w} is not a key" for w in word.findall(message) if w not in known and not FILE.search(w)]
for path in TEXTS:
    source = text(path).split("### Renamed")[0]  # which names keys that do not exist any more
    wrong += [f"{path}: {w} is not a key" for code in re.findall(r"`([^`\n]+)`", source)
              for w in word.findall(code) if w not in known and not FILE.search(w)]
check("keys in messages and texts exist", wrong)

# ---- the architecture against the sources ----
def table(heading):
    """Rows of the first table below a heading of the architecture, as lists of cells."""
    part = re.split(rf"^##+ .*{heading}.*$", text(PLAN), flags=re.M)
    rows = re.search(r"^\|.*(?:\n\|.*)*", part[1], re.M)[0].splitlines() if len(part) > 1 else []
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows[2:]]


source = text("pipeline/run/stage_table.c").split("const Stage stages[] = {")[1].split("\n};")[0]
source = re.sub(r'"\s*\n\s*"', "", source)  # a text in two parts
built = [(n, s.lower(), need) for n, s, need in
         re.findall(r'\{"(\w+)",\s*"[^"]*",\s*SCOPE_(\w+),\s*[^{}]*?"([^"]*)",\s*\d+,\s*wants', source)]
documented = [(row[0], row[1], "" if row[2] == "" else row[2].replace("`", "")) for row in table("Stages")]
check("the stages of the architecture are those of pipeline/run/stage_table.c, in order",
      [] if built and built == documented else [f"source: {built}", f"text:   {documented}"])

lint = dict(re.findall(r"^    (\w+) +=> \[qw\(([^)]*)\)\]", text("tools/lint-source"), re.M))
documented = {row[0].rstrip("/"): sorted(re.findall(r"\w+", row[2])) for row in table("Rooms")}
built = {room: sorted(r for r in may.split() if r != room) for room, may in lint.items()}
check("rooms and what they may include are those that make lint enforces",
      [] if built and built == documented else [f"source: {built}", f"text:   {documented}"])

built = [s.lower() for s in re.findall(r"JOB_(\w+)", text("db/store.h").split("typedef enum {")[1].split("}")[0])]
documented = [row[0] for row in table("Jobs")]
check("the states of jobs are those of db/store.h", [] if built and sorted(built) == sorted(documented) else [f"source: {built}", f"text:   {documented}"])

wrong = []
for what, symbol, file in ((row[0], row[1], row[2]) for row in table("Where to add")):
    defined = os.path.exists(file) and re.search(rf"\b{re.escape(symbol.split('[')[0])}\b\s*(?:\[|\()", text(file))
    wrong += [] if defined else [f"{what}: {symbol} is not in {file}"]
check("the tables to add to are where the architecture says", wrong or ([] if table("Where to add") else ["the table is missing"]))
print(f"1..{number}")
PYTHON
