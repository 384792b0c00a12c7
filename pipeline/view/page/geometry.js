// Outlines and lengths.  Pure functions: no page, no requests.  Points are [x, y] in level-0 px unless a name says otherwise.

// The polygons of a GeoJSON geometry: [[ring, hole...]...]; other geometries have none.
export function polygonsOf(geometry) {
    if (!geometry) {
        return [];
    }
    if (geometry.type === "Polygon") {
        return [geometry.coordinates];
    }
    if (geometry.type === "GeometryCollection") {
        return geometry.geometries.flatMap(polygonsOf);
    }
    return geometry.type === "MultiPolygon" ? geometry.coordinates : [];
}

export function boxOf(polygons) {
    const box = {left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity};
    for (const rings of polygons) {
        for (const [x, y] of rings[0]) {
            box.left = Math.min(box.left, x);
            box.right = Math.max(box.right, x);
            box.top = Math.min(box.top, y);
            box.bottom = Math.max(box.bottom, y);
        }
    }
    return box;
}

// Twice the signed area by the shoelace formula, halved; clockwise on a screen is positive.
export function ringArea(ring) {
    let twice = 0;
    for (let i = 0, k = ring.length - 1; i < ring.length; k = i++) {
        twice += ring[k][0] * ring[i][1] - ring[i][0] * ring[k][1];
    }
    return twice / 2;
}

function crossesRay(a, b, x, y) {
    return a[1] > y !== b[1] > y && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0];
}

function insideRing(ring, x, y) {
    let inside = false;
    for (let i = 0, k = ring.length - 1; i < ring.length; k = i++) {
        inside = crossesRay(ring[i], ring[k], x, y) !== inside;
    }
    return inside;
}

function insidePolygons(polygons, x, y) {
    return polygons.some(rings => insideRing(rings[0], x, y) && !rings.slice(1).some(hole => insideRing(hole, x, y)));
}

// Of items {polygons, box, size} that hold the point, the smallest: it may lie inside of another.
export function hitTest(items, x, y) {
    let hit = null;
    for (const item of items) {
        const {box} = item;
        if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom && (!hit || item.size < hit.size) &&
            insidePolygons(item.polygons, x, y)) {
            hit = item;
        }
    }
    return hit;
}

function distanceToSegment(p, a, b) {
    const dx = b[0] - a[0];
    const dy = b[1] - a[1];
    const length = dx * dx + dy * dy;
    const t = length ? Math.min(1, Math.max(0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length)) : 0;
    return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

// The line with the fewest points of Douglas and Peucker: no point that is left out is farther than `tolerance` from it.
export function simplify(line, tolerance) {
    const keep = new Uint8Array(line.length);
    keep[0] = keep[line.length - 1] = 1;
    const parts = [[0, line.length - 1]];
    while (parts.length) {
        const [first, last] = parts.pop();
        let farthest = -1;
        let most = tolerance;
        for (let i = first + 1; i < last; i++) {
            const d = distanceToSegment(line[i], line[first], line[last]);
            if (d > most) {
                most = d;
                farthest = i;
            }
        }
        if (farthest >= 0) {
            keep[farthest] = 1;
            parts.push([first, farthest], [farthest, last]);
        }
    }
    return line.filter((point, i) => keep[i]);
}

// A freehand line as a ring of at most `most` points; null when it encloses nothing.
export function freehandRing(line, tolerance, most) {
    let ring = line;
    for (let t = tolerance; line.length > 2; t *= 1.5) {
        ring = simplify(line, t);
        if (ring.length <= most) {
            break;
        }
    }
    return ring.length > 2 && Math.abs(ringArea(ring)) > tolerance * tolerance ? ring : null;
}

// The longest of 1, 2 and 5 times a power of ten um that is at most `most_px` on the screen: {um, px, text}.
export function scaleBar(umPerPx, mostPx) {
    const most = umPerPx * mostPx;
    const power = 10 ** Math.floor(Math.log10(most));
    const um = [5, 2, 1].map(n => n * power).find(length => length <= most * (1 + 1e-9));
    return {um, px: um / umPerPx, text: lengthText(um)};
}

// 1, 2 and 5 times a power of ten as "500 µm" or "2 mm".
function lengthText(um) {
    return um >= 1000 ? `${+(um / 1000).toPrecision(6)} mm` : `${+um.toPrecision(6)} µm`;
}

export function areaText(um2) {
    if (!Number.isFinite(um2)) {
        return "unknown";
    }
    return um2 >= 1e5 ? `${(um2 / 1e6).toFixed(2)} mm²` : `${Math.round(um2).toLocaleString("en")} µm²`;
}

// Three digits that matter, without an exponent for the usual scores.
export function scoreText(value) {
    if (!Number.isFinite(value)) {
        return "none";
    }
    return Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001) ? value.toExponential(2) :
                                                                                 `${+value.toPrecision(3)}`;
}
