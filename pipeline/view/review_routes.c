/* The review's requests as routes. */
#include "pipeline/view/review_requests.h"
#include "pipeline/view/routes.h"
#include "pipeline/view/view.h"

typedef json_t *(*Change)(const View *view, const SlideEntry *slide, const WebRequest *request, int *status);

static WebReply *answer(const WebRequest *request, const View *view, Change change)
{
    WebReply *reply = NULL;
    const SlideEntry *slide = view_slide(view, request, &reply);
    int status = 200;
    json_t *json = slide ? change(view, slide, request, &status) : NULL;
    return json ? web_reply_json(status, json) : reply;
}

static json_t *get(const View *view, const SlideEntry *slide, const WebRequest *request, int *status)
{
    return review_request_get(view->desk, slide, status);
}

static json_t *mark(const View *view, const SlideEntry *slide, const WebRequest *request, int *status)
{
    return review_request_mark(view->desk, slide, request->body, request->body_bytes, status);
}

static json_t *decide(const View *view, const SlideEntry *slide, const WebRequest *request, int *status)
{
    return review_request_decide(view->desk, slide, request->names[0], request->body, request->body_bytes,
                                 status);
}

static json_t *draw(const View *view, const SlideEntry *slide, const WebRequest *request, int *status)
{
    return review_request_draw(view->desk, slide, request->body, request->body_bytes, status);
}

static json_t *erase(const View *view, const SlideEntry *slide, const WebRequest *request, int *status)
{
    return review_request_erase(view->desk, slide, (int)request->numbers[1], request->body,
                                request->body_bytes, status);
}

WebReply *route_review(const WebRequest *request, void *view)
{
    return answer(request, view, get);
}

WebReply *route_review_mark(const WebRequest *request, void *view)
{
    return answer(request, view, mark);
}

WebReply *route_review_decide(const WebRequest *request, void *view)
{
    return answer(request, view, decide);
}

WebReply *route_review_draw(const WebRequest *request, void *view)
{
    return answer(request, view, draw);
}

WebReply *route_review_erase(const WebRequest *request, void *view)
{
    return answer(request, view, erase);
}
