"""The tests of test_page.sh: page_browser.py ADDRESS FOLDER PICTURES.  Speaks TAP.

ADDRESS is what `wsiflow view` prints, with its token; FOLDER holds run/ and second/; pictures of the page are left in PICTURES."""
import math
import os
import random
import sys
import time
import traceback
import urllib.error
import urllib.request

import numpy as np
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import known_square as known
from page_steps import (browser, click_at, find, get, go_to, js, keys, map_pixels, middle, module, move_to, names, open_id, open_slide, position, requests,
                        saved, screen, select, settle, shown, slide_to, text, until, viewer_box, wait_js)

ADDRESS, FOLDER, PICTURES = sys.argv[1:]
SITE = ADDRESS.split("/?")[0]
HOSTILE = '"><img src=x onerror=alert(3)>'
tests = []


def test(words):
    return lambda function: tests.append((words, function)) or function


def file(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        return f.read()


# ---- the list ----

@test("without the token's cookie there is no page")
def without_token():
    try:
        urllib.request.urlopen(SITE + "/api/slides")
        raise AssertionError("an answer without a cookie")
    except urllib.error.HTTPError as error:
        assert error.code == 401, error.code


@test("the address with the token opens the list, and the token leaves the address")
def open_page():
    browser.get(ADDRESS)
    until(lambda: len(names()) == 3, "three slides")
    settle()
    assert "token" not in browser.current_url, browser.current_url
    js("performance.setResourceTimingBufferSize(20000)")


@test("slides are in the order of the mean of their top 1 %, as in the report, or of their names")
def order():
    scores = {s["name"]: s["scores"]["top"] for s in get("/api/slides")}
    assert len(set(scores.values())) > 1, scores
    assert names() == sorted(scores, key=lambda n: (-scores[n], n)), (names(), scores)
    select("sort", "name")
    assert sorted(names(), key=str.lower) == names(), names()
    select("sort", "top")


@test("the list is filtered by text and by state, and counts")
def filters():
    find("filter").send_keys("SYNTH_01")
    until(lambda: "synth_01" in names() and len(names()) <= 2, "the filter by text")
    for _ in "SYNTH_01":
        find("filter").send_keys(Keys.BACKSPACE)
    until(lambda: len(names()) == 3, "all slides")
    select("filter-state", "done")
    assert len(names()) == 1 and names()[0] == text("slide-title"), names()  # the open one stays
    select("filter-state", "all")
    assert text("counts") == "3 of 3 slides · 0 done", text("counts")


@test("arrow keys go through the list")
def arrows():
    listed = names()
    open_slide(listed[0])
    find("slides").send_keys(Keys.ARROW_DOWN)
    until(lambda: text("slide-title") == listed[1], "the second slide")
    find("slides").send_keys(Keys.HOME)
    until(lambda: text("slide-title") == listed[0], "the first slide")


@test("names with markup are text")
def hostile():
    open_slide(next(n for n in names() if "img" in n))
    assert "<b onmouseover" in text("run-name"), text("run-name")
    find("note").send_keys(HOSTILE)
    find("note").send_keys(Keys.TAB)
    saved()
    # The run has reduced the name of the file; the page would show it as it is.
    wait_js("""const {state, emit} = await import('/page/state.js');
        Object.assign(state.slides.find(s => s.id === state.slide.id), {name: a[0], reason: a[0], label: a[0], split: a[0]});
        state.slide.name = a[0];
        emit('slides');
        emit('slide');""", HOSTILE)
    assert HOSTILE in names() and text("slide-title") == HOSTILE, names()
    assert js("return document.querySelectorAll('img[src=x], b, [onerror], [onmouseover]').length") == 0
    browser.refresh()
    until(lambda: len(names()) == 3, "three slides")


# ---- the viewer ----

@test("zooming halves the length of the scale bar's px and asks for finer tiles")
def zoom():
    open_slide("scan")
    go_to(2000, 1500, 2)
    before = js("return parseFloat(document.getElementById('scale-bar').style.width)"), text("scale-text")
    tiles = requests("/tile/")
    keys("+")
    until(lambda: abs(position()["zoom"] - 3) < 1e-6, "zoom 3")
    settle()
    after = js("return parseFloat(document.getElementById('scale-bar').style.width)"), text("scale-text")
    length = [px / float(words.split()[0]) * {"µm": 1, "mm": 1e-3}[words.split()[1]] for px, words in (before, after)]
    assert abs(length[1] / length[0] - 2) < 1e-3, (before, after)
    assert requests("/tile/") > tiles


@test("a known square of high scores lies on the black square of the slide, at its µm, and is square on the screen")
def square():
    open_slide("scan")
    left, top, right, bottom = known.PX
    go_to((left + right) / 2, (top + bottom) / 2, 3.0)
    slide_to("look-opacity", 1)
    select("look-threshold-text", 4)
    if not find("look-hide").is_selected():
        find("look-hide").click()
    for name in ("regions", "annotation", "tissue", "drawn"):
        if find("layer-" + name).is_selected():
            js("document.getElementById(arguments[0]).click()", "layer-" + name)
    settle()
    with_map = middle(screen())
    keys("m")
    time.sleep(0.2)
    bare = middle(screen())
    keys("m")
    box = []
    for marked in ((bare < 50).all(axis=2), (with_map != bare).any(axis=2)):
        columns, rows = (np.flatnonzero(marked.sum(axis=a) > 60) for a in (0, 1))
        box.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    slide, map = np.array(box)
    cell = (slide[2] - slide[0]) / (known.CELLS[2] - known.CELLS[0])
    assert np.abs(slide - map).max() <= cell / 2, (slide, map, cell)
    width, height = map[2] - map[0], map[3] - map[1]
    assert abs(width / height - 1) < 1 / 512 + 2 / height, (width, height)
    bar, words = js("return parseFloat(document.getElementById('scale-bar').style.width)"), text("scale-text")
    um = width / bar * float(words.split()[0])
    assert abs(um - (right - left) * known.MPP[0]) < 4, (um, words)
    # The corners, read under the pointer.
    x0, y0 = viewer_box()[0] + 20, viewer_box()[1] + 150
    for i, (px, py) in ((0, (map[0], map[1])), (2, (map[2], map[3]))):
        move_to(x0 + int(px), y0 + int(py))
        got = [float(text(id).split(", ")[1].split()[0]) for id in ("value-x", "value-y")]
        want = [known.PX[i] * known.MPP[0], known.PX[i + 1] * known.MPP[1]]
        assert all(abs(g - w) < 8 for g, w in zip(got, want)), (got, want)  # half a cell
    print("# square: slide %s, map %s px of the screen, a cell is %.1f" % (slide, map, cell))


@test("the value under the pointer is that of the map")
def value():
    left, top, right, bottom = viewer_box()
    go_to((known.PX[0] + known.PX[2]) / 2, (known.PX[1] + known.PX[3]) / 2, 3.0)
    move_to((left + right) // 2, (top + bottom) // 2)
    assert text("value").startswith("8"), text("value")
    box = wait_js("const s = await import('/page/stage.js'); return s.mainViewer().box();")
    px = (known.PX[0] - known.CELL[0] / 2 - box["left"]) / (box["right"] - box["left"]) * (right - left)
    move_to(left + round(px), (top + bottom) // 2)
    assert text("value").startswith("0"), text("value")


@test("threshold, range, colours, opacity and blending change what is on the screen, without a request")
def look():
    go_to(1800, 1500, 2.0)
    asked = requests("/map/")
    assert asked > 0
    select("look-threshold-text", 4)
    few = map_pixels()
    select("look-threshold-text", -1)
    many = map_pixels()
    assert 0 < few[0] < many[0] / 4, (few, many)
    select("look-threshold-text", 9)
    assert map_pixels()[0] == 0
    select("look-threshold-text", -1)
    time.sleep(0.1)
    seen = {many[1]}
    for id, word in (("look-map", "turbo"), ("look-low-text", -3), ("look-blend", "isoline")):
        select(id, word)
        time.sleep(0.1)
        seen.add(map_pixels()[1])
    assert len(seen) == 4, seen
    select("look-threshold-text", 4)
    line = map_pixels()[0]
    # The border of a square of 15 x 15 cells, in px of the tiles: 2 px within it and 1 around it.
    side = 15 * known.CELL[0] / 2 ** (max_zoom() - 2)
    assert 4 * side * 2 < line < 4 * (side + 8) * 3.5 + 64, (line, side)
    select("look-blend", "multiply")
    assert js("return getComputedStyle(document.querySelector('#viewer-0 .pane-values')).mixBlendMode") == "multiply"
    slide_to("look-opacity", 0.3)
    assert js("return getComputedStyle(document.querySelector('#viewer-0 .pane-values')).opacity") == "0.3"
    assert requests("/map/") == asked, (requests("/map/"), asked)
    find("look-reset").click()


def max_zoom():
    return wait_js("return (await import('/page/state.js')).state.slide.max_zoom;")


@test("layers are switched on and off")
def layers():
    keys("r")
    settle()
    on = middle(screen())
    keys("r")
    time.sleep(0.2)
    off = middle(screen())
    assert (on != off).any(axis=2).sum() > 100
    keys("m")
    assert js("return document.querySelector('#viewer-0 .pane-values').style.display") == "none"
    keys("m", "r")


@test("the next region moves the view to it")
def next_region():
    open_slide("scan")
    keys("]")
    settle()
    at = position()
    left, top, right, bottom = known.PX
    assert left < at["x"] < right and top < at["y"] < bottom, at
    assert shown("chosen") and text("chosen-name") == "Region 1", text("chosen-name")


@test("an address with a place leads there, also after reloading")
def place():
    open_slide("scan")
    go_to(1500, 1300, 3.5)
    until(lambda: "zoom=3.5" in browser.current_url, "the address")
    browser.refresh()
    until(lambda: text("slide-title") == "scan", "the slide")
    settle()
    at = position()
    assert abs(at["x"] - 1500) < 3 and abs(at["y"] - 1300) < 3 and at["zoom"] == 3.5, at
    js("performance.setResourceTimingBufferSize(20000)")


@test("the second run's map is beside it and moves with it")
def compare():
    find("compare").click()
    settle()
    go_to(1700, 1400, 2.5)
    centres = wait_js("const s = await import('/page/stage.js'); return s.openViewers().map(v => v.position());")
    assert len(centres) == 2 and all(abs(c["x"] - 1700) < 1 and c["zoom"] == 2.5 for c in centres), centres
    wait_js("const s = await import('/page/stage.js'); s.openViewers()[1].setPosition({x: 1900, y: 1500, zoom: 3});")
    assert abs(position()["x"] - 1900) < 1
    assert requests("/map/%d/1/" % open_id()) > 0
    find("compare").click()
    settle()


# ---- review ----

@test("a region is rejected with a reason, and is still so after reloading")
def reject():
    open_slide("scan")
    keys("]", "x", "2")
    saved()
    assert text("chosen-state") == "rejected: fold", text("chosen-state")
    browser.refresh()
    until(lambda: text("chosen-state") == "rejected: fold", "the decision")
    assert "fold" in file("run/review/review.csv")
    js("performance.setResourceTimingBufferSize(20000)")


@test("a decision is undone")
def undo():
    keys("c")
    saved()
    assert text("chosen-state") == "confirmed"
    keys("u")
    saved()
    assert text("chosen-state") == "rejected: fold", text("chosen-state")
    review = get("/api/slides/%d/review" % open_id())
    assert [r["state"] for r in review["regions"].values()] == ["rejected"], review


@test("a polygon is drawn by clicks, and lies where it was drawn")
def draw_polygon():
    go_to(1800, 1500, 2.0)
    left, top, right, bottom = viewer_box()
    corners = [(left + 200, top + 200), (left + 320, top + 210), (left + 260, top + 330)]
    keys("d")
    for x, y in corners:
        click_at(x, y)
    keys(Keys.ENTER)
    saved()
    ring = get("/api/slides/%d/review" % open_id())["drawn"][-1]["ring"]
    box = wait_js("const s = await import('/page/stage.js'); return s.mainViewer().box();")
    for (x, y), (px, py) in zip(corners, ring):
        want = [box["left"] + (x - left) / (right - left) * (box["right"] - box["left"]),
                box["top"] + (y - top) / (bottom - top) * (box["bottom"] - box["top"])]
        assert abs(px - want[0]) < 8 and abs(py - want[1]) < 8, (ring, want)
    assert "drawn" in file("run/review/review.csv")


@test("a region is drawn in one stroke, erased, and the erasing undone")
def draw_freehand():
    before = len(get("/api/slides/%d/review" % open_id())["drawn"])
    left, top, _, _ = viewer_box()
    keys("f")
    chain = ActionChains(browser)
    chain.move_to_element_with_offset(browser.find_element(By.CSS_SELECTOR, "#viewer-0 .ink"), 0, 0).click_and_hold()
    for step in range(24):
        angle = step / 24 * 2 * math.pi
        chain.move_by_offset(round(15 * math.cos(angle)), round(15 * math.sin(angle)))
    chain.release().perform()
    saved()
    drawn = get("/api/slides/%d/review" % open_id())["drawn"]
    assert len(drawn) == before + 1 and 5 < len(drawn[-1]["ring"]) < 60, drawn
    keys(Keys.DELETE)
    saved()
    assert len(get("/api/slides/%d/review" % open_id())["drawn"]) == before
    keys("u")
    saved()
    assert len(get("/api/slides/%d/review" % open_id())["drawn"]) == before + 1


@test("a region that is drawn while files cannot be written is there once, and that is told")
def draw_without_files():
    review = "/api/slides/%d/review" % open_id()
    before = len(get(review)["drawn"])
    table = "run/review/review.csv"
    os.rename(table, "kept.csv")
    os.mkdir(table)
    left, top, _, _ = viewer_box()
    keys("d")
    for x, y in ((150, 150), (190, 150), (170, 190)):
        click_at(left + x, top + y)
    keys(Keys.ENTER)
    saved()
    said = text("refused-text")
    assert "is saved in the run's table" in said and "review.csv" in said, said
    os.rmdir(table)
    os.rename("kept.csv", table)
    assert len(get(review)["drawn"]) == before + 1 and get(review)["exported"] is False
    browser.find_element(By.ID, "refused-close").click()
    keys("u")
    saved()
    assert len(get(review)["drawn"]) == before and get(review)["exported"] is True


@test("state and note of the slide are kept")
def note():
    open_slide("synth_01")
    find("note").send_keys("looked at twice")
    select("slide-state", "done")
    saved()
    browser.refresh()
    until(lambda: text("slide-title") == "synth_01", "the slide")
    until(lambda: find("note").get_property("value") == "looked at twice", "the note")
    assert find("slide-state").get_property("value") == "done"
    until(lambda: text("counts").endswith("1 done"), "the count")


@test("what another tab changes is seen when this one is looked at again")
def two_tabs():
    mine = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.get(SITE + "/#slide=synth_01")
    until(lambda: find("slide-state").get_property("value") == "done", "the second tab")
    select("slide-state", "in progress")
    saved()
    browser.close()
    browser.switch_to.window(mine)
    js("window.dispatchEvent(new Event('focus'))")
    until(lambda: find("slide-state").get_property("value") == "in progress", "the newer state")


@test("a change of what somebody else has changed meanwhile is refused aloud, and theirs is shown")
def conflict():
    seen = get("/api/slides/%d/review" % open_id())
    status = wait_js("""return (await fetch('/api/slides/' + a[0] + '/review', {method: 'PUT', body: JSON.stringify(a[1]),
        headers: {'Content-Type': 'application/json', 'X-Wsiflow': '1'}})).status;""",
                     open_id(), {"state": "done", "note": "theirs", "revision": seen["revision"]})
    assert status == 200, status
    select("slide-state", "excluded")
    until(lambda: shown("refused"), "the alarm")
    assert "Not saved" in text("refused-text"), text("refused-text")
    until(lambda: find("note").get_property("value") == "theirs" and find("slide-state").get_property("value") == "done", "theirs")
    find("refused-close").click()
    browser.get_log("browser")  # the refused request


@test("a change that cannot be sent is told, kept and sent later")
def offline():
    browser.execute_cdp_cmd("Network.enable", {})
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **network})
    select("slide-state", "excluded")
    until(lambda: shown("unsaved"), "the alarm")
    assert "not saved" in text("unsaved-text"), text("unsaved-text")
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **network})
    saved()  # the browser tells the page that it is online again
    assert not shown("unsaved")
    assert get("/api/slides/%d/review" % open_id())["state"] == "excluded"
    browser.get_log("browser")  # the failed requests of this test


