// The frame of the viewer: level-0 px of the slide as Leaflet's coordinates.
//
// A point (x, y) of the slide is the LatLng (y, x).  At Leaflet's zoom z a level-0 px is 2^(z - max_zoom) px of the screen wide, so z is the
// z of the tiles.  Pixels that are not square are stretched in y, so that um are square; the factor is a multiple of 1/256, because tiles then
// have whole pixels and no seams.  um in x and y differ by at most 1/512 for it; positions do not, since everything has this frame.
/* global L */

export const TILE = 256;

export function stretchOf(slide) {
    return Math.max(1, Math.round(TILE * slide.mpp_y / slide.mpp_x)) / TILE;
}

export function crsOf(slide) {
    const scale = 2 ** -slide.max_zoom;
    return L.extend({}, L.CRS.Simple, {
        transformation: new L.Transformation(scale, 0, scale * stretchOf(slide), 0),
        infinite: true,
    });
}

export function latLng(x, y) {
    return L.latLng(y, x);
}

export function boundsOf(box) {
    return L.latLngBounds(latLng(box.left, box.top), latLng(box.right, box.bottom));
}

// What was scanned; the whole slide where nothing says so.
export function scannedBox(slide) {
    const b = slide.bounds;
    return b && b.width > 0 && b.height > 0 ? {left: b.x, top: b.y, right: b.x + b.width, bottom: b.y + b.height} :
                                              {left: 0, top: 0, right: slide.width, bottom: slide.height};
}

// um on one px of the screen.
export function umPerPixel(slide, zoom) {
    return slide.mpp_x * 2 ** (slide.max_zoom - zoom);
}
