// The address of a place: slide, position, zoom and region in the part after "#", so that reloading keeps it and a link leads to it.

export function placeText({slide, x, y, zoom, region}) {
    const parts = [`slide=${encodeURIComponent(slide)}`];
    if (Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(zoom)) {
        parts.push(`x=${Math.round(x)}`, `y=${Math.round(y)}`, `zoom=${+zoom.toFixed(2)}`);
    }
    if (region) {
        parts.push(`region=${encodeURIComponent(region)}`);
    }
    return `#${parts.join("&")}`;
}

// {slide, at: {x, y, zoom} or null, region} of such a text; slide is "" when there is none.
export function readPlace(text) {
    const values = new URLSearchParams(text.replace(/^#/, ""));
    const [x, y, zoom] = ["x", "y", "zoom"].map(name => values.has(name) ? Number(values.get(name)) : NaN);
    return {slide: values.get("slide") || "", region: values.get("region") || "",
            at: Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(zoom) ? {x, y, zoom} : null};
}
