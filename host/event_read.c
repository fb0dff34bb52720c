#include "event_reader.h"

#include "event_segment.h"
#include "fs.h"
#include "pattern.h"

#include <errno.h>

/* ---- lines ---- */

static void drain_watch(const event_reader *r)
{
    char events[4096];
    while (r->watch >= 0 && read(r->watch, events, sizeof events) > 0)
        continue; /* what they say does not matter: the file is read next */
}

/* More of the file: how many bytes, 0 at its end. */
static ssize_t read_more(event_reader *r, lb_error *err)
{
    if (r->fd < 0)
        return 0;
    drain_watch(r);
    buf_drop_front(&r->chunk, r->consumed);
    r->consumed = 0;
    char *room = buf_reserve(&r->chunk, EVENT_READ_BYTES);
    if (!room)
        return lb_fail(err, LB_ERR_NO_MEMORY, NULL, "out of memory reading %s", r->path);
    ssize_t n;
    do
        n = pread(r->fd, room, EVENT_READ_BYTES, r->at.offset + (off_t)r->chunk.length);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fs_fail(err, errno, "read", r->path);
    buf_commit(&r->chunk, (size_t)n);
    return n;
}

/* The next whole line, not consumed yet: 1; 0: the file has no more of them now. A line without end is given in
 * pieces, none of which is an event. */
static int peek_line(event_reader *r, const char **ret_line, size_t *ret_length, lb_error *err)
{
    size_t searched = 0;
    for (;;) {
        size_t left = r->chunk.length - r->consumed;
        const char *start = buf_text(&r->chunk) + r->consumed;
        const char *end = left > searched ? memchr(start + searched, '\n', left - searched) : NULL;
        if (end || left > EVENT_LINE_MAX) {
            *ret_line = start;
            *ret_length = end ? (size_t)(end - start) : left - 1;
            return 1;
        }
        searched = left;
        ssize_t n = read_more(r, err);
        if (n <= 0)
            return (int)n;
    }
}

static void consume(event_reader *r, size_t length)
{
    r->consumed += length + 1;
    r->at.offset += (off_t)length + 1;
    if (r->at.line != EVENT_NOT_COUNTED)
        r->at.line++;
    r->was_reread = false;
}

static void count_lines(event_reader *r)
{
    char window[65536];
    uint64_t lines = 0;
    for (off_t at = 0; at < r->at.offset;) {
        ssize_t n = pread(r->fd, window, sizeof window, at);
        if (n <= 0)
            break; /* cut behind our back: the count is as good as the file */
        for (ssize_t i = 0; i < n && at < r->at.offset; i++, at++)
            lines += window[i] == '\n';
    }
    r->at.line = lines;
}

/* A break at the line just consumed. */
LB_PRINTF(3, 4) static int broken(event_reader *r, lb_error *err, const char *fmt, ...)
{
    char what[200];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args); /* our own short sentences */
    va_end(args);
    return lb_fail(err, LB_ERR_CONFLICT,
                   "somebody or something other than lbops changed it: keep a copy of the directory", "%s:%llu: %s",
                   r->path, (unsigned long long)event_reader_line(r), what);
}

/* ---- the chain ---- */

/* From here on the line's own hash is what the next one must follow, right or wrong. */
static void chain_on(event_reader *r, const char *line, size_t length)
{
    const char *hash = event_line_hash(line, length);
    r->at.is_chained = hash != NULL;
    if (hash)
        memcpy(r->at.previous, hash, EVENT_HASH);
}

/* 0 for the end, as event_reader_next answers; negative for a break or another failure. */
enum { STEP_END, STEP_EVENT, STEP_MORE };

static bool has_right_hash(const event_reader *r, const char *line, size_t length)
{
    char hash[SHA256_TEXT];
    return !r->options.verify || !r->at.is_chained ||
           (event_hash(line, length, r->at.previous, hash) &&
            memcmp(hash, event_line_hash(line, length), EVENT_HASH) == 0);
}

/* The header is the first line. */
static int read_header(event_reader *r, const char *line, size_t length, lb_error *err)
{
    event_header header;
    uint64_t before = r->at.seq;
    lb_error why;
    consume(r, length);
    if (event_header_parse(line, length, &header, &why) < 0) {
        chain_on(r, line, length);
        return broken(r, err, "%s", why.message);
    }
    bool follows = !r->at.is_chained || memcmp(header.previous, r->at.previous, EVENT_HASH) == 0;
    memcpy(r->at.previous, header.previous, sizeof header.previous);
    r->at.is_chained = true;
    bool sound = has_right_hash(r, line, length);
    chain_on(r, line, length);
    r->at.seq = r->first - 1;
    if (header.first != r->first)
        return broken(r, err, "the header begins with event %llu, the file's name with %llu",
                      (unsigned long long)header.first, (unsigned long long)r->first);
    if (before && before + 1 != r->first)
        return broken(r, err, "the events %llu to %llu are missing", (unsigned long long)before + 1,
                      (unsigned long long)r->first - 1);
    if (!follows)
        return broken(r, err, "the segment does not continue from the one before");
    return sound ? STEP_MORE : broken(r, err, "the hash of the header is wrong");
}

/* The events in between are missing; this line is read next. */
static int report_gap(event_reader *r, uint64_t seq, size_t length, lb_error *err)
{
    event_place here = r->at;
    size_t consumed = r->consumed;
    uint64_t before = r->at.seq;
    consume(r, length); /* so that it is this line's number that is told */
    int code = before + 2 == seq ? broken(r, err, "event %llu is missing", (unsigned long long)before + 1)
                                 : broken(r, err, "the events %llu to %llu are missing", (unsigned long long)before + 1,
                                          (unsigned long long)seq - 1);
    r->at = here;
    r->consumed = consumed;
    r->at.seq = seq - 1;
    r->at.is_chained = false;
    return code;
}

