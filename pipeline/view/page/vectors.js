// Outlines over the slide: regions with what was decided on them, regions drawn by hand, tissue, annotation.
/* global L */
import {latLng} from "./frame.js";

// Colours of Okabe and Ito, which colour-blind people can tell apart; decisions also differ in their lines.
const STYLES = {
    open: {color: "#e69f00", weight: 1.5},
    confirmed: {color: "#009e73", weight: 3},
    rejected: {color: "#5c5c5c", weight: 2, dashArray: "3 5"},
    former: {color: "#5c5c5c", weight: 1},
    drawn: {color: "#d55e00", weight: 3},
    "drawn normal": {color: "#d55e00", weight: 2, dashArray: "3 5"},
    tissue: {color: "#56b4e9", weight: 1.5},
    annotation: {color: "#0072b2", weight: 2, dashArray: "8 5"},
};
const CHOSEN = 2; // px wider
const HALO = {color: "#ffffff", opacity: 0.8, dashArray: null};

function paths(polygons) {
    return polygons.map(rings => rings.map(ring => ring.map(([x, y]) => latLng(x, y))));
}

// One kind of outlines: items {polygons, style, chosen}.
export class OutlineLayer {
    constructor(map, pane, halo) {
        this.group = L.layerGroup();
        this.options = {renderer: L.canvas({pane, padding: 0.3}), pane, interactive: false, fill: false, smoothFactor: 0.7};
        this.halo = halo;
        this.map = map;
    }

    setItems(items) {
        this.group.clearLayers();
        for (const {polygons, style, chosen} of items) {
            const weight = STYLES[style].weight + (chosen ? CHOSEN : 0);
            const path = {...this.options, ...STYLES[style], weight};
            const where = paths(polygons);
            if (this.halo || chosen) {
                this.group.addLayer(L.polygon(where, {...path, ...HALO, weight: weight + 1.5}));
            }
            this.group.addLayer(L.polygon(where, path));
        }
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
