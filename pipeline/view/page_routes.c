/* The files of the page: those in the program, and Leaflet's, which the system's package installs.  Both by fixed lists of names, so nothing of a request
 * becomes a path. */
#include "pipeline/view/page_files.h"
#include "pipeline/view/routes.h"
#include "pipeline/view/view.h"

static WebReply *page_file(const char *name)
{
    const char *type;
    GBytes *bytes = page_files_find(name, &type);
    return bytes ? web_reply(200, type, bytes) : web_reply_error(404, "the page has no file of this name");
}

WebReply *route_index(const WebRequest *request, void *data)
{
    return page_file("index.html");
}

WebReply *route_page(const WebRequest *request, void *data)
{
    return page_file(request->names[0]);
}

WebReply *route_leaflet(const WebRequest *request, void *data)
{
    const View *view = data;
    const char *name = request->names[0], *type = page_files_leaflet(name);
    g_autofree char *path = NULL, *text = NULL;
    gsize bytes;
    if (!type) {
        return web_reply_error(404, "Leaflet has no file of this name that the page uses");
    }
    path = g_build_filename(view->leaflet, g_str_has_suffix(name, ".png") ? "images" : "", name, NULL);
    return g_file_get_contents(path, &text, &bytes, NULL)
               ? web_reply(200, type, g_bytes_new_take(g_steal_pointer(&text), bytes))
               : web_reply_error(404, "%s is no longer there: install the package libjs-leaflet", path);
}
