/* http_script.h: a server that plays a script: one request per connection, one step per request, in order. It keeps
 * what it was asked. After the last step it refuses to talk. */
#ifndef LBOPS_TESTS_HTTP_SCRIPT_H
#define LBOPS_TESTS_HTTP_SCRIPT_H

#include "buf.h"

#include <CUnit/CUnit.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define SCRIPT_UNUSED __attribute__((unused))
#define SCRIPT_MAX    64

typedef enum script_action {
    SCRIPT_ANSWER = 0,
    SCRIPT_RESET, /* reads the request, says `head` and `body` as far as they go, and breaks the connection */
    SCRIPT_STALL, /* reads the request, says what there is, and never more */
    SCRIPT_DROP,  /* breaks the connection without having read anything */
} script_action;

typedef struct script_step {
    script_action action;
    int status;          /* 0: nothing is said */
    const char *headers; /* "Retry-After: 1\r\n", or NULL */
    const char *body;    /* or NULL */
} script_step;

typedef struct script_server {
    int listener, stop[2];
    pthread_t thread;
    char url[64];
    script_step steps[SCRIPT_MAX];
    int count;
    int next; /* how many requests there were; read after script_stop, or when a call has returned */
    buf requests[SCRIPT_MAX];
    int stalled[SCRIPT_MAX], stalled_count;
} script_server;

static bool script_read(int fd, buf *request)
{
    char piece[4096];
    for (;;) {
        const char *text = buf_text(request), *end = strstr(text, "\r\n\r\n"),
                   *length = strcasestr(text, "content-length:");
        size_t body = length && end && length < end ? (size_t)strtoul(length + 15, NULL, 10) : 0;
        if (end && request->length >= (size_t)(end + 4 - text) + body)
            return true;
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            return false;
        buf_put(request, piece, (size_t)n);
    }
}

static void script_break(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(fd);
}

static void script_play(script_server *s, int fd)
{
    int index = s->next++;
    const script_step *step = index < s->count ? &s->steps[index] : NULL;
    buf out = BUF_INIT(1 << 20);
    if (!step || step->action == SCRIPT_DROP || !script_read(fd, &s->requests[index])) {
        script_break(fd);
        return;
    }
    const char *body = step->body ? step->body : "";
    size_t length = step->action == SCRIPT_ANSWER ? strlen(body) : strlen(body) + 1000;
    if (step->status)
        buf_printf(&out, "HTTP/1.1 %d Scripted\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", step->status,
                   length, step->headers ? step->headers : "", body);
    if (out.length)
        CU_ASSERT(send(fd, buf_text(&out), out.length, MSG_NOSIGNAL) == (ssize_t)out.length);
    buf_done(&out);
    if (step->action == SCRIPT_RESET)
        script_break(fd);
    else if (step->action == SCRIPT_STALL)
        s->stalled[s->stalled_count++] = fd;
    else
        (void)close(fd);
}

static void *script_run(void *arg)
{
    script_server *s = arg;
    for (;;) {
        struct pollfd p[] = {{.fd = s->listener, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[1].revents)
            return NULL;
        int fd = accept(s->listener, NULL, NULL);
        if (fd >= 0)
            script_play(s, fd);
    }
}

static void script_start(script_server *s, const script_step *steps, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *s = (script_server){.count = (int)count};
    for (size_t i = 0; i < count; i++)
        s->steps[i] = steps[i];
    for (size_t i = 0; i < SCRIPT_MAX; i++)
        s->requests[i] = (buf)BUF_INIT(1 << 20);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(bind(s->listener, (struct sockaddr *)&address, sizeof address) == 0);
    CU_ASSERT_FATAL(listen(s->listener, 16) == 0);
    CU_ASSERT_FATAL(getsockname(s->listener, (struct sockaddr *)&address, &size) == 0);
    CU_ASSERT_FATAL(pipe(s->stop) == 0);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    CU_ASSERT_FATAL(pthread_create(&s->thread, NULL, script_run, s) == 0);
}

static void script_stop(script_server *s)
{
    CU_ASSERT(write(s->stop[1], "x", 1) == 1);
    CU_ASSERT(pthread_join(s->thread, NULL) == 0);
    for (int i = 0; i < s->stalled_count; i++)
        (void)close(s->stalled[i]);
    for (size_t i = 0; i < SCRIPT_MAX; i++)
        buf_done(&s->requests[i]);
    (void)close(s->listener);
    (void)close(s->stop[0]);
    (void)close(s->stop[1]);
}

SCRIPT_UNUSED static const char *script_request(script_server *s, int index)
{
    return index < SCRIPT_MAX ? buf_text(&s->requests[index]) : "";
}

#endif
