// Drawing a region by hand: clicks for a polygon, or one stroke.  Its class is the one that the toolbar names.
/* global L */
import {byId, fillSelect} from "./dom.js";
import {freehandRing, ringArea} from "./geometry.js";
import {latLng} from "./frame.js";
import {notice} from "./messages.js";
import {addDrawn} from "./review.js";
import {allViewers, choose, openViewers, takeClicks} from "./stage.js";
import {on, state} from "./state.js";

const TOLERANCE_PX = 1.5; // of the screen
const MOST_POINTS = 1500; // a request has at most 64 KiB
const CLOSE_PX = 12; // a click that near to the first point closes the polygon
const LINE = {color: "#d55e00", weight: 3, fill: true, fillOpacity: 0.1, interactive: false};

const WORDS = {
    polygon: "Click the corners; click the first one again, or press Enter, to close. Backspace takes the last one back, Esc ends.",
    freehand: "Draw around the region in one stroke. Esc ends.",
};

let mode = ""; // "", "polygon" or "freehand"
let viewer = null; // the one that is drawn in, since its first point
let points = [];
let line = null;

function levelPx() {
    return 2 ** (state.slide.max_zoom - viewer.position().zoom); // level-0 px on one px of the screen
}

function showLine() {
    const where = points.map(([x, y]) => latLng(x, y));
    if (!line && viewer) {
        line = L.polygon(where, {...LINE, renderer: L.canvas({pane: "ink", padding: 0.3}), pane: "ink"}).addTo(viewer.leaflet);
    }
    if (line) {
        line.setLatLngs(where);
    }
}

function forget() {
    points = [];
    if (line) {
        line.remove();
    }
    line = null;
    viewer = null;
}

function rounded(ring) {
    const within = (value, most) => Math.round(Math.min(most, Math.max(0, value)) * 10) / 10;
    return ring.map(([x, y]) => [within(x, state.slide.width), within(y, state.slide.height)]);
}

function finish(ring) {
    const good = ring && ring.length > 2 && Math.abs(ringArea(rounded(ring))) > 0;
    forget();
    if (!good) {
        notice("Nothing drawn: the outline encloses no area.");
        return;
    }
    const id = addDrawn(rounded(ring), byId("draw-label").value);
    setMode("");
    choose({kind: "drawn", id});
}

// ---- polygon ----

function addPoint(where, x, y) {
    if (viewer && where !== viewer) {
        return;
    }
    viewer = where;
    if (points.length > 2 && Math.hypot(x - points[0][0], y - points[0][1]) < CLOSE_PX * levelPx()) {
        finish(points);
        return;
    }
    const last = points[points.length - 1];
    if (!last || Math.hypot(x - last[0], y - last[1]) > levelPx()) { // the second click of a double click is none
        points.push([x, y]);
    }
    showLine();
}

export function closePolygon() {
    if (mode === "polygon" && points.length > 2) {
        finish(points);
    }
}

export function removePoint() {
    if (mode === "polygon" && points.length) {
        points.pop();
        showLine();
    }
}

// ---- one stroke ----

function takeStrokes(where, ink) {
    const at = event => {
        const {lat, lng} = where.leaflet.mouseEventToLatLng(event);
        return [lng, lat];
    };
    ink.addEventListener("pointerdown", event => {
        if (event.button === 0 && where.leaflet) {
            event.preventDefault();
            event.stopPropagation(); // Leaflet would move the map
            ink.setPointerCapture(event.pointerId);
            forget();
            viewer = where;
            points = [at(event)];
        }
    });
    ink.addEventListener("pointermove", event => {
        if (viewer === where && points.length && event.buttons) {
            points.push(...(event.getCoalescedEvents ? event.getCoalescedEvents() : [event]).map(at));
            showLine();
        }
    });
    ink.addEventListener("pointerup", () => {
        if (viewer === where && points.length) {
            finish(freehandRing(points, TOLERANCE_PX * levelPx(), MOST_POINTS));
        }
    });
    ink.addEventListener("pointercancel", forget);
    L.DomEvent.disableClickPropagation(ink);
}

export function drawing() {
    return mode;
}

export function setMode(wanted) {
    if (wanted && !state.review) {
        notice("The slide is still being read.");
        return;
    }
    mode = wanted === mode ? "" : wanted;
    forget();
    takeClicks(mode === "polygon" ? addPoint : null);
    for (const open of openViewers()) {
        open.container.classList.toggle("drawing", mode !== "");
        open.container.querySelector(".ink").hidden = mode !== "freehand";
        open.leaflet.doubleClickZoom[mode ? "disable" : "enable"]();
    }
    for (const name of ["polygon", "freehand"]) {
        byId(`draw-${name}`).setAttribute("aria-pressed", String(mode === name));
    }
    byId("draw-words").hidden = !mode;
    byId("draw-words").textContent = WORDS[mode] || "";
}

export function startDraw() {
    fillSelect(byId("draw-label"), state.run.drawn_labels, state.run.drawn_labels[0]);
    for (const name of ["polygon", "freehand"]) {
        byId(`draw-${name}`).addEventListener("click", () => setMode(name));
    }
    for (const each of allViewers()) {
        takeStrokes(each, each.container.querySelector(".ink"));
    }
    on("slide", () => {
        if (mode) {
            setMode("");
        }
    });
}
