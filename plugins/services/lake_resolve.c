/* Names to addresses, by a deadline. The system's resolver cannot be hurried: it has a thread of its own, which is left
 * behind when it takes too long, and drops what it then finds. */
#include "lake.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK         ((size_t)512 * 1024) /* the usual 8 MiB count against a worker's memory */
#define SLICE_MS      1000
#define MOST          4
#define ADDRESSES_MAX (MOST * (INET6_ADDRSTRLEN + 1))

/* Owned by both sides: who comes second frees it. */
typedef struct question {
    char *name;
    int done; /* eventfd */
    int failed;
    char addresses[ADDRESSES_MAX];
    atomic_int owners;
} question;

static void let_go(question *q)
{
    if (atomic_fetch_sub(&q->owners, 1) > 1)
        return;
    if (q->done >= 0)
        (void)close(q->done); /* nothing was to be written */
    free(q->name);
    free(q);
}

static void add_address(question *q, const struct addrinfo *a)
{
    char text[INET6_ADDRSTRLEN] = "";
    size_t used = strlen(q->addresses);
    if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0 && !strchr(text, '%'))
        (void)snprintf(q->addresses + used, sizeof q->addresses - used, "%s%s", used ? "," : "", text); /* has room */
}

static void *answer(void *arg)
{
    question *q = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    q->failed = getaddrinfo(q->name, NULL, &hints, &list);
    size_t count = 0;
    for (struct addrinfo *a = q->failed ? NULL : list; a && count < MOST; a = a->ai_next, count++)
        add_address(q, a);
    if (!q->failed)
        freeaddrinfo(list);
    uint64_t one = 1;
    ssize_t told = write(q->done, &one, sizeof one);
    (void)told; /* an eventfd takes it, and the asker's deadline comes anyway */
    let_go(q);
    return NULL;
}

static question *new_question(const char *name)
{
    question *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    atomic_init(&q->owners, 1);
    q->name = strdup(name);
    q->done = eventfd(0, EFD_CLOEXEC);
    if (q->name && q->done >= 0)
        return q;
    let_go(q);
    return NULL;
}

/* Signals are the main thread's, whose waits they end. */
static bool start(question *q)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)pthread_attr_setstacksize(&attributes, STACK);                     /* else the usual one */
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED); /* valid: cannot fail */
    (void)sigfillset(&all);                                                  /* cannot fail */
    bool masked = pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    atomic_fetch_add(&q->owners, 1);
    bool started = masked && pthread_create(&thread, &attributes, answer, q) == 0;
    if (!started)
        atomic_store(&q->owners, 1);
    if (masked)
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* the mask was valid a moment ago */
    (void)pthread_attr_destroy(&attributes);               /* cannot fail */
    return started;
}

static int wait_for(const lb_service_host *host, const question *q, int64_t deadline, lb_error *err)
{
    for (;;) {
        int64_t now = host->now();
        if (host->cancelled())
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "looking up %.200s: cancelled", q->name);
        if (now >= deadline)
            return lb_fail(err, LB_ERR_UNREACHABLE, "check this machine's name service (resolv.conf)",
                           "nobody told the address of %.200s in time", q->name);
        int64_t left_ms = (deadline - now - 1) / REST_MILLISECOND + 1;
        struct pollfd p = {.fd = q->done, .events = POLLIN};
        if (poll(&p, 1, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS)) > 0)
            return 0;
    }
}

int lake_resolve(const lb_service_host *host, const char *name, int64_t deadline, char **ret_addresses, lb_error *err)
{
    question *q = new_question(name);
    if (!q || !start(q)) {
        if (q)
            let_go(q);
        return lb_out_of_memory(err);
    }
    int r = wait_for(host, q, deadline, err);
    if (r == 0 && (q->failed || !q->addresses[0]))
        r = lb_fail(err, LB_ERR_UNREACHABLE, "check this machine's name service; a new branch's name may take a moment",
                    "nobody knows the address of %.200s: %s", name,
                    q->failed ? gai_strerror(q->failed) : "there is none");
    char *addresses = r == 0 ? strdup(q->addresses) : NULL;
    let_go(q);
    if (r < 0)
        return r;
    if (!addresses)
        return lb_out_of_memory(err);
    *ret_addresses = addresses;
    return 0;
}
