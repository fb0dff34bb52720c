/* Opening the log's files: one writer, what a crash left behind, and where to go on. */
#include "event_file.h"

#include "event_read.h"
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

static int take_lock(event_file *f, lb_error *err)
{
    char holder[32] = "";
    LB_AUTO_FREE char *path = base_printf("%s/lock", f->dir);
    f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->lock < 0)
        return fs_fail(err, errno, "open", path);
    if (flock(f->lock, LOCK_EX | LOCK_NB) == 0) {
        int length = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
        (void)!ftruncate(f->lock, 0); /* on a full disk the lock holds all the same, without our name on it */
        (void)!pwrite(f->lock, holder, (size_t)length, 0);
        return 0;
    }
    if (errno != EWOULDBLOCK)
        return fs_fail(err, errno, "lock", path);
    ssize_t n = pread(f->lock, holder, sizeof holder - 1, 0);
    holder[n > 0 ? strcspn(holder, "\n") : 0] = '\0';
    return lb_fail(err, LB_ERR_CONFLICT, "stop that one, or give this one a state_dir of its own",
                   "process %s writes to the log of events in %s", *holder ? holder : "(unknown)", f->dir);
}

/* What was found in the newest segment, and in the one before it. */
typedef struct survey {
    uint64_t newest; /* its first seq */
    uint64_t last;   /* seq of its last line */
    off_t end;       /* where that ends */
    char head[SHA256_TEXT];
    bool is_broken; /* the newest is */
} survey;

static int read_all(event_file *f, event_reader *r, survey *s, event_log_found *found, lb_error *err)
{
    event e;
    int code;
    LB_AUTO_FREE char *newest = event_segment_path(f->dir, s->newest);
    while ((code = event_reader_next(r, 0, &e, err)) != 0) {
        if (code < 0 && code != LB_ERR_CONFLICT)
            return code;
        if (code > 0)
            continue;
        s->is_broken = s->is_broken || strcmp(event_reader_file(r), newest) == 0;
        if (!found->broken[0])
            (void)snprintf(found->broken, sizeof found->broken, "%s", err->message); /* 255 bytes at most */
    }
    s->last = event_reader_seq(r);
    s->end = (off_t)event_reader_end(r);
    (void)snprintf(s->head, sizeof s->head, "%s", event_reader_head(r)); /* of that very length */
    return 0;
}

/* Reads the two newest segments; 0: there is none, 1: the survey is filled. */
static int look(event_file *f, survey *s, event_log_found *found, lb_error *err)
{
    LB_AUTO_FREE uint64_t *firsts = NULL;
    size_t count;
    event_reader *r;
    int code = event_segments(f->dir, &firsts, &count, err);
    if (code < 0 || !count)
        return code;
    *s = (survey){.newest = firsts[count - 1]};
    const event_read_options options = {
        .from = firsts[count > 1 ? count - 2 : 0],
        .verify = true,
        .filter.kind = "", /* no event is wanted, only whether the chain holds: that much quicker */
    };
    code = event_reader_new(f->dir, &options, &r, err);
    if (code < 0)
        return code;
    code = read_all(f, r, s, found, err);
    (void)event_reader_free(r); /* gives NULL */
    found->first = firsts[0];
    return code < 0 ? code : 1;
}

/* ---- what a crash left ---- */

static int copy_tail(int from, const char *path, off_t start, lb_error *err)
{
    char chunk[65536];
    ssize_t n;
    LB_AUTO_FREE char *aside = base_printf("%s.torn", path);
    LB_AUTO_FD int to = open(aside, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0)
        return fs_fail(err, errno, "create", aside);
    while ((n = pread(from, chunk, sizeof chunk, start)) > 0) {
        if (write(to, chunk, (size_t)n) != n)
            return fs_fail(err, errno ? errno : ENOSPC, "write", aside);
        start += n;
    }
    if (n < 0)
        return fs_fail(err, errno, "read", path);
    return fsync(to) == 0 ? 0 : fs_fail(err, errno, "sync", aside);
}

/* Everything up to `end` made durable, for the writer before us may not have come to that; what is behind it goes. */
static int settle_end(int fd, const char *path, off_t end, event_log_found *found, lb_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fs_fail(err, errno, "look at", path);
    if (st.st_size > end) {
        int r = copy_tail(fd, path, end, err);
        if (r < 0)
            return r;
        if (ftruncate(fd, end) != 0)
            return fs_fail(err, errno, "cut", path);
        (void)snprintf(found->torn, sizeof found->torn, /* cut, not lost: the file shows the rest */
                       "the last line of %s was torn: its %lld bytes are kept in %s.torn", path,
                       (long long)(st.st_size - end), path);
    }
    return fsync(fd) == 0 ? 0 : fs_fail(err, errno, "sync", path);
}

/* A segment without a sound header or without events goes aside as a whole. */
static int put_aside(const event_file *f, uint64_t first, event_log_found *found, lb_error *err)
{
    LB_AUTO_FREE char *path = event_segment_path(f->dir, first);
    LB_AUTO_FREE char *aside = base_printf("%s.torn", path);
    if (rename(path, aside) != 0)
        return fs_fail(err, errno, "rename", path);
    (void)snprintf(found->torn, sizeof found->torn, "%s held no event and is kept as %s", path, aside); /* or cut */
    return fs_sync_dir(f->dir, err);
}

/* Opens the newest segment to go on in it, or leaves f->fd at -1 when its chain is broken. */
static int take_up(event_file *f, const survey *s, event_log_found *found, lb_error *err)
{
    event_header header;
    f->path = event_segment_path(f->dir, s->newest);
    f->fd = open(f->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (f->fd < 0)
        return fs_fail(err, errno, "open", f->path);
    int r = settle_end(f->fd, f->path, s->end, found, err);
    if (r < 0)
        return r;
    f->first = s->newest;
    f->next = s->last + 1;
    f->durable = s->end;
    memcpy(f->previous, s->head, sizeof f->previous);
    if (!s->is_broken) {
        r = event_header_read(f->dir, s->newest, &header, err);
        f->begun = r == 0 ? header.at : 0;
        return r;
    }
    (void)snprintf(f->broken, sizeof f->broken, "%s", found->broken); /* of the same size */
    base_close(&f->fd);
    f->fd = -1;
    return 0;
}

int event_file_open(event_file *f, event_log_found *ret_found, lb_error *err)
{
    survey s = {0};
    int r = fs_make_dirs(f->dir, err);
    f->fd = f->lock = -1;
    f->next = 1;
    memcpy(f->previous, EVENT_NO_HASH, sizeof f->previous);
    if (r == 0)
        r = take_lock(f, err);
    while (r == 0 && (r = look(f, &s, ret_found, err)) > 0) {
        bool has_events = s.last >= s.newest;
        if (s.end > 0 && (has_events || !s.is_broken))
            r = take_up(f, &s, ret_found, err);
        else
            r = put_aside(f, s.newest, ret_found, err);
        if (r < 0 || f->path)
            break;
    }
    if (r < 0)
        return r;
    ret_found->last = f->next - 1;
    if (!ret_found->last)
        ret_found->first = 0;
    return fs_sync_dir(f->dir, err);
}
