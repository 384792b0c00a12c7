// The start of the page, and what holds its parts together: which slide is open, its address, and reading again what others changed.
import {getJson} from "./api.js";
import {startControls} from "./controls.js";
import {startDisplay, takeRun} from "./display.js";
import {byId, debounce} from "./dom.js";
import {setMode, startDraw} from "./draw.js";
import {startKeys} from "./keys.js";
import {firstSlide, isScored, neighbour, startList} from "./list.js";
import {notice, over, told} from "./messages.js";
import {flushNote, startPanel} from "./panel.js";
import {placeText, readPlace} from "./place.js";
import {alarm, readReview, startReview} from "./review.js";
import {mainViewer, nextRegion, openSlide, startStage} from "./stage.js";
import {emit, on, remember, remembered, state} from "./state.js";
import {canvasIsExact} from "./valuelayer.js";

const AGAIN_MS = 30000; // between looks for maps that are not there yet

// ---- slides and addresses ----

function address() {
    const {x, y, zoom} = mainViewer().position();
    const region = state.chosen && state.chosen.kind === "region" ? state.chosen.id : "";
    return placeText({slide: state.slide.name, x, y, zoom, region});
}

let wanted = null; // the id of the slide that is open, or being opened

const keepPlace = debounce(200, () => {
    // While another slide is being opened, the address already is that one's.
    if (state.slide && state.slide.id === wanted && mainViewer().leaflet && location.hash !== address()) {
        history.replaceState(null, "", address());
    }
});

function go(id) {
    flushNote();
    setMode("");
    keepPlace.cancel();
    const slide = state.slides.find(entry => entry.id === id);
    if (wanted !== id) {
        wanted = id;
        history.pushState(null, "", placeText({slide: slide.name}));
        told(openSlide(id));
    }
}

function step(by) {
    const id = neighbour(by);
    if (id === null) {
        notice(by > 0 ? "This is the last slide of the list." : "This is the first slide of the list.");
    } else {
        go(id);
    }
}

function openPlace() {
    const {slide, at, region} = readPlace(location.hash);
    const entry = state.slides.find(other => other.name === slide);
    if (slide && !entry) {
        notice(`This run has no slide ${slide}.`);
    }
    const id = entry ? entry.id : firstSlide();
    wanted = id;
    if (id === null) {
        over("This run has no slides.");
    } else {
        told(openSlide(id, entry ? at : null, region));
    }
}

// ---- what changes elsewhere ----

async function readAgain() {
    const run = await getJson("/api/run");
    if (run.other_cohort && !state.run.other_cohort) {
        state.run.other_cohort = true;
        warn();
    }
    if (JSON.stringify(run.range) !== JSON.stringify(state.run.range)) {
        takeRun(run.range);
    }
    const before = new Map(state.slides.map(entry => [entry.id, isScored(entry)]));
    state.slides = await getJson("/api/slides");
    emit("slides");
    const entry = state.slide && state.slides.find(other => other.id === state.slide.id);
    if (entry && isScored(entry) && !before.get(entry.id)) {
        await openSlide(entry.id, mainViewer().position()); // the run has scored it since
        return;
    }
    await readReview();
}

function startReading() {
    const now = () => {
        if (!document.hidden) {
            told(readAgain());
        }
    };
    window.addEventListener("focus", now);
    document.addEventListener("visibilitychange", now);
    setInterval(() => {
        if (state.slides.some(entry => !isScored(entry))) {
            now();
        }
    }, AGAIN_MS);
}

// ---- buttons ----

function startTheme() {
    const themes = ["auto", "light", "dark"];
    const show = theme => {
        document.documentElement.dataset.theme = theme;
        byId("theme").textContent = `Theme: ${theme}`;
    };
    show(themes.includes(remembered().theme) ? remembered().theme : "auto");
    byId("theme").addEventListener("click", () => {
        const theme = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
        remember({theme});
        show(theme);
    });
}

function startSides() {
    for (const side of ["list", "panel"]) {
        byId(`${side}-toggle`).addEventListener("click", () => {
            const hidden = document.body.classList.toggle(`no-${side}`);
            byId(`${side}-toggle`).setAttribute("aria-pressed", String(!hidden));
        });
    }
    if (matchMedia("(max-width: 900px)").matches) {
        document.body.classList.add("no-list");
        byId("list-toggle").setAttribute("aria-pressed", "false");
    }
}

function startButtons() {
    const actions = {"slide-next": () => step(1), "slide-previous": () => step(-1), "region-next": () => nextRegion(1),
                     "region-previous": () => nextRegion(-1), "zoom-in": () => mainViewer().leaflet.zoomIn(1),
                     "zoom-out": () => mainViewer().leaflet.zoomOut(1), "zoom-fit": () => mainViewer().fit()};
    for (const [id, action] of Object.entries(actions)) {
        byId(id).addEventListener("click", () => state.slide && action());
    }
    byId("compare").hidden = state.run.models.length < 2;
    byId("compare").addEventListener("click", () => {
        state.compare = !state.compare;
        byId("compare").setAttribute("aria-pressed", String(state.compare));
        emit("compare");
    });
}

// What makes the page less than it looks.
function warn() {
    if (!canvasIsExact()) {
        alarm("This browser changes pixels that are read from a canvas, as a protection from tracking. Scores and colours of the map are wrong. " +
            "Allow this page to read canvases, or use another browser.");
    }
    if (state.run.read_only) {
        alarm(`Nothing can be changed: ${state.run.read_only}. The results can be looked at.`);
    }
    if (state.run.other_cohort) {
        alarm("The run was started again with other slides since wsiflow view began. Start wsiflow view again to see them.");
    }
}

async function start() {
    startTheme();
    over("The run is read.");
    [state.run, state.slides] = await Promise.all([getJson("/api/run"), getJson("/api/slides")]);
    byId("run-name").textContent = state.run.name;
    byId("run-version").textContent = `wsiflow ${state.run.version} · for research use only`;
    startReview();
    startStage();
    startControls();
    startDisplay();
    startPanel();
    startList(go);
    startDraw();
    startKeys(step);
    startSides();
    startButtons();
    on("moved", keepPlace);
    on("chosen", keepPlace);
    window.addEventListener("popstate", openPlace);
    startReading();
    over("");
    openPlace();
    warn();
}

start().catch(error => over(`The page cannot start: ${error.message}.`));
