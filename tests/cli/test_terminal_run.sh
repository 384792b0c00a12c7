#!/bin/sh
# The live line of a run on terminals of several widths, the same from another process (status --watch), and the last lines.  The terminal is Python's pty; the width of characters is unicodedata's.
. tests/lib.sh
cd "$tmp" || exit 2
"$WSIFLOW" synth -o c -n 1 -l 0 --width 2048 --height 2048 >/dev/null 2>&1
cp c/slides/synth_00.tif "c/slides/a_very_long_name_of_a_slide_that_no_narrow_terminal_can_show_on_one_line_together_with_all_that_is_going_on_at_the_time.tif"
printf 'slides: {folder: c/slides}\ntiles: {size: 128}\ndataset: {valid_fraction: 0, test_fraction: 0}\ntrain: {run: false}\n' >lab.yaml
cat >see.py <<'P'
"""see.py COLUMNS TERM: runs on a terminal of that width; prints how many lines were drawn and the widest."""
import fcntl, os, pty, re, struct, sys, termios, unicodedata
columns, term = int(sys.argv[1]), sys.argv[2]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.environ["TERM"] = term
    os.execvp(sys.argv[3], sys.argv[3:])
out = b""
while True:
    try:
        part = os.read(fd, 65536)
    except OSError:
        break
    if not part:
        break
    out += part
os.waitpid(pid, 0)
drawn = [d for d in re.findall(r"\r\033\[K([^\r\n]*)", out.decode()) if d]
width = lambda s: sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in s)
print(len(drawn) > 0, max(map(width, drawn), default=0))
open("drawn.txt", "w").write("\n".join(drawn) + "\n")
P
for columns in 40 132; do
    rm -rf lab
    set -- $(python3 see.py $columns xterm "$WSIFLOW" dataset -c lab.yaml -o lab -j 2)
    is "$columns columns: the line is drawn" "$1" True
    check "and never wraps (widest $2)" test "$2" -gt 0 -a "$2" -lt $columns
done
# What the line says: jobs, time, the stage with its slides; never a bound of nothing.
like "the line has jobs, time and the stage with its slides" "$(cat drawn.txt)" \
    '^[0-9]+/[0-9]+ jobs [|] [0-9:]+ elapsed, (time left not known yet|(more than )?[0-9:]+ left|nothing left) [|] [a-z]+ [0-9]+/2 slides'
is "it never says more than nothing" "$(grep -cE '(>|more than) 0:00 left|0:00 left' drawn.txt)" 0
rm -rf lab
is "a dumb terminal gets plain lines" "$(python3 see.py 80 dumb "$WSIFLOW" dataset -c lab.yaml -o lab -j 2)" "False 0"
rm -rf lab
"$WSIFLOW" dataset -c lab.yaml -o lab -j 2 2>log >results
is "no terminal, no redrawing" "$(tr -d '\n' <log | tr -dc '[:cntrl:]' | wc -c)" 0
is "nor does a plain line" "$(grep -cE '> 0:00|more than 0:00| 0:00 left' log)" 0
is "the last line names the page" "$(tail -1 results)" \
    "look       wsiflow view lab (the slides and what was found on them, for review)"

# ---- from elsewhere ----
rm -rf lab
"$WSIFLOW" synth -o d -n 2 -l 0 --width 4096 --height 4096 >/dev/null 2>&1
cat >slow.yaml <<'Y'
slides: {folder: d/slides}
tiles: {size: 64, mpp: 1}
dataset: {valid_fraction: 0, test_fraction: 0}
model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}
train: {epochs: 1}
Y
"$WSIFLOW" run -c slow.yaml -o lab -j 1 >results 2>log &
run=$!
while [ ! -f lab/wsiflow.db ]; do sleep 0.05; done
is "the progress can be watched from elsewhere" "$(python3 see.py 132 xterm "$WSIFLOW" status --watch lab | cut -d' ' -f1)" True
is "and watching ends with the run" "$(kill -0 $run 2>/dev/null && sleep 1; kill -0 $run 2>/dev/null && echo runs)" ""
wait $run
like "it shows stage, slides and time left" "$(cat drawn.txt)" '^[0-9]+/[0-9]+ jobs [|] (time left|more than|[0-9:]+ left).* [|] [a-z]+ [0-9]+/2 slides'
like "and tiles per second" "$(cat drawn.txt)" '[|] [0-9]+ tiles/s$'
is "it never says more than nothing either" "$(grep -cE '(>|more than) 0:00 left|[^0-9]0:00 left' drawn.txt)" 0
like "the last lines have the highest slides" "$(tail -3 results | head -1)" '^highest    [a-z_0-9]+ \([-0-9.]+\), [a-z_0-9]+ \([-0-9.]+\): '
is "ranked as in the report: by the mean of the highest 1 % of their tiles" "$(tail -3 results | head -1)" "$(python3 -c "
import csv
rows = [(float(r['score_top_1_percent']), r['slide']) for r in csv.DictReader(open('lab/slides.csv')) if r['score_top_1_percent']]
print('highest    ' + ', '.join('%s (%.2f)' % (s, v) for v, s in sorted(rows, key=lambda r: (-r[0], r[1]))[:3]) + ': the mean of the highest 1 % of their tiles, in standard deviations of normal tiles')")"
like "the report" "$(tail -2 results | head -1)" '^report     lab/report.html'
like "and the page" "$(tail -1 results)" '^look       wsiflow view lab '
like "a run on which nothing works is shown as it is" "$("$WSIFLOW" status --watch lab 2>&1)" 'jobs done'
like "--json has no use for it" "$("$WSIFLOW" status --json --watch lab 2>&1)" 'exclude each other'
finish
