// What the reader decides: regions, drawn regions, state and note of a slide.  A change is shown at once and sent at once (saver.js); the
// answer of the server then replaces what is shown.
import {emit, state} from "./state.js";
import {getJson} from "./api.js";
import {Saver} from "./saver.js";
import {byId} from "./dom.js";
import {notice, told} from "./messages.js";

const undone = []; // {words, slide, back()}: the last change is the last entry
const MOST_UNDO = 200;
let saver = null;

export function startReview() {
    saver = new Saver({state: showState, saved, refused});
    byId("save-retry").addEventListener("click", () => saver.retry());
    byId("refused-close").addEventListener("click", () => {
        byId("refused").hidden = true;
    });
}

function showState({waiting, error, retryIn}) {
    const changes = waiting === 1 ? "1 change is" : `${waiting} changes are`;
    byId("unsaved").hidden = !error;
    byId("unsaved-text").textContent = error ? `${changes} not saved: ${error.message}. Next try in ${retryIn} s; leave this page open.` : "";
    byId("saving").textContent = waiting ? "saving…" : "saved";
    document.documentElement.dataset.saving = error ? "failed" : waiting ? "waiting" : "saved";
}

// A sentence that stays until it is closed.
export function alarm(text) {
    byId("refused").hidden = false;
    byId("refused-text").textContent = text;
}

function refused(change, error) {
    alarm(`Not saved: ${change.words}: ${error.message}.`);
    const last = undone.findIndex(entry => entry.change === change);
    if (last >= 0) {
        undone.splice(last, 1);
    }
    told(readReview());
}

// A later change of the same item, made before this answer came, did see what it replaces.
function saved(change, answer, more) {
    saver.each(waiting => {
        if (waiting.slide === change.slide && waiting.item === change.item) {
            waiting.seen = answer.revision;
        }
    });
    if (change.after) {
        change.after(answer);
    }
    if (state.slide && state.slide.id === change.slide && !more) {
        setReview(answer);
    }
    emit("reviewed", {slide: change.slide, review: answer});
    if (answer.exported === false) {
        alarm("The change is saved in the run's table, but its files review/*.geojson and review.csv could not be written" +
            `${answer.export_error ? `: ${answer.export_error}` : ""}. The next change, or the next start of wsiflow view, writes them.`);
    }
}

function setReview(review) {
    state.review = review;
    emit("review");
}

// Reads the state again, unless changes are on their way: another tab may have changed it.
export async function readReview() {
    const {slide} = state;
    if (!slide || saver.pending(slide.id)) {
        return;
    }
    const review = await getJson(`/api/slides/${slide.id}/review`);
    const older = state.review && review.revision < state.review.revision; // a change was saved while this answer was on its way
    if (state.slide === slide && !saver.pending(slide.id) && !older) {
        setReview(review);
        emit("reviewed", {slide: slide.id, review});
    }
}

// ---- changes ----

// change: {item, method, path, body, words}.  The server refuses a change of an item that somebody else has changed since revision `seen`.
function push(change, back) {
    const made = {slide: state.slide.id, seen: state.review.revision, ...change};
    if (back) {
        const last = undone[undone.length - 1];
        if (!(last && change.replaces && last.change.replaces === change.replaces)) {
            undone.push({words: change.words, slide: state.slide.id, change: made, back});
        } else {
            last.change = made;
        }
        if (undone.length > MOST_UNDO) {
            undone.shift();
        }
    }
    saver.add(made);
    emit("review");
    emit("reviewed", {slide: made.slide, review: state.review});
}

// Nothing can be changed before it was read.
function isRead() {
    if (!state.review) {
        notice("The review of this slide is not read yet.");
    }
    return !!state.review;
}

export function decisionOf(id) {
    return state.review && state.review.regions[id] || {state: "open", reason: ""};
}

// decision: open, confirmed or rejected.
export function decide(id, decision, reason = "", keep = true) {
    const before = decisionOf(id);
    if (!isRead() || before.state === decision && (before.reason || "") === reason) {
        return;
    }
    state.review.regions[id] = {state: decision, reason};
    push({item: id, method: "PUT", path: `/api/slides/${state.slide.id}/regions/${id}`, body: {state: decision, reason},
          words: `region ${decision}`}, keep ? () => decide(id, before.state, before.reason || "", false) : null);
}

export function mark(part, keep = true) {
    if (!isRead()) {
        return;
    }
    const before = {state: state.review.state, note: state.review.note};
    const after = {...before, ...part};
    if (after.state === before.state && after.note === before.note) {
        return;
    }
    Object.assign(state.review, after);
    const what = after.note === before.note ? "state" : "note";
    push({item: "slide", method: "PUT", path: `/api/slides/${state.slide.id}/review`, body: after, replaces: `${what} ${state.slide.id}`,
          words: what === "note" ? `the note "${after.note}"` : `state ${after.state} of the slide`}, keep ? () => mark(before, false) : null);
}

// A region that is drawn has a number of its own only when the server has answered; until then it is "new N".
let temporary = 0;

// What the server knows a drawn region by, so that a request that is sent again adds it once.
function newKey() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join("");
}

// which: {id} holds the number by which the region is known now, for the changes that undo this one and others of it.
export function addDrawn(ring, label, keep = true, which = {}) {
    const id = `new ${++temporary}`, key = newKey();
    which.id = id;
    state.review.drawn.push({id, ring, label, pending: true});
    const after = answer => {
        const made = answer.drawn.find(entry => entry.key === key);
        which.id = made ? made.id : null;
        if (made && state.chosen && state.chosen.id === id) {
            state.chosen = {kind: "drawn", id: made.id};
        }
    };
    push({item: id, method: "POST", path: `/api/slides/${state.slide.id}/drawn`, body: {ring, label, key}, after, words: "region drawn by hand"},
         keep ? () => removeDrawn(which.id, false, which) : null);
    return id;
}

// false: not yet, since it is on its way to the server.
export function removeDrawn(id, keep = true, which = {id}) {
    const drawn = state.review.drawn.find(entry => entry.id === id);
    if (!drawn || drawn.pending) {
        return false;
    }
    state.review.drawn = state.review.drawn.filter(entry => entry !== drawn);
    push({item: id, method: "DELETE", path: `/api/slides/${state.slide.id}/drawn/${id}`, body: {}, words: "drawn region erased"},
         keep ? () => addDrawn(drawn.ring, drawn.label, false, which) : null);
    return true;
}

// What can be undone is what was done on the slide that is open.
export function undoWords() {
    const last = undone[undone.length - 1];
    return last && state.slide && last.slide === state.slide.id ? last.words : "";
}

export function undo() {
    if (undoWords() && undone[undone.length - 1].back() !== false) {
        undone.pop();
        emit("review");
    }
}
