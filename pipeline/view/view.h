/* What the routes of the page share. */
#pragma once
#include "pipeline/view/byte_cache.h"
#include "pipeline/view/review_desk.h"
#include "pipeline/view/run_view.h"
#include "pipeline/view/slide_pool.h"
#include "web/request.h"

enum { VIEW_RUNS = 2 };

typedef struct {
    RunView *runs
        [VIEW_RUNS]; /* model M of an address is that of run M: the run itself, and the one of --compare or NULL */
    ReviewDesk *desk; /* of run 0 */
    SlidePool *slides;
    ByteCache *pictures; /* encoded tiles and thumbnails, by path of the request */
    ByteCache *maps;     /* score maps as they are in memory */
    char *leaflet;       /* folder of Leaflet's files */
} View;

/* The slide of run 0 whose number is the first of the request; NULL: there is none, and *reply says so. */
const SlideEntry *view_slide(const View *view, const WebRequest *request, WebReply **reply);
/* Its entry in run `model`, and the state of that run (caller frees); FALSE with *reply when that run does not have the slide. */
gboolean view_model(const View *view, const SlideEntry *slide, int64_t model, const SlideEntry **entry,
                    const RunState **state, WebReply **reply);
