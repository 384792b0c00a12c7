#!/bin/sh
# Outputs that cannot be written are found before the work: the inputs, which do not exist, are not even looked at.
. tests/lib.sh
cd "$tmp" || exit 2
mkdir folder d.xml && echo x >file && mkdir full/ && mkdir -p blocked/scores.csv new
refused() { # NAME PATTERN COMMAND...: exit code 1, the output is the reason, and nothing new is there
    name=$1 pattern=$2
    shift 2
    text=$("$WSIFLOW" "$@" 2>&1)
    is "$name: code" $? 1
    like "$name: reason" "$text" "$pattern"
}
before=$(find . | sort)
for out in folder /dev/full file/x.tif; do
    refused "mask to $out" "$out.*(folder|regular|Not a directory)" mask none.xml --size 300x200 --mpp 0.5 -o $out
    refused "train to $out" "$out.*(folder|regular|Not a directory)" train -p none -o $out
    refused "score of patches to $out" "$out.*(folder|regular|Not a directory)" score -m none -p none -o $out
done
refused "annotation to a folder" "d.xml.*it is a folder" annotation convert none.xml -o d.xml
for command in "heatmap none.npy -s none.tif" "sample none -n 1" "synth" "run none.yaml" "score -m none none.tif"; do
    case $command in
    run*) printf 'patches: {folder: folder}\n' >c.yaml; command="run c.yaml" ;;
    esac
    # shellcheck disable=SC2086
    refused "$command into a file" 'file.*not a folder|Not a directory' $command -o file
    # shellcheck disable=SC2086
    refused "$command into a device" '/dev/null.*not a folder|Not a directory' $command -o /dev/null/x
done
refused "scores where a folder is" 'scores.csv.*it is a folder' score -m none blocked.tif -o .
refused "a name that is too long" 'name too long' mask none.xml --size 300x200 --mpp 0.5 -o "$(printf '%0300d' 0)"
rm -f c.yaml
is "nothing was left behind" "$(find . | sort | grep -v tap.out)" "$(printf '%s\n' "$before" | grep -v tap.out)"

# ---- an output that is an input
cat >a.xml <<'X'
<?xml version="1.0"?><ASAP_Annotations><Annotations></Annotations><AnnotationGroups></AnnotationGroups></ASAP_Annotations>
X
cp a.xml keep.xml
ln -s a.xml link.xml
refused "the annotation itself" 'a.xml: it is the input' annotation convert a.xml -o ./a.xml
refused "by another name" 'link.xml: it is the input' annotation convert a.xml -o link.xml
refused "the slide" 'a.xml: it is the input' mask keep.xml --slide a.xml -o a.xml
check "is as it was" cmp a.xml keep.xml

# ---- a full and a read-only file system
mounting="unshare -rm"
[ "$(id -u)" != 0 ] || mounting="unshare -m" # root needs no user namespace, which a chroot cannot have
if $mounting true 2>/dev/null; then
    full=$($mounting sh -c 'mount -t tmpfs -o size=64k tmpfs full && head -c 1000000 /dev/zero >full/rest 2>/dev/null
        "$0" mask none.xml --size 300x200 --mpp 0.5 -o full/x.tif 2>&1; ls -A full' "$WSIFLOW")
    like "a full disk" "$full" 'No space left'
    is "and nothing is left on it" "$(printf '%s\n' "$full" | tail -1)" rest
    readonly=$($mounting sh -c 'mount -t tmpfs -o ro tmpfs full && "$0" synth -o full/cohort 2>&1' "$WSIFLOW")
    like "a read-only one" "$readonly" 'Read-only file system'
else
    skip "a full disk" "no mount namespaces here"
fi
finish
