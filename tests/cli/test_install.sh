#!/bin/sh
# Installing into folders whose names a shell would split or expand, removing just that again, and how the program was linked.
. tests/lib.sh
built=$(dirname "$WSIFLOW")

# make_target TARGET: into or out of $root$prefix
make_target() {
    MAKEFLAGS='' make -s -o all "$1" B="$built" DESTDIR="$root" PREFIX="$prefix" >"$tmp/make.out" 2>&1
}

prefix=/usr
n=0
for word in 'a b' "it's" 'a;b&c' 'x*y'; do
    n=$((n + 1))
    root=$tmp/$n/$word
    first=$tmp/$n/${word%% *} # what an unquoted name would be cut to
    mkdir -p "$root" "$tmp/$n/bystander/usr/bin"
    check "[$word] is installed into" make_target install
    check "[$word] has the program, the man page and the configurations" sh -c '
        cmp "$0/usr/bin/wsiflow" "$1" && test -s "$0/usr/share/man/man1/wsiflow.1" && test -s "$0/usr/share/wsiflow/configs/default.yaml"' \
        "$root" "$WSIFLOW"
    check "[$word] has the manifest of a configuration, and the changes" sh -c '
        cmp configs/tumor_001.csv "$0/usr/share/wsiflow/configs/tumor_001.csv" &&
        cmp CHANGELOG.md "$0/usr/share/doc/wsiflow/CHANGELOG.md"' "$root"
    is "[$word] nothing is written next to it" "$(find "$tmp/$n" -type f | wc -l)" "$(find "$root" -type f | wc -l)"
    if [ "$first" != "$root" ]; then
        mkdir -p "$first"
        touch "$first/keep"
    fi
    check "[$word] is removed from" make_target uninstall
    is "[$word] no file of ours is left" "$(find "$root" -type f -name '*wsiflow*' -o -type f -name '*.yaml' -o -type f -name '*.csv' -o -type f -name '*.md' | wc -l)" 0
    [ "$first" = "$root" ] || check "[$word] what lies at the start of its name stays" test -e "$first/keep"
done
root=$tmp/p
prefix='/opt/a b'
check "PREFIX may have spaces too" make_target install
check "and the program is there" cmp "$root/opt/a b/bin/wsiflow" "$WSIFLOW"
check "and goes" make_target uninstall
check "with nothing left" test ! -e "$root/opt/a b/bin/wsiflow"

# ---- the tests of a checkout in such a folder, with a runner that only says which program it was given
for word in 'a b' "it's"; do
    mkdir -p "$tmp/checkout/$word/tools"
    cp Makefile VERSION "$tmp/checkout/$word"
    printf '#!/bin/sh\necho "$WSIFLOW"\n' >"$tmp/checkout/$word/tools/run-tests"
    chmod +x "$tmp/checkout/$word/tools/run-tests"
    is "[$word] the tests get the program by its whole path" \
        "$(MAKEFLAGS='' make -s -C "$tmp/checkout/$word" --eval 'show: ; @$(RUNTESTS)' show 2>&1)" "$tmp/checkout/$word/build/release/wsiflow"
done

# ---- other flags make other objects
mkdir -p "$tmp/flags/base"
cp Makefile VERSION "$tmp/flags"
echo 'int value(void); int value(void) { return 1; }' >"$tmp/flags/base/value.c"
builds() { MAKEFLAGS='' make -C "$tmp/flags" build/release/base/value.o "$@" 2>&1 | grep -c ' -c -o build/release/base/value.o'; }
is "an object is built" "$(builds)" 1
is "and not again with the same flags" "$(builds)" 0
is "nor when warnings are errors" "$(builds DEVELOPER=1)" 0
is "but with others" "$(builds CFLAGS=-DOTHER)" 1
is "and with the first ones" "$(builds)" 1
like "an unknown CONFIG is refused" "$(builds CONFIG=relase; MAKEFLAGS='' make -n CONFIG=relase clean 2>&1)" 'CONFIG=relase is unknown'

# ---- bash completion
if command -v bash >/dev/null; then
    # completed WORD...: what is offered for the last word
    cat >"$tmp/completed.sh" <<'B'
. tools/completions/wsiflow.bash
compopt() { :; }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_wsiflow
echo "${COMPREPLY[*]}"
B
    completed() {
        bash "$tmp/completed.sh" "$WSIFLOW" "$@"
    }
    is "an option is offered once" "$(completed dataset --v)" '--verify='
    is "a short one too" "$(completed dataset -c | tr ' ' '\n' | grep -c '^-c$')" 1
    is "the word of a command" "$(completed annotation '')" 'convert'
    like "files where a command has none" "$(completed slide READ)" 'README.md'
else
    skip "bash completion" "there is no bash"
fi

# ---- how it was linked
if [ "${built##*/}" != release ] || ! command -v readelf >/dev/null; then
    skip "hardening of the binary" "readelf is missing, or this is not the release build"
else
    like "the binary is position independent" "$(readelf -hW "$WSIFLOW")" 'Type: *DYN'
    like "relocations are read-only" "$(readelf -lW "$WSIFLOW")" 'GNU_RELRO'
    like "and all are made at the start" "$(readelf -dW "$WSIFLOW")" 'BIND_NOW'
    like "calls of libc are checked" "$(readelf -sW --dyn-syms "$WSIFLOW")" '__[a-z]+_chk@'
    like "at the highest level that the compiler knows" "$(MAKEFLAGS='' make -pn 2>/dev/null | grep '^FORTIFY')" '= [23]$'
fi
finish
