/* Who may ask: the secrets of one start of the server, and the names under which a browser may know it.
 *
 * Loopback is no access control: other users of the machine and every web page in the browser reach it.  A token of 256 random bits in the
 * address that is printed is exchanged, once, for a cookie.  Only exact Host headers are served, so a foreign name that resolves to this machine
 * (DNS rebinding) gets nothing. */
#pragma once
#include <glib.h>

enum { WEB_SECRET = 64 }; /* hexadecimal digits */

typedef struct WebAccess WebAccess;

typedef enum { WEB_ADDRESS_WRONG, WEB_ADDRESS_LOOPBACK, WEB_ADDRESS_ANY, WEB_ADDRESS_OTHER } WebAddress;
/* What a numeric address means, however it is spelt ("0", "::ffff:0.0.0.0" are ANY); WRONG: it is none. */
WebAddress web_address(const char *text);

/* host: the numeric address that the server listens on.  proxy: the name, or NAME:PORT, under which browsers know a proxy with TLS; then that name
 * alone is served, and pages are those at https://NAME.  NULL: there is none, and the names are those of loopback and the host. */
WebAccess *web_access_new(const char *host, int port, const char *proxy);
void web_access_free(WebAccess *access);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WebAccess, web_access_free)

/* Whether the value of a Host header is one of ours; NULL (absent) is not. */
gboolean web_access_host(const WebAccess *access, const char *host);
/* Whether the value of an Origin header is the page at `host`. */
gboolean web_access_origin(const WebAccess *access, const char *origin, const char *host);
/* Whether this is the token; if so, it is spent and there is a new one.  Constant time.  Thread-safe. */
gboolean web_access_spend(WebAccess *access, const char *token);
/* Caller frees. */
char *web_access_token(WebAccess *access);
/* The name and the value of the cookie.  The name holds the port, because cookies do not tell ports apart.  Borrowed. */
const char *web_access_cookie_name(const WebAccess *access);
const char *web_access_cookie(const WebAccess *access);
/* Constant time; NULL is not the cookie. */
gboolean web_access_is_cookie(const WebAccess *access, const char *value);
