/* Paths against patterns, part by part.
 *
 * Nothing is decoded: a path with a percent sign, a backslash, an empty part or a part that begins with a dot matches no pattern, so no encoding of
 * `..` can mean anything.  Numbers have at most ten digits and no leading zero, so each thing has one address. */
#include "web/route.h"
#include <string.h>

static gboolean read_number(const char *part, size_t bytes, int64_t *number)
{
    int64_t value = 0;
    if (bytes < 1 || bytes > 10 || (bytes > 1 && part[0] == '0')) {
        return FALSE;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (!g_ascii_isdigit(part[i])) {
            return FALSE;
        }
        value = 10 * value + (part[i] - '0');
    }
    *number = value;
    return value <= G_MAXINT32;
}

static gboolean read_name(const char *part, size_t bytes, char name[WEB_NAME_BYTES + 1])
{
    if (bytes < 1 || bytes > WEB_NAME_BYTES || !g_ascii_isalnum(part[0])) {
        return FALSE;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (!g_ascii_isalnum(part[i]) && !strchr("._-", part[i])) {
            return FALSE;
        }
    }
    memcpy(name, part, bytes);
    name[bytes] = 0;
    return TRUE;
}

static gboolean matches(const char *pattern, WebRequest *request)
{
    const char *path = request->path;
    int numbers = 0, names = 0;
    while (*pattern && *path) {
        if (*pattern++ != '/' || *path++ != '/') {
            return FALSE;
        }
        size_t wanted = strcspn(pattern, "/"), bytes = strcspn(path, "/");
        gboolean good = wanted == 1 && *pattern == '#' && numbers < WEB_NUMBERS
                            ? read_number(path, bytes, &request->numbers[numbers++])
                        : wanted == 1 && *pattern == '$' && names < WEB_NAMES
                            ? read_name(path, bytes, request->names[names++])
                            : wanted == bytes && memcmp(pattern, path, bytes) == 0;
        if (!good) {
            return FALSE;
        }
        pattern += wanted;
        path += bytes;
    }
    return *pattern == *path;
}

const WebRoute *web_route_find(const WebRoute *routes, WebRequest *request, gboolean *other_method)
{
    *other_method = FALSE;
    for (const WebRoute *route = routes; route->pattern; route++) {
        if (matches(route->pattern, request)) {
            if (g_str_equal(route->method, request->method)) {
                return route;
            }
            *other_method = TRUE;
        }
    }
    return NULL;
}
