#!/bin/sh
# The review page in a real browser (headless Chromium): what a person does, and what is then on the screen and in the run.
. tests/lib.sh
root=$PWD
for program in chromium chromedriver; do
    command -v $program >/dev/null || skip_all "no $program"
done
python3 -c 'import selenium' 2>/dev/null || skip_all "no Python module selenium"
[ -f /usr/share/javascript/leaflet/leaflet.js ] || skip_all "no libjs-leaflet"
cd "$tmp" || exit 1
"$WSIFLOW" synth -o cohort -n 2 -l 1 --width 2500 --height 2100 >/dev/null 2>&1
# A scan that begins at (600, 450) px, with a dark square; and a file whose name is meant to be markup.
python3 "$root/tests/view/known_square.py" slide cohort/slides/synth_00.tif square.tif
python3 "$root/tests/leica_slide.py" square.tif cohort/slides/scan.scn
mv cohort/slides/synth_00.tif 'cohort/slides/<img src=x onerror=alert(1)>.tif'
cat >m.csv <<'C'
slide,patient,split,label,mpp_x,mpp_y
"cohort/slides/<img src=x onerror=alert(1)>.tif",a,train,normal,,
cohort/slides/synth_01.tif,b,test,,,
cohort/slides/scan.scn,c,test,normal,0.5,0.4
C
cat >run.yaml <<'Y'
run:
  name: 'A "run" <b onmouseover=alert(2)>of tests</b>'
slides:
  manifest: m.csv
  annotations: cohort/annotations
tiles:
  size: 128
train:
  epochs: 1
  batch: 4
model:
  blocks: [1, 1, 1]
  condition: 16
score:
  slides: all
heatmap:
  cell_um: 16
Y
"$WSIFLOW" run -c run.yaml -o run -j 2 >run.log 2>&1 || { cat run.log; exit 1; }
# The scan gets a map that is known: 8 in the square, 0 around it, no data elsewhere; its regions are made from that.
python3 "$root/tests/view/known_square.py" map run/slides/scan/scoremap.npy known.npy
"$WSIFLOW" heatmap known.npy -s cohort/slides/scan.scn -o known -t 2.5 >heatmap.log 2>&1 || { cat heatmap.log; exit 1; }
cp known.npy run/slides/scan/scoremap.npy
cp known/regions.geojson run/slides/scan/regions.geojson
cp -r run second
"$WSIFLOW" view run --compare second >view.log 2>view.err &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$tmp"' EXIT
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    address=$(sed -n 's/^open //p' view.log)
    [ -z "$address" ] || break
    sleep 0.25
done
[ -n "$address" ] || { cat view.log view.err; exit 1; }
pictures=$(dirname "$WSIFLOW")/screenshots
mkdir -p "$pictures"
python3 "$root/tests/view/page_browser.py" "$address" "$tmp" "$pictures"
