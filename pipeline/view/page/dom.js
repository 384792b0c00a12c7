// Elements of the page.  Texts are always text: nothing here or elsewhere parses markup.

export function byId(id) {
    return document.getElementById(id);
}

// element("button", {type: "button", class: "quiet", text: "Undo", onclick: f}, child...)
export function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name === "text") {
            made.textContent = value;
        } else if (name.startsWith("on")) {
            made.addEventListener(name.slice(2), value);
        } else if (value === true || value === false) {
            made.toggleAttribute(name, value);
        } else if (value !== undefined && value !== null) {
            made.setAttribute(name, value);
        }
    }
    made.append(...children.filter(child => child !== null && child !== undefined));
    return made;
}

export function fillSelect(select, names, chosen) {
    select.replaceChildren(...names.map(name => element("option", {value: name, text: name, selected: name === chosen})));
}

// Whether keys belong to what has the focus, not to the page.
export function typing() {
    const focus = document.activeElement;
    return !!focus && (focus.isContentEditable || ["TEXTAREA", "SELECT"].includes(focus.tagName) ||
                       (focus.tagName === "INPUT" && !["checkbox", "radio", "range"].includes(focus.type)));
}

export function debounce(delay, action) {
    let timer = 0;
    const run = (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => {
            timer = 0;
            action(...values);
        }, delay);
    };
    run.waiting = () => timer !== 0;
    run.cancel = () => {
        clearTimeout(timer);
        timer = 0;
    };
    return run;
}
