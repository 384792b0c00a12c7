#!/bin/sh
# The live line of a run on terminals of several widths.  The terminal is Python's pty; the width of characters is unicodedata's.
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
P
for columns in 40 132; do
    rm -rf lab
    set -- $(python3 see.py $columns xterm "$WSIFLOW" dataset -c lab.yaml -o lab -j 2)
    is "$columns columns: the line is drawn" "$1" True
    check "and never wraps (widest $2)" test "$2" -gt 0 -a "$2" -lt $columns
done
rm -rf lab
is "a dumb terminal gets plain lines" "$(python3 see.py 80 dumb "$WSIFLOW" dataset -c lab.yaml -o lab -j 2)" "False 0"
rm -rf lab
"$WSIFLOW" dataset -c lab.yaml -o lab -j 2 2>log
is "no terminal, no redrawing" "$(tr -d '\n' <log | tr -dc '[:cntrl:]' | wc -c)" 0
finish
