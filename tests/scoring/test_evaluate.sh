#!/bin/sh
# wsiflow evaluate: metrics against formulas in Python, whatever the order of rows; by split; and what cannot be computed is absent with its
# reason.
. tests/lib.sh
cd "$tmp" || exit 1

# ---- slides, in any order of rows
python3 - <<'P'
import random
random.seed(4)
rows = []
for slide, n in (("one", 1), ("two", 2), ("even", 98), ("c-101", 101), ("d 250", 250)):
    for i in range(n):
        label = random.choice(("0", "0", "1", ""))
        score = "" if random.random() < 0.05 and n > 50 else f"{random.choice((random.gauss(0, 1), round(random.gauss(0, 1), 1))):.6f}"
        rows.append(f"{slide},{label},{score}")
open("grouped.csv", "w").write("slide,label,score\n" + "\n".join(rows) + "\n")
random.shuffle(rows)
open("mixed.csv", "w").write("slide,label,score\n" + "\n".join(rows) + "\n")
P
"$WSIFLOW" evaluate --json grouped.csv >grouped.json
is "metrics of a table" $? 0
"$WSIFLOW" evaluate --json mixed.csv >mixed.json
check "its rows in another order give the same" cmp grouped.json mixed.json
cat >oracle.py <<'P'
import csv, json, math, statistics
rows = [r for r in csv.DictReader(open("mixed.csv"))]
slides = {s["slide"]: s for s in json.load(open("mixed.json"))["slides"]}
assert len(slides) == len(json.load(open("mixed.json"))["slides"]) == 5
for name, got in slides.items():
    mine = [(r["label"], float(r["score"])) for r in rows if r["slide"] == name and r["score"]]
    scores = sorted(s for _, s in mine)
    top = scores[-max(1, math.ceil(len(scores) / 100)):]
    good, bad = [s for l, s in mine if l == "0"], [s for l, s in mine if l == "1"]
    assert got["tiles"] == len(scores) and got["labelled"] == len(good) + len(bad) and got["lesion_tiles"] == len(bad), got
    assert abs(got["median"] - statistics.median(scores)) < 1e-12, got
    assert got["top_1_percent_tiles"] == len(top) >= 1 and abs(got["top_1_percent_mean"] - sum(top) / len(top)) < 1e-12, got
    assert got["maximum"] == scores[-1], got
    if good and bad:
        pairs = [(b > g) + (b == g) / 2 for b in bad for g in good]
        assert abs(got["auroc"] - sum(pairs) / len(pairs)) < 1e-12, got
    else:
        assert "auroc" not in got, got
m = json.load(open("mixed.json"))
assert m["unlabelled"] == sum(not r["label"] for r in rows) and m["labelled_without_score"] == sum(bool(r["label"]) and not r["score"] for r in rows)
P
check "medians, top 1 % and AUROC of each slide are those of the definitions" python3 oracle.py
like "the text says of how many tiles the top 1 % are" "$("$WSIFLOW" evaluate mixed.csv)" '  even .*top 1 % [-0-9.]* \(1 tile\)'
like "at least one" "$("$WSIFLOW" evaluate mixed.csv)" '  d 250 .*\(3 tiles\)'
head -60 grouped.csv >first.csv
{ head -1 grouped.csv; tail -n +61 grouped.csv; } >second.csv
is "one slide in two files is one slide" "$("$WSIFLOW" evaluate --json first.csv second.csv | grep -c '"slide": "even"')" 1
like "and a note says so" "$("$WSIFLOW" evaluate first.csv second.csv)" '^note: slide even is in both first.csv and second.csv'

# ---- one class, no label, no score
metric() { # FILE PATH...: a value of the metrics, or "absent"
    "$WSIFLOW" evaluate --json $2 "$1" | python3 -c "
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split('.'):
    value = value.get(key, 'absent') if isinstance(value, dict) else 'absent'
print(value)" "$3"
}
printf 'file,label,score\na,0,1\nb,0,2\nc,0,3\n' >normals.csv
printf 'file,label,score\nd,1,1\ne,1,2\n' >anomalies.csv
printf 'slide,label,score\na,,1\na,,2\n' >unknown.csv
printf 'slide,label,score\na,0,\na,1,\n' >nothing.csv
for key in auroc average_precision f1 precision recall specificity accuracy threshold confusion; do
    is "normals only: no $key" "$(metric normals.csv "" best_f1.$key)" absent
    is "anomalies only: no $key" "$(metric anomalies.csv "" best_f1.$key)" absent
