/* The table of routes.  A request that has no line here does nothing. */
#include "pipeline/view/routes.h"

const WebRoute view_routes[] = {
    {"GET", "/", route_index, WEB_DATA},
    {"GET", "/page/$", route_page, WEB_DATA},
    {"GET", "/leaflet/$", route_leaflet, WEB_DATA},
    {"GET", "/leaflet/images/$", route_leaflet, WEB_DATA},
    {"GET", "/api/run", route_run, WEB_DATA},
    {"GET", "/api/slides", route_slides, WEB_DATA},
    {"GET", "/api/slides/#", route_slide, WEB_DATA},
    {"GET", "/api/slides/#/regions", route_regions, WEB_DATA},
    {"GET", "/api/slides/#/tissue", route_tissue, WEB_DATA},
    {"GET", "/api/slides/#/annotation", route_annotation, WEB_DATA},
    {"GET", "/api/slides/#/review", route_review, WEB_DATA},
    {"PUT", "/api/slides/#/review", route_review_mark, WEB_DATA},
    {"PUT", "/api/slides/#/regions/$", route_review_decide, WEB_DATA},
    {"POST", "/api/slides/#/drawn", route_review_draw, WEB_DATA},
    {"DELETE", "/api/slides/#/drawn/#", route_review_erase, WEB_DATA},
    {"GET", "/tile/#/#/#/#", route_tile, WEB_PICTURE},   /* slide, zoom, x, y */
    {"GET", "/map/#/#/#/#/#", route_map, WEB_PICTURE},   /* slide, model, zoom, x, y */
    {"GET", "/thumb/#", route_thumb, WEB_PICTURE},       /* slide */
    {"GET", "/thumb/#/#", route_map_thumb, WEB_PICTURE}, /* slide, model */
    {NULL, NULL, NULL, WEB_DATA},
};
