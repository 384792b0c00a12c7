// What the page shows, and who hears of a change.  Only this file knows the names of the events.

const target = new EventTarget();

// slide    what is open: the answer of /api/slides/ID
// review   the review of that slide as the server last sent it, with the changes that are on their way
// regions  [{id, rank, max, mean, area, polygons, box, size}], in the order of their rank
// chosen   {kind: "region" or "drawn", id} or null
export const state = {run: null, slides: [], slide: null, review: null, regions: [], chosen: null, compare: false, look: null, layers: null};

// Events: slides, slide, review, regions, chosen, compare, look, layers
export function on(name, listener) {
    target.addEventListener(name, event => listener(event.detail));
}

export function emit(name, detail) {
    target.dispatchEvent(new CustomEvent(name, {detail}));
}

// ---- what the browser remembers of how the page is set: no names, no results ----

const KEY = "wsiflow-view";

export function remembered() {
    try {
        return JSON.parse(localStorage.getItem(KEY)) || {};
    } catch (error) {
        return {};
    }
}

export function remember(part) {
    try {
        localStorage.setItem(KEY, JSON.stringify({...remembered(), ...part}));
    } catch (error) {
        // A browser without storage forgets; nothing else depends on it.
    }
}