done
is "but the reason" "$(metric normals.csv "" best_f1.absent)" "there are no anomalies among the rows, so AUROC, average precision and the threshold of the best F1 cannot be computed"
is "of the other class too" "$(metric anomalies.csv "" best_f1.absent)" "there are no normal rows, so AUROC, average precision and the threshold of the best F1 cannot be computed"
is "a given threshold: the specificity needs normals only" "$(metric normals.csv "-t 2" given.specificity)" 0.333333333333333
is "and the recall is absent" "$(metric normals.csv "-t 2" given.recall)" absent
is "the recall needs anomalies only" "$(metric anomalies.csv "-t 2" given.recall)" 0.5
is "and the specificity is absent" "$(metric anomalies.csv "-t 2" given.specificity)" absent
is "the text has no such metric" "$("$WSIFLOW" evaluate -t 2 normals.csv anomalies.csv unknown.csv | grep -ciE 'nan|inf|null')" 0
is "no made-up specificity" "$("$WSIFLOW" evaluate normals.csv | grep -c specificity)" 0
is "a table without labels has metrics of slides" "$(metric unknown.csv "" slides | grep -c "'median': 1.5")" 1
like "and the reason why it has no others" "$("$WSIFLOW" evaluate unknown.csv)" 'none of 2 rows has both a label and a score \(2 without a label'
like "a table without scores is an error" "$("$WSIFLOW" evaluate nothing.csv 2>&1)" 'none of the 2 rows has a value in the column score'
printf 'file,label,score,nll\na,1,1,2\nb,0,2,\n' >gap.csv
is "a column with gaps is not left out in silence" "$(metric gap.csv "" columns.nll.absent)" "1 of 2 rows have no value"

# ---- by split
python3 - <<'P'
import random
random.seed(8)
for train in ("worse", "better"):
    random.seed(8)
    with open(f"{train}.csv", "w") as out:
        out.write("slide,split,label,score\n")
        for i in range(90):
            split, label = ("test", "train", "valid")[i % 3], i // 3 % 2
            score = random.gauss(label, 1)
            if split == "train":
                score = 100 * label if train == "better" else -100 * label
            out.write(f"{split}{i % 2},{split},{label},{score}\n")
P
"$WSIFLOW" evaluate --json worse.csv >worse.json
"$WSIFLOW" evaluate --json better.csv >better.json
check "training slides are in no headline" python3 -c "
import json
worse, better = json.load(open('worse.json')), json.load(open('better.json'))
assert worse['split'] == 'test' and worse['best_f1'] == better['best_f1'] and worse['best_f1']['n'] == 30
assert worse['columns'] == better['columns']
assert [s['split'] for s in worse['splits']] == ['test', 'valid', 'train']
assert worse['splits'][0]['best_f1'] == worse['best_f1'] and worse['splits'][2]['best_f1']['auroc'] == 0 and better['splits'][2]['best_f1']['auroc'] == 1
assert [s['split'] for s in worse['slides']] == ['test'] * 2 + ['valid'] * 2 + ['train'] * 2, worse['slides']
"
like "the text begins with the test" "$("$WSIFLOW" evaluate worse.csv | head -1)" '^test, threshold of the best F1: 30 rows'
grep -v ',test,' better.csv >untested.csv
is "without a test slide there is no headline" "$(metric untested.csv "" best_f1)" absent
like "with the reason" "$("$WSIFLOW" evaluate untested.csv)" 'no row is in the test split'

