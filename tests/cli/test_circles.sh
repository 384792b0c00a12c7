#!/bin/sh
# tools/lint-circles on a made-up tree: it finds a circle, names what closes it, and says nothing about a tree without one.
. tests/lib.sh
tools=$PWD/tools
CC=${CC:-gcc}
command -v nm >/dev/null && $CC --version >/dev/null 2>&1 || skip_all "nm or a compiler is missing"
tree=$tmp/tree

# file PATH TEXT: a source of the tree; a .c file is compiled.
file() {
    mkdir -p "$tree/$(dirname "$1")" "$tree/build/release/$(dirname "$1")"
    printf '%s\n' "$2" >"$tree/$1"
    case $1 in
    *.c) (cd "$tree" && $CC -I. -c -o "build/release/${1%.c}.o" "$1") ;;
    esac
}
exceptions() {
    mkdir -p "$tree/tools"
    printf '%s\n' "$@" >"$tree/tools/lint-exceptions"
}
of_symbols() { circles "$@" | grep -v '^circle of includes'; }
circles() { (cd "$tree" && perl "$tools/lint-circles" "$@" 2>&1); }
new_tree() {
    rm -rf "$tree"
    file base/text.h 'void text_put(void);'
    file base/text.c '#include "base/text.h"
void text_put(void) {}'
    file db/store.h 'void store_open(void); void store_close(void);'
    file db/store.c '#include "db/store.h"
#include "base/text.h"
void store_open(void) { text_put(); }
void store_close(void) {}'
}

new_tree
is "a tree without circles" "$(circles)" ""

# ---- symbols ----
file db/ends.h 'void ends_all(void);'
file db/ends.c '#include "db/ends.h"
#include "db/store.h"
void ends_all(void) { store_close(); }'
is "one direction is fine" "$(circles)" ""
file db/store.c '#include "db/store.h"
#include "db/ends.h"
void store_open(void) { ends_all(); }
void store_close(void) {}'
is "two files that call each other, with the symbols" "$(of_symbols)" \
    "circle of symbols: db/ends -> db/store (store_close) -> db/ends (ends_all)"
file db/look.c 'void ends_all(void); void look_at(void) { ends_all(); }'
file db/ends.c '#include "db/ends.h"
#include "db/store.h"
void look_at(void);
void ends_all(void) { store_close(); look_at(); }'
is "of several circles the first is shown" "$(of_symbols)" \
    "circle of symbols: db/ends -> db/look (look_at) -> db/ends (ends_all) [one of 2 circles in 3 files: tools/lint-circles --all]"
is "or all" "$(of_symbols --all)" "circle of symbols: db/ends -> db/look (look_at) -> db/ends (ends_all)
circle of symbols: db/ends -> db/store (store_close) -> db/ends (ends_all)"
touch -d '1 hour ago' "$tree/build/release/db/look.o"
like "an object that is older than its source is no basis" "$(circles)" \
    "^build/release/db/look.o is missing or older than its source: run make first$"

# ---- exceptions ----
new_tree
file flows/run/stages.c 'void stage_cut(void); void stages(void) { stage_cut(); }'
file flows/run/stage_cut.c 'void stages(void); void stage_cut(void) { stages(); }'
like "a table and its entry" "$(circles)" "^circle of symbols: flows/run/stage_cut -> flows/run/stages"
exceptions 'flows/run/stages->flows/*/stage_*  the table names its entries'
is "unless the table is an exception" "$(circles)" ""
exceptions 'flows/run/stages->flows/*/stage_*'
is "which needs a reason" "$(circles)" "tools/lint-exceptions:1: an exception needs a reason"
exceptions 'flows/run/stages->flows/*/stage_*  the table names its entries' 'db/store->base/*  a reason'
is "an exception that leaves out no circle" "$(circles)" "tools/lint-exceptions:2: db/store->base/* needs no exception"

