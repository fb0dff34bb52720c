#include "event_file.h"

#include "clock.h"
#include "fs.h"

#include <errno.h>
#include <fcntl.h>

void event_file_done(event_file *f)
{
    base_close(&f->fd);
    base_close(&f->lock); /* and the lock goes with it */
    free(f->path);
    free(f->dir);
}

/* ---- segments ---- */

static int write_at(int fd, const char *path, const char *data, size_t length, off_t at, lb_error *err)
{
    while (length) {
        ssize_t n = pwrite(fd, data, length, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fs_fail(err, errno, "write", path);
        data += n;
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

static int write_header(const event_file *f, int fd, const char *path, const buf *header, lb_error *err)
{
    int r = write_at(fd, path, header->data, header->length, 0, err);
    if (r == 0 && fsync(fd) != 0)
        r = fs_fail(err, errno, "sync", path);
    return r < 0 ? r : fs_sync_dir(f->dir, err);
}

/* A new segment from f->next on. Its name has never been used: no event of that number has been written. */
static int begin_segment(event_file *f, lb_error *err)
{
    BUF_AUTO text = BUF_INIT(16384);
    event_header header = {.first = f->next, .at = clock_now()};
    memcpy(header.previous, f->previous, sizeof header.previous);
    memcpy(header.broken, f->broken, sizeof header.broken);
    event_header_put(&text, &header);
    if (text.overflow)
        return lb_fail(err, LB_ERR_NO_MEMORY, NULL, "out of memory for a segment of events");
    char *path = event_segment_path(f->dir, f->next);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? fs_fail(err, errno, "create", path) : write_header(f, fd, path, &text, err);
    if (r < 0) {
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(path); /* else opening finds a header without events, which does no harm */
        }
        free(path);
        return r;
    }
    base_close(&f->fd);
    free(f->path);
    f->fd = fd;
    f->path = path;
    f->first = header.first;
    f->begun = header.at;
    f->durable = (off_t)text.length;
    f->is_dirty = false;
    f->broken[0] = '\0';
    memcpy(f->previous, header.previous, sizeof f->previous);
    return 0;
}

/* One without events is never full: the next would need its name. */
static bool is_full(const event_file *f)
{
    bool is_old = clock_now() - f->begun >= f->segment_us, is_large = (size_t)f->durable >= f->segment_bytes;
    return f->fd < 0 || (f->next > f->first && (is_old || is_large));
}

/* ---- committing ---- */

static void seal(event_file *f, buf *lines)
{
    for (char *line = lines->data, *end = line + lines->length; line < end;) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        event_seal(line, (size_t)(newline - line), f->previous);
        line = newline + 1;
    }
}

/* What a failed commit may have left is cut off first: after an fsync that failed, nobody knows which of the pages
 * that look clean have reached the disk. */
static int cut_to_durable(event_file *f, lb_error *err)
{
    if (f->is_dirty && ftruncate(f->fd, f->durable) != 0)
        return fs_fail(err, errno, "cut", f->path);
    f->is_dirty = false;
    return 0;
}

int event_file_commit(event_file *f, buf *lines, bool *is_sealed, uint64_t last, lb_error *err)
{
    int r = !*is_sealed && is_full(f) ? begin_segment(f, err) : 0;
    if (r < 0)
        return r;
    if (!*is_sealed)
        seal(f, lines);
    *is_sealed = true;
    r = cut_to_durable(f, err);
    if (r < 0)
        return r;
    f->is_dirty = true;
    r = write_at(f->fd, f->path, lines->data, lines->length, f->durable, err);
    if (r == 0 && fdatasync(f->fd) != 0)
        r = fs_fail(err, errno, "sync", f->path);
    if (r < 0)
        return r;
    f->is_dirty = false;
    f->durable += (off_t)lines->length;
    f->next = last + 1;
    return 0;
}

/* ---- deleting ---- */

int event_file_trim(const event_file *f, uint64_t passed, lb_error *err)
{
    LB_AUTO_FREE uint64_t *firsts = NULL;
    size_t count;
    event_header header;
    int64_t oldest = clock_now() - f->keep_us;
    int r = event_segments(f->dir, &firsts, &count, err);
    for (size_t i = 0; r == 0 && i + 1 < count && firsts[i + 1] - 1 <= passed; i++) {
        r = event_header_read(f->dir, firsts[i + 1], &header, err);
        if (r < 0 || header.at > oldest)
            break; /* the segment's newest event may be as young as the next segment's header */
        LB_AUTO_FREE char *path = event_segment_path(f->dir, firsts[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            r = fs_fail(err, errno, "delete", path);
    }
    return r;
}