# ---- labels by name
printf 'file,label,score\ntest/good/a.png,0,1\ntest/good/b.png,0,2\ntest/Ungood/a.png,1,3\ntest/Ungood/c.png,1,4\n' >scores.csv
join() { # NAME LABELS JOINED LEFT: how many rows join, how many are left without the near-blank ones
    printf 'file,near_blank\n%b' "$2" >labels.csv
    is "$1" "$(metric scores.csv "-l labels.csv" labels.matched_rows) $(metric scores.csv "-l labels.csv" without_near_blank.n)" "$3 $4"
}
join "names as they are" 'test/good/a.png,1\n' 1 3
join "./ in front" './Ungood/a.png,1\n./good/a.png,0\n' 2 3
join "from the root" '/data/set//test/./good/b.png,1\n' 1 3
join "backslashes" 'set\\\\test\\\\Ungood\\\\c.png,true\n' 1 3
join "x/../" 'test/valid/../good/a.png,yes\n' 1 3
join "another ending" 'good/a.jpg,1\nUngood/a,1\n' 2 2
join "names without folders that fit one row each" 'b.png,1\nc.png,1\n' 2 2
join "false is not true" 'good/a.png,false\ngood/b.png,0\n' 2 4
join "a name of two rows with one value" 'a.png,1\n' 2 2
"$WSIFLOW" evaluate scores.csv -l labels.csv >joined.out
like "how many joined is always said" "$(cat joined.out)" '^labels: 2 of 4 rows have one; 0 of 1 lines match no row$'
refused() { # NAME LABELS PATTERN
    printf 'file,near_blank\n%b' "$2" >labels.csv
    "$WSIFLOW" evaluate scores.csv -l labels.csv >refused.out 2>&1
    is "$1 is refused" $? 1
    like "$1: by name" "$(cat refused.out)" "$3"
}
refused "a table of which no name joins" 'set/bad/a.png,1\nx.png,0\n' 'labels.csv: none of its 2 names \(the first is "set/bad/a.png"\)'
refused "half of a folder's name" 'ngood/a.png,1\n' 'none of its 1 names'
refused "another word than 0 or 1" 'good/a.png,maybe\n' 'labels.csv line 2: near_blank is "maybe": expected 0 or 1'
refused "an empty cell" 'good/a.png,\n' 'line 2: near_blank is ""'
refused "two lines of one name that differ" 'good/a.png,1\n./good/a.png,0\n' 'line 2 .* and line 3 .* differ'
printf 'slide,label,score\ns,0,1\ns,1,2\n' >of_slides.csv
printf 'file,near_blank\ns,1\n' >labels.csv
is "labels of images for tiles of slides are refused" "$("$WSIFLOW" evaluate of_slides.csv -l labels.csv 2>&1 | grep -c 'none of its 1 names')" 1

# ---- nothing above a threshold: 0/0 is no metric
printf 'label,score\n0,1\n1,2\n0,3\n' >few.csv
for threshold in 1e9 3.5; do
    is "no row above $threshold: no precision" "$(metric few.csv "-t $threshold" given.precision)" absent
    like "and the reason ($threshold)" "$(metric few.csv "-t $threshold" given.absent)" 'no row has a score at or above the threshold.*precision'
    is "recall and F1 are 0 ($threshold)" "$(metric few.csv "-t $threshold" given.recall) $(metric few.csv "-t $threshold" given.f1)" "0.0 0.0"
done
is "one false positive: its precision is 0" "$(metric few.csv "-t 3" given.precision) $(metric few.csv "-t 3" given.absent)" "0.0 absent"
like "the text has the reason too" "$("$WSIFLOW" evaluate -t 1e9 few.csv)" 'so the precision cannot be computed'

# ---- a row that is there again
printf 'slide,column,row,label,score\ns,0,0,0,1\ns,0,1,1,2\ns,1,0,0,3\n' >once.csv
{ cat once.csv; tail -n +2 once.csv | head -2; } >twice.csv
tail -n +2 once.csv | tail -1 | sed '1i slide,column,row,label,score' >part.csv
printf 'file,label,score\na,0,1\nb,1,2\na,0,1\n' >images.csv
metrics_of() { "$WSIFLOW" evaluate --json "$@" | python3 -c "import json, sys; f = json.load(sys.stdin); del f['notes']; print(f)"; }
is "rows that are there twice count once" "$(metrics_of twice.csv)" "$(metrics_of once.csv)"
like "and a note says so" "$("$WSIFLOW" evaluate twice.csv)" '^note: repeated rows, which count once: 2; the first is line 5 of twice.csv'
is "also in two files" "$(metrics_of once.csv part.csv)" "$(metrics_of once.csv)"
is "also images" "$(metric images.csv "" best_f1.n)" 2
sed '$s/,2$/,2.5/' twice.csv >other.csv
is "the same tile with another score is an error" "$("$WSIFLOW" evaluate other.csv 2>&1 >/dev/null; echo $?)" "wsiflow evaluate: other.csv: line 6: \"s 0 1\" is also in line 3 of other.csv, with another label or score
1"
printf 'file,label,score\na,0,1\na,1,1\n' >labels2.csv
like "the same image with another label too" "$("$WSIFLOW" evaluate labels2.csv 2>&1)" 'labels2.csv: line 3: "a" is also in line 2'
printf 'file,split,label,score\na,test,0,1\na,train,0,2\n' >splits.csv
is "an image may be in two splits, for each has metrics of its own" "$("$WSIFLOW" evaluate splits.csv >/dev/null 2>&1; echo $?)" 0
finish
