#!/bin/sh
# The tools that check the others: they must see what is wrong, and say nothing about what is right.
. tests/lib.sh
tools=$PWD/tools

# ---- tools/run-tests ----
mkdir "$tmp/t"
test_program() { # NAME BODY
    printf '#!/bin/sh\n%s\n' "$2" >"$tmp/t/$1"
    chmod +x "$tmp/t/$1"
}
test_program good 'echo "1..2"; echo "ok 1 - a"; echo "ok 2 - b"'
test_program skips 'echo "1..2"; echo "ok 1 - a"; echo "ok 2 - b # SKIP no slide"'
test_program all_skipped 'echo "1..0 # SKIP no display"'
test_program fails 'echo "1..2"; echo "ok 1 - a"; echo "# the reason"; echo "not ok 2 - b"'
test_program dies 'echo "1..2"; echo "ok 1 - a"; kill -SEGV $$'
test_program short 'echo "1..3"; echo "ok 1 - a"; echo "ok 2 - b"'
test_program bad_status 'echo "1..1"; echo "ok 1 - a"; exit 3'
test_program silent ':'
test_program gives_up 'echo "1..2"; echo "ok 1 - a"; echo "Bail out! ERROR: assertion failed"; exit 134'
test_program hangs 'echo "1..1"; sleep 60; echo "ok 1 - a"'

# runs NAME... : output in $out, the last line in $last, status in $status
limit=1
runs() {
    out=$(cd "$tmp/t" && WSIFLOW_TEST_SECONDS=$limit "$tools/run-tests" "$@" 2>&1)
    status=$?
    last=$(printf '%s\n' "$out" | tail -n 1)
}
runs ./good
is "all good: the closing line" "$last" "2 passed, 0 failed, 0 skipped"
is "all good: status" "$status" 0
runs ./good ./skips ./all_skipped
is "skips are counted" "$last" "3 passed, 0 failed, 2 skipped"
like "a skip is shown with its reason" "$out" "skips b: no slide"
like "a skipped program is shown with its reason" "$out" "all_skipped everything: no display"
runs ./good ./fails
is "a failure is counted" "$last $status" "3 passed, 1 failed, 0 skipped 1"
like "a failure is shown with its words" "$out" "the reason"
for program in dies short bad_status silent hangs; do
    runs ./$program
    like "$program: has failed" "$last $status" ", 1 failed, 0 skipped 1$"
done
runs ./gives_up ./good
is "a program that gives up does not stop the others" "$last $status" "3 passed, 1 failed, 0 skipped 1"
runs ./nowhere
is "a test that is not there has failed" "$last $status" "0 passed, 1 failed, 0 skipped 1"

# ---- budgets of processor time ----
unset WSIFLOW_TEST_BUDGET WSIFLOW_TEST_LONG WSIFLOW_ASAN
limit=60
mkdir "$tmp/t/tests"
runs ./good
like "without a table there are no budgets, which is said" "$out" "^BUDGETS ARE OFF: there is no tests/budgets$"
budgets() { printf '%s\n' "$@" >"$tmp/t/tests/budgets"; }
test_program busy 'echo "1..1"; perl -e "while ((times)[0] < 0.3) { for (1 .. 100000) {} }"; echo "ok 1 - a"'
test_program idle 'echo "1..1"; sleep 0.8; echo "ok 1 - a"'
budgets '# a comment' 'check default 0.2 a reason'
runs ./idle
is "time that passes is not processor time" "$last $status" "1 passed, 0 failed, 0 skipped 0"
budgets 'long busy 0.2 a reason'
runs ./busy ./good
is "over its budget: failed" "$last $status" "3 passed, 1 failed, 0 skipped 1"
like "a long program has no other target" "$out" \
    "^    busy took [0-9.]+ s of processor time, its budget is 0.2 s: .*, or raise its budget in tests/budgets$"
