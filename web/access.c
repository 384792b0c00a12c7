/* Secrets and names.  The token is spent by its use, because addresses stay in histories and are copied; the cookie stays in the browser and ends
 * with the server. */
#include "web/access.h"
#include <string.h>
#include <sys/random.h>

struct WebAccess {
    GMutex lock; /* guards token */
    char token[WEB_SECRET + 1], cookie[WEB_SECRET + 1];
    char *cookie_name;
    GPtrArray *hosts; /* char*: "NAME:PORT" */
};

/* getrandom gives up to 256 bytes or nothing; without it there are no secrets and no server. */
static void make_secret(char secret[WEB_SECRET + 1])
{
    unsigned char bytes[WEB_SECRET / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        g_error("the system has no random numbers");
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        g_snprintf(secret + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* Looks at every byte, wherever the first difference is.  The length is no secret. */
static gboolean same_secret(const char *secret, const char *given)
{
    unsigned char differences = 0;
    if (!given || strlen(given) != WEB_SECRET) {
        return FALSE;
    }
    for (int i = 0; i < WEB_SECRET; i++) {
        differences |= (unsigned char)(secret[i] ^ given[i]);
    }
    return differences == 0;
}

WebAccess *web_access_new(const char *host, int port, const char *other)
{
    WebAccess *access = g_new0(WebAccess, 1);
    g_mutex_init(&access->lock);
    make_secret(access->token);
    make_secret(access->cookie);
    access->cookie_name = g_strdup_printf("wsiflow-%d", port);
    access->hosts = g_ptr_array_new_with_free_func(g_free);
    const char *names[] = {"127.0.0.1", "localhost", "::1", host, other};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i]) {
            gboolean v6 = strchr(names[i], ':') != NULL;
            g_ptr_array_add(access->hosts,
                            g_strdup_printf("%s%s%s:%d", v6 ? "[" : "", names[i], v6 ? "]" : "", port));
        }
    }
    return access;
}

void web_access_free(WebAccess *access)
{
    if (access) {
        g_ptr_array_unref(access->hosts);
        g_free(access->cookie_name);
        g_mutex_clear(&access->lock);
        g_free(access);
    }
}

gboolean web_access_host(const WebAccess *access, const char *host)
{
    for (guint i = 0; host && i < access->hosts->len; i++) {
        if (g_ascii_strcasecmp(host, access->hosts->pdata[i]) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

gboolean web_access_origin(const char *origin, const char *host)
{
    return origin && host && g_str_has_prefix(origin, "http://") &&
           g_ascii_strcasecmp(origin + strlen("http://"), host) == 0;
}

gboolean web_access_spend(WebAccess *access, const char *token)
{
    g_mutex_lock(&access->lock);
    gboolean good = same_secret(access->token, token);
    if (good) {
        make_secret(access->token);
    }
    g_mutex_unlock(&access->lock);
    return good;
}

char *web_access_token(WebAccess *access)
{
    g_mutex_lock(&access->lock);
    char *token = g_strdup(access->token);
    g_mutex_unlock(&access->lock);
    return token;
}

const char *web_access_cookie_name(const WebAccess *access)
{
    return access->cookie_name;
}

const char *web_access_cookie(const WebAccess *access)
{
    return access->cookie;
}

gboolean web_access_is_cookie(const WebAccess *access, const char *value)
{
    return same_secret(access->cookie, value);
}
