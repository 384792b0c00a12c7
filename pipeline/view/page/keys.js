// The keys of the page, and the help that lists them.
import {byId, element, typing} from "./dom.js";
import {changeLook, showLayer} from "./display.js";
import {closePolygon, drawing, removePoint, setMode} from "./draw.js";
import {askReason, closeReasons, confirmChosen, eraseChosen, reasonsOpen, rejectChosen} from "./panel.js";
import {undo} from "./review.js";
import {choose, mainViewer, nextRegion} from "./stage.js";
import {state} from "./state.js";

const OPACITY_STEP = 0.1;

function opacity(step) {
    changeLook({opacity: Math.round(Math.min(1, Math.max(0, state.look.opacity + step)) * 100) / 100});
}

function escape() {
    if (reasonsOpen()) {
        closeReasons();
    } else if (drawing()) {
        setMode("");
    } else {
        choose(null);
    }
}

function zoom(step) {
    mainViewer().leaflet.setZoom(mainViewer().position().zoom + step);
}

// name: as KeyboardEvent.key; several with a blank between.  step: moves to another slide, given by startKeys.
function keyTable(step) {
    return [
        ["n j", "next slide of the list", () => step(1)],
        ["p k", "previous slide", () => step(-1)],
        ["] .", "next region, by rank", () => nextRegion(1)],
        ["[ ,", "previous region", () => nextRegion(-1)],
        ["}", "next region that is open", () => nextRegion(1, true)],
        ["c", "confirm the chosen region", confirmChosen],
        ["x", "reject it; then 1 to 6 for the reason", askReason],
        ["d", "draw a polygon", () => setMode("polygon")],
        ["f", "draw in one stroke", () => setMode("freehand")],
        ["Enter", "close the polygon", closePolygon],
        ["Backspace", "take back its last corner", removePoint],
        ["Delete", "erase the chosen region that was drawn", eraseChosen],
        ["u Ctrl+z", "undo the last change", undo],
        ["m", "score map on or off", () => showLayer("values")],
        ["r", "regions on or off", () => showLayer("regions")],
        ["a", "annotation on or off", () => showLayer("annotation")],
        ["t", "tissue outline on or off", () => showLayer("tissue")],
        ["o", "map more opaque", () => opacity(OPACITY_STEP)],
        ["i", "map less opaque", () => opacity(-OPACITY_STEP)],
        ["b", "hide cells below the threshold, or show them", () => changeLook({hideBelow: !state.look.hideBelow})],
        ["+ =", "zoom in", () => zoom(1)],
        ["-", "zoom out", () => zoom(-1)],
        ["0", "whole slide", () => mainViewer().fit()],
        ["/", "search the list", () => byId("filter").focus()],
        ["?", "this help", () => byId("help").showModal()],
        ["Escape", "end drawing, or choose nothing", escape],
    ];
}

function showHelp(table) {
    const rows = table.map(([names, words]) => element("tr", {}, element("td", {}, ...names.split(" ").flatMap(
        (name, i) => i ? [" ", element("kbd", {text: name})] : [element("kbd", {text: name})])), element("td", {text: words})));
    byId("help-keys").replaceChildren(...rows);
}

// Enter and blank press a button that has the focus; Enter is ours only while a polygon is drawn.
function belongsToFocus(event) {
    const button = document.activeElement && ["BUTTON", "SUMMARY", "A"].includes(document.activeElement.tagName);
    return typing() || byId("help").open || event.key === "Enter" && button || event.altKey || event.metaKey;
}

export function startKeys(step) {
    const table = keyTable(step);
    const actions = new Map(table.flatMap(([names, words, action]) => names.split(" ").map(name => [name, action])));
    showHelp(table);
    byId("help-open").addEventListener("click", () => byId("help").showModal());
    byId("help-close").addEventListener("click", () => byId("help").close());
    document.addEventListener("keydown", event => {
        if (event.key === "Escape" && typing()) {
            document.activeElement.blur();
            return;
        }
        if (belongsToFocus(event) || !state.slide || !mainViewer().leaflet) {
            return;
        }
        if (reasonsOpen() && /^[1-9]$/.test(event.key)) {
            rejectChosen(Number(event.key));
            return;
        }
        const action = actions.get(event.ctrlKey ? `Ctrl+${event.key}` : event.key);
        if (action) {
            event.preventDefault();
            action();
        }
    });
}
