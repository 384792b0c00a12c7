#!/bin/sh
# The review over HTTP, by a small run: two reviewers at once, a server that is killed, what of the run changes, and what the next run makes of
# the files.
. tests/lib.sh
PYTHONPATH=$PWD/tests/view
export PYTHONPATH
[ -f /usr/share/javascript/leaflet/leaflet.js ] || skip_all "needs libjs-leaflet"
cd "$tmp" || exit 1

"$WSIFLOW" synth -o c -n 3 -l 1 --width 2048 --height 2048 --artefacts 1 >synth.log 2>&1
printf 'slide,patient,split\nc/slides/synth_00.tif,a,train\nc/slides/synth_01.tif,b,train\nc/slides/synth_02.tif,c,train\n' >slides.csv
printf 'slides: {manifest: slides.csv}
tiles: {size: 64, mpp: 2}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 2, batch: 4}
regions: {threshold: 0.2}
heatmap: {cell_um: 32}
score: {slides: all}\n' >first.yaml
"$WSIFLOW" run -c first.yaml -o run >run.log 2>&1
is "a run without labels ends well" $? 0

# Everything but the review: the job table is compared by its content.
state() {
    (cd run && find . -type f ! -name 'wsiflow.db*' ! -path './review/*' ! -name '*.lock' -exec sha256sum {} + | sort
        sqlite3 wsiflow.db 'SELECT stage, unit, state, key, attempt FROM job ORDER BY 1, 2; SELECT job, name, sha256 FROM artefact ORDER BY 1, 2')
}
state >before
cat >steps.py <<'PY'
import csv, json, os, sys, threading
from review_client import Reviewer, Refused, kill_now
program, slide = sys.argv[1], "synth_02"
def line(name, good):
    print(("ok" if good else "FAILED"), name)
with Reviewer(program, "run") as one, Reviewer(program, "run") as other:
    regions = one.regions(slide)
    line("there are regions to decide on", len(regions) >= 6)
    first, second = regions[0]["properties"]["id"], regions[1]["properties"]["id"]
    one.review(slide), other.review(slide)
    one.decide(slide, first, "confirmed")
    try:
        other.decide(slide, first, "rejected", "pen")
        line("a stale change is told", False)
    except Refused as why:
        line("a stale change is told", why.status == 409 and why.answer["review"]["regions"][first]["state"] == "confirmed")
    other.decide(slide, second, "rejected", "pen")
    line("a change of another region is not disturbed", other.review(slide)["revision"] == 2)
    # Both at once, each its own regions.
    failed = []
    def work(who, mine):
        for region in mine:
            try:
                who.decide(slide, region["properties"]["id"], "rejected", "fold")
            except Exception as why:
                failed.append(why)
    rest = regions[2:14]
    both = [threading.Thread(target=work, args=(one, rest[::2])), threading.Thread(target=work, args=(other, rest[1::2]))]
    [t.start() for t in both], [t.join() for t in both]
    line("two servers write to one review", not failed and len(one.review(slide)["regions"]) == 2 + len(rest))
    table = list(csv.DictReader(open("run/review/review.csv")))
    line("and the table has all of it", len([r for r in table if r["item"] == "region"]) == 2 + len(rest))
    one.mark("synth_00", "done", "clean")
    one.draw("synth_00", [[700, 700], [1400, 700], [1400, 1400], [700, 1400]], "normal")
    one.mark("synth_01", "in progress")
# A server that dies while it writes: what it said is kept, and the next start completes the files.
lost = 0
for attempt in range(6):
    reviewer = Reviewer(program, "run")
    said = reviewer.review("synth_01")["revision"]
    timer = threading.Timer(0.002 + 0.004 * attempt, kill_now, [reviewer])
    timer.start()
    try:
        for i in range(40):
            x = 20 * (i + 1)
            said = reviewer.draw("synth_01", [[x, 10], [x + 10, 10], [x + 10, 20], [x, 20]], "normal")["revision"]
    except Exception:
        pass
    timer.join()
    with Reviewer(program, "run") as after:
        now = after.review("synth_01")
        drawn = []
        if now["drawn"]:
            drawn = [f for f in json.load(open("run/review/synth_01.geojson"))["features"] if f["properties"].get("name")]
        lost += now["revision"] < said or not now["exported"] or len(drawn) != len(now["drawn"])
