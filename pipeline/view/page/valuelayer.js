// The score map over the slide, coloured here: a change of colours, range or threshold needs no request.
/* global L */
import {colourTable, decodeTile, isolinePixels, parseColour, thresholdCode, valueOfCode} from "./values.js";
import {CanvasLayer, picture} from "./tilelayer.js";
import {TILE} from "./frame.js";

const MOST_TILES = 300; // of 192 KiB
const CELL_PX = 8; // tiles are not taken from finer zooms than where a cell is that wide
const LINE_PX = 2;
const COLOURING = ["low", "high", "threshold", "hideBelow", "map", "blend"]; // what the pixels depend on
const LINE = [[0, 0, 0, 0], [20, 20, 20, 255], [255, 255, 255, 220]]; // by what isolinePixels gives: dark with a light border

// The decoded tiles of one map.
class ValueTiles {
    constructor(slide, map) {
        this.slide = slide;
        this.map = map;
        const cell = Math.min(slide.width / map.width, slide.height / map.height);
        this.finest = Math.min(slide.max_zoom, Math.max(0, slide.max_zoom + Math.ceil(Math.log2(CELL_PX / cell))));
        this.tiles = new Map(); // "z/x/y": {codes, known}, the last used last
        this.reader = document.createElement("canvas");
        this.reader.width = this.reader.height = TILE;
    }

    decode(image) {
        const context = this.reader.getContext("2d", {willReadFrequently: true});
        context.clearRect(0, 0, TILE, TILE);
        context.drawImage(image, 0, 0);
        image.close();
        return decodeTile(context.getImageData(0, 0, TILE, TILE).data);
    }

    async load(z, x, y, signal) {
        const key = `${z}/${x}/${y}`;
        let tile = this.tiles.get(key);
        if (!tile) {
            tile = this.decode(await picture(`/map/${this.slide.id}/${this.map.model}/${key}`, signal));
        }
        this.tiles.delete(key);
        this.tiles.set(key, tile);
        if (this.tiles.size > MOST_TILES) {
            this.tiles.delete(this.tiles.keys().next().value);
        }
        return tile;
    }

    // The pixel of a native zoom as a code; -1: no data, or not loaded.
    code(z, px, py) {
        const tile = px < 0 || py < 0 ? null : this.tiles.get(`${z}/${px >> 8}/${py >> 8}`);
        const at = (py & 255) * TILE + (px & 255);
        return tile && tile.known[at] ? tile.codes[at] : -1;
    }

    // The value at a point of the slide, from the finest tile that is loaded; NaN: no data.
    value(x, y) {
        for (let z = this.finest; z >= 0; z--) {
            const scale = 2 ** (z - this.slide.max_zoom);
            const px = Math.floor(x * scale);
            const py = Math.floor(y * scale);
            if (px >= 0 && py >= 0 && this.tiles.has(`${z}/${px >> 8}/${py >> 8}`)) {
                const code = this.code(z, px, py);
                return code < 0 ? NaN : valueOfCode(code, this.map.low, this.map.high);
            }
        }
        return NaN;
    }
}

export const ValueLayer = CanvasLayer.extend({
    initialize(slide, map, look, colourMaps, options) {
        CanvasLayer.prototype.initialize.call(this, slide, options);
        this.values = new ValueTiles(slide, map);
        this.colourMaps = colourMaps;
        this.setLook(look);
    },

    // look: {low, high, threshold, hideBelow, map, blend}
    setLook(look) {
        if (this.look && COLOURING.every(name => look[name] === this.look[name])) {
            return;
        }
        const packed = this.values.map;
        const colours = this.colourMaps[look.map].map(parseColour);
        this.look = {...look};
        this.table = colourTable(colours, packed, look);
        this.line = thresholdCode(look.threshold, packed);
        for (const [canvas, tile] of this.drawn) {
            if (tile.loaded) {
                this.paint(canvas, tile.at);
            }
        }
    },

    async draw(canvas, at, signal) {
        const native = this.native(at);
        await this.values.load(native.z, native.x >> 8, native.y >> 8, signal);
        if (signal.aborted) {
            return;
        }
        this.drawn.get(canvas).loaded = true;
        this.paint(canvas, at);
        if (this.look.blend === "isoline") {
            this.paintNeighbours(at);
        }
    },

    // A line along the border of two tiles is only seen when both are there.
    paintNeighbours(at) {
        for (const [canvas, tile] of this.drawn) {
            if (tile.loaded && tile.at.z === at.z && Math.abs(tile.at.x - at.x) + Math.abs(tile.at.y - at.y) === 1) {
                this.paint(canvas, tile.at);
            }
        }
    },

    // The zoom that the values of a tile come from, its first pixel there, and how many pixels of the tile one of them is.
    native({x, y, z}) {
        const from = Math.min(z, this.values.finest);
        const size = TILE / 2 ** (z - from);
        return {z: from, x: x * size, y: y * size, size};
    },

    paint(canvas, at) {
        const context = canvas.getContext("2d");
        const image = context.createImageData(TILE, TILE);
        const pixels = new Uint32Array(image.data.buffer);
        if (this.look.blend === "isoline") {
            this.paintLine(image.data, at);
        } else {
            this.paintColours(pixels, at);
        }
        context.putImageData(image, 0, 0);
    },

    paintColours(pixels, at) {
        const {z, x, y, size} = this.native(at);
        const tile = this.values.tiles.get(`${z}/${Math.floor(x) >> 8}/${Math.floor(y) >> 8}`);
        if (!tile) { // it was dropped since; the next move loads it again
            return;
        }
        const scale = size / TILE;
        for (let py = 0; py < TILE; py++) {
            const row = (Math.floor(y + (py + 0.5) * scale) & 255) * TILE;
            for (let px = 0; px < TILE; px++) {
                const cell = row + (Math.floor(x + (px + 0.5) * scale) & 255);
                pixels[py * TILE + px] = tile.known[cell] ? this.table[tile.codes[cell]] : 0;
            }
        }
    },

    paintLine(bytes, at) {
        const {z, x, y, size} = this.native(at);
        const scale = size / TILE;
        const stride = TILE + 2 * LINE_PX;
        const above = new Uint8Array(stride * stride);
        const columns = Array.from({length: stride}, (none, px) => Math.floor(x + (px - LINE_PX + 0.5) * scale));
        for (let py = 0; py < stride; py++) {
            const cy = Math.floor(y + (py - LINE_PX + 0.5) * scale);
            for (let px = 0; px < stride; px++) {
                // Pixels of one cell have one code.
                const code = px && columns[px] === columns[px - 1] ? NaN : this.values.code(z, columns[px], cy);
                above[py * stride + px] = Number.isNaN(code) ? above[py * stride + px - 1] : code >= this.line ? 1 : 0;
            }
        }
        isolinePixels(above, TILE, LINE_PX).forEach((part, i) => {
            if (part) {
                bytes.set(LINE[part], 4 * i);
            }
        });
    },
});

// Some browsers disturb what is read from a canvas, against tracking.  Values could then be wrong without a sign of it.
export function canvasIsExact() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 16;
    const context = canvas.getContext("2d", {willReadFrequently: true});
    const image = context.createImageData(16, 16);
    image.data.forEach((value, i) => {
        image.data[i] = i % 4 === 3 ? 255 : i * 37 & 255;
    });
    context.putImageData(image, 0, 0);
    return context.getImageData(0, 0, 16, 16).data.every((value, i) => value === image.data[i]);
}
