#include "control.h"

#include "fs.h"
#include "json.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SOCKET_NAME  "control.sock"
#define LINE_MOST    ((size_t)8 * 1024 * 1024)
#define UNREAD_MOST  ((size_t)64 * 1024 * 1024) /* of answers that a client does not read: then it is let go */
#define CLIENTS_MOST 256

typedef struct client {
    control *control;
    struct client *next;
    int fd;
    ev_io io;
    buf in, out;
    desk_call *call;
    char via[32];
    bool is_closing; /* once all is written */
} client;

struct control {
    struct ev_loop *loop;
    desk *desk;
    char *path;
    int fd;
    ev_io io;
    client *clients;
    size_t client_count;
};

int control_socket(const char *state_dir, bool serve, lb_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    LB_AUTO_FD int dir = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return errno == ENOENT ? lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no directory %s", state_dir)
                               : fs_fail(err, errno, "open", state_dir);
    /* The address of a socket has room for about 100 bytes; a path through the descriptor is always short. */
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" SOCKET_NAME, dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (serve ? SOCK_NONBLOCK : 0), 0);
    if (fd < 0)
        return fs_fail(err, errno, "make a socket in", state_dir);
    int failed;
    if (serve) {
        (void)unlink(address.sun_path); /* ours by the daemon's lock: whoever left it is gone */
        mode_t before = umask(0177);
        failed = bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, 64) ? errno : 0;
        (void)umask(before); /* cannot fail */
    } else {
        failed = connect(fd, (const struct sockaddr *)&address, sizeof address) ? errno : 0;
    }
    if (!failed)
        return fd;
    (void)close(fd); /* nothing was written */
    if (!serve && (failed == ENOENT || failed == ECONNREFUSED))
        return lb_fail(err, LB_ERR_NOT_FOUND, "lbops serve starts one", "no daemon serves %s", state_dir);
    return fs_fail(err, failed, serve ? "serve" : "reach the daemon of", state_dir);
}

/* ---- clients ---- */

static void free_client(client *k)
{
    control *c = k->control;
    c->client_count--;
    if (k->call)
        desk_leave(k->call);
    ev_io_stop(c->loop, &k->io);
    (void)close(k->fd); /* what was not written reaches nobody */
    buf_done(&k->in);
    buf_done(&k->out);
    free(k);
}

static void drop(client *k)
{
    for (client **link = &k->control->clients; *link; link = &(*link)->next)
        if (*link == k) {
            *link = k->next;
            break;
        }
    free_client(k);
}

static void watch(client *k)
{
    int wanted = (k->is_closing ? 0 : EV_READ) | (k->out.length ? EV_WRITE : 0);
    if ((k->io.events & (EV_READ | EV_WRITE)) == wanted && ev_is_active(&k->io))
        return;
    ev_io_stop(k->control->loop, &k->io);
    ev_io_set(&k->io, k->fd, wanted);
    ev_io_start(k->control->loop, &k->io);
}

/* False: it is gone, or wants no more. */
static bool write_out(client *k)
{
    while (k->out.length) {
        ssize_t n = send(k->fd, k->out.data, k->out.length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        buf_drop_front(&k->out, (size_t)n);
    }
    return !k->is_closing;
}

static void say(void *state, const char *line)
{
    client *k = state;
    buf_puts(&k->out, line);
    buf_putc(&k->out, '\n');
    watch(k);
}

static void on_exit_code(void *state, int code)
{
    client *k = state;
    (void)code; /* the last line says it */
    k->call = NULL;
}

static void serve_line(client *k, const char *line)
{
    lb_error error;
    if (k->call) {
        JSON_AUTO *request = json_parse(line, strlen(line), &error);
        const char *verb = json_get_text(request, "verb");
        if (verb && strcmp(verb, "interrupt") == 0)
            desk_interrupt(k->call);
        return;
    }
    const desk_client who = {.state = k, .say = say, .exit = on_exit_code, .via = k->via};
    k->call = desk_serve(k->control->desk, line, &who);
}

/* False: it sends too much. */
static bool serve_lines(client *k)
{
    char *end;
    size_t used = 0;
    while (k->in.data && (end = memchr(k->in.data + used, '\n', k->in.length - used)) != NULL) {
        *end = '\0';
        serve_line(k, k->in.data + used);
        used = (size_t)(end - k->in.data) + 1;
    }
    buf_drop_front(&k->in, used);
    return k->in.length < LINE_MOST;
}

static void on_client(struct ev_loop *loop, ev_io *io, int events)
{
    client *k = io->data;
    (void)loop;
    bool ok = true;
    if (events & EV_READ) {
        char *room = buf_reserve(&k->in, (size_t)64 * 1024);
        ssize_t n = room ? recv(k->fd, room, (size_t)64 * 1024, 0) : 0;
        if (n > 0) {
            buf_commit(&k->in, (size_t)n);
            ok = serve_lines(k);
        } else if (n == 0) {
            ok = k->call == NULL && k->out.length > 0; /* it said all it wanted, and reads the rest */
            k->is_closing = true;
        } else {
            ok = errno == EAGAIN || errno == EINTR;
        }
    }
    if (!ok || k->out.overflow || !write_out(k))
        drop(k);
    else
        watch(k);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
    control *c = io->data;
    struct ucred peer;
    socklen_t size = sizeof peer;
    (void)events;
    int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    bool is_ours =
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == geteuid() || peer.uid == 0);
    if (!is_ours || c->client_count >= CLIENTS_MOST) {
        (void)close(fd); /* nothing was said */
        return;
    }
    client *k = base_alloc(sizeof *k);
    *k = (client){
        .control = c, .fd = fd, .in = BUF_INIT(LINE_MOST * 2), .out = BUF_INIT(UNREAD_MOST), .next = c->clients};
    (void)snprintf(k->via, sizeof k->via, "uid %u", (unsigned)peer.uid);
    c->clients = k;
    c->client_count++;
    ev_io_init(&k->io, on_client, fd, EV_READ);
    k->io.data = k;
    ev_io_start(loop, &k->io);
}

/* ---- life ---- */

int control_new(struct ev_loop *loop, const char *state_dir, desk *d, control **ret_control, lb_error *err)
{
    int fd = control_socket(state_dir, true, err);
    if (fd < 0)
        return fd;
    control *c = base_alloc(sizeof *c);
    *c = (control){.loop = loop, .desk = d, .fd = fd, .path = base_printf("%s/" SOCKET_NAME, state_dir)};
    ev_io_init(&c->io, on_connection, fd, EV_READ);
    c->io.data = c;
    ev_io_start(loop, &c->io);
    *ret_control = c;
    return 0;
}

control *control_free(control *c)
{
    if (!c)
        return NULL;
    for (client *k = c->clients, *next; k; k = next) {
        next = k->next;
        (void)write_out(k); /* the last lines, as far as they go */
        free_client(k);
    }
    ev_io_stop(c->loop, &c->io);
    (void)close(c->fd);    /* nobody waits there any more */
    (void)unlink(c->path); /* a leftover refuses connections, which says the same */
    free(c->path);
    free(c);
    return NULL;
}