like "the closing lines have the time" "$out" "^processor time [0-9]+ s, elapsed [0-9]+ s$"
budgets 'check default 0.2 a reason'
runs ./busy
like "over its budget: what to do" "$out" "busy took .* move it to make check-long .* WSIFLOW_TEST_BUDGET=FACTOR on a slow machine$"
budgets 'check busy 30 a reason'
runs ./busy
is "within its budget" "$last $status" "1 passed, 0 failed, 0 skipped 0"
budgets 'check default 0.2 a reason' 'check total 30 a reason'
export WSIFLOW_TEST_BUDGET=20
runs ./busy
is "a slow machine has larger budgets" "$last $status" "1 passed, 0 failed, 0 skipped 0"
export WSIFLOW_TEST_BUDGET=0
runs ./busy
is "a factor of 0 is an error" "$status $out" "2 tools/run-tests: WSIFLOW_TEST_BUDGET is 0; it may be a factor above 0, or off"
runs
is "so is a run of nothing" "$status" 2
export WSIFLOW_TEST_BUDGET="off: no oneDNN"
runs ./busy
is "or none" "$last $status" "1 passed, 0 failed, 0 skipped 0"
like "which is said" "$out" "^BUDGETS ARE OFF: WSIFLOW_TEST_BUDGET is off: no oneDNN$"
unset WSIFLOW_TEST_BUDGET
export WSIFLOW_ASAN=1
runs ./busy
is "sanitizers have none" "$last $status" "1 passed, 0 failed, 0 skipped 0"
like "which is said too" "$out" "^BUDGETS ARE OFF: sanitizers"
unset WSIFLOW_ASAN
budgets 'check total 0.2 a reason'
runs --check ./busy
is "the whole run has a budget" "$last $status" "1 passed, 1 failed, 0 skipped 1"
like "and says so" "$out" "^FAIL all programs together are over their budget: "
runs ./busy
is "a part of it has none" "$last $status" "1 passed, 0 failed, 0 skipped 0"
budgets 'long busy 30 a reason'
runs --check ./busy ./good
is "check leaves out what is long" "$last" "2 passed, 0 failed, 0 skipped"
like "and says how many" "$out" "^left to make check-long: 1$"
runs --long ./busy ./good
is "long runs only that" "$last" "1 passed, 0 failed, 0 skipped"
test_program both 'echo "1..1"; echo "ok 1 - a # SKIP in ${WSIFLOW_TEST_LONG:-check}"'
budgets 'check both 30 a reason' 'long both 90 a reason'
runs --check ./both
like "a program with two lines is in check" "$out" "both a: in check$"
runs --long ./both ./good
like "and in long, where it knows" "$out" "both a: in 1$"
budgets 'check test_goo.sh 30 a reason'
touch "$tmp/t/tests/test_good.sh" "$tmp/t/tests/test_a.c"
runs ./good
is "a name without a test" "$out" "tests/budgets: line 1: there is no test test_goo.sh (nearest: test_good.sh)
0 passed, 1 failed, 0 skipped"
is "is an error" "$status" 1
budgets 'check good 30' 'check test_a 1 twice' 'check test_a 2 twice'
runs ./good
is "so are a line without reason and a second line" "$out" "tests/budgets: line 1: expected: check|long NAME SECONDS REASON
tests/budgets: line 3: test_a has a budget already
0 passed, 2 failed, 0 skipped"

# ---- tools/lint-source ----
tree=$tmp/tree
mkdir -p "$tree/base" "$tree/tiler/slide" "$tree/flows" "$tree/db" "$tree/tests" "$tree/tools"
echo '#pragma once' >"$tree/tiler/slide.h"
echo '#pragma once' >"$tree/base/error.h"
findings() { (cd "$tree" && perl "$tools/lint-source" "$@" 2>&1); }
source_file() { # NAME BODY
    printf '/* Essay. */\n%s\n' "$2" >"$tree/$1"
}
source_file tiler/good.c '#include "tiler/slide.h"
#include "base/error.h"
#include <tiff.h>
/* strcpy(a, b) in a comment */
const char *text = "strcpy(a, b)";'
is "nothing wrong, nothing said" "$(findings tiler/good.c)" ""
source_file flows/a.c '#include "tiler/slide.h"'
is "a room that may not be entered" "$(findings flows/a.c)" "flows/a.c:2: flows/ may not include tiler/slide.h"
source_file flows/b.c '#include <tiffio.h>
#include <openslide/openslide.h>'
is "libraries of another room" "$(findings flows/b.c)" "flows/b.c:2: <tiffio.h> belongs to tiler/
flows/b.c:3: <openslide/openslide.h> belongs to tiler/"
source_file base/a.c '#include "error.h"'
is "includes name the room" "$(findings base/a.c)" 'base/a.c:2: include "error.h" as "room/name.h" or "room/folder/name.h"'
source_file base/f.c '#include <tiler/slide.h>
#include HEADER'
is "headers of a room are in quotes, and named" "$(findings base/f.c)" 'base/f.c:2: include <tiler/slide.h> as "tiler/slide.h"
base/f.c:3: an include names its file, not a macro'
rm "$tree/base/f.c"
source_file tests/a.c '#include <tiffio.h>
#include "tiler/slide.h"'
is "tests may look everywhere" "$(findings tests/a.c)" ""
source_file base/b.c 'void f(void) { strcpy(a, b); g_strlcpy(a, b, 3); }'
is "banned functions" "$(findings base/b.c)" "base/b.c:2: strcpy is banned: use g_strlcpy"
source_file db/a.c 'void f(void) { sqlite3_step(s); }'
is "SQLite has one door" "$(findings db/a.c)" "db/a.c:2: sqlite3_step only in db/sql.c: use db/sql.h"
body=$(yes '    x();' | head -n 60)
source_file base/c.c "static void busy(int a)
{
$body
}"
is "60 lines are allowed" "$(findings base/c.c)" ""
source_file base/c.c "static void busy(int a)
{
$body
    x();
}"
is "61 are not" "$(findings base/c.c)" "base/c.c:3: busy has 61 lines, the limit is 60"
echo 'base/c.c:busy it is a table' >"$tree/tools/lint-exceptions"
is "unless there is a reason" "$(findings base/c.c)" ""
is "a reason without need is wrong" "$(findings tiler/good.c)" \
    "tools/lint-exceptions:1: base/c.c:busy needs no exception"
