// Changes on their way to the server: sent at once and in order, tried again until they are saved, and never dropped without a word.
import {RequestError, sendJson} from "./api.js";

const FIRST_WAIT_S = 2;
const LONGEST_WAIT_S = 30;

export class Saver {
    // told: {state({waiting, error, retryIn}), saved(change, answer), refused(change, error)}
    constructor(told) {
        this.told = told;
        this.queue = [];
        this.sending = false;
        this.wait = FIRST_WAIT_S;
        this.timer = 0;
        window.addEventListener("beforeunload", event => {
            if (this.queue.length) {
                event.preventDefault();
                event.returnValue = "";
            }
        });
        window.addEventListener("online", () => this.retry());
    }

    // change: {slide, item, seen, method, path, body, words, replaces, after}; a change that waits is replaced by a later one of the same `replaces`.
    add(change) {
        const last = this.queue.length - 1;
        const replaced = change.replaces && last > (this.sending ? 0 : -1) && this.queue[last].replaces === change.replaces;
        if (replaced) {
            change.seen = this.queue[last].seen;
            this.queue[last] = change;
        } else {
            this.queue.push(change);
        }
        this.tell(null);
        this.send();
    }

    each(action) {
        this.queue.forEach(action);
    }

    pending(slide) {
        return this.queue.some(change => change.slide === slide);
    }

    tell(error) {
        this.told.state({waiting: this.queue.length, error, retryIn: error ? this.wait : 0});
    }

    retry() {
        clearTimeout(this.timer);
        this.timer = 0;
        this.wait = FIRST_WAIT_S;
        this.send();
    }

    async send() {
        if (this.sending || this.timer || !this.queue.length) {
            return;
        }
        this.sending = true;
        const change = this.queue[0];
        try {
            const body = change.method === "POST" ? change.body : {...change.body, revision: change.seen};
            const answer = await sendJson(change.method, change.path, body);
            this.queue.shift();
            this.wait = FIRST_WAIT_S;
            this.told.saved(change, answer, this.pending(change.slide));
            this.tell(null);
        } catch (error) {
            this.failed(change, error);
        }
        this.sending = false;
        this.send();
    }

    failed(change, error) {
        const again = !(error instanceof RequestError) || error.status === 0 || error.status >= 500 || [401, 408, 429].includes(error.status);
        if (!again) { // the server understood and says no: another try gives the same answer
            this.queue.shift();
            this.told.refused(change, error);
            this.tell(null);
            return;
        }
        this.tell(error);
        this.timer = setTimeout(() => {
            this.timer = 0;
            this.send();
        }, this.wait * 1000);
        this.wait = Math.min(LONGEST_WAIT_S, this.wait * 2);
    }
}
