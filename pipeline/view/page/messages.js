// What the page says in words: a line that goes away, and a sentence over the slide that stays.
import {byId} from "./dom.js";

let timer = 0;

export function notice(text) {
    byId("notice").textContent = text;
    byId("notice").hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => {
        byId("notice").hidden = true;
    }, 4000);
}

// Over the slide; "" takes it away.
export function over(text) {
    byId("over").textContent = text;
    byId("over").hidden = !text;
}

// A message of the server as a sentence.
export function sentence(text) {
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

// For promises that nobody waits for: their errors are shown.
export function told(promise) {
    promise.catch(error => {
        if (error.name !== "AbortError") {
            notice(sentence(error.message));
        }
    });
}
