/* Threads that answer requests.
 *
 * Someone who zooms through a slide asks for pictures faster than they can be made, and soon wants only the last ones.  So the newest picture is
 * made first, and one whose client has closed its connection is not made at all: that is how a browser takes a request back.  At most one request of
 * each connection waits, so the limit of connections also limits the queue. */
#include "web/queue.h"
#include <errno.h>
#include <sys/socket.h>

struct WebQueue {
    GMutex lock; /* guards the rest but data and threads */
    GCond changed;
    GQueue data_jobs, picture_jobs; /* WebJob* */
    int pictures, most_pictures;    /* running, and how many may run */
    gboolean stopping;
    void *data;
    GPtrArray *threads; /* GThread* */
};

/* Whether the client has closed its side.  There is nothing to read from a client that waits. */
static gboolean is_gone(int socket)
{
    char byte;
    ssize_t got = recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* The next job; NULL: the queue stops. */
static WebJob *take(WebQueue *queue)
{
    WebJob *job = NULL;
    g_mutex_lock(&queue->lock);
    while (!queue->stopping && !job) {
        job = g_queue_pop_head(&queue->data_jobs);
        if (!job && queue->pictures < queue->most_pictures) {
            job = g_queue_pop_tail(&queue->picture_jobs);
            queue->pictures += job != NULL;
        }
        if (!job) {
            g_cond_wait(&queue->changed, &queue->lock);
        }
    }
    g_mutex_unlock(&queue->lock);
    return job;
}

static void *work(void *data)
{
    WebQueue *queue = data;
    for (WebJob *job; (job = take(queue));) {
        gboolean picture = job->route->urgency == WEB_PICTURE;
        if (!is_gone(job->socket)) {
            job->reply = job->route->function(&job->request, queue->data);
        }
        job->ended(job);
        if (picture) {
            g_mutex_lock(&queue->lock);
            queue->pictures--;
            g_cond_signal(&queue->changed);
            g_mutex_unlock(&queue->lock);
        }
    }
    return NULL;
}

WebQueue *web_queue_new(int threads, void *data)
{
    WebQueue *queue = g_new0(WebQueue, 1);
    g_mutex_init(&queue->lock);
    g_cond_init(&queue->changed);
    queue->most_pictures = threads;
    queue->data = data;
    queue->threads = g_ptr_array_new();
    for (int i = 0; i < threads + 1; i++) {
        g_ptr_array_add(queue->threads, g_thread_new("web", work, queue));
    }
    return queue;
}

void web_queue_push(WebQueue *queue, WebJob *job)
{
    g_mutex_lock(&queue->lock);
    gboolean stopping = queue->stopping;
    if (!stopping) {
        g_queue_push_tail(job->route->urgency == WEB_PICTURE ? &queue->picture_jobs : &queue->data_jobs, job);
        g_cond_signal(&queue->changed);
    }
    g_mutex_unlock(&queue->lock);
    if (stopping) {
        job->ended(job);
    }
}

void web_queue_stop(WebQueue *queue)
{
    g_mutex_lock(&queue->lock);
    queue->stopping = TRUE;
    g_cond_broadcast(&queue->changed);
    g_mutex_unlock(&queue->lock);
    for (guint i = 0; i < queue->threads->len; i++) {
        g_thread_join(queue->threads->pdata[i]);
    }
    g_ptr_array_set_size(queue->threads, 0);
    for (WebJob *job;
         (job = g_queue_pop_head(&queue->data_jobs)) || (job = g_queue_pop_head(&queue->picture_jobs));) {
        job->ended(job);
    }
}

void web_queue_free(WebQueue *queue)
{
    g_ptr_array_unref(queue->threads);
    g_cond_clear(&queue->changed);
    g_mutex_clear(&queue->lock);
    g_free(queue);
}
