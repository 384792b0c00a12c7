#!/bin/sh
# The patch set as a whole: labels change without cutting again, every patient is in the right split, a leak fails the run.
. tests/lib.sh
cd "$tmp" || exit 1

"$WSIFLOW" synth -o cohort -n 4 -l 2 --width 3072 --height 2048 >synth.log 2>&1
sed 's/synth_02.tif,\(.*\),test/synth_02.tif,\1,train/' cohort/manifest.csv >m.csv && mv m.csv cohort/manifest.csv
cat >base.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 128}
dataset: {lesion_min: 0.25}
Y
with() { # with KEY: VALUE... of dataset
    sed "s/lesion_min: 0.25/$1/" base.yaml
}
# Inode, time and hash of every image by slide and position, whatever its name.
images() {
    python3 - "$1" <<'P'
import csv, hashlib, os, sys
root = sys.argv[1] + "/dataset/"
for r in csv.DictReader(open(root + "manifest.csv")):
    s = os.stat(root + r["file"])
    assert hashlib.sha256(open(root + r["file"], "rb").read()).hexdigest() == r["sha256"], r
    print(r["slide"], r["x"], r["y"], s.st_ino, s.st_mtime_ns, r["sha256"], r["file"])
P
}
# Images of the second list that are not the very files of the first.
fresh() {
    cut -d' ' -f1-6 "$1" | sort >old.keys
    cut -d' ' -f1-6 "$2" | sort | comm -13 old.keys - | wc -l
}

# ---- labels
"$WSIFLOW" dataset -c base.yaml -o a -j 2 >a.log 2>&1
is "a patch set" $? 0
images a >a.list
touch before
"$WSIFLOW" dataset -c base.yaml -o a -j 2 >again.out 2>again.err
is "the same again does no job" "$(grep -c 'done in' again.err)" 0
check "and touches no file but the job table" sh -c 'test -z "$(find a -type f -newer before ! -name "wsiflow.db*" ! -name "*.lock")"'

with 'lesion_min: 0.9' >strict.yaml
"$WSIFLOW" dataset -c strict.yaml -o a -j 2 >strict.out 2>strict.err
images a >strict.list
like "a changed rule labels again" "$(cat strict.err)" '] cut'
is "it reads no tissue, grid or annotation again" "$(grep -cE '(ingest|tissue|grid|mask) synth' strict.err)" 0
is "every image that stays is the same file" "$(fresh a.list strict.list)" 0
check "some went" test "$(wc -l <strict.list)" -lt "$(wc -l <a.list)"
check "no file is left that the manifest does not name" sh -c 'test "$(find a/dataset -name "synth_*[0-9].png" | wc -l)" -eq "$(wc -l <strict.list)"'

with 'rule: any, train_anomalies: true' >any.yaml
"$WSIFLOW" dataset -c any.yaml -o a -j 2 >any.out 2>any.err
images a >any.list
check "lesion tiles of training slides are kept when asked for" sh -c 'test -n "$(ls a/dataset/train/Ungood)"'
"$WSIFLOW" dataset -c any.yaml -o any -j 2 >any2.log 2>&1
check "by way of other rules or at once: the same patch set" sh -c '(cd a/dataset && find . -type f | sort | xargs sha256sum) >x && (cd any/dataset && find . -type f | sort | xargs sha256sum) | cmp x -'
# The card has the rule's own parameter only.
cp -r a rules
for rule in any centre fraction; do
    with "lesion_min: 0.3, rule: $rule" >rule.yaml
    "$WSIFLOW" dataset -c rule.yaml -o rules -j 2 >rule.out 2>&1
    line=$(grep '^\* Ungood\|^- Ungood' rules/dataset/CARD.md)
    case $rule in
        fraction) like "the card of rule $rule has its limit" "$line" 'tiles of which at least 30 % are lesion; tiles with less lesion, but some, are left out' ;;
        *) is "the card of rule $rule has no limit of another rule" "$(echo "$line" | grep -c "rule $rule") $(echo "$line" | grep -c '0\.3\|with less')" "1 0" ;;
    esac
done

