// Outlines over the slide: regions with what was decided on them, regions drawn by hand, tissue, annotation.
/* global L */
import {latLng} from "./frame.js";

// Colours of Okabe and Ito, which colour-blind people can tell apart; decisions also differ in their lines.
const STYLES = {
    open: {color: "#e69f00", weight: 1.5},
    confirmed: {color: "#009e73", weight: 3},
    rejected: {color: "#5c5c5c", weight: 2, dashArray: "9 5"},
    former: {color: "#5c5c5c", weight: 1},
    drawn: {color: "#d55e00", weight: 3},
    "drawn normal": {color: "#d55e00", weight: 2, dashArray: "9 5"},
    tissue: {color: "#56b4e9", weight: 1.5},
    annotation: {color: "#0072b2", weight: 2, dashArray: "8 5"},
};
const CHOSEN = 2; // px wider
const HALO = {color: "#ffffff", opacity: 0.8, dashArray: null};

function paths(polygons) {
    return polygons.map(rings => rings.map(ring => ring.map(([x, y]) => latLng(x, y))));
}

// One kind of outlines: items {id, polygons, style, chosen}.  Those that are as they were are left alone: there may be thousands.
export class OutlineLayer {
    constructor(map, pane, halo) {
        this.group = L.layerGroup();
        this.options = {renderer: L.canvas({pane, padding: 0.3}), pane, interactive: false, fill: false, smoothFactor: 0.7};
        this.halo = halo;
        this.map = map;
        this.drawn = new Map(); // id: {item, layers}
    }

    setItems(items) {
        const before = this.drawn;
        this.drawn = new Map();
        for (const item of items) {
            const same = before.get(item.id);
            if (same && same.item.polygons === item.polygons && same.item.style === item.style) {
                this.drawn.set(item.id, same);
                before.delete(item.id);
            }
        }
        before.forEach(({layers}) => layers.forEach(layer => this.group.removeLayer(layer)));
        items.filter(item => !this.drawn.has(item.id)).forEach(item => this.draw(item));
    }

    draw(item) {
        const weight = STYLES[item.style].weight + (item.chosen ? CHOSEN : 0);
        const path = {...this.options, ...STYLES[item.style], weight};
        const where = paths(item.polygons);
        const layers = [L.polygon(where, path)];
        if (this.halo || item.chosen) {
            layers.unshift(L.polygon(where, {...path, ...HALO, weight: weight + 1.5}));
        }
        layers.forEach(layer => this.group.addLayer(layer));
        this.drawn.set(item.id, {item, layers});
    }

    show(visible) {
        if (visible) {
            this.group.addTo(this.map);
        } else {
            this.group.remove();
        }
    }
}

export function colourOfStyle(style) {
    return STYLES[style].color;
}