static bool passes_kind(const event_reader *r, const char *kind, size_t length)
{
    char name[EVENT_KIND_MAX + 1];
    if (!r->options.filter.kind || length > EVENT_KIND_MAX)
        return true; /* the second is judged as a whole */
    memcpy(name, kind, length);
    name[length] = '\0';
    return pattern_matches(r->options.filter.kind, name);
}

static bool is_text(const char *wanted, const char *text)
{
    return !wanted || (text && strcmp(wanted, text) == 0);
}

static bool passes(const event_filter *f, const event *e)
{
    return is_text(f->run_id, e->run_id) && is_text(f->tool, e->tool) && is_text(f->agent, e->agent) &&
           is_text(f->project, e->project) && is_text(f->branch, e->branch) && (!f->since || e->at >= f->since);
}

static int read_event(event_reader *r, const char *line, size_t length, event *ret_event, lb_error *err)
{
    uint64_t seq = 0;
    const char *kind;
    size_t kind_length;
    lb_error why;
    if (!event_peek(line, length, &seq, &kind, &kind_length)) {
        consume(r, length);
        chain_on(r, line, length);
        r->at.seq += r->at.seq != 0; /* it stood for one */
        return broken(r, err, "a line that is no event");
    }
    if (r->at.seq && seq > r->at.seq + 1)
        return report_gap(r, seq, length, err);
    bool goes_back = r->at.seq && seq <= r->at.seq, sound = has_right_hash(r, line, length);
    consume(r, length);
    chain_on(r, line, length);
    if (goes_back)
        return broken(r, err, "event %llu stands after event %llu", (unsigned long long)seq,
                      (unsigned long long)r->at.seq);
    r->at.seq = seq;
    if (!sound)
        return broken(r, err, "the hash of event %llu is wrong", (unsigned long long)seq);
    if (seq < r->options.from || !passes_kind(r, kind, kind_length))
        return STEP_MORE;
    if (event_parse(line, length, &r->texts, ret_event, &why) < 0)
        return broken(r, err, "%s", why.message);
    return passes(&r->options.filter, ret_event) ? STEP_EVENT : STEP_MORE;
}

/* ---- the next segment ---- */

static uint64_t next_segment(const event_reader *r, lb_error *err)
{
    LB_AUTO_FREE uint64_t *firsts = NULL;
    size_t count;
    if (event_segments(r->dir, &firsts, &count, err) < 0)
        return 0; /* err says so */
    for (size_t i = 0; i < count; i++)
        if (firsts[i] > r->first)
            return firsts[i];
    return 0;
}

/* A segment ends when there is a next one, and then nothing more is written to it. */
static int go_on(event_reader *r, lb_error *err)
{
    err->code = 0;
    uint64_t next = next_segment(r, err);
    if (!next)
        return err->code;
    ssize_t n = read_more(r, err); /* written before the next one was begun, after we looked */
    if (n != 0)
        return n < 0 ? (int)n : STEP_MORE;
    size_t left = r->chunk.length - r->consumed;
    if (left) {
        consume(r, left - 1);
        event_reader_forget_chunk(r);
        r->at.is_chained = false;
        return broken(r, err, "the segment ends inside a line");
    }
    int code = event_reader_open_segment(r, next, err);
    return code == LB_ERR_NOT_FOUND || code == 0 ? STEP_MORE
                                                 : code; /* not found: too old by now; the one after it is next */
}

static bool is_past_bound(const event_reader *r, const char *line, size_t length)
{
    uint64_t seq;
    const char *kind;
    size_t kind_length;
    return r->bound != UINT64_MAX && event_peek(line, length, &seq, &kind, &kind_length) && seq > r->bound;
}

static int read_line(event_reader *r, event *ret_event, lb_error *err)
{
    const char *line = NULL;
    size_t length = 0;
    int code = peek_line(r, &line, &length, err);
    if (code == 0)
        return go_on(r, err);
    if (code < 0)
        return code;
    if (r->at.offset == 0)
        return read_header(r, line, length, err);
    return is_past_bound(r, line, length) ? STEP_END : read_event(r, line, length, ret_event, err);
}

int event_reader_next(event_reader *r, size_t limit, event *ret_event, lb_error *err)
{
    for (size_t lines = 0; r->at.seq < r->bound && (!limit || lines < limit); lines++) {
        const event_place before = r->at;
        bool may_reread = r->options.follow && !r->was_reread;
        int code = read_line(r, ret_event, err);
        if (code == LB_ERR_CONFLICT && may_reread && r->at.offset > before.offset) {
            /* A writer that came back after a crash has cut the line that we held a part of. */
            r->at = before;
            r->was_reread = true;
            event_reader_forget_chunk(r);
            continue;
        }
        if (code != STEP_MORE)
            return code;
    }
    return 0;
}

void event_reader_bound(event_reader *r, uint64_t seq)
{
    r->bound = seq;
}

uint64_t event_reader_seq(const event_reader *r)
{
    return r->at.seq;
}

int event_reader_fd(const event_reader *r)
{
    return r->watch;
}

const char *event_reader_file(const event_reader *r)
{
    return r->path ? r->path : "";
}

uint64_t event_reader_line(event_reader *r)
{
    if (r->at.line == EVENT_NOT_COUNTED)
        count_lines(r);
    return r->at.line;
}

int64_t event_reader_end(const event_reader *r)
{
    return r->at.offset;
}

uint64_t event_reader_segments(const event_reader *r)
{
    return r->segments;
}

const char *event_reader_head(const event_reader *r)
{
    return r->at.is_chained ? r->at.previous : EVENT_NO_HASH;
}