# An annotation moves: labels change, images stay.
cp -r cohort moved
python3 - <<'P'
import re
path = "moved/annotations/synth_03.xml"
text = open(path).read()
open(path, "w").write(re.sub(r'X="([-0-9.]+)"', lambda m: f'X="{float(m[1]) + 300}"', text))
P
sed 's#cohort#moved#g' any.yaml >moved.yaml
sed 's#manifest: moved#manifest: cohort#' moved.yaml >annotated.yaml
"$WSIFLOW" dataset -c annotated.yaml -o a -j 2 >moved.out 2>moved.err
images a >moved.list
is "an annotation that moved moves patches: none is cut again" "$(fresh any.list moved.list)" 0
check "some have another label" sh -c 'cut -d" " -f7 any.list | sort >x; cut -d" " -f7 moved.list | sort | comm -13 x - | grep -q .'

# A split moves: so do the files.
sed 's/,test,/,valid,/' cohort/manifest.csv >cohort/other.csv
sed 's#manifest.csv#other.csv#' any.yaml >side.yaml
"$WSIFLOW" dataset -c any.yaml -o a -j 2 >/dev/null 2>&1
images a >any.list
"$WSIFLOW" dataset -c side.yaml -o a -j 2 >/dev/null 2>&1
images a >side.list
is "another split: no image is cut again" "$(fresh any.list side.list)" 0

# An image that was damaged is not moved but cut again.
"$WSIFLOW" dataset -c base.yaml -o a -j 2 >/dev/null 2>&1
victim=$(ls a/dataset/test/good/synth_03*.png | head -1)
echo >"$victim"
"$WSIFLOW" dataset -c any.yaml -o a -j 2 >/dev/null 2>&1
check "a damaged image is cut again" images a

# Killed on the way to other labels, and back: the patch set is as before.
"$WSIFLOW" dataset -c base.yaml -o k -j 2 >/dev/null 2>&1
(cd k/dataset && find . -type f | sort | xargs sha256sum) >k.sums
i=0
while [ $i -lt 4 ]; do
    setsid "$WSIFLOW" dataset -c any.yaml -o k -j 2 >/dev/null 2>&1 &
    sleep 0.$((1 + i))
    killed $!
    "$WSIFLOW" dataset -c base.yaml -o k -j 2 >/dev/null 2>&1
    (cd k/dataset && find . -type f | sort | xargs sha256sum) | cmp -s k.sums - || echo "round $i" >>k.wrong
    i=$((i + 1))
done
check "some were killed on the way ($KILLED)" test $KILLED -gt 0
check "killed on the way to other labels and back: the same patch set" test ! -f k.wrong

# Another kind of image is cut again, and only then.
with 'image: jpeg, lesion_min: 0.25' >jpeg.yaml
"$WSIFLOW" dataset -c jpeg.yaml -o a -j 2 >/dev/null 2>&1
check "JPEG images, and no PNG is left" sh -c 'test -z "$(find a/dataset -name "*[0-9].png")" -a -n "$(find a/dataset -name "*[0-9].jpg")"'

# ---- verification
is "a patch set is what it says" "$("$WSIFLOW" dataset --verify any --sample 30 2>&1)" "$(($(wc -l <any/dataset/manifest.csv) - 1)) images and $(($(find any/dataset any/dataset_* -name '*_mask.png' | wc -l) + 1)) other files hashed, 30 cut again, 0 differ"
check "sha256sum finds the same" sh -c 'cd any/dataset && sha256sum --quiet -c SHA256SUMS'
is "its list has all files but itself and the card" "$(wc -l <any/dataset/SHA256SUMS)" $(($(find any/dataset any/dataset_* -type f | wc -l) - 2))
"$WSIFLOW" dataset --verify a >/dev/null 2>&1
is "also one of JPEG images" $? 0
for folder in test/good train/Ungood; do
    cp "$(ls any/dataset/train/good/*.png | head -1)" "any/dataset/$folder/foreign.png"
    is "an image in $folder that the manifest does not name is named" "$("$WSIFLOW" dataset --verify any --sample 0 2>&1 | head -1)" "$folder/foreign.png: is not in manifest.csv"
    rm "any/dataset/$folder/foreign.png"
