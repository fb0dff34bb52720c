/* A file of ids, one a line. It is begun anew with its newer half when it has grown to twice what is worth knowing. */
#include "alert_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define REMEMBERED 10000 /* the host repeats what it sent last, and never thousands later */

struct alert_memory {
    char *path, *directory;
    int fd, lock; /* the lock's file stays when the other is replaced */
    char **ids;   /* oldest first */
    size_t count;
};

static size_t newest_at(const alert_memory *m, const char *id)
{
    size_t i = m->count;
    while (i > 0 && strcmp(m->ids[i - 1], id) != 0)
        i--;
    return i;
}

bool alert_memory_knows(const alert_memory *m, const char *id)
{
    return newest_at(m, id) > 0; /* what is repeated was sent last, so it is found at once */
}

/* What the file is to say when it is begun anew. NULL: no memory. */
static char *join_ids(char *const *ids, size_t count, size_t *ret_length)
{
    size_t length = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        length += strlen(ids[i]) + 1;
    char *text = malloc(length + 1);
    for (size_t i = 0; text && i < count; i++) {
        size_t n = strlen(ids[i]);
        memcpy(text + at, ids[i], n);
        text[at + n] = '\n';
        at += n + 1;
    }
    *ret_length = length;
    return text;
}

/* A new file with these ids takes the old one's place, or nothing has changed. */
static int replace_file(alert_memory *m, char *const *ids, size_t count, lb_error *err)
{
    size_t length = 0;
    char *text = join_ids(ids, count, &length), *fresh = service_text("%s.new", m->path);
    int fd = text && fresh ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    int r = !text || !fresh ? lb_out_of_memory(err)
            : fd < 0        ? service_fail_file(err, errno, "write", fresh)
                            : service_write_all(fd, fresh, text, length, err);
    if (r == 0 && (fsync(fd) != 0 || rename(fresh, m->path) != 0))
        r = service_fail_file(err, errno, "replace", m->path);
    if (r == 0)
        r = service_sync_directory(m->directory, err);
    if (r == 0) {
        (void)close(m->fd); /* it is no longer the file of that name */
        m->fd = fd;
    } else if (fd >= 0) {
        (void)close(fd); /* it is not to be used */
    }
    free(text);
    free(fresh);
    return r;
}

static int forget_older(alert_memory *m, lb_error *err)
{
    size_t gone = m->count - REMEMBERED;
    int r = replace_file(m, m->ids + gone, REMEMBERED, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < gone; i++)
        free(m->ids[i]);
    memmove(m->ids, m->ids + gone, REMEMBERED * sizeof *m->ids);
    m->count = REMEMBERED;
    return 0;
}

static int keep(alert_memory *m, const char *id, size_t length, lb_error *err)
{
    char *copy = strndup(id, length);
    if (!copy)
        return lb_out_of_memory(err);
    m->ids[m->count++] = copy;
    return 0;
}

int alert_memory_add(alert_memory *m, const char *id, lb_error *err)
{
    int r = m->count == (size_t)2 * REMEMBERED ? forget_older(m, err) : 0;
    char *line = r == 0 ? service_text("%s\n", id) : NULL;
    off_t before = lseek(m->fd, 0, SEEK_END);
    if (r == 0)
        r = line ? service_write_all(m->fd, m->path, line, strlen(line), err) : lb_out_of_memory(err);
    if (r == 0 && fdatasync(m->fd) != 0)
        r = service_fail_file(err, errno, "make durable", m->path);
    if (r < 0 && before >= 0 && ftruncate(m->fd, before) != 0)
        r = service_fail_file(err, errno, "mend", m->path);
    free(line);
    return r < 0 ? r : keep(m, id, strlen(id), err);
}

/* ---- opening ---- */

/* A line that a crash tore is dropped: that note may be delivered twice, and is never lost. */
static int read_ids(alert_memory *m, char *text, size_t length, lb_error *err)
{
    size_t lines = 0, skip;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    skip = lines > REMEMBERED ? lines - REMEMBERED : 0;
    int r = 0;
    for (char *line = text, *end; r == 0 && (end = memchr(line, '\n', length - (size_t)(line - text)));
         line = end + 1) {
        if (skip)
            skip--;
        else if (end > line)
            r = keep(m, line, (size_t)(end - line), err);
    }
    return r;
}

static int read_file(alert_memory *m, lb_error *err)
{
    off_t size = lseek(m->fd, 0, SEEK_END);
    char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (!text)
        return size < 0 ? service_fail_file(err, errno, "read", m->path) : lb_out_of_memory(err);
    ssize_t n = pread(m->fd, text, (size_t)size, 0);
    text[size] = '\0';
    int r =
        n == size ? read_ids(m, text, (size_t)size, err) : service_fail_file(err, n < 0 ? errno : EIO, "read", m->path);
    bool is_torn = size > 0 && text[size - 1] != '\n';
    free(text);
    return r == 0 && is_torn ? replace_file(m, m->ids, m->count, err) : r;
}

static int open_files(alert_memory *m, lb_error *err)
{
    char *lock = service_text("%s.lock", m->path);
    if (!lock)
        return lb_out_of_memory(err);
    m->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = m->lock < 0 ? service_fail_file(err, errno, "open", lock) : 0;
    if (r == 0 && flock(m->lock, LOCK_EX | LOCK_NB) != 0)
        r = lb_fail(err, LB_ERR_CONFLICT, "end it (fuser -v tells who it is), or name another state directory",
                    "another process sends these alerts: it holds %s", lock);
    free(lock);
    if (r < 0)
        return r;
    m->fd = open(m->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return m->fd < 0 ? service_fail_file(err, errno, "open", m->path) : read_file(m, err);
}

int alert_memory_open(const char *state_dir, const char *name, alert_memory **ret_memory, lb_error *err)
{
    alert_memory *m = calloc(1, sizeof *m);
    if (!m)
        return lb_out_of_memory(err);
    m->fd = m->lock = -1;
    m->path = service_text("%s/alerts-%s.sent", state_dir, name);
    m->directory = strdup(state_dir);
    m->ids = calloc((size_t)2 * REMEMBERED, sizeof *m->ids);
    int r = m->path && m->directory && m->ids ? open_files(m, err) : lb_out_of_memory(err);
    if (r < 0)
        (void)alert_memory_free(m); /* gives NULL */
    else
        *ret_memory = m;
    return r;
}

alert_memory *alert_memory_free(alert_memory *m)
{
    if (!m)
        return NULL;
    if (m->fd >= 0)
        (void)close(m->fd); /* every line was made durable */
    if (m->lock >= 0)
        (void)close(m->lock); /* gives the lock back */
    for (size_t i = 0; i < m->count; i++)
        free(m->ids[i]);
    free(m->ids);
    free(m->path);
    free(m->directory);
    free(m);
    return NULL;
}
