// What lies over the viewer: scale bar, value under the pointer, and the slide in small with the frame of the view.
import {byId} from "./dom.js";
import {emit, on, state} from "./state.js";
import {scaleBar, scoreText} from "./geometry.js";
import {stretchOf, umPerPixel} from "./frame.js";
import {mainViewer, openViewers} from "./stage.js";

const SCALE_PX = 140;
const MAP_PX = 168;

function showScale() {
    const bar = scaleBar(umPerPixel(state.slide, mainViewer().position().zoom), SCALE_PX);
    byId("scale-bar").style.width = `${bar.px}px`;
    byId("scale-text").textContent = bar.text;
}

// ---- the slide in small ----

function showThumbnail() {
    const {slide} = state;
    const aspect = slide.width / (slide.height * stretchOf(slide));
    const box = byId("small");
    box.style.width = `${Math.round(aspect >= 1 ? MAP_PX : MAP_PX * aspect)}px`;
    box.style.height = `${Math.round(aspect >= 1 ? MAP_PX / aspect : MAP_PX)}px`;
    byId("small-picture").setAttribute("src", slide.maps.some(map => map.model === 0) ? `/thumb/${slide.id}/0` : `/thumb/${slide.id}`);
}

function showFrame() {
    const {slide} = state;
    const view = mainViewer().box();
    const clip = (value, most) => Math.min(1, Math.max(0, value / most)) * 100;
    const left = clip(view.left, slide.width);
    const top = clip(view.top, slide.height);
    Object.assign(byId("small-frame").style, {left: `${left}%`, top: `${top}%`, width: `${clip(view.right, slide.width) - left}%`,
                                              height: `${clip(view.bottom, slide.height) - top}%`});
}

function moveBySmall(event) {
    if (event.buttons !== 1 || !state.slide) {
        return;
    }
    event.preventDefault();
    const box = byId("small").getBoundingClientRect();
    mainViewer().setPosition({x: (event.clientX - box.left) / box.width * state.slide.width,
                              y: (event.clientY - box.top) / box.height * state.slide.height, zoom: mainViewer().position().zoom});
}

// ---- the value under the pointer ----

function coordinate(px, mpp) {
    return `${Math.round(px)} px, ${(px * mpp).toFixed(1)} µm`;
}

function showPointer(at) {
    const {slide} = state;
    const inside = at && slide && at.x >= 0 && at.y >= 0 && at.x < slide.width && at.y < slide.height;
    const values = inside ? openViewers().map(viewer => viewer.value(at.x, at.y)) : [];
    byId("value").textContent = inside ? values.map(value => Number.isNaN(value) ? "no data" : scoreText(value)).join(" | ") : "–";
    byId("value-x").textContent = inside ? coordinate(at.x, slide.mpp_x) : "–";
    byId("value-y").textContent = inside ? coordinate(at.y, slide.mpp_y) : "–";
    for (const viewer of openViewers()) {
        const cross = viewer.container.querySelector(".cross");
        cross.hidden = !inside || !state.compare || viewer === at.viewer;
        if (!cross.hidden) {
            const point = viewer.leaflet.latLngToContainerPoint([at.y, at.x]);
            cross.style.transform = `translate(${point.x}px, ${point.y}px)`;
        }
    }
}

export function startControls() {
    on("slide", () => {
        showThumbnail();
        showPointer(null);
    });
    on("position", () => {
        if (state.slide && mainViewer().leaflet) {
            showScale();
            showFrame();
            emit("moved");
        }
    });
    on("pointer", showPointer);
    byId("small").addEventListener("pointerdown", moveBySmall);
    byId("small").addEventListener("pointermove", moveBySmall);
}