done
mask=$(cd any/dataset && ls ground_truth/Ungood/*_mask.png | head -1)
cp "any/dataset/$mask" mask.kept
printf 'x' >>"any/dataset/$mask"
is "a changed mask is named" "$("$WSIFLOW" dataset --verify any --sample 0 2>&1 | head -1)" "$mask: differs from the file that was written (SHA-256)"
cp mask.kept "any/dataset/$mask"
cp any/dataset/SHA256SUMS sums.kept
echo "$(head -c 64 sums.kept)  ../../any.yaml" >>any/dataset/SHA256SUMS
like "a list that leads elsewhere is refused" "$("$WSIFLOW" dataset --verify any --sample 0 2>&1)" '^SHA256SUMS: line [0-9]* is not'
grep -v _mask sums.kept >any/dataset/SHA256SUMS
like "one that lost lines is not the one of the card" "$("$WSIFLOW" dataset --verify any --sample 0 2>&1)" '^SHA256SUMS: is not the file that CARD.md names'
rm any/dataset/SHA256SUMS
like "a missing one is named" "$("$WSIFLOW" dataset --verify any --sample 0 2>&1)" '^SHA256SUMS: .*No such file'
cp sums.kept any/dataset/SHA256SUMS
victim=$(ls any/dataset/train/good/*.png | head -1)
python3 -c "
import sys
from PIL import Image
image = Image.open(sys.argv[1]); image.putpixel((5, 5), (1, 2, 3)); image.save(sys.argv[1])" "$victim"
wrong=$("$WSIFLOW" dataset --verify any --sample 0 2>&1)
is "one changed pixel is an exit status of 1" $? 1
like "and is named" "$wrong" "^train/good/$(basename "$victim"): differs from the file"
# The manifest of somebody who hashed the changed image: the slide still knows better.
python3 -c "
import hashlib, sys
path, name = 'any/dataset/manifest.csv', 'train/good/' + sys.argv[1].rsplit('/')[-1]
rows = open(path).read().split('\n')
for i, row in enumerate(rows):
    if row.startswith(name + ','):
        cells = row.split(','); cells[12] = hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest(); rows[i] = ','.join(cells)
open(path, 'w').write('\n'.join(rows))" "$victim"
like "an image that the slide does not show is found by cutting again" "$("$WSIFLOW" dataset --verify any --sample 100000 2>&1)" "$(basename "$victim"): differs from the slide by"
like "so is a manifest that the card does not name" "$("$WSIFLOW" dataset --verify any --sample 0 2>&1)" '^manifest.csv: is not'
rm "$victim"
like "a missing one is named" "$("$WSIFLOW" dataset --verify any --sample 0 2>&1)" "^train/good/$(basename "$victim"): .*No such file"
with 'lesion_min: 0.25, format: shards' >tar.yaml
"$WSIFLOW" dataset -c tar.yaml -o tar -j 2 >/dev/null 2>&1
like "shards are checked too" "$("$WSIFLOW" dataset --verify tar 2>&1)" ', 20 cut again, 0 differ'
is "however few files may be open" "$(ulimit -Sn 6; "$WSIFLOW" dataset --verify tar --sample 0 2>&1 | grep -c 'cannot be read')" 0
check "sha256sum checks shards as well" sh -c 'cd tar/dataset && sha256sum --quiet -c SHA256SUMS'
cp tar/dataset/train-000000.tar shard.kept
python3 -c "
path = 'tar/dataset/train-000000.tar'
data = bytearray(open(path, 'rb').read()); at = data.index(b'\"mpp\"'); data[at + 1] = ord('q'); open(path, 'wb').write(data)"
like "a changed byte of the facts in a shard is found" "$("$WSIFLOW" dataset --verify tar --sample 0 2>&1)" '^train-000000.tar: .*SHA-256'
cp shard.kept tar/dataset/train-000000.tar
printf 'x' | dd of=tar/dataset/train-000000.tar bs=1 seek=2000 conv=notrunc 2>/dev/null
like "a changed byte in a shard is found" "$("$WSIFLOW" dataset --verify tar --sample 0 2>&1)" '^train-000000.tar/synth_.*SHA-256'

# ---- annotations next to their slides, under either name
mkdir mixed
lesion=$(basename "$(ls cohort/annotations/*.xml | head -1)" .xml)
ln cohort/slides/synth_00.tif "cohort/slides/$lesion.tif" mixed/ 2>/dev/null
cp "cohort/annotations/$lesion.xml" "mixed/$lesion.tif.xml"
printf 'slides: {folder: mixed, annotations: mixed, unannotated: normal}\ntiles: {size: 128}\ndataset: {train_anomalies: true, lesion_min: 0.25}\n' >mixed.yaml
"$WSIFLOW" dataset -c mixed.yaml -o mixedrun -j 2 >mixed.log 2>&1
is "an annotation next to its slide is not a slide" $? 0
check "and SLIDE.tif.xml is that of SLIDE.tif" grep -q Ungood mixedrun/dataset/manifest.csv

# ---- samples
with 'lesion_min: 0.25, balance: true, max_per_class: 12' >sample.yaml
"$WSIFLOW" dataset -c base.yaml -o b -j 2 >/dev/null 2>&1
images b >b.list
"$WSIFLOW" dataset -c sample.yaml -o b -j 2 >sample.out 2>sample.err
is "a sample cuts nothing" "$(grep -c '] cut' sample.err)" 0
check "labels are balanced, and at most as many as wanted" python3 -c "
import collections, csv
count = collections.Counter((r['split'], r['label']) for r in csv.DictReader(open('b/dataset/manifest.csv')))
assert max(count.values()) <= 12 and count['test', 'good'] == count['test', 'Ungood'] > 0, count"
check "what is not in the sample waits outside of the folders that loaders read" sh -c 'test -n "$(ls b/dataset_unused)" && test "$(find b/dataset/train b/dataset/test -name "*.png" | wc -l)" -eq "$(($(wc -l <b/dataset/manifest.csv) - 1))"'
"$WSIFLOW" dataset -c base.yaml -o b -j 2 >/dev/null 2>&1
images b >back.list
check "without the sample everything is back, the same files" cmp b.list back.list

# ---- splits
splits() { # splits RUN COLUMN: value=split of all patches
    python3 -c "
import csv, sys
print(' '.join(sorted({r[sys.argv[2]] + '=' + r['split'] for r in csv.DictReader(open(sys.argv[1] + '/dataset/manifest.csv'))})))" "$1" "$2"
}
with 'split: random, folds: 2, fold: 1, valid_fraction: 0' >fold1.yaml
with 'split: random, folds: 2, fold: 2, valid_fraction: 0' >fold2.yaml
"$WSIFLOW" dataset -c fold1.yaml -o f -j 2 >/dev/null 2>&1
splits f slide | tr ' ' '\n' >f1
"$WSIFLOW" dataset -c fold2.yaml -o f -j 2 >/dev/null 2>&1
splits f slide | tr ' ' '\n' >f2
check "each slide tests in one fold of two" sh -c 'test "$(cat f1 f2 | grep -c "=test")" -eq 4 && test -z "$(grep "=test" f1 | comm -12 - f2)"'
is "the manifest has the fold" "$(python3 -c "
import csv
print(all((r['fold'] == '2') == (r['split'] == 'test') for r in csv.DictReader(open('f/dataset/manifest.csv'))))")" True
with 'split: random, by: centre, test_fraction: 0.5, valid_fraction: 0' >centre.yaml
"$WSIFLOW" dataset -c centre.yaml -o c -j 2 >/dev/null 2>&1
check "by centre: each is on one side" python3 -c "
import csv
centre = {r['slide'].rsplit('/')[-1][:-4]: r['centre'] for r in csv.DictReader(open('cohort/manifest.csv'))}
sides = {}
for r in csv.DictReader(open('c/dataset/manifest.csv')):
    sides.setdefault(centre[r['slide']], set()).add(r['split'])
assert len(sides) == 2 and sorted(map(len, sides.values())) == [1, 1], sides"
with 'folds: 2' >both.yaml
like "folds and a manifest's split are refused together" "$("$WSIFLOW" dataset -c both.yaml -o refused 2>&1)" 'set dataset.split: random'
with 'split: random, folds: 9' >many.yaml
like "more folds than patients are refused" "$("$WSIFLOW" dataset -c many.yaml -o refused 2>&1)" 'dataset.folds is 9'

# ---- official splits: a set of the names of Camelyon16
mkdir -p c16/slides c16/annotations
"$WSIFLOW" synth -o others -n 3 -l 1 --width 2048 --height 2048 -s 2 >synth.log 2>&1
for pair in normal_001:cohort:00 normal_086:cohort:01 tumor_010:cohort:02 tumor_001:cohort:03 test_001:others:00 \
    test_049:others:01 test_114:others:02; do
    name=${pair%%:*} n=${pair##*:} from=${pair#*:}
    from=${from%:*}
    cp $from/slides/synth_$n.tif c16/slides/$name.tif
    [ $n -lt 2 ] || cp $from/annotations/synth_$n.xml c16/annotations/$name.xml
done
cat >c16.yaml <<'Y'
slides: {folder: c16/slides, annotations: c16/annotations, unannotated: normal}
tiles: {size: 128}
dataset: {split: camelyon16, valid_fraction: 0}
Y
"$WSIFLOW" dataset -c c16.yaml -o c16run -j 2 >c16.log 2>&1
is "the official split of Camelyon16" $? 0
is "test is what is named test; withdrawn slides are out; of slides not exhaustively annotated only lesions" "$(python3 -c "
import csv
rows = {(r['slide'], r['split'], r['label']) for r in csv.DictReader(open('c16run/dataset/manifest.csv'))}
print(sorted(rows))")" "[('normal_001', 'train', 'good'), ('test_001', 'test', 'good'), ('test_114', 'test', 'Ungood'), ('tumor_001', 'train', 'good')]"
like "the card names the exceptions" "$(cat c16run/dataset/CARD.md)" 'test_114: not exhaustively'
sed 's/split: camelyon16/split: camelyon17/' c16.yaml >c17.yaml
like "names of another set are refused" "$("$WSIFLOW" dataset -c c17.yaml -o refused 2>&1)" 'patient_NNN_node_N'

# ---- leaks
mkdir leak
cp cohort/slides/synth_00.tif leak/one.tif
cp cohort/slides/synth_00.tif leak/two.tif
printf 'slide,patient,split\none.tif,a,train\ntwo.tif,b,test\n' >leak/manifest.csv
printf 'slides: {manifest: leak/manifest.csv}\ntiles: {size: 128}\n' >leak.yaml
"$WSIFLOW" dataset -c leak.yaml -o leakrun -j 2 >leak.out 2>leak.err
is "one slide under two names on two sides fails the run" $? 1
like "and is reported" "$("$WSIFLOW" status leakrun)" 'one \(train\) and two \(test\) have the same content'
check "no manifest is written" test ! -e leakrun/dataset/manifest.csv
# Bytes behind the end of the TIFF make it another file, but not another slide: its images show it.
cp leak/two.tif leak/plain.tif
printf 'x' >>leak/two.tif
"$WSIFLOW" dataset -c leak.yaml -o tagged -j 2 >leak.out 2>leak.err
is "one slide in two files that differ fails the run" $? 1
like "by its images" "$("$WSIFLOW" status tagged)" 'leak: .* are the same image: give slides one and two the same patient'
check "no manifest is written then" test ! -e tagged/dataset/manifest.csv
mv leak/plain.tif leak/two.tif
printf 'slide,patient,split\none.tif,a,train\ntwo.tif,a,test\n' >leak/manifest.csv
like "a patient on two sides is refused" "$("$WSIFLOW" dataset -c leak.yaml -o refused 2>&1)" 'patient a has slides in'
printf 'slide,patient,split\none.tif,a,train\ntwo.tif,b,train\n' >leak/manifest.csv
"$WSIFLOW" dataset -c leak.yaml -o leakrun -j 2 >leak.out 2>leak.err
is "on one side they are allowed" $? 0
like "and counted" "$(cat leakrun/dataset/CARD.md)" 'further copies of images within a split: [0-9]+'

finish