echo 'base/c.c:busy' >"$tree/tools/lint-exceptions"
like "an exception without reason is none" "$(findings base/c.c)" "an exception needs a reason"
rm "$tree/tools/lint-exceptions"
yes 'int x;' | head -n 601 >"$tree/base/d.h"
is "long files and headers without guard" "$(findings base/d.h)" "base/d.h: 601 lines, the limit is 600: split it by idea
base/d.h: no #pragma once"
echo 'int x;' >"$tree/base/e.c"
is "an essay opens every file" "$(findings base/e.c)" \
    "base/e.c: no essay at its top (a comment: what it is, why this way)"

# ---- tools/bench ----
mkdir -p "$tmp/b/tests/room"
printf '#!/bin/sh\n[ "${1:-one}" = one ] && echo "bench one 1 s"\nexit 0\n' >"$tmp/b/tests/room/bench_one"
printf '#!/bin/sh\n[ "${1:-two}" = two ] && echo "bench two ${OPENBLAS_CORETYPE:-free} s"\nexit 0\n' >"$tmp/b/tests/room/bench_two"
chmod +x "$tmp"/b/tests/room/*
is "all measurements" "$(OPENBLAS_CORETYPE=Zen tools/bench "$tmp/b")" "bench one 1 s
bench two free s"
is "one measurement" "$(tools/bench "$tmp/b" two)" "bench two free s"
tools/bench "$tmp/b" three >/dev/null 2>&1
is "an unknown measurement is an error" "$?" 1

# ---- tools/check-release ----
out=$(tools/check-release sid 2>&1)
is "check-release: an unknown release" "$?" 2
like "check-release: the known ones are listed" "$out" 'release "sid" is unknown; .*bookworm trixie forky'
tools/check-release "bookworm trixie" >/dev/null 2>&1
is "check-release: two names are not one" "$?" 2
out=$(tools/check-release forky packages 2>&1)
is "check-release: an unknown second word" "$? $out" '2 tools/check-release: "packages" is unknown; the second word may be: package'

# ---- tools/copy-sources ----
mkdir -p "$tmp/from/tools" "$tmp/all" "$tmp/part"
cp tools/copy-sources "$tmp/from/tools/"
touch "$tmp/from/Makefile" "$tmp/from/a b"
"$tmp/from/tools/copy-sources" "$tmp/all"
is "copy-sources: without git all files are copied" "$(cd "$tmp/all" && find . -type f | LC_ALL=C sort | tr '\n' ' ')" \
    "./Makefile ./a b ./tools/copy-sources "
if git -C "$tmp/from" init -q && git -C "$tmp/from" add .; then
    rm "$tmp/from/a b"
    check "copy-sources: a tracked file that is missing is an error" sh -c '! "$0/from/tools/copy-sources" "$0/part" 2>/dev/null' "$tmp"
else
    skip "copy-sources: a tracked file that is missing is an error" "git is missing"
fi

# ---- .ci/run ----
unset MAKEFLAGS MAKELEVEL MFLAGS
mkdir -p "$tmp/ci/main/.ci" "$tmp/ci/shared/data"
cp .ci/run "$tmp/ci/main/.ci/"
check_is() { printf 'check:\n\t%s\n' "$1" >"$tmp/ci/main/Makefile"; }
check_is '@echo "3 passed, 0 failed, 1 skipped"; echo "data $$WSIFLOW_TEST_DATA"'
out=$(unset WSIFLOW_TEST_DATA; "$tmp/ci/main/.ci/run")
is "ci: status of a good check" "$?" 0
is "ci: the closing line is last" "$(echo "$out" | tail -n 1)" "3 passed, 0 failed, 1 skipped"
like "ci: data next to the repository is found" "$out" "^data $tmp/ci/shared/data$"
like "ci: unless it is named" "$(WSIFLOW_TEST_DATA=/x "$tmp/ci/main/.ci/run")" "^data /x$"
check_is '@echo "3 passed, 1 failed, 0 skipped"; false'
out=$("$tmp/ci/main/.ci/run" 2>&1)
is "ci: a failed check" "$? $(echo "$out" | tail -n 1)" "2 3 passed, 1 failed, 0 skipped"
check_is '@echo "undefined reference" >&2; false'
out=$("$tmp/ci/main/.ci/run" 2>&1)
is "ci: a build that fails" "$? $(echo "$out" | tail -n 1)" "2 0 passed, 1 failed, 0 skipped"
finish
