#!/bin/sh
# wsiflow qupath: lists of a run's slides for QuPath, and the script that shows the one that is open (stand-ins of QuPath: tests/qupath/).
. tests/lib.sh
root=$PWD
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 4 -l 1 --width 2500 --height 2100 >synth.log 2>&1
odd='a, "b" %41 ä.tif'
mv cohort/slides/synth_02.tif "cohort/slides/$odd"
head -c 20000 cohort/slides/synth_01.tif >cohort/slides/broken.tif
cat >run.yaml <<'Y'
slides: {folder: cohort/slides, annotations: cohort/annotations}
tiles: {size: 128}
train: {epochs: 1, batch: 4}
model: {blocks: [1, 1, 1], condition: 16}
score: {overlap: 0, slides: all}
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.out 2>run.err
is "a run of which one slide fails" $? 3
"$WSIFLOW" qupath run -o run/qupath >out 2>err
is "a slide that failed is an exit status of its own" $? 3
like "and is named, with the reason" "$(cat err)" '^wsiflow qupath: broken left out: ingest failed: .*broken.tif'
is "no other slide is named" "$(wc -l <err)" 1
like "the terminal says what to click" "$(cat out)" 'Add images, From path list: images.txt'
is "three files" "$(ls run/qupath | tr '\n' ' ')" "images.csv images.txt show_heatmap.groovy "
check "images.txt has a path in each line, images.csv the files of each slide" python3 - "$odd" <<'P'
import csv, os, sys
paths = open("run/qupath/images.txt", encoding="utf-8").read().splitlines()
rows = list(csv.DictReader(open("run/qupath/images.csv", encoding="utf-8")))
assert [r["path"] for r in rows] == paths and len(paths) == 4 and all(os.path.isabs(p) and os.path.isfile(p) for p in paths), paths
assert sys.argv[1] in [os.path.basename(p) for p in paths]
for r in rows:
    beside = os.path.normpath(os.path.join("run/qupath", r["folder"]))
    assert beside == "run/slides/" + r["slide"]
    for column, name in ("heatmap", "heatmap.ome.tif"), ("regions", "regions.geojson"):
        assert os.path.samefile(r[column], os.path.join(beside, name)), r
P
"$WSIFLOW" qupath run -o elsewhere/deep >out2 2>&1
check "from another folder the run is named from there" test -f "elsewhere/deep/$(sed -n 's/^synth_03,[^,]*,\([^,]*\),.*/\1/p' elsewhere/deep/images.csv)/wsiflow.groovy"
# ---- what is missing
rm run/slides/synth_03/heatmap.ome.tif run/slides/synth_00/regions.geojson
"$WSIFLOW" qupath run -o less >out3 2>err3
is "a heatmap that is gone leaves its slide out" "$(grep -c synth_03 less/images.csv) $(grep -c 'synth_03 left out: its heatmap.ome.tif' err3)" "0 1"
is "a slide without regions stays, and is named" "$(grep -c '^synth_00,.*,$' less/images.csv) $(grep -c 'synth_00: no regions.geojson' err3)" "1 1"
sed 's/slides: all}/slides: none}/' run.yaml >none.yaml
"$WSIFLOW" run -c none.yaml -o none -j 2 >none.out 2>none.err
message=$("$WSIFLOW" qupath none -o nothing 2>&1)
is "a run without heatmaps is an error" "$? $(test -e nothing; echo $?)" "1 1"
like "that says so" "$message" 'none has no heatmap that QuPath can show'
message=$("$WSIFLOW" qupath cohort -o nothing 2>&1)
is "a folder that is no run is an error" "$? $(test -e nothing; echo $?)" "1 1"
"$WSIFLOW" qupath run >log 2>&1
is "without a folder to write to it is misused" $? 2
# ---- the script, after the run was moved with the lists in it, and the slides too
if java=$(command -v java) && javac=$(command -v javac) && command -v groovy >/dev/null; then
    JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$java")")")
    export JAVA_HOME
    "$javac" -d classes $(find "$root/tests/qupath" -name '*.java') || exit 1
    mv run moved
    mv cohort gone
    uri=$(python3 -c 'import sys, pathlib; print(pathlib.Path(sys.argv[1]).absolute().as_uri())' "gone/slides/$odd")
    {
        printf 'odd\tmoved/qupath/show_heatmap.groovy\t2500\t2100\t%s\t2\tsame\n' "$uri"
        printf 'other\tmoved/qupath/show_heatmap.groovy\t2500\t2100\tfile:/x/unknown.tif\t1\tsame\n'
        printf 'lost\telsewhere/deep/show_heatmap.groovy\t2500\t2100\t%s\t1\tsame\n' "$uri"
    } | groovy -cp classes "$root/tests/qupath/run_scripts.groovy" >shown 2>shown.err
    is "the scripts run to their end" "$? $(cat shown.err)" "0 "
    check "the open slide is found by its name, its map is shown once, its regions are added once" python3 - <<'P'
import glob, json, re
cases = dict(zip(*[iter(re.split(r"^case (\w+)\n", open("shown", encoding="utf-8").read(), flags=re.M)[1:])] * 2))
folder, = glob.glob("moved/slides/a*b*")
n = len(json.load(open(folder + "/regions.geojson"))["features"])
assert cases["odd"].count("\noverlay 0 0 2500 2100 0 0 image ") == 1, cases["odd"]
assert cases["odd"].count("\nobject ") == n and f"0 regions were added, {n} were there already" in cases["odd"]
assert "wsiflow: no slide of images.csv is /x/unknown.tif" in cases["other"] and "overlay" not in cases["other"]
assert "there is no wsiflow.groovy in " in cases["lost"]
P
else
    skip "the script shows the open slide" "no groovy, java and javac"
fi
finish