# ---- pure functions ----

@test("values: codes, colours and thresholds")
def values():
    decoded = module("values.js", "decodeTile", [1, 2, 255, 255, 255, 255, 255, 255, 3, 4, 0, 255])
    assert list(decoded["codes"].values() if isinstance(decoded["codes"], dict) else decoded["codes"])[:2] == [258, 65535]
    assert list(decoded["known"].values() if isinstance(decoded["known"], dict) else decoded["known"]) == [1, 1, 0]
    for low, high, threshold in ((-2, 14, 3), (0, 1, .5), (-5, -1, -5), (0, 1, 2), (3, 3, 3), (3, 3, 4)):
        code = module("values.js", "thresholdCode", threshold, {"low": low, "high": high})
        above = [c for c in range(0, 65536, 1) if low + c / 65535 * (high - low) >= threshold - 1e-9]
        assert code == (above[0] if above else 65536), (low, high, threshold, code)
    assert [module("values.js", "colourIndex", v, 0, 2, 256) for v in (-1, 0, 1, 2, 3)] == [0, 0, 128, 255, 255]


@test("scale bars are 1, 2 or 5 times a power of ten and fill at least 40 % of their room")
def scale_bars():
    bars = wait_js("const m = await import('/page/geometry.js'); return a[0].map(um => m.scaleBar(um, 140));",
                   [10 ** (k / 7) for k in range(-21, 22)])
    for k, bar in zip(range(-21, 22), bars):
        digits = bar["um"] / 10 ** math.floor(math.log10(bar["um"]) + 1e-9)
        assert min(abs(digits - d) for d in (1, 2, 5)) < 1e-6 and 56 - 1e-6 <= bar["px"] <= 140 + 1e-6, bar
        assert abs(bar["um"] / bar["px"] - 10 ** (k / 7)) < 1e-6 * 10 ** (k / 7), bar


