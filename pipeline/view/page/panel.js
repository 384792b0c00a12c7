// The panel of the slide: its state and note, the regions, and the decision on the chosen one.
import {byId, debounce, element, fillSelect} from "./dom.js";
import {areaText, scoreText} from "./geometry.js";
import {isScored} from "./list.js";
import {notice} from "./messages.js";
import {decide, decisionOf, mark, removeDrawn, undo, undoWords} from "./review.js";
import {choose, chosenItem, nextRegion} from "./stage.js";
import {on, remember, remembered, state} from "./state.js";

const MOST_ROWS = 500;
const NOTE_DELAY_MS = 700;

// ---- the chosen region ----

function decisionWords({state: decision, reason}) {
    return reason ? `${decision}: ${reason}` : decision;
}

// Of decisions that were made on other outlines, by an earlier run.
function formerWords(review) {
    const lost = review ? review.orphaned : 0;
    return lost ? `${lost} decision${lost === 1 ? " is" : "s are"} on regions of an earlier map that this one does not have.` : "";
}

function showChosen() {
    const item = chosenItem();
    const drawn = !!item && !!item.drawn;
    byId("chosen").hidden = !item;
    byId("chosen-none").hidden = !!item || !byId("regions").children.length;
    byId("reasons").hidden = true;
    if (!item) {
        return;
    }
    const decision = drawn ? null : decisionOf(item.id);
    byId("chosen-name").textContent = drawn ? `Drawn by hand: ${item.label}` : `Region ${item.rank}`;
    byId("chosen-facts").textContent = drawn ? areaText(item.size * state.slide.mpp_x * state.slide.mpp_y) :
        `highest ${scoreText(item.max)}, mean ${scoreText(item.mean)}, ${areaText(item.area)}`;
    byId("chosen-former").hidden = drawn || !decision.from;
    byId("chosen-state").textContent = drawn ? "" : decisionWords(decision);
    byId("chosen-state").dataset.state = drawn ? "" : decision.state;
    byId("decide").hidden = drawn;
    byId("erase").hidden = !drawn;
    for (const name of ["confirmed", "rejected"]) {
        byId(`decide-${name}`).setAttribute("aria-pressed", String(!drawn && decision.state === name));
    }
    byId("decide-open").disabled = drawn || decision.state === "open";
}

function goOn() {
    if (byId("go-on").checked && !nextRegion(1, true)) {
        notice("Every region of this slide is decided on.");
    }
}

export function confirmChosen() {
    const item = chosenItem();
    if (item && !item.drawn) {
        decide(item.id, "confirmed");
        goOn();
    }
}

// Opens the choice of a reason.
export function askReason() {
    const item = chosenItem();
    if (item && !item.drawn) {
        byId("reasons").hidden = false;
        byId("reasons").querySelector("button").focus();
    }
}

export function reasonsOpen() {
    return !byId("reasons").hidden;
}

export function closeReasons() {
    byId("reasons").hidden = true;
}

// number: from 1, as on the buttons.
export function rejectChosen(number) {
    const item = chosenItem();
    const reason = state.run.reasons[number - 1];
    if (item && !item.drawn && reason) {
        decide(item.id, "rejected", reason);
        goOn();
    }
}

function reopenChosen() {
    const item = chosenItem();
    if (item && !item.drawn) {
        decide(item.id, "open");
    }
}

export function eraseChosen() {
    const item = chosenItem();
    if (item && item.drawn && removeDrawn(item.id)) {
        choose(null);
    }
}

// ---- the list of regions ----

function regionRow(kind, id, words, detail, decision) {
    return element("li", {role: "option", "data-kind": kind, "data-id": id, onclick: () => choose({kind, id}, true)},
                   element("span", {class: "region-name", text: words}), element("span", {class: "region-detail", text: detail}),
                   element("span", {class: "mark", text: decisionWords(decision), "data-state": decision.state}));
}

