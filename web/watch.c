/* A limit of inactivity, which libmicrohttpd has, does not end a client that sends one byte every few seconds (slowloris), so each phase of a
 * request has a total time here.  A thread of its own looks once a second. */
#include "web/watch.h"
#include <sys/socket.h>

struct WebWatched {
    int socket;
    int64_t deadline; /* monotonic us; 0: none */
};

struct WebWatch {
    GMutex lock; /* guards the rest */
    GCond changed;
    GHashTable *all; /* set of WebWatched*, owned */
    gboolean stopping;
    GThread *thread;
};

static void *look(void *data)
{
    WebWatch *watch = data;
    g_mutex_lock(&watch->lock);
    while (!watch->stopping) {
        int64_t now = g_get_monotonic_time();
        GHashTableIter iter;
        gpointer key;
        g_hash_table_iter_init(&iter, watch->all);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
            WebWatched *one = key;
            if (one->deadline && one->deadline <= now) {
                shutdown(one->socket, SHUT_RDWR); /* the owner of the socket sees its end and closes it */
                one->deadline = 0;
            }
        }
        g_cond_wait_until(&watch->changed, &watch->lock, now + G_USEC_PER_SEC);
    }
    g_mutex_unlock(&watch->lock);
    return NULL;
}

WebWatch *web_watch_new(void)
{
    WebWatch *watch = g_new0(WebWatch, 1);
    g_mutex_init(&watch->lock);
    g_cond_init(&watch->changed);
    watch->all = g_hash_table_new_full(NULL, NULL, g_free, NULL);
    watch->thread = g_thread_new("web-watch", look, watch);
    return watch;
}

void web_watch_free(WebWatch *watch)
{
    g_mutex_lock(&watch->lock);
    watch->stopping = TRUE;
    g_cond_signal(&watch->changed);
    g_mutex_unlock(&watch->lock);
    g_thread_join(watch->thread);
    g_hash_table_unref(watch->all);
    g_cond_clear(&watch->changed);
    g_mutex_clear(&watch->lock);
    g_free(watch);
}

WebWatched *web_watch_add(WebWatch *watch, int socket)
{
    WebWatched *one = g_new0(WebWatched, 1);
    one->socket = socket;
    g_mutex_lock(&watch->lock);
    g_hash_table_add(watch->all, one);
    g_mutex_unlock(&watch->lock);
    return one;
}

void web_watch_remove(WebWatch *watch, WebWatched *one)
{
    g_mutex_lock(&watch->lock);
    g_hash_table_remove(watch->all, one);
    g_mutex_unlock(&watch->lock);
}

void web_watch_allow(WebWatch *watch, WebWatched *one, int seconds)
{
    g_mutex_lock(&watch->lock);
    one->deadline = seconds > 0 ? g_get_monotonic_time() + seconds * G_USEC_PER_SEC : 0;
    g_mutex_unlock(&watch->lock);
}

void web_watch_limit(WebWatch *watch, WebWatched *one, int seconds)
{
    int64_t deadline = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    g_mutex_lock(&watch->lock);
    one->deadline = one->deadline ? MIN(one->deadline, deadline) : deadline;
    g_mutex_unlock(&watch->lock);
}