@test("hit test and simplified lines agree with shapely")
def geometry():
    try:
        from shapely.geometry import LineString, Point, Polygon
    except ImportError:
        print("# not compared: no Python module shapely")
        return
    rng = random.Random(1)
    circle = lambda r, n: [[100 + r * rng.uniform(.6, 1) * math.cos(i / n * 6.2832), 100 + r * rng.uniform(.6, 1) * math.sin(i / n * 6.2832)] for i in range(n)]
    outer, hole = circle(90, 40), circle(40, 20)
    item = {"id": 1, "polygons": [[outer, hole]], "size": 1, "box": module("geometry.js", "boxOf", [[outer, hole]])}
    points = [[rng.uniform(0, 200), rng.uniform(0, 200)] for _ in range(400)]
    hits = wait_js("const m = await import('/page/geometry.js'); return a[1].map(p => !!m.hitTest([a[0]], p[0], p[1]));", item, points)
    polygon = Polygon(outer, [hole])
    assert hits == [Polygon(outer).contains(Point(p)) and not Polygon(hole).contains(Point(p)) for p in points] and any(hits), polygon.is_valid
    line = [[i, 20 * math.sin(i / 9) + rng.uniform(-1, 1)] for i in range(300)]
    for tolerance in (.5, 2, 10):
        simple = module("geometry.js", "simplify", line, tolerance)
        assert len(simple) < len(line) and simple[0] == line[0] and simple[-1] == line[-1]
        assert max(LineString(simple).distance(Point(p)) for p in line) <= tolerance + 1e-9


