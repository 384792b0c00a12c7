/* Finding what a request names. */
#include "pipeline/view/view.h"

const SlideEntry *view_slide(const View *view, const WebRequest *request, WebReply **reply)
{
    const GPtrArray *slides = run_view_slides(view->runs[0]);
    if (request->numbers[0] < slides->len) {
        return slides->pdata[request->numbers[0]];
    }
    *reply = web_reply_error(404, "the run has slides 0 to %d", (int)slides->len - 1);
    return NULL;
}

gboolean view_model(const View *view, const SlideEntry *slide, int64_t model, const SlideEntry **entry,
                    const RunState **state, WebReply **reply)
{
    RunView *run = model < VIEW_RUNS ? view->runs[model] : NULL;
    int index = run ? run_view_find(run, slide->id) : -1;
    if (index < 0) {
        *reply = web_reply_error(404, run ? "slide %s is not in the other run" : "slide %s has no such model",
                                 slide->id);
        return FALSE;
    }
    g_autoptr(GError) error = NULL;
    *entry = run_view_slides(run)->pdata[index];
    *state = run_view_state(run, &error);
    if (!*state) {
        *reply = web_reply_error(503, "%s", error->message);
    }
    return *state != NULL;
}
