/* Opening a reader: which segment, and where in it. */
#include "event_reader.h"

#include "event_segment.h"
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>

#define NEAR_BYTES ((off_t)128 * 1024) /* what is quicker read than searched */

void event_reader_forget_chunk(event_reader *r)
{
    buf_clear(&r->chunk);
    r->consumed = 0;
}

int event_reader_open_segment(event_reader *r, uint64_t first, lb_error *err)
{
    char *path = event_segment_path(r->dir, first);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        int code = fs_fail(err, errno, "open", path);
        free(path);
        return code;
    }
    if (r->fd >= 0)
        (void)close(r->fd); /* was only read */
    free(r->path);
    r->fd = fd;
    r->path = path;
    r->first = first;
    r->segments++;
    r->at.line = 0;
    r->at.offset = 0;
    r->was_reread = false;
    event_reader_forget_chunk(r);
    return 0;
}

/* The start and the seq of the first whole line after `from`. False: there is none near. */
static bool line_after(const event_reader *r, off_t from, off_t *ret_start, uint64_t *ret_seq)
{
    char window[8192];
    const char *kind;
    size_t kind_length;
    for (off_t at = from; at < from + NEAR_BYTES;) {
        ssize_t n = pread(r->fd, window, sizeof window, at);
        const char *end = n > 0 ? memchr(window, '\n', (size_t)n) : NULL;
        if (n <= 0)
            return false;
        at += end ? end - window + 1 : n;
        if (!end)
            continue;
        n = pread(r->fd, window, sizeof window, at);
        *ret_start = at;
        return n > 0 && event_peek(window, (size_t)n, ret_seq, &kind, &kind_length);
    }
    return false;
}

/* Goes near the event by halving: the lines of a segment are sorted. Where that finds nothing sound, the reading
 * itself will say what is wrong. */
static void approach(event_reader *r, uint64_t seq)
{
    off_t low = 0, high = lseek(r->fd, 0, SEEK_END), start;
    uint64_t found;
    while (high - low > NEAR_BYTES) {
        off_t middle = low + (high - low) / 2;
        if (!line_after(r, middle, &start, &found) || start >= high)
            break;
        if (found <= seq)
            low = start;
        else
            high = middle;
    }
    if (low) {
        r->at.offset = low;
        r->at.line = EVENT_NOT_COUNTED;
    }
}

/* The newest segment that was begun before that time. After a clock that went back, the newer segments count. */
static size_t segment_at(const event_reader *r, const uint64_t *firsts, size_t count, int64_t since)
{
    event_header header;
    lb_error ignored; /* the reading will meet it again */
    size_t i = count - 1;
    while (i > 0 && event_header_read(r->dir, firsts[i], &header, &ignored) == 0 && header.at > since)
        i--;
    return i;
}

/* 0 when there is nothing to open. */
static int open_first(event_reader *r, lb_error *err)
{
    LB_AUTO_FREE uint64_t *firsts = NULL;
    size_t count, i = 0;
    uint64_t from = r->options.from;
    int code = event_segments(r->dir, &firsts, &count, err);
    if (code < 0 || !count)
        return code;
    if (from)
        while (i + 1 < count && firsts[i + 1] <= from)
            i++;
    else if (r->options.filter.since && !r->options.verify)
        i = segment_at(r, firsts, count, r->options.filter.since);
    do
        code = event_reader_open_segment(r, firsts[i], err);
    while (code == LB_ERR_NOT_FOUND && ++i < count); /* too old by now */
    if (code == 0 && from > firsts[i] && !r->options.verify)
        approach(r, from);
    return code == LB_ERR_NOT_FOUND ? 0 : code;
}

static int watch_dir(event_reader *r, lb_error *err)
{
    int code = fs_make_dirs(r->dir, err);
    if (code < 0)
        return code;
    r->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (r->watch < 0)
        return lb_fail(err, LB_ERR_IO, "raise fs.inotify.max_user_instances", "cannot watch %s: %s", r->dir,
                       strerror(errno));
    if (inotify_add_watch(r->watch, r->dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return lb_fail(err, LB_ERR_IO, "raise fs.inotify.max_user_watches", "cannot watch %s: %s", r->dir,
                       strerror(errno));
    return 0;
}

int event_reader_new(const char *dir, const event_read_options *options, event_reader **ret_reader, lb_error *err)
{
    event_reader *r = base_alloc(sizeof *r);
    r->dir = base_strdup(dir);
    r->options = *options;
    r->bound = UINT64_MAX;
    r->fd = r->watch = -1;
    r->chunk = BUF_INIT(2 * EVENT_LINE_MAX + EVENT_READ_BYTES);
    r->texts = BUF_INIT(EVENT_LINE_MAX);
    int code = options->follow ? watch_dir(r, err) : 0;
    if (code >= 0)
        code = open_first(r, err);
    if (code < 0) {
        (void)event_reader_free(r); /* gives NULL */
        return code;
    }
    *ret_reader = r;
    return 0;
}

event_reader *event_reader_free(event_reader *r)
{
    if (!r)
        return NULL;
    base_close(&r->fd);
    base_close(&r->watch);
    buf_done(&r->chunk);
    buf_done(&r->texts);
    free(r->path);
    free(r->dir);
    free(r);
    return NULL;
}
