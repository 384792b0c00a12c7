// The slide that is open, in one viewer or in two that move together, with everything that is drawn over it.
import {byId} from "./dom.js";
import {emit, on, state} from "./state.js";
import {getJson} from "./api.js";
import {boxOf, hitTest, polygonsOf, ringArea} from "./geometry.js";
import {isScored} from "./list.js";
import {notice, over, sentence} from "./messages.js";
import {decisionOf, readReview} from "./review.js";
import {Viewer} from "./viewer.js";

let viewers = [];
let moving = false;
let opening = 0; // number of the last opening; what belongs to an earlier one is dropped
let clicked = null; // takes clicks instead of choosing a region, while somebody draws
let saidOfTiles = false;

export function mainViewer() {
    return viewers[0];
}

export function allViewers() {
    return viewers;
}

export function openViewers() {
    return viewers.filter(viewer => viewer.leaflet);
}

export function takeClicks(listener) {
    clicked = listener;
}

// ---- two viewers ----

function follow(leader) {
    if (moving || !leader.leaflet) {
        return;
    }
    moving = true;
    for (const viewer of openViewers()) {
        if (viewer !== leader) {
            viewer.setPosition(leader.position());
        }
    }
    moving = false;
    emit("position");
}

function pointer(viewer, x, y) {
    emit("pointer", x === null ? null : {x, y, viewer});
}

function click(viewer, event) {
    const x = event.latlng.lng;
    const y = event.latlng.lat;
    if (clicked) {
        clicked(viewer, x, y);
        return;
    }
    const drawn = state.layers.drawn ? drawnItems() : [];
    const regions = state.layers.regions ? state.regions : [];
    const hit = hitTest([...drawn, ...regions], x, y);
    choose(hit ? {kind: hit.drawn ? "drawn" : "region", id: hit.id} : null);
}

function tileFailed(error) {
    if (!saidOfTiles) {
        saidOfTiles = true;
        over(`A part of this slide is hatched because it cannot be shown. ${sentence(error.message)}`);
    }
}

// A slider moves more often than the screen is drawn.
let lookWaits = false;

function lookLater() {
    if (!lookWaits) {
        lookWaits = true;
        requestAnimationFrame(() => {
            lookWaits = false;
            openViewers().forEach(viewer => viewer.setLook(state.look));
        });
    }
}

export function startStage() {
    const listeners = {position: follow, pointer, click, failed: tileFailed};
    viewers = state.run.models.slice(0, 2).map((model, i) => new Viewer(byId(`viewer-${i}`), i, listeners));
    on("look", lookLater);
    on("layers", () => {
        openViewers().forEach(viewer => viewer.setLayers(state.layers));
        drawChosen();
    });
    on("review", drawReviewed);
    on("regions", drawReviewed);
    on("chosen", drawChosen);
    on("compare", () => {
        arrange();
        if (state.slide) {
            const at = viewers[0].position();
            showSlide(state.slide, at);
            over(missing(state.slide));
        }
    });
    new ResizeObserver(() => openViewers().forEach(viewer => viewer.resized())).observe(byId("viewers"));
    arrange();
}

// Two runs may have one name.
function modelName(i) {
    return `${i + 1}: ${state.run.models[i].name}`;
}

function arrange() {
    byId("viewers").classList.toggle("two", state.compare);
    viewers.forEach((viewer, i) => {
        byId(`model-${i}`).textContent = state.compare ? modelName(i) : "";
    });
    if (!state.compare && viewers[1]) {
        viewers[1].close();
    }
}

// ---- opening ----

function showSlide(slide, at) {
    viewers.forEach((viewer, i) => {
        if (i === 0 || state.compare) {
            viewer.open(slide, state.run, state.look, at);
            viewer.setLayers(state.layers);
            at = viewers[0].position();
        }
    });
    drawFixed();
    drawReviewed();
    emit("position");
}

function itemsOf(features) {
    return features.map(feature => {
        const polygons = polygonsOf(feature.geometry);
        const {rank, max, mean, area} = feature.properties || {};
        const size = polygons.reduce((sum, rings) => sum + Math.abs(ringArea(rings[0])), 0);
        return {id: feature.id || feature.properties.id, rank, max, mean, area, polygons, size, box: boxOf(polygons)};
    }).filter(item => item.polygons.length);
}

async function outlines(slide, name) {
    if (!slide.has[name]) {
        return [];
    }
    const {features} = await getJson(`/api/slides/${slide.id}/${name}`);
    const items = itemsOf(features);
    const others = features.length - items.length;
    if (others) {
        notice(`${others} of ${features.length} objects of the ${name} are no closed outlines and are not drawn.`);
    }
    return items;
}

const NO_MAP = /: no score map of this slide$/; // the server's words, which say less than the list does

// What is missing of a slide, in words; "" when all is there.
function missing(slide) {
    const problems = slide.problems.filter(text => !NO_MAP.test(text));
    if (problems.length) {
        return problems.map(sentence).join(" ");
    }
    const entry = state.slides.find(other => other.id === slide.id);
    const words = viewersOf(slide).filter(({map}) => !map).map(({i}) => {
        const which = state.run.models.length > 1 ? `Run ${modelName(i)}: ` : "";
        const unscored = i === 0 && entry && entry.state === "done" && !isScored(entry);
        return `${which}${unscored ? "the run has not scored this slide" : "no score map yet"}`;
    });
    const why = entry && entry.reason ? ` (${entry.state}: ${entry.reason})` : "";
    return words.length ? `${words.map(sentence).join(" ")}${why} The slide itself can be looked at.` : "";
}

