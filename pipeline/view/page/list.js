// The list of slides: sorted, filtered, with small overviews.
import {byId, element} from "./dom.js";
import {emit, on, remember, remembered, state} from "./state.js";
import {scoreText} from "./geometry.js";

const byName = (a, b) => a.name.localeCompare(b.name, undefined, {numeric: true});
const scoreOf = name => slide => slide.scores && Number.isFinite(slide.scores[name]) ? slide.scores[name] : -Infinity;
const falling = name => (a, b) => {
    const difference = scoreOf(name)(b) - scoreOf(name)(a);
    return difference || byName(a, b); // NaN (two without a score) is false
};

const SORTS = {
    top: {words: "mean of the top 1 %", compare: falling("top")},
    max: {words: "highest tile", compare: falling("max")},
    area: {words: "area above threshold", compare: falling("area")},
    name: {words: "name", compare: byName},
    state: {words: "review state", compare: (a, b) => stateRank(a) - stateRank(b) || falling("top")(a, b)},
};

const rows = new Map(); // id: {li, parts}
let shown = []; // ids in the order of the list
let openSlide = () => {};

export function isScored(slide) {
    return !!slide.scores && Number.isFinite(slide.scores.max);
}

function stateRank(slide) {
    return state.run.slide_states.indexOf(slide.review.state);
}

function sortName() {
    return byId("sort").value;
}

// Score that the list shows: that of the order, or the mean of the top 1 %, by which the report ranks slides.
function scoreWords(slide) {
    const name = ["max", "top", "area"].includes(sortName()) ? sortName() : "top";
    const value = slide.scores ? slide.scores[name] : NaN;
    return Number.isFinite(value) ? `${scoreText(value)}${name === "area" ? " mm²" : ""}` : slide.state === "done" ? "no map" : slide.state;
}

function regionWords({review, regions}) {
    const parts = [];
    if (regions !== null && regions !== undefined) {
        parts.push(`${regions} region${regions === 1 ? "" : "s"}`);
    }
    for (const name of ["confirmed", "rejected", "drawn"]) {
        if (review[name]) {
            parts.push(`${review[name]} ${name}`);
        }
    }
    return parts.join(", ");
}

function makeRow(slide) {
    const parts = {name: element("span", {class: "slide-name"}), score: element("span", {class: "slide-score"}),
                   facts: element("span", {class: "slide-facts"}), review: element("span", {class: "slide-state"}),
                   picture: element("img", {alt: "", loading: "lazy", decoding: "async", width: 56, height: 56})};
    parts.picture.addEventListener("error", () => parts.picture.classList.add("missing"));
    const li = element("li", {role: "option", id: `slide-${slide.id}`, "aria-selected": "false"}, parts.picture,
                       element("div", {class: "slide-words"}, element("div", {class: "slide-line"}, parts.name, parts.score),
                               element("div", {class: "slide-line"}, parts.facts, parts.review)));
    li.addEventListener("click", () => openSlide(slide.id));
    return {li, parts};
}

function fillRow({li, parts}, slide) {
    parts.name.textContent = slide.name;
    parts.score.textContent = scoreWords(slide);
    parts.facts.textContent = [regionWords(slide), slide.label, slide.split].filter(Boolean).join(" · ");
    li.title = slide.reason ? `${slide.name}: ${slide.state}, ${slide.reason}` : slide.name;
    parts.review.textContent = slide.review.state;
    parts.review.dataset.state = slide.review.state;
    const source = isScored(slide) ? `/thumb/${slide.id}/0` : `/thumb/${slide.id}`;
    if (parts.picture.getAttribute("src") !== source) {
        parts.picture.classList.remove("missing");
        parts.picture.setAttribute("src", source);
    }
    const open = !!state.slide && state.slide.id === slide.id;
    li.setAttribute("aria-selected", String(open));
}

function passes(slide) {
    const text = byId("filter").value.trim().toLowerCase();
    const wanted = byId("filter-state").value;
    const holds = [slide.name, slide.review.note, slide.label, slide.split].some(word => word && word.toLowerCase().includes(text));
    // The open slide stays until another one is opened, although its state may have changed.
    const open = !!state.slide && state.slide.id === slide.id;
    return open || (!text || holds) && (wanted === "all" || slide.review.state === wanted || (wanted === "no map" && !isScored(slide)));
}

function showList() {
    const list = byId("slides");
    const passing = state.slides.filter(passes).sort(SORTS[sortName()].compare);
    shown = passing.map(slide => slide.id);
    for (const slide of passing) {
        if (!rows.has(slide.id)) {
            rows.set(slide.id, makeRow(slide));
        }
        fillRow(rows.get(slide.id), slide);
    }
    const lines = passing.map(slide => rows.get(slide.id).li);
    if (lines.length !== list.children.length || lines.some((li, i) => li !== list.children[i])) {
        list.replaceChildren(...lines);
    }
    const done = state.slides.filter(slide => slide.review.state === "done").length;
    byId("counts").textContent = `${passing.length} of ${state.slides.length} slides · ${done} done`;
    byId("slides-none").hidden = passing.length > 0;
    list.setAttribute("aria-activedescendant", state.slide ? `slide-${state.slide.id}` : "");
}

// The id of the slide that is `step` further in the list than the open one; null at its ends.
export function neighbour(step) {
    const at = state.slide ? shown.indexOf(state.slide.id) : -1;
    const next = at < 0 ? (step > 0 ? 0 : shown.length - 1) : at + step;
    return next >= 0 && next < shown.length ? shown[next] : null;
}

export function firstSlide() {
    return shown.length ? shown[0] : null;
}

function listKeys(event) {
    const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity};
    const step = steps[event.key];
    if (step === undefined || !shown.length) {
        return;
    }
    event.preventDefault();
    const at = state.slide ? shown.indexOf(state.slide.id) : -1;
    openSlide(shown[Math.min(shown.length - 1, Math.max(0, at + step))]);
}

function scrollToOpen() {
    const row = state.slide && rows.get(state.slide.id);
    if (row && row.li.isConnected) {
        row.li.scrollIntoView({block: "nearest"});
    }
}

// open: called with the id of the slide that was chosen.
export function startList(open) {
    openSlide = open;
    const kept = remembered();
    byId("sort").replaceChildren(...Object.entries(SORTS).map(([value, {words}]) => element("option", {value, text: words})));
    byId("sort").value = SORTS[kept.sort] ? kept.sort : "top";
    byId("filter-state").replaceChildren(...["all", ...state.run.slide_states, "no map"].map(value => element("option", {
        value, text: value === "all" ? "every state" : value})));
    byId("sort").addEventListener("change", () => {
        remember({sort: sortName()});
        showList();
        scrollToOpen();
    });
    byId("filter").addEventListener("input", showList);
    byId("filter-state").addEventListener("change", showList);
    byId("slides").addEventListener("keydown", listKeys);
    on("slides", showList);
    on("slide", () => {
        showList();
        scrollToOpen();
    });
    on("reviewed", ({slide, review}) => {
        const entry = state.slides.find(other => other.id === slide);
        const decisions = Object.values(review.regions).map(decision => decision.state);
        entry.review = {state: review.state, note: review.note, drawn: review.drawn.length,
                        confirmed: decisions.filter(word => word === "confirmed").length,
                        rejected: decisions.filter(word => word === "rejected").length};
        showList();
    });
    emit("slides");
}
