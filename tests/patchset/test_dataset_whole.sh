#!/bin/sh
# A patch set holds what its manifest names, whatever happened before: slides that were removed and came back, images that were deleted, and a
# cut that was killed while it changed images.
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o cohort -n 3 -l 1 --width 3072 --height 2048 >synth.log 2>&1
cat >base.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 64}
Y
# Every image is there with the bytes that the manifest says, and no other image is.
cat >whole.py <<'P'
import csv, hashlib, os, sys
root, named = sys.argv[1] + "/dataset/", set()
for row in csv.DictReader(open(root + "manifest.csv")):
    named.add(row["file"])
    assert hashlib.sha256(open(root + row["file"], "rb").read()).hexdigest() == row["sha256"], row
there = {os.path.relpath(os.path.join(d, f), root) for d, _, files in os.walk(root) for f in files}
extra = {f for f in there - named if f.endswith(".png") and not f.startswith("ground_truth/")}
assert not extra, sorted(extra)[:5]
P
images() {
    python3 "$tmp/whole.py" "$1"
}
sums() {
    (cd "$1/dataset" && find . -type f | sort | xargs sha256sum)
}

# ---- slides come and go
"$WSIFLOW" dataset -c base.yaml -o a -j 2 >a.log 2>&1
is "a patch set" $? 0
check "it is whole" images a
sums a >a.sums
cp cohort/manifest.csv all.csv
grep -v synth_01 all.csv >cohort/manifest.csv
"$WSIFLOW" dataset -c base.yaml -o a -j 2 >less.log 2>&1
check "without one slide it is whole, and holds none of its images" images a
cp all.csv cohort/manifest.csv
"$WSIFLOW" dataset -c base.yaml -o a -j 2 >back.log 2>&1
check "the slide is back: so are its images" images a
check "the same as before" sh -c "(cd a/dataset && find . -type f | sort | xargs sha256sum) | cmp - a.sums"

# ---- somebody removes an image
victim=$(ls a/dataset/train/good/*.png | head -1)
rm "$victim"
sed 's/size: 64/size: 64}\ndataset: {max_per_class: 1000000/' base.yaml >sample.yaml
"$WSIFLOW" dataset -c sample.yaml -o a -j 2 >gone.log 2>&1
is "an image that is gone is cut again by the next run, whatever its sample" $? 0
like "and is reported" "$(cat gone.log)" 'patch set: 1 patches are missing'
check "the patch set is whole" images a
check "the image is there" test -e "$victim"
"$WSIFLOW" dataset -c base.yaml -o a -j 2 >again.log 2>&1
check "and with the former configuration" images a

# ---- killed on the way to other images, and back
sed 's/size: 64/size: 64, mpp: 1.1/' base.yaml >other.yaml
"$WSIFLOW" dataset -c base.yaml -o k -j 2 >k.log 2>&1
sleep 0.05
touch mark
setsid "$WSIFLOW" dataset -c other.yaml -o k -j 1 >/dev/null 2>&1 &
run=$!
i=0
while [ $i -lt 3000 ] && [ -z "$(find k/dataset -name '*.png' -newer mark 2>/dev/null | head -1)" ]; do
    i=$((i + 1))
done
killed $run
is "a run was killed" $KILLED 1
check "it had changed images" sh -c 'test -n "$(find k/dataset -name "*.png" -newer mark)"'
check "then no manifest names the former ones" test ! -e k/dataset/manifest.csv
"$WSIFLOW" dataset -c base.yaml -o k -j 2 >former.log 2>&1
check "with the former configuration the patch set is whole" images k
check "and the same as before" sh -c "(cd k/dataset && find . -type f | sort | xargs sha256sum) | cmp - a.sums"
check "no temporary file is left" sh -c 'test -z "$(find k -name ".*.tmp")"'

# ---- tiles straight from slides are those of the patch set, also of a balanced one
python3 - <<'P'
import csv
rows = list(csv.DictReader(open("cohort/manifest.csv")))
for row in rows:
    row["split"] = "train" if "synth_02" in row["slide"] else "test"
out = csv.DictWriter(open("cohort/manifest.csv", "w"), rows[0].keys())
out.writeheader()
out.writerows(rows)
P
sed 's/^tiles/dataset: {balance: true, train_anomalies: true, lesion_min: 0.25}\ntiles/' base.yaml >balanced.yaml
"$WSIFLOW" dataset -c balanced.yaml -o balanced -j 2 >balanced.log 2>&1
is "a balanced patch set" $? 0
sed 's/balance: true/balance: true, write: false/' balanced.yaml >straight.yaml
printf 'score: {slides: none}\nmodel: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\ntrain: {source: slides, epochs: 1}\n' >>straight.yaml
"$WSIFLOW" run -c straight.yaml -o straight >straight.log 2>&1
cat >same.py <<'P'
import csv, sys
cut = [(r['slide'], r['x'], r['y']) for r in csv.DictReader(open(sys.argv[1] + '/dataset/manifest.csv')) if (r['split'], r['label']) == ('train', 'good')]
straight = [(r['slide'], str(round(float(r['x']))), str(round(float(r['y'])))) for r in csv.DictReader(open(sys.argv[2] + '/model/tiles.csv'))]
assert cut and cut == straight, (len(cut), len(straight))
assert int(sys.argv[3]) == 0 or len(cut) < int(sys.argv[3]), len(cut)
print(len(cut))
P
check "the same normal tiles train straight from slides" python3 same.py balanced straight 0

# ---- and leave out the same by their flags
for name in balanced straight; do
    sed 's/balance: true/drop_flags: blank/; s/^tiles: {/tiles: {min_tissue: 0, /' $name.yaml >$name.flags.yaml
    sed 's/drop_flags: blank/drop_flags: ""/' $name.flags.yaml >$name.all.yaml
done
"$WSIFLOW" dataset -c balanced.all.yaml -o glass -j 2 >glass.log 2>&1
"$WSIFLOW" dataset -c balanced.flags.yaml -o flagged -j 2 >flagged.log 2>&1
"$WSIFLOW" run -c straight.all.yaml -o straight_glass >straight_glass.log 2>&1
"$WSIFLOW" run -c straight.flags.yaml -o straight_flagged >straight_flagged.log 2>&1
all=$(python3 same.py glass straight_glass 0)
check "with tiles of glass too" test "${all:-0}" -gt 0
check "without those that are flagged" python3 same.py flagged straight_flagged "${all:-0}"

finish