# ---- includes ----
new_tree
file db/a.h '#pragma once
#include "db/b.h"'
file db/b.h '#pragma once
#include "db/a.h"'
is "headers that include each other" "$(circles)" \
    "circle of headers: db/a.h -> db/b.h (includes) -> db/a.h (includes)
circle of includes: db/a -> db/b (by db/a.h) -> db/a (by db/b.h)"
new_tree
file flows/layers/step.h '#include "flows/models/model.h"'
file flows/models/model.h 'typedef int Spec;'
file flows/models/model.c '#include "flows/layers/step.h"'
is "units of two folders that include each other" "$(circles)" "circle of includes: flows/layers/step -> flows/models/model (by flows/layers/step.h) -> flows/layers/step (by flows/models/model.c)"
new_tree
file flows/models/model.h 'typedef int Spec;'
file flows/models/model_private.h '#include "flows/models/model.h"'
file flows/models/part.h '#include "flows/models/model.h"'
file flows/models/model.c '#include "flows/models/part.h"
#include "flows/models/model_private.h"'
is "a part and the whole, which include each other" "$(circles)" \
    "circle of includes: flows/models/model -> flows/models/part (by flows/models/model.c) -> flows/models/model (by flows/models/part.h)"
exceptions 'flows/models/part->flows/models/model  a reason'
is "unless there is a reason" "$(circles)" ""
new_tree
file db/a.h '#pragma once
#include <db/b.h>'
file db/b.h '#pragma once
#include "db/a.h"'
like "angle brackets hide nothing" "$(circles)" "circle of headers: db/a.h -> db/b.h"
circles >/dev/null
is "a finding is a status" "$?" 1
new_tree
circles >/dev/null
is "and so is none" "$?" 0

# ---- the order of folders ----
new_tree
mkdir -p "$tree/docs"
printf '%s\n' '| `flows/layers/` | steps |' '| `flows/models/` | models |' >"$tree/docs/ARCHITECTURE.md"
file flows/layers/step.h 'typedef int Step;'
file flows/models/model.h '#include "flows/layers/step.h"'
is "a folder may include those above it" "$(circles)" ""
file flows/models/model.h 'typedef int Model;'
file flows/layers/step.h '#include "flows/models/model.h"'
is "but not those below it" "$(circles)" \
    "flows/layers/step -> flows/models/model (by flows/layers/step.h): flows/models/ is below flows/layers/ in docs/ARCHITECTURE.md"
exceptions 'flows/layers/step->flows/models/model  a reason'
is "unless there is a reason for it" "$(circles)" ""

# ---- names and folders ----
new_tree
file base/scratch.h ''
file db/scratch.c ''
is "two files of one name" "$(circles)" "base/scratch.h and db/scratch.c share a name"
exceptions 'name:scratch  until one is renamed'
is "as an exception" "$(circles)" ""
rm "$tree/db/scratch.c"
is "which ends with its need" "$(circles)" "tools/lint-exceptions:1: name:scratch needs no exception"
new_tree
for n in $(seq 23); do file "db/n$n.c" ''; done
file db/last.c ''
is "25 files in a folder" "$(circles)" ""
file db/more.c ''
is "26 are too many" "$(circles)" "db/ has 26 .c files, the limit is 25: divide it by subject"
exceptions 'folder:db  it is divided next'
is "unless there is a reason" "$(circles)" ""

# ---- folders ----
new_tree
file flows/a/one.c 'void two(void); void one(void) { two(); }'
file flows/b/two.c 'void three(void); void two(void) { three(); }'
is "one folder uses another" "$(circles)" ""
is "which is in the report" "$(circles --folders)" "db -> base: 1 symbols: text_put
flows/a -> flows/b: 1 symbols: two"
file flows/a/three.c 'void three(void) {}'
is "folders that need each other, though no file does" "$(circles)" \
    "circle of folders: flows/a -> flows/b (two) -> flows/a (three)"
exceptions 'flows/a->flows/b  a reason'
is "unless the folder is an exception" "$(circles)" ""
exceptions 'flows/a/one->flows/*/two  a reason'
is "or the files" "$(circles)" ""
finish
