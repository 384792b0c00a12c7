// Values of a score map: what the bytes of a map tile mean, and their colours.  Pure functions: no page, no requests.
//
// A map tile is an RGB picture.  R is the high and G the low byte of a 16-bit code; B is 255 where there is a value and 0 where there are no
// data.  value = low + code / 65535 * (high - low), with the low and high of the slide's map.

const CODES = 65536;

// The bytes of a tile (RGBA, as a canvas gives them) as {codes: Uint16Array, known: Uint8Array}.
export function decodeTile(rgba) {
    const cells = rgba.length / 4;
    const codes = new Uint16Array(cells);
    const known = new Uint8Array(cells);
    for (let i = 0; i < cells; i++) {
        codes[i] = rgba[4 * i] * 256 + rgba[4 * i + 1];
        known[i] = rgba[4 * i + 2] === 255 ? 1 : 0;
    }
    return {codes, known};
}

export function valueOfCode(code, low, high) {
    return low + code / (CODES - 1) * (high - low);
}

// "rrggbb" as [r, g, b].
export function parseColour(text) {
    const n = parseInt(text, 16);
    return [n >> 16 & 255, n >> 8 & 255, n & 255];
}

// Where a value lies in a colour map of n entries; values outside of the range have the colours of its ends.
export function colourIndex(value, low, high, n) {
    const share = high > low ? (value - low) / (high - low) : value >= high ? 1 : 0;
    return Math.min(n - 1, Math.max(0, Math.floor(share * n)));
}

// The colours of all codes, as pixels of a canvas in the byte order of this machine.
//   colours  256 entries [r, g, b]
//   packed   {low, high} of the codes
//   look     {low, high, threshold, hideBelow}
// With hideBelow, codes below the threshold are transparent.
export function colourTable(colours, packed, look) {
    const table = new Uint32Array(CODES);
    const bytes = new Uint8Array(table.buffer);
    for (let code = 0; code < CODES; code++) {
        const value = valueOfCode(code, packed.low, packed.high);
        if (look.hideBelow && value < look.threshold) {
            continue;
        }
        const colour = colours[colourIndex(value, look.low, look.high, colours.length)];
        bytes[4 * code] = colour[0];
        bytes[4 * code + 1] = colour[1];
        bytes[4 * code + 2] = colour[2];
        bytes[4 * code + 3] = 255;
    }
    return table;
}

// The code from which values reach the threshold; CODES when none does, 0 when all do.
export function thresholdCode(threshold, packed) {
    if (!(packed.high > packed.low)) {
        return packed.low >= threshold ? 0 : CODES;
    }
    const code = Math.ceil((threshold - packed.low) / (packed.high - packed.low) * (CODES - 1) - 1e-6);
    return Math.min(CODES, Math.max(0, code));
}

// The isoline along the borders of cells: 1 = a pixel above the threshold and at most `width` pixels from one that is not, 2 = a pixel on the
// other side that touches one above, 0 = any other.
//   above    (side + 2 * width)^2 bytes of 0 and 1, with a margin of `width` pixels from the neighbours
// Returns side^2 bytes.
export function isolinePixels(above, side, width) {
    const stride = side + 2 * width;
    const differs = (at, d) => above[at - d] !== above[at] || above[at + d] !== above[at] || above[at - d * stride] !== above[at] ||
                               above[at + d * stride] !== above[at];
    const line = new Uint8Array(side * side);
    for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
            const at = (y + width) * stride + x + width;
            if (!above[at]) {
                line[y * side + x] = differs(at, 1) ? 2 : 0;
            } else {
                for (let d = 1; d <= width && !line[y * side + x]; d++) {
                    line[y * side + x] = differs(at, d) ? 1 : 0;
                }
            }
        }
    }
    return line;
}
