// How the map looks: opacity, colours, range, threshold, blending; and which layers are shown.
import {byId, element, fillSelect} from "./dom.js";
import {emit, on, remember, remembered, state} from "./state.js";
import {colourIndex, parseColour} from "./values.js";
import {scoreText} from "./geometry.js";
import {colourOfStyle} from "./vectors.js";

const BLENDS = ["normal", "multiply", "isoline"];
const LAYERS = {values: "score map", regions: "regions", drawn: "drawn", annotation: "annotation", tissue: "tissue"};
const RANGE = ["low", "high", "threshold"]; // of the look, in the units of the scores
const STEPS = 400;

// The threshold of the run; while there is none, the middle of the range, which the page then says.
function runThreshold() {
    const {low, high, threshold} = state.run.range;
    return Number.isFinite(threshold) ? threshold : (low + high) / 2;
}

// The range of the sliders.
function ends() {
    const {low, high} = state.run.range;
    return {low: Math.min(low, runThreshold()), high: Math.max(high, runThreshold())};
}

function freshLook() {
    const {low, high} = state.run.range;
    return {opacity: 0.55, low, high, threshold: runThreshold(), hideBelow: false, map: state.run.colours.default, blend: "normal"};
}

// The look is the run's; only what does not depend on its values is kept by the browser.
function startLook() {
    const kept = remembered().look || {};
    const look = freshLook();
    if (state.run.colours.maps[kept.map]) {
        look.map = kept.map;
    }
    if (BLENDS.includes(kept.blend)) {
        look.blend = kept.blend;
    }
    if (kept.opacity >= 0 && kept.opacity <= 1) {
        look.opacity = kept.opacity;
    }
    look.hideBelow = kept.hideBelow === true;
    return look;
}

export function changeLook(part) {
    Object.assign(state.look, part);
    const {opacity, hideBelow, map, blend} = state.look;
    remember({look: {opacity, hideBelow, map, blend}});
    showLook();
    emit("look");
}

function drawBar() {
    const bar = byId("colour-bar");
    const context = bar.getContext("2d");
    const {low, high} = ends();
    const {look} = state;
    const colours = state.run.colours.maps[look.map].map(parseColour);
    for (let x = 0; x < bar.width; x++) {
        const value = low + (x + 0.5) / bar.width * (high - low);
        const [r, g, b] = colours[colourIndex(value, look.low, look.high, colours.length)];
        context.clearRect(x, 0, 1, bar.height);
        context.fillStyle = `rgba(${r},${g},${b},${look.hideBelow && value < look.threshold ? 0.15 : 1})`;
        context.fillRect(x, 0, 1, bar.height);
    }
    byId("threshold-mark").style.left = `${(look.threshold - low) / (high - low) * 100}%`;
}

function thresholdWords() {
    const {threshold, threshold_source: source, unit} = state.run.range;
    if (!Number.isFinite(threshold)) {
        return `Scores in ${unit}. The run has no threshold yet.`;
    }
    const other = Math.abs(state.look.threshold - threshold) > 1e-9 ? " The regions are those of the run's threshold." : "";
    return `Scores in ${unit}. Threshold of the run: ${scoreText(threshold)} (${source}).${other}`;
}

function showLook() {
    const {look} = state;
    for (const name of RANGE) {
        byId(`look-${name}`).value = look[name];
        byId(`look-${name}-text`).value = scoreText(look[name]);
    }
    byId("look-opacity").value = look.opacity;
    byId("look-opacity-text").textContent = `${Math.round(look.opacity * 100)} %`;
    byId("look-hide").checked = look.hideBelow;
    byId("look-map").value = look.map;
    byId("look-blend").value = look.blend;
    byId("threshold-words").textContent = thresholdWords();
    drawBar();
}

function takeRange(name, text) {
    const value = Number(text);
    if (text === "" || !Number.isFinite(value)) {
        showLook();
        return;
    }
    const part = {[name]: value};
    if (name === "low" && value >= state.look.high || name === "high" && value <= state.look.low) {
        part.low = part.high = value; // the range has no width: two colours
    }
    changeLook(part);
}

function startLayers() {
    const kept = remembered().layers || {};
    state.layers = {};
    for (const [name, words] of Object.entries(LAYERS)) {
        state.layers[name] = typeof kept[name] === "boolean" ? kept[name] : name !== "tissue";
        const box = element("input", {type: "checkbox", id: `layer-${name}`, checked: state.layers[name],
                                      onchange: event => showLayer(name, event.target.checked)});
        const swatch = element("span", {class: "swatch"});
        const style = name === "regions" ? "open" : name;
        if (name !== "values") {
            swatch.style.background = colourOfStyle(style);
        } else {
            swatch.classList.add("swatch-map");
        }
        byId("layers").append(element("label", {class: "check"}, box, swatch, words));
    }
}

export function showLayer(name, visible = !state.layers[name]) {
    state.layers[name] = visible;
    byId(`layer-${name}`).checked = visible;
    remember({layers: state.layers});
    emit("layers");
}

// The range of a run that goes on: what was not set by hand follows it.
export function takeRun(range) {
    const before = freshLook();
    state.run.range = range;
    const after = freshLook();
    setEnds();
    const part = {};
    for (const name of RANGE) {
        if (before[name] !== after[name] && state.look[name] === before[name]) {
            part[name] = after[name];
        }
    }
    changeLook(part);
}

function setEnds() {
    const {low, high} = ends();
    for (const name of RANGE) {
        Object.assign(byId(`look-${name}`), {min: low, max: high, step: (high - low) / STEPS || "any"});
    }
}

export function startDisplay() {
    state.look = startLook();
    startLayers();
    setEnds();
    fillSelect(byId("look-map"), Object.keys(state.run.colours.maps), state.look.map);
    fillSelect(byId("look-blend"), BLENDS, state.look.blend);
    for (const name of RANGE) {
        const slider = byId(`look-${name}`);
        slider.addEventListener("input", () => takeRange(name, slider.value));
        byId(`look-${name}-text`).addEventListener("change", event => takeRange(name, event.target.value.trim().replace(",", ".")));
    }
    byId("look-opacity").addEventListener("input", event => changeLook({opacity: Number(event.target.value)}));
    byId("look-hide").addEventListener("change", event => changeLook({hideBelow: event.target.checked}));
    byId("look-map").addEventListener("change", event => changeLook({map: event.target.value}));
    byId("look-blend").addEventListener("change", event => changeLook({blend: event.target.value}));
    byId("look-reset").addEventListener("click", () => changeLook(freshLook()));
    on("slide", () => {
        byId("map-panel").classList.toggle("absent", !state.slide.maps.length);
        for (const name of ["regions", "annotation", "tissue"]) {
            byId(`layer-${name}`).disabled = !state.slide.has[name];
        }
    });
    showLook();
}