line("nothing is lost when the server is killed", lost == 0)
line("nor is a temporary file left", not [n for n in os.listdir("run/review") if n.endswith(".tmp")])
PY
python3 steps.py "$WSIFLOW" >steps.out 2>steps.err
is "all steps are done" "$?$(cat steps.err)" 0
while read -r verdict name; do is "$name" "$verdict" ok; done <steps.out
said=$("$WSIFLOW" review run 2>&1)
like "the same can be read in the terminal" "$said" '^synth_00 +done +0 +0 +1  clean$'
like "with the decisions on regions" "$said" '^[0-9]+ decisions on regions, 0 of them'
state >after
is "nothing of the run has changed but the review" "$(diff before after)" ""
"$WSIFLOW" run -c first.yaml -o run >again.log 2>&1
is "and there is nothing to do again" "$(grep -c 'done in' again.log)" 0

# ---- a folder that is replaced while the page is open ----
cat >replaced.py <<'PY'
import hashlib, os, shutil, sqlite3, sys
from review_client import Reviewer, Refused
ring = [[100, 100], [200, 100], [200, 200], [100, 200]]
def look(run):
    files = sorted(os.listdir(run + "/review"))
    rows = sqlite3.connect(f"file:{run}/wsiflow.db?mode=ro", uri=True).execute("SELECT count(*) FROM review_drawn").fetchall()
    return rows, [(name, hashlib.sha256(open(f"{run}/review/{name}", "rb").read()).hexdigest()) for name in files]
def refused(name, work):
    try:
        work()
        print("FAILED", name)
    except Refused as why:
        told = why.status == 409 and "open was replaced" in str(why) and "start wsiflow view again" in str(why)
        print("ok" if told else f"FAILED({why})".replace(" ", "_"), name)
shutil.copytree("run", "open")
with Reviewer(sys.argv[1], "open") as reviewer:
    reviewer.draw("synth_01", ring)
    os.rename("open", "old")
    refused("a change of a folder that has been moved is refused", lambda: reviewer.mark("synth_01", "done"))
    shutil.copytree("run", "open")
    refused("and one when another is in its place", lambda: reviewer.draw("synth_01", ring))
    print("ok" if look("open") == look("run") else "FAILED", "nothing is written to the other folder")
    shutil.rmtree("open")
    os.rename("old", "open")
    reviewer.draw("synth_01", ring)
    print("ok" if look("open")[0][0][0] == look("run")[0][0][0] + 2 else "FAILED", "the very folder is written to again")
PY
python3 replaced.py "$WSIFLOW" >replaced.out 2>replaced.err
is "all steps with folders are done" "$?$(cat replaced.err)" 0
while read -r verdict name; do is "$name" "$verdict" ok; done <replaced.out

# ---- the next run ----
# A label in the manifest and a review do not contradict each other.
printf 'slide,patient,split,label\nc/slides/synth_00.tif,a,train,normal\nc/slides/synth_01.tif,b,train,\nc/slides/synth_02.tif,c,train,\n' >labelled.csv
printf 'slides: {manifest: labelled.csv, annotations: run/review}
tiles: {size: 64, mpp: 2}
dataset: {train_anomalies: true}
train: {run: false}\n' >second.yaml
"$WSIFLOW" run -c second.yaml -o next >next.log 2>&1
is "the next run reads the review" $? 0
like "every file is used" "$(cat next.log)" "patch set"
like "what becomes of the tiles is told" "$(cat next.log)" 'synth_02: .*of [0-9]+ tiles [1-9][0-9]* have lesion .* no label, because more than half'
is "and none is left over" "$(grep -ciE 'matches no slide|not an annotation|unused' next.log)" 0
cat >check.py <<'PY'
import csv, json
rows = list(csv.DictReader(open("next/dataset/manifest.csv")))
def of(slide): return [r for r in rows if r["slide"] == slide]
grid = lambda slide: sum(1 for _ in csv.DictReader(open(f"next/slides/{slide}/tiles.csv")))
print("a slide that is done is normal:", len(of("synth_00")) == grid("synth_00") and all(r["label"] == "good" for r in of("synth_00")))
known = of("synth_02")
print("one in progress is not:", 0 < len(known) < grid("synth_02") / 2)
print("confirmed is Ungood:", any(r["label"] == "Ungood" for r in known))
hard = [r for r in rows if r.get("hard") == "1"]
print("drawn as normal is hard:", len(hard) > 0 and all(r["label"] == "good" for r in hard))
facts = json.load(open("next/slides/synth_02/mask.json"))
print("the record has the areas:", facts["hard_area_px"] > 0 and facts["unknown_area_px"] > 0 and facts["lesion_area_px"] > 0)
PY
for line in $(python3 check.py | sed 's/ /_/g'); do
    is "$(echo "${line%:*}" | tr _ ' ')" "${line##*:_}" True
done
finish