@test("the page works on a tablet that is upright, and in the dark")
def pictures():
    for name, width, height, theme in (("page", 1280, 800, "light"), ("page-dark", 1280, 800, "dark"), ("page-tablet", 820, 1180, "light")):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        js("localStorage.clear(); localStorage.setItem('wsiflow-view', JSON.stringify({theme: arguments[0]}))", theme)
        browser.get(SITE + "/#slide=scan")
        browser.refresh()
        until(lambda: text("slide-title") == "scan", "the slide")
        settle()
        keys("]")
        settle()
        left, top, right, bottom = viewer_box()
        assert right - left > width * .5 and bottom - top > height * .5, (name, viewer_box())
        assert js("return document.documentElement.scrollWidth") <= width, name
        browser.save_screenshot(os.path.join(PICTURES, name + ".png"))


@test("a slide whose file is another one by now is named, and the page goes on")
def replaced():
    here, there = (os.path.join(FOLDER, "cohort/slides", name) for name in ("synth_01.tif", "moved"))
    os.rename(here, there)
    with open(here, "w", encoding="utf-8") as f:
        f.write("not the slide")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False})
    browser.get(SITE + "/#slide=synth_01")
    browser.refresh()
    until(lambda: "synth_01" in text("over"), "the reason")
    assert shown("over"), text("over")
    os.replace(there, here)
    open_slide("scan")
    assert not shown("over"), text("over")
    browser.get_log("browser")  # tiles that are not there


@test("the console of the browser is empty")
def console():
    assert not messages, messages


messages = []
failed = False
try:
    for number, (words, function) in enumerate(tests, 1):
        try:
            function()
            messages.extend(entry["message"] for entry in browser.get_log("browser"))
            print("ok %d - %s" % (number, words), flush=True)
        except Exception:
            failed = True
            browser.save_screenshot(os.path.join(PICTURES, "failed-%d.png" % number))
            print("not ok %d - %s" % (number, words))
            print("".join("#   %s\n" % line for line in [line for line in traceback.format_exc().splitlines() if "<unknown>" not in line][-12:]), flush=True)
            if function is open_page:
                print("Bail out! the page does not open: %s" % text("over"))
                break
    print("1..%d" % len(tests))
finally:
    browser.quit()
sys.exit(failed)
