// One slide on the screen: its pixels, the score map of one model over them, outlines, and the position they are seen from.
/* global L */
import {SlideLayer} from "./tilelayer.js";
import {ValueLayer} from "./valuelayer.js";
import {OutlineLayer} from "./vectors.js";
import {boundsOf, crsOf, latLng, scannedBox} from "./frame.js";

const PANES = {values: 250, tissue: 401, annotation: 402, regions: 403, drawn: 404, chosen: 405, ink: 410};
const ENLARGED = 2; // zooms beyond level 0

export class Viewer {
    // told: {position(), pointer(x, y or null), click(x, y), failed(error)}
    constructor(container, model, told) {
        this.container = container;
        this.model = model;
        this.told = told;
        this.leaflet = null;
    }

    close() {
        if (this.leaflet) {
            this.leaflet.remove();
            this.leaflet = null;
            this.values = null;
        }
    }

    // Shows a slide; at: {x, y, zoom} or null for the whole of it.
    open(slide, run, look, at) {
        this.close();
        this.slide = slide;
        this.leaflet = L.map(this.container, {
            crs: crsOf(slide), attributionControl: false, zoomControl: false, zoomSnap: 0.25, wheelPxPerZoomLevel: 90, keyboardPanDelta: 120,
            minZoom: -2, maxZoom: slide.max_zoom + ENLARGED, maxBoundsViscosity: 0.7, boxZoom: true,
        });
        for (const [name, depth] of Object.entries(PANES)) {
            this.leaflet.createPane(name).style.zIndex = depth;
            this.leaflet.getPane(name).classList.add(`pane-${name}`);
        }
        this.place(at);
        const slides = new SlideLayer(slide).addTo(this.leaflet);
        slides.on("failed", event => this.told.failed(event.error));
        this.addValues(run, look);
        this.outlines = {};
        for (const name of ["tissue", "annotation", "regions", "drawn", "chosen"]) {
            this.outlines[name] = new OutlineLayer(this.leaflet, name, name !== "tissue");
        }
        this.listen();
    }

    addValues(run, look) {
        const map = this.slide.maps.find(entry => entry.model === this.model);
        if (!map) {
            return;
        }
        this.values = new ValueLayer(this.slide, map, look, run.colours.maps, {pane: "values", className: "values"});
        this.values.on("failed", event => this.told.failed(event.error));
        this.values.addTo(this.leaflet);
        this.setLook(look);
    }

    place(at) {
        const box = scannedBox(this.slide);
        if (at) {
            this.leaflet.setView(latLng(at.x, at.y), at.zoom, {animate: false});
        } else {
            this.leaflet.fitBounds(boundsOf(box), {animate: false, padding: [12, 12]});
        }
        const wide = (box.right - box.left) / 2;
        const high = (box.bottom - box.top) / 2;
        this.leaflet.setMaxBounds(boundsOf({left: box.left - wide, right: box.right + wide, top: box.top - high, bottom: box.bottom + high}));
    }

    listen() {
        const leaflet = this.leaflet;
        leaflet.on("move zoom moveend", () => this.told.position(this));
        leaflet.on("mousemove", event => this.told.pointer(this, event.latlng.lng, event.latlng.lat));
        leaflet.on("mouseout", () => this.told.pointer(this, null, null));
        leaflet.on("click", event => this.told.click(this, event));
    }

    // ---- what is shown ----

    setLook(look) {
        if (!this.values) {
            return;
        }
        this.values.setLook(look);
        const pane = this.leaflet.getPane("values");
        pane.style.opacity = look.opacity;
        pane.style.mixBlendMode = look.blend === "multiply" ? "multiply" : "normal";
    }

    setLayers(layers) {
        if (this.values) {
            // Hidden, not removed: the values are still read under the pointer.
            this.leaflet.getPane("values").style.display = layers.values ? "" : "none";
        }
        for (const [name, outline] of Object.entries(this.outlines)) {
            outline.show(name === "chosen" || layers[name]);
        }
    }

    setOutlines(name, items) {
        this.outlines[name].setItems(items);
    }

    // ---- where ----

    position() {
        const centre = this.leaflet.getCenter();
        return {x: centre.lng, y: centre.lat, zoom: this.leaflet.getZoom()};
    }

    setPosition({x, y, zoom}, animate) {
        this.leaflet.setView(latLng(x, y), zoom, {animate: !!animate});
    }

    fit(box) {
        this.leaflet.fitBounds(boundsOf(box || scannedBox(this.slide)), {
            padding: box ? [90, 90] : [12, 12], maxZoom: box ? this.slide.max_zoom : undefined,
        });
    }

    // What is seen, level-0 px.
    box() {
        const bounds = this.leaflet.getBounds();
        return {left: bounds.getWest(), right: bounds.getEast(), top: Math.min(bounds.getSouth(), bounds.getNorth()),
                bottom: Math.max(bounds.getSouth(), bounds.getNorth())};
    }

    value(x, y) {
        return this.values ? this.values.values.value(x, y) : NaN;
    }

    resized() {
        if (this.leaflet) {
            this.leaflet.invalidateSize({animate: false});
        }
    }
}
