/* The command line's side of a daemon's control socket. */
#include "control.h"

#include "json.h"

#include <errno.h>
#include <sys/socket.h>

#define LINE_MOST ((size_t)256 * 1024 * 1024)

struct control_link {
    int fd;
    buf in;
    bool has_interrupted;
};

int control_connect(const char *state_dir, control_link **ret_link, lb_error *err)
{
    int fd = control_socket(state_dir, false, err);
    if (fd < 0)
        return fd;
    control_link *link = base_alloc(sizeof *link);
    *link = (control_link){.fd = fd, .in = BUF_INIT(LINE_MOST)};
    *ret_link = link;
    return 0;
}

static int send_line(const control_link *link, const char *line, lb_error *err)
{
    BUF_AUTO text = BUF_INIT(LINE_MOST);
    buf_puts(&text, line);
    buf_putc(&text, '\n');
    for (size_t at = 0; at < text.length;) {
        ssize_t n = send(link->fd, text.data + at, text.length - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lb_fail(err, LB_ERR_UNREACHABLE, "see its log", "the daemon does not listen: %s", strerror(errno));
        at += (size_t)n;
    }
    return 0;
}

/* The exit code in a line, or -1 for every other line. */
static int exit_code_in(const char *line)
{
    lb_error ignored;
    static const char head[] = "{\"exit\":";
    if (strncmp(line, head, sizeof head - 1) != 0)
        return -1;
    JSON_AUTO *last = json_parse(line, strlen(line), &ignored);
    return (int)json_get_i64(last, "exit", -1);
}

/* Lines that are whole. -1: more are to come. */
static int take_lines(control_link *link, void (*take)(void *state, const char *line), void *state)
{
    char *end;
    size_t used = 0;
    int code = -1;
    while (code < 0 && link->in.data && (end = memchr(link->in.data + used, '\n', link->in.length - used)) != NULL) {
        *end = '\0';
        code = exit_code_in(link->in.data + used);
        if (code < 0)
            take(state, link->in.data + used);
        used = (size_t)(end - link->in.data) + 1;
    }
    buf_drop_front(&link->in, used);
    return code;
}

int control_ask(control_link *link, const char *request, void (*take)(void *state, const char *line),
                bool (*interrupted)(void *state), void *state, lb_error *err)
{
    int code = send_line(link, request, err);
    if (code < 0)
        return code;
    for (code = -1; code < 0;) {
        if (interrupted(state) && !link->has_interrupted) {
            link->has_interrupted = true;
            if (send_line(link, "{\"verb\":\"interrupt\"}", err) < 0)
                return err->code;
        }
        char *room = buf_reserve(&link->in, (size_t)64 * 1024);
        ssize_t n = room ? recv(link->fd, room, (size_t)64 * 1024, 0) : 0;
        if (n < 0 && errno == EINTR)
            continue; /* a signal: asked about above */
        if (n <= 0)
            return lb_fail(err, LB_ERR_UNREACHABLE, "lbops runs says what became of it, once it is there again",
                           "the daemon went away before it had answered");
        buf_commit(&link->in, (size_t)n);
        code = take_lines(link, take, state);
    }
    return code;
}

control_link *control_close(control_link *link)
{
    if (!link)
        return NULL;
    (void)close(link->fd); /* the answer is in */
    buf_done(&link->in);
    free(link);
    return NULL;
}
