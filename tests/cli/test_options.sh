#!/bin/sh
# The command line in the style of GNU; what is given is used or refused; what is printed has arrived.
. tests/lib.sh
cd "$tmp" || exit 2
cat >a.xml <<'X'
<?xml version="1.0"?><ASAP_Annotations><Annotations><Annotation Name="a" Type="Polygon" PartOfGroup="Tumor" Color="#000000"><Coordinates>
<Coordinate Order="0" X="10" Y="10" /><Coordinate Order="1" X="60" Y="10" /><Coordinate Order="2" X="60" Y="50" />
</Coordinates></Annotation></Annotations><AnnotationGroups><Group Name="Tumor" PartOfGroup="None" Color="#000000"><Attributes /></Group>
</AnnotationGroups></ASAP_Annotations>
X
mask() { "$WSIFLOW" mask "$@"; }
code() { # NAME CODE PATTERN COMMAND...: exit code and what is said
    name=$1 wanted=$2 pattern=$3
    shift 3
    text=$("$@" 2>&1)
    is "$name: code $wanted" $? "$wanted"
    [ -z "$pattern" ] || like "$name: says so" "$text" "$pattern"
}

# ---- as getopt_long reads them
check "a short option with its value" mask a.xml --size=300x200 --mpp=0.5 -j2 -oshort.tif
check "long options, abbreviated, behind the arguments" mask a.xml --si 300x200 --mp 0.5 --thr=1 --out=long.tif
check "both gave the same" cmp short.tif long.tif
cp a.xml ./-a.xml
check "-- ends the options" mask --size 300x200 --mpp 0.5 -o dash.tif -- -a.xml
check "a value may begin with -" mask a.xml --size 300x200 --mpp 0.5 -o -dash.tif
check "and is a file of that name" cmp ./-dash.tif dash.tif
code "an ambiguous abbreviation" 2 '--s is ambiguous: --slide, --size' mask a.xml --s 300x200
code "an unknown option" 2 'unknown option --outptu; did you mean --output\?' mask a.xml --outptu x.tif
code "an unknown letter" 2 'unknown option -x' mask -x a.xml
code "a value where none goes" 2 '--json takes no value' "$WSIFLOW" slide --json=yes a.xml
code "no value where one goes" 2 '--output needs a value: MASK.tif' mask a.xml -o
code "an empty value" 2 '--output is empty' mask a.xml -o ''
code "an option twice" 2 '--output is given twice: x.tif and y.tif' mask a.xml -o x.tif -o y.tif
cp a.xml ä.xml
check "letters beyond ASCII in locale C" env LC_ALL=C "$WSIFLOW" mask ä.xml --size 300x200 --mpp 0.5 --group 'Läsion=lesion' -o ö.tif
check "and the file has that name" cmp ö.tif short.tif
latin=$(printf 'l\344sion')
check "bytes that are not UTF-8" env LC_ALL=C.UTF-8 "$WSIFLOW" mask a.xml --size 300x200 --mpp 0.5 -o "$latin.tif"
check "are kept" cmp "$latin.tif" short.tif
code "standard output as a file" 2 'write ./- for a file of that name' mask a.xml --size 300x200 --mpp 0.5 -o -
code "help of a command" 0 'usage: wsiflow mask' "$WSIFLOW" help mask
code "the nearest command" 2 'did you mean "evaluate"' "$WSIFLOW" evalute x.csv

# ---- numbers
printf 'file,label,score\na,0,1\nb,1,2\n' >s.csv
cp s.csv s2.csv
code "a threshold that is not a number" 2 'is "nan": expected a number' "$WSIFLOW" evaluate s.csv -t nan
code "an infinite threshold" 2 'expected a number' "$WSIFLOW" evaluate s.csv --threshold=inf
code "a threshold below 0 is one" 0 '' "$WSIFLOW" evaluate s.csv -t -1.5
code "no threads" 2 '--threads is 0: allowed are 1 to 1024' mask a.xml --size 300x200 --mpp 0.5 -j0 -o x.tif
code "half a thread" 2 '--threads is "1.5": expected a whole number from 1 to 1024' mask a.xml --size 300x200 --mpp 0.5 -j 1.5 -o x.tif
code "a negative resolution" 2 '--mpp is -1: allowed are' "$WSIFLOW" slide --mpp -1 a.xml
code "too many slides" 2 '--slides is 1e9: allowed are' "$WSIFLOW" synth -o x --slides 1e9

# ---- arguments
code "a file twice" 2 's.csv is given twice' "$WSIFLOW" evaluate s.csv s.csv
code "a file by two names" 2 's.csv and ./s.csv are the same file' "$WSIFLOW" evaluate s.csv ./s.csv
code "two files of one content are two" 0 '' "$WSIFLOW" evaluate s.csv s2.csv
code "an argument too many" 2 'unexpected argument y.yaml' "$WSIFLOW" config "$WSIFLOW" y.yaml
code "--sample without --verify" 2 '--sample requires --verify' "$WSIFLOW" dataset -c x.yaml --sample 3
code "-o with --verify" 2 '--verify allows no other option than --sample' "$WSIFLOW" dataset --verify x -o y

is "a name that holds a line break and ESC is reported on one line" \
    "$("$WSIFLOW" config "$(printf 'no\nsuch\033[2J')" 2>&1 | tr -dc '\n\033' | od -An -c | tr -d ' ')" '\n'

# ---- a run without -c; an unknown slide
"$WSIFLOW" synth -o c -n 1 -l 0 --width 3072 --height 2048 >/dev/null 2>&1
printf 'slides: {folder: c/slides}\ntiles: {size: 512}\ntrain: {run: false}\n' >lab.yaml
check "run CONFIG.yaml" "$WSIFLOW" dataset lab.yaml
check "goes to the folder of its name" test -e lab/dataset/manifest.csv
code "an unknown slide" 1 'no slide "synth_0"; did you mean "synth_00"' "$WSIFLOW" retry lab --slide synth_0
code "a known one" 0 '' "$WSIFLOW" retry lab --slide synth_00

# ---- standard output
code "a full standard output" 1 'standard output: ' sh -c "'$WSIFLOW' config >/dev/full"
code "help to a full one" 1 '' sh -c "'$WSIFLOW' --help >/dev/full"
code "metrics to a full one" 1 'standard output' sh -c "'$WSIFLOW' evaluate s.csv --json >/dev/full"
code "a closed one" 1 'standard output' sh -c "'$WSIFLOW' config >&-"
check "a closed one that is not used" sh -c "'$WSIFLOW' mask a.xml --size 300x200 --mpp 0.5 -o closed.tif >&- 2>&-; test -s closed.tif && cmp closed.tif short.tif"
finish