function viewersOf(slide) {
    return viewers.slice(0, state.compare ? 2 : 1).map((viewer, i) => {
        return {i, map: slide.maps.find(other => other.model === i)};
    });
}

// The value of a promise; when it fails, `without` and a sentence that says what is not there.
async function orWithout(promise, what, without, failed) {
    try {
        return await promise;
    } catch (error) {
        failed.push(`The ${what} cannot be shown. ${sentence(error.message)}`);
        return without;
    }
}

// What is drawn over a slide and its review.  One that fails takes nothing else with it.
async function readOutlines(slide, mine, region) {
    const failed = [];
    const [regions, tissue, annotation] = await Promise.all([
        ...["regions", "tissue", "annotation"].map(name => orWithout(outlines(slide, name), name, [], failed)),
        orWithout(readReview(), "review", null, failed)]);
    if (mine !== opening) {
        return;
    }
    Object.assign(state, {regions: regions.sort((a, b) => a.rank - b.rank), tissue, annotation});
    drawFixed();
    emit("regions");
    choose(region && regions.some(item => item.id === region) ? {kind: "region", id: region} : null);
    over([missing(slide), ...failed].filter(Boolean).join(" "));
}

// Opens a slide at a place ({x, y, zoom} or null).  Resolves when its outlines and its review are there.
export async function openSlide(id, at = null, region = "") {
    const mine = ++opening;
    saidOfTiles = false;
    over("");
    byId("viewers").setAttribute("aria-busy", "true");
    try {
        const slide = await getJson(`/api/slides/${id}`);
        if (mine !== opening) {
            return;
        }
        Object.assign(state, {slide, review: null, regions: [], chosen: null, tissue: [], annotation: []});
        showSlide(slide, at);
        over(missing(slide));
        emit("slide");
        await readOutlines(slide, mine, region);
    } catch (error) {
        if (mine === opening) {
            const name = (state.slides.find(other => other.id === id) || {}).name || "This slide";
            over(`${name} cannot be shown. ${sentence(error.message)}`);
        }
    } finally {
        if (mine === opening) {
            byId("viewers").setAttribute("aria-busy", "false");
        }
    }
}

// ---- outlines ----

function drawnItems() {
    return (state.review ? state.review.drawn : []).map(({id, ring, label}) => ({
        id, label, drawn: true, polygons: [[ring]], box: boxOf([[ring]]), size: Math.abs(ringArea(ring)),
    }));
}

function isChosen(kind, id) {
    return !!state.chosen && state.chosen.kind === kind && state.chosen.id === id;
}

function drawFixed() {
    for (const viewer of openViewers()) {
        for (const name of ["tissue", "annotation"]) {
            viewer.setOutlines(name, (state[name] || []).map(item => ({...item, style: name})));
        }
    }
}

function styleOf(item) {
    return item.drawn ? item.label === "normal" ? "drawn normal" : "drawn" : decisionOf(item.id).state;
}

function drawReviewed() {
    const former = (state.review && state.review.orphans || []).map(({id, outline}) => ({id, polygons: [outline], style: "former"}));
    for (const [name, items] of [["regions", state.regions], ["drawn", drawnItems()]]) {
        const styled = items.map(item => ({id: item.id, polygons: item.polygons, style: styleOf(item)}));
        openViewers().forEach(viewer => viewer.setOutlines(name, name === "regions" ? [...former, ...styled] : styled));
    }
    drawChosen();
}

// Over its neighbours, and without drawing them again.
function drawChosen() {
    const item = chosenItem();
    const items = item && state.layers[item.drawn ? "drawn" : "regions"] ?
        [{id: item.id, polygons: item.polygons, style: styleOf(item), chosen: true}] : [];
    openViewers().forEach(viewer => viewer.setOutlines("chosen", items));
}

export function choose(chosen, zoom = false) {
    state.chosen = chosen;
    emit("chosen");
    const item = chosenItem();
    if (zoom && item) {
        viewers[0].fit(item.box);
    }
}

export function chosenItem() {
    if (!state.chosen) {
        return null;
    }
    const items = state.chosen.kind === "drawn" ? drawnItems() : state.regions;
    return items.find(item => item.id === state.chosen.id) || null;
}

// The next or previous region by rank, drawn ones last; onlyOpen leaves out those that were decided on.
export function nextRegion(step, onlyOpen = false) {
    const all = [...state.regions.map(item => ({kind: "region", id: item.id, open: decisionOf(item.id).state === "open"})),
                 ...drawnItems().map(item => ({kind: "drawn", id: item.id, open: false}))];
    const at = state.chosen ? all.findIndex(item => isChosen(item.kind, item.id)) : step > 0 ? -1 : all.length;
    for (let i = 1; i <= all.length; i++) {
        const item = all[((at + step * i) % all.length + all.length) % all.length];
        if (item && (!onlyOpen || item.open)) {
            choose({kind: item.kind, id: item.id}, true);
            return true;
        }
    }
    return false;
}

