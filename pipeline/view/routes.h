/* The routes of the page: the table, and the functions in it.  data is a View.  All ids are numbers of slides, in the order of their names; all
 * coordinates are level-0 px of the uncropped slide. */
#pragma once
#include "web/request.h"

extern const WebRoute view_routes[]; /* ends with a NULL pattern */

/* ---- page_routes.c ---- */
WebReply *route_index(const WebRequest *request, void *view);
WebReply *route_page(const WebRequest *request, void *view);
WebReply *route_leaflet(const WebRequest *request, void *view);
/* ---- run_routes.c ---- */
WebReply *route_run(const WebRequest *request, void *view);
WebReply *route_slides(const WebRequest *request, void *view);
WebReply *route_slide(const WebRequest *request, void *view);
/* ---- picture_routes.c ---- */
WebReply *route_tile(const WebRequest *request, void *view);
WebReply *route_map(const WebRequest *request, void *view);
WebReply *route_thumb(const WebRequest *request, void *view);
WebReply *route_map_thumb(const WebRequest *request, void *view);
/* ---- review_routes.c ---- */
WebReply *route_review(const WebRequest *request, void *view);
WebReply *route_review_mark(const WebRequest *request, void *view);
WebReply *route_review_decide(const WebRequest *request, void *view);
WebReply *route_review_draw(const WebRequest *request, void *view);
WebReply *route_review_erase(const WebRequest *request, void *view);
/* ---- vector_routes.c: GeoJSON ---- */
WebReply *route_regions(const WebRequest *request, void *view);
WebReply *route_tissue(const WebRequest *request, void *view);
WebReply *route_annotation(const WebRequest *request, void *view);
