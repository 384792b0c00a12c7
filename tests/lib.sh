# TAP for shell tests: source it, call the checks, end with `finish`.
set -u
WSIFLOW=${WSIFLOW:-$PWD/build/release/wsiflow}
# Debian's Python has the modules; another one may come first in PATH.
python3() {
    if [ -x /usr/bin/python3 ]; then /usr/bin/python3 "$@"; else command python3 "$@"; fi
}
TAP_N=0
TAP_FAILED=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# check NAME COMMAND...: the command must succeed.
check() {
    TAP_N=$((TAP_N + 1))
    name=$1
    shift
    if "$@" >"$tmp/tap.out" 2>&1; then
        echo "ok $TAP_N - $name"
    else
        echo "not ok $TAP_N - $name"
        sed 's/^/#   /' "$tmp/tap.out" | head -20
        TAP_FAILED=1
    fi
}

# is NAME GOT WANTED
is() {
    TAP_N=$((TAP_N + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $TAP_N - $1"
    else
        echo "not ok $TAP_N - $1"
        echo "#   got:    $2" | head -5
        echo "#   wanted: $3" | head -5
        TAP_FAILED=1
    fi
}

# like NAME TEXT PATTERN (extended regular expression, any line)
like() {
    TAP_N=$((TAP_N + 1))
    if printf '%s\n' "$2" | grep -qE -- "$3"; then
        echo "ok $TAP_N - $1"
    else
        echo "not ok $TAP_N - $1"
        printf '%s\n' "$2" | sed 's/^/#   /' | head -10
        echo "#   wanted: $3"
        TAP_FAILED=1
    fi
}

# skip NAME REASON
skip() {
    TAP_N=$((TAP_N + 1))
    echo "ok $TAP_N - $1 # SKIP $2"
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

# in_long: whether make check-long runs this, where a test may take larger slides and more of them.
in_long() {
    test -n "${WSIFLOW_TEST_LONG:-}"
}

# killed PID: kill -9 of the whole process group of a background job that setsid started; counted in KILLED when it was still running.
# (`kill -9 -- -PID` is an error in dash.)
KILLED=0
killed() {
    kill -s KILL -- "-$1" 2>/dev/null
    wait "$1" 2>/dev/null
    [ $? -ne 137 ] || KILLED=$((KILLED + 1))
}

# need_faults: makes tests/faults.c ready, or skips the whole test.
need_faults() {
    [ -z "${WSIFLOW_ASAN:-}" ] || skip_all "the sanitizers want to be the first library"
    ${CC:-gcc} -shared -fPIC -o "$tmp/faults.so" tests/faults.c -ldl 2>"$tmp/cc.log" || skip_all "no compiler: $(head -1 "$tmp/cc.log")"
}

# with_faults CALL NAME ERRNO COMMAND...: see tests/faults.c; FAULT_SKIP, FAULT_WHILE and FAULT_LOG are the environment's.
with_faults() {
    FAULT_CALL=$1 FAULT_NAME=$2 FAULT_ERRNO=$3
    export FAULT_CALL FAULT_NAME FAULT_ERRNO
    shift 3
    LD_PRELOAD=$tmp/faults.so "$@"
}

# until_there FILE: waits until it holds something, half a minute at most.
until_there() {
    n=0
    while [ ! -s "$1" ] && [ $n -lt 300 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    test -s "$1"
}

finish() {
    echo "1..$TAP_N"
    exit $TAP_FAILED
}

# sha NAME-OF-RUN: SHA-256 of all artefacts, as the job table has them and as they are on disk.
artefacts() {
    "$WSIFLOW" status "$1" --json | python3 -c '
import hashlib, json, os, sys
root = sys.argv[1]
for a in json.load(sys.stdin)["artefacts"]:
    data = open(os.path.join(root, a["path"]), "rb").read()
    real = hashlib.sha256(data).hexdigest()
    print(a["stage"], a["unit"], a["name"], a["path"], real, "ok" if real == a["sha256"] and len(data) == a["bytes"] else "DIFFERS")
' "$1"
}
