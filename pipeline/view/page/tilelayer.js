// Tiles as canvases that scripts fill, and requests that end when nobody waits for them any more.
//
// Leaflet's own layer of images aborts a request with a picture from a "data:" address, which the page's content security policy forbids;
// and an image that does not load gives no reason.
/* global L */
import {TILE, stretchOf} from "./frame.js";
import {request} from "./api.js";

// One canvas of TILE x TILE pixels for each tile in view.  On a screen of two pixels per px, a tile takes half of the side and is taken from
// the next zoom.  draw(canvas, {x, y, z}, signal) is asynchronous.
export const CanvasLayer = L.GridLayer.extend({
    initialize(slide, options) {
        this.shift = window.devicePixelRatio > 1.5 && slide.max_zoom > 0 ? 1 : 0;
        const side = TILE / 2 ** this.shift;
        L.GridLayer.prototype.initialize.call(this, {
            tileSize: L.point(side, side * stretchOf(slide)),
            minNativeZoom: 0,
            maxNativeZoom: slide.max_zoom - this.shift,
            minZoom: -10,
            maxZoom: 40,
            noWrap: true,
            bounds: L.latLngBounds([0, 0], [slide.height, slide.width]),
            updateWhenIdle: false,
            updateWhenZooming: false,
            keepBuffer: 1,
            ...options,
        });
        this.slide = slide;
        this.drawn = new Map(); // canvas: {at: {x, y, z}, controller}
        this.on("tileunload", event => this.leave(event.tile));
    },

    createTile(coords, done) {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = TILE;
        const controller = new AbortController();
        const at = {x: coords.x, y: coords.y, z: coords.z + this.shift};
        this.drawn.set(canvas, {at, controller});
        this.draw(canvas, at, controller.signal).then(() => done(null, canvas), error => {
            if (error.name !== "AbortError") {
                this.fire("failed", {error, canvas});
                done(error, canvas);
            }
        });
        return canvas;
    },

    leave(canvas) {
        const tile = this.drawn.get(canvas);
        if (tile) {
            tile.controller.abort();
            this.drawn.delete(canvas);
        }
    },
});

// The picture of an address, decoded without any change of its values.
export async function picture(path, signal) {
    const blob = await (await request(path, {signal})).blob();
    return createImageBitmap(blob, {colorSpaceConversion: "none", premultiplyAlpha: "none"});
}

// Grey stripes: here is something that cannot be shown.  Never white, which is glass.
function hatch(context) {
    context.fillStyle = "#8a8a8a";
    context.fillRect(0, 0, TILE, TILE);
    context.strokeStyle = "#6f6f6f";
    context.lineWidth = 6;
    context.beginPath();
    for (let x = -TILE; x < TILE; x += 32) {
        context.moveTo(x, TILE);
        context.lineTo(x + TILE, 0);
    }
    context.stroke();
}

// The slide itself.
export const SlideLayer = CanvasLayer.extend({
    async draw(canvas, {x, y, z}, signal) {
        const context = canvas.getContext("2d", {alpha: true});
        const scale = 2 ** (z - this.slide.max_zoom);
        // Beyond the slide's border nothing is drawn, also where the last tile is filled up.
        const width = Math.min(TILE, Math.ceil(this.slide.width * scale) - x * TILE);
        const height = Math.min(TILE, Math.ceil(this.slide.height * scale) - y * TILE);
        try {
            const image = await picture(`/tile/${this.slide.id}/${z}/${x}/${y}`, signal);
            context.drawImage(image, 0, 0, width, height, 0, 0, width, height);
            image.close();
        } catch (error) {
            if (error.name !== "AbortError") {
                hatch(context);
            }
            throw error;
        }
    },
});
