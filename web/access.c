/* Secrets and names.  The token is spent by its use, because addresses stay in histories and are copied; the cookie stays in the browser and ends
 * with the server. */
#include "web/access.h"
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

struct WebAccess {
    GMutex lock; /* guards token */
    char token[WEB_SECRET + 1], cookie[WEB_SECRET + 1];
    char *cookie_name;
    const char *scheme; /* of the page's Origin */
    GPtrArray *hosts;   /* char*: "NAME:PORT" */
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

static WebAddress kind_of_v4(guint32 address)
{
    return address == INADDR_ANY             ? WEB_ADDRESS_ANY
           : address >> 24 == IN_LOOPBACKNET ? WEB_ADDRESS_LOOPBACK
                                             : WEB_ADDRESS_OTHER;
}

WebAddress web_address(const char *text)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (getaddrinfo(text, NULL, &hints, &found) != 0) {
        return WEB_ADDRESS_WRONG;
    }
    WebAddress kind = WEB_ADDRESS_WRONG;
    if (found->ai_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)found->ai_addr;
        kind = kind_of_v4(ntohl(v4->sin_addr.s_addr));
    } else if (found->ai_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)found->ai_addr)->sin6_addr;
        guint32 inner;
        memcpy(&inner, v6->s6_addr + sizeof *v6 - sizeof inner, sizeof inner);
        kind = IN6_IS_ADDR_V4MAPPED(v6)      ? kind_of_v4(ntohl(inner))
               : IN6_IS_ADDR_UNSPECIFIED(v6) ? WEB_ADDRESS_ANY
               : IN6_IS_ADDR_LOOPBACK(v6)    ? WEB_ADDRESS_LOOPBACK
                                             : WEB_ADDRESS_OTHER;
    }
    freeaddrinfo(found);
    return kind;
}

WebAccess *web_access_new(const char *host, int port, const char *proxy)
{
    WebAccess *access = g_new0(WebAccess, 1);
    g_mutex_init(&access->lock);
    make_secret(access->token);
    make_secret(access->cookie);
    access->cookie_name = g_strdup_printf("wsiflow-%d", port);
    access->hosts = g_ptr_array_new_with_free_func(g_free);
    access->scheme = proxy ? "https://" : "http://";
    if (proxy) {
        g_ptr_array_add(access->hosts, g_strdup(proxy));
    }
    const char *names[] = {"127.0.0.1", "localhost", "::1", host};
    for (size_t i = 0; !proxy && i < G_N_ELEMENTS(names); i++) {
        gboolean v6 = strchr(names[i], ':') != NULL;
        g_ptr_array_add(access->hosts,
                        g_strdup_printf("%s%s%s:%d", v6 ? "[" : "", names[i], v6 ? "]" : "", port));
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

gboolean web_access_origin(const WebAccess *access, const char *origin, const char *host)
{
    return origin && host && g_str_has_prefix(origin, access->scheme) &&
           g_ascii_strcasecmp(origin + strlen(access->scheme), host) == 0;
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