function showRegions() {
    const {regions, review} = state;
    const rows = regions.slice(0, MOST_ROWS).map(item => regionRow("region", item.id, `${item.rank}`, scoreText(item.max), decisionOf(item.id)));
    for (const {id, label} of review ? review.drawn : []) {
        rows.push(regionRow("drawn", id, "drawn", label, {state: ""}));
    }
    byId("regions").replaceChildren(...rows);
    const open = regions.filter(item => decisionOf(item.id).state === "open").length;
    const more = regions.length > MOST_ROWS ? `; the first ${MOST_ROWS} are listed` : "";
    byId("region-counts").textContent = regions.length ? `${regions.length} (${open} open${more})` :
        state.slide.has.regions ? "none above the threshold" : "not there yet";
    byId("former").textContent = formerWords(review);
    markChosen();
}

function markChosen() {
    for (const row of byId("regions").children) {
        const chosen = !!state.chosen && state.chosen.kind === row.dataset.kind && String(state.chosen.id) === row.dataset.id;
        row.setAttribute("aria-selected", String(chosen));
        if (chosen) {
            row.scrollIntoView({block: "nearest"});
        }
    }
}

function regionKeys(event) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step) {
        event.preventDefault();
        nextRegion(step);
    }
}

// ---- the slide ----

const saveNote = debounce(NOTE_DELAY_MS, () => mark({note: byId("note").value}));

// A note is saved when it was not changed for a moment, and before anything else takes its place.
export function flushNote() {
    if (saveNote.waiting()) {
        saveNote.cancel();
        mark({note: byId("note").value});
    }
}

function showReview() {
    const {review} = state;
    byId("slide-state").disabled = byId("note").disabled = !review;
    byId("slide-state").value = review ? review.state : "";
    if (!saveNote.waiting()) {
        byId("note").value = review ? review.note : "";
    }
    const words = undoWords();
    byId("undo").disabled = !words;
    byId("undo").title = words ? `Undo: ${words}` : "Nothing to undo";
    showRegions();
    showChosen();
}

function showSlide() {
    const {slide} = state;
    const entry = state.slides.find(other => other.id === slide.id);
    const [x, y] = [slide.mpp_x, slide.mpp_y].map(mpp => +mpp.toPrecision(4));
    const shape = x === y ? x : `${x} × ${y}`;
    byId("slide-title").textContent = slide.name;
    byId("slide-title").title = slide.name;
    byId("slide-size").textContent = `${slide.width} × ${slide.height} px, ${shape} µm/px`;
    byId("slide-scores").textContent = entry && isScored(entry) ?
        `mean of the top 1 % ${scoreText(entry.scores.top)}, highest tile ${scoreText(entry.scores.max)}` : "no scores yet";
    document.title = `${slide.name} – wsiflow`;
    showReview();
}

export function startPanel() {
    fillSelect(byId("slide-state"), state.run.slide_states, "open");
    byId("slide-state").addEventListener("change", event => {
        const wanted = event.target.value; // saving the note shows the former state again
        flushNote();
        mark({state: wanted});
    });
    byId("note").addEventListener("input", saveNote);
    byId("note").addEventListener("blur", flushNote);
    window.addEventListener("pagehide", flushNote);
    byId("decide-confirmed").addEventListener("click", confirmChosen);
    byId("decide-rejected").addEventListener("click", askReason);
    byId("decide-open").addEventListener("click", reopenChosen);
    byId("erase").addEventListener("click", eraseChosen);
    byId("undo").addEventListener("click", undo);
    byId("reasons").append(...state.run.reasons.map((reason, i) => element("button", {
        type: "button", text: `${i + 1} ${reason}`, onclick: () => rejectChosen(i + 1)})));
    byId("go-on").checked = remembered().goOn === true;
    byId("go-on").addEventListener("change", event => remember({goOn: event.target.checked}));
    byId("regions").addEventListener("keydown", regionKeys);
    on("slide", showSlide);
    on("review", showReview);
    on("regions", showReview);
    on("chosen", () => {
        markChosen();
        showChosen();
    });
}
