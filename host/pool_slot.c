/* Starting and ending worker processes. */
#include "pool_slot.h"

#include "fs.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

int slot_start(slot *s, lb_error *err)
{
    int r = child_start(&s->child, pool_program(s->pool), "--worker", err);
    if (r < 0)
        return lb_wrap(err, "worker");
    s->runs = 0;
    s->state = SLOT_STARTING;
    return 0;
}

/* The keeper of a local server (plugins/services/local.h) is meant to outlive who started it: it ends by itself when
 * the last of its users has gone. It is known by its program, which others cannot write. */
static bool is_keeper(pid_t pid)
{
    char link[64], path[4096];
    lb_error ignored;
    (void)snprintf(link, sizeof link, "/proc/%ld/exe", (long)pid); /* fits */
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(path, '/');
    return slash && strcmp(slash + 1, "lbops-keeper") == 0 && fs_check_trusted(path, &ignored) == 0;
}

/* Processes that escaped into a session of their own come back to us as children, since we are their subreaper. */
typedef struct orphan_hunt {
    const pool *pool;
    bool found;
} orphan_hunt;

static void end_orphan(void *arg, pid_t pid)
{
    orphan_hunt *hunt = arg;
    if (!pool_is_orphan(hunt->pool, pid) || is_keeper(pid))
        return;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0); /* it is ours and it is dying */
    hunt->found = true;
}

static void end_orphans(const pool *p)
{
    orphan_hunt hunt = {.pool = p, .found = true};
    for (int round = 0; hunt.found && round < 1000; round++) {
        hunt.found = false;
        child_each(end_orphan, &hunt);
    }
}

void slot_kill(slot *s, int *ret_status)
{
    if (s->child.pid <= 0)
        return;
    child_kill(&s->child, ret_status);
    end_orphans(s->pool);
    buf_clear(&s->in);
    buf_clear(&s->out);
    s->state = SLOT_DOWN;
}

int slot_send(slot *s)
{
    while (s->out.length) {
        ssize_t n = send(s->child.fd, s->out.data, s->out.length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
        buf_drop_front(&s->out, (size_t)n);
    }
    return 0;
}

void slot_clear_run(slot *s)
{
    for (size_t i = 0; i < s->change_count; i++)
        free(s->changes[i].json);
    s->change_count = 0;
    s->kept_bytes = 0;
    buf_clear(&s->events);
    s->request = NULL;
    s->asked_to_stop = s->past_deadline = false;
    s->child.tail_length = 0;
}
