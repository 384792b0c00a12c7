#!/bin/sh
# Looking at a run without the right to write, and what signals and closed pipes do to one.
. tests/lib.sh
cp "$WSIFLOW" "$tmp/wsiflow"
cd "$tmp" || exit 1
chmod 755 "$tmp"
"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 2304 --height 2048 >synth.log 2>&1 || exit 1
cat >run.yaml <<'Y'
slides: {manifest: cohort/manifest.csv, annotations: cohort/annotations}
tiles: {size: 128, mpp: 1.0}
dataset: {lesion_min: 0.25}
train: {run: false}
Y
"$WSIFLOW" run -c run.yaml -o done -j 2 >done.out 2>&1
is "a run" $? 0

# reader COMMAND...: as a user who may read but not write
if [ "$(id -u)" = 0 ]; then
    reader() {
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    }
else
    reader() {
        "$@"
    }
fi
setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null || [ "$(id -u)" != 0 ] || skip_all "no right to become another user"

# same_seen FOLDER WHAT: a reader sees what the owner sees
same_seen() {
    "$WSIFLOW" status "$1" --json >owner.json 2>/dev/null
    find "$1" -type d -exec chmod 555 {} +
    find "$1" -type f -exec chmod 444 {} +
    find "$1" -printf '%p %s %T@\n' | sort >before.txt
    reader ./wsiflow status "$PWD/$1" --json >reader.json 2>reader.err
    is "$2: a reader sees it" "$? $(cat reader.err)" "0 "
    check "$2: the same as the owner" sh -c 'grep -v seconds owner.json >a.json; grep -v seconds reader.json >b.json; test -s a.json && cmp a.json b.json'
    find "$1" -printf '%p %s %T@\n' | sort >after.txt
    check "$2: and changes nothing" cmp before.txt after.txt
    find "$1" -type d -exec chmod 755 {} +
    find "$1" -type f -exec chmod 644 {} +
}
same_seen done "a finished run"
setsid "$WSIFLOW" run -c run.yaml -o cut -j 2 >/dev/null 2>&1 &
sleep 0.7
killed $!
cp -r cut torn
same_seen cut "a run that was killed"
rm -f torn/wsiflow.db-shm
chmod 555 torn
reader ./wsiflow status "$PWD/torn" --json >torn.json 2>torn.err
is "a journal without its shared memory is read too" "$? $(cat torn.err)" "0 "
chmod 755 torn
is "no copy is left" "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'wsiflow-??????' -newer torn.json 2>/dev/null | wc -l)" 0
if unshare -m true 2>/dev/null; then
    unshare -m sh -c 'mount --bind done done && mount -o remount,ro,bind done && exec ./wsiflow status done' >ro.out 2>ro.err
    is "a read-only mount" "$? $(cat ro.err)" "0 "
    like "says what is done" "$(cat ro.out)" '^dataset +1 +1'
else
    skip "a read-only mount" "no right to mount"
fi
for arguments in done 'done --json'; do
    # shellcheck disable=SC2086
    "$WSIFLOW" status $arguments >/dev/full 2>full.err
    is "status $arguments to a full disk: exit 1" $? 1
    like "and says so" "$(cat full.err)" 'standard output.*No space left'
done

# ---- signals
signalled() { # NAME SIGNAL: a run that gets it after its first job; code in $code
    "$WSIFLOW" run -c run.yaml -o "$1" -j 1 >"$1.out" 2>"$1.err" &
    run=$!
    until_there "$1.err"
    kill -s "$2" $run
    wait $run
    code=$?
}
signalled hup HUP
is "a hang-up ends a run with 130" $code 130
"$WSIFLOW" run -c run.yaml -o hup -j 2 >/dev/null 2>&1
is "and the same command continues" $? 0
signalled term TERM
is "SIGTERM ends a run with 130" $code 130
like "and the reason is printed" "$(cat term.err)" 'stopped by a signal \(Terminated\): run the same command again to continue'
# Between a worker's start and the end of its work there is little time: several tries.
for try in 1 2 3 4 5 6 7 8; do
    "$WSIFLOW" run -c run.yaml -o "culled$try" -j 2 >culled.out 2>culled.err &
    run=$!
    until_there culled.err
    workers=
    while [ -z "$workers" ] && kill -0 "$run" 2>/dev/null; do
        read -r workers <"/proc/$run/task/$run/children" || true
    done 2>/dev/null
    # shellcheck disable=SC2086
    kill -s TERM $workers 2>/dev/null
    wait $run
    code=$?
    ! grep -q 'a worker was ended by a signal from outside' culled.err || break
done
is "SIGTERM to the workers alone: others replace them" $code 0
like "which is printed" "$(cat culled.err)" 'a worker was ended by a signal from outside'
trap '' HUP
signalled nohup HUP
is "a hang-up that is ignored (nohup) does nothing" $code 0
trap - HUP
(
    "$WSIFLOW" run -c run.yaml -o pipe -j 2 2>&1 >pipe.out
    echo $? >pipe.code
) | head -c 1 >/dev/null
is "a pipe that nobody reads any more does not end a run" "$(cat pipe.code)" 0
artefacts done >done.sums
artefacts pipe >pipe.sums
check "which gives the same bytes" cmp done.sums pipe.sums
finish
