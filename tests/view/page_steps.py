"""Steps of the tests of the review page: the browser, what is on its screen, what a person does with it.  For page_browser.py."""
import io
import time

import numpy as np
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By


def start():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--disable-dev-shm-usage",
                     "--disable-extensions", "--disable-background-networking", "--window-size=1280,800"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.set_capability("unhandledPromptBehavior", "accept")
    browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    browser.set_script_timeout(20)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False})
    return browser


def until(condition, what, seconds=15):
    end = time.time() + seconds
    while time.time() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("waited in vain: " + what)


def js(script, *values):
    return browser.execute_script(script, *values)


# The value of a promise: `script` is the body of an async function.
def wait_js(script, *values):
    return browser.execute_async_script("const done = arguments[arguments.length - 1];"
                                        "(async (...a) => { %s })(...arguments).then(done, e => done('error: ' + e));" % script, *values)


# A call of a function of the page's modules.
def module(name, function, *values):
    return wait_js("const m = await import('/page/' + a[0]); return m[a[1]](...a[2]);", name, function, list(values))


def find(id):
    return browser.find_element(By.ID, id)


def text(id):
    return js("return document.getElementById(arguments[0]).textContent", id)


def keys(*names):
    for name in names:
        ActionChains(browser).send_keys(name).perform()


def shown(id):
    return find(id).is_displayed()


# All tiles of slide and map are there, and no picture is still being moved.
def settle():
    ready = """return !document.querySelector('.leaflet-zoom-anim .leaflet-zoom-animated.leaflet-zoom-hide') &&
        !document.querySelector('.leaflet-zoom-anim') && [...document.querySelectorAll('#viewer-0 canvas.leaflet-tile')].every(
        tile => tile.classList.contains('leaflet-tile-loaded')) && document.getElementById('viewers').getAttribute('aria-busy') === 'false'"""
    until(lambda: js(ready), "tiles")
    time.sleep(0.3)  # Leaflet fades them in
    until(lambda: js(ready), "tiles")


def saved():
    until(lambda: js("return document.documentElement.dataset.saving") == "saved", "a saved change")


def screen():
    return np.array(Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")).astype(int)


def viewer_box(name="viewer-0"):
    box = js("const b = document.getElementById(arguments[0]).getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]", name)
    return [round(v) for v in box]


# The middle of the viewer, without the controls that lie over its borders.
def middle(picture):
    left, top, right, bottom = viewer_box()
    return picture[top + 150:bottom - 70, left + 20:right - 190]


def move_to(x, y):
    ActionChains(browser).move_by_offset(0, 0).perform()
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})


def click_at(x, y):
    for kind in ("mousePressed", "mouseReleased"):
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1,
                                                             "buttons": 1 if kind == "mousePressed" else 0})


def position():
    return wait_js("const s = await import('/page/stage.js'); return s.mainViewer().position();")


def go_to(x, y, zoom):
    wait_js("const s = await import('/page/stage.js'); s.mainViewer().setPosition(a[0]);", {"x": x, "y": y, "zoom": zoom})
    settle()


def open_slide(name):
    rows = browser.find_elements(By.CSS_SELECTOR, "#slides li")
    next(row for row in rows if name in row.text).click()
    until(lambda: name in text("slide-title"), name)
    settle()
    until(lambda: not find("note").get_property("disabled"), "its review")


def names():
    return js("return [...document.querySelectorAll('.slide-name')].map(e => e.textContent)")


def select(id, value):
    js("const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change'));", id, value)


def slide_to(id, value):
    js("const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('input'));", id, value)
    time.sleep(0.15)


def requests(part):
    return js("return performance.getEntriesByType('resource').filter(e => e.name.includes(arguments[0])).length", part)


def map_pixels():
    return js("""let n = 0, sum = 0;
        for (const tile of document.querySelectorAll('#viewer-0 .pane-values canvas')) {
            const copy = document.createElement('canvas'); // Chromium warns when a page's canvas is read often
            copy.width = copy.height = tile.width;
            const context = copy.getContext('2d', {willReadFrequently: true});
            context.drawImage(tile, 0, 0);
            const bytes = context.getImageData(0, 0, tile.width, tile.width).data;
            for (let i = 0; i < bytes.length; i += 4) { if (bytes[i + 3]) { n++; sum = (sum * 31 + bytes[i] * 7 + bytes[i + 1] * 3 + bytes[i + 2]) % 1e9; } }
        }
        return [n, sum]""")


def get(path):
    return wait_js("return (await fetch(a[0])).json();", path)


def open_id():
    return wait_js("return (await import('/page/state.js')).state.slide.id;")


browser = start()
