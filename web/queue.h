/* Requests that wait for a thread.  For web/ only. */
#pragma once
#include "web/request.h"

typedef struct WebQueue WebQueue;

typedef struct WebJob {
    const WebRoute *route;
    WebRequest request;
    int socket;      /* of the client */
    WebReply *reply; /* what the route gave; NULL: nobody waited any more */
    void (*ended)(
        struct WebJob *job); /* called once, from any thread; the queue does not use the job afterwards */
    void *owner;
} WebJob;

/* threads: of pictures; data of others get one more, so that they never wait for pictures.  data: for the routes. */
WebQueue *web_queue_new(int threads, void *data);
/* Does the job later, or ends it at once without a reply when the queue is stopping. */
void web_queue_push(WebQueue *queue, WebJob *job);
/* Waits for the running jobs and ends the waiting ones without a reply. */
void web_queue_stop(WebQueue *queue);
void web_queue_free(WebQueue *queue);
