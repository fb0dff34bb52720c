#include "branch_marked.h"

#include <inttypes.h>
#include <stdlib.h>

#define MOST_LINES 2000 /* of each side of a diff: a part of a file for people is shorter */

/* ---- diff: the longest common subsequence of lines ---- */

typedef struct lines {
    const char **start;
    size_t *length;
    size_t count;
} lines;

static bool split(lb_ctx *ctx, const char *text, lines *ret)
{
    size_t count = 0;
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
        count++;
    lines l = {.start = lb_alloc(ctx, (count + 1) * sizeof(const char *)),
               .length = lb_alloc(ctx, (count + 1) * sizeof(size_t))};
    if (!l.start || !l.length || count > MOST_LINES)
        return false;
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        l.start[l.count] = p;
        l.length[l.count++] = strcspn(p, "\n");
    }
    *ret = l;
    return true;
}

static bool same_line(const lines *a, size_t i, const lines *b, size_t k)
{
    return a->length[i] == b->length[k] && memcmp(a->start[i], b->start[k], a->length[i]) == 0;
}

static char *put_line(char *at, char mark, const lines *l, size_t i)
{
    *at++ = mark;
    memcpy(at, l->start[i], l->length[i]);
    at += l->length[i];
    *at++ = '\n';
    return at;
}

const char *branch_marked_diff(lb_ctx *ctx, const char *before, const char *after)
{
    lines a, b;
    if (!split(ctx, before, &a) || !split(ctx, after, &b))
        return NULL;
    size_t width = b.count + 1;
    uint16_t *common = lb_alloc(ctx, (a.count + 1) * width * sizeof *common);
    char *text = lb_alloc(ctx, strlen(before) + strlen(after) + 2 * (a.count + b.count) + 3), *at = text;
    if (!common || !text)
        return NULL;
    for (size_t i = a.count; i-- > 0;)
        for (size_t k = b.count; k-- > 0;) {
            uint16_t down = common[(i + 1) * width + k], right = common[i * width + k + 1];
            common[i * width + k] = same_line(&a, i, &b, k) ? (uint16_t)(common[(i + 1) * width + k + 1] + 1)
                                    : down > right          ? down
                                                            : right;
        }
    for (size_t i = 0, k = 0; i < a.count || k < b.count;) {
        if (i < a.count && k < b.count && same_line(&a, i, &b, k)) {
            at = put_line(at, ' ', &a, i++);
            k++;
        } else if (k == b.count || (i < a.count && common[(i + 1) * width + k] >= common[i * width + k + 1])) {
            at = put_line(at, '-', &a, i++);
        } else {
            at = put_line(at, '+', &b, k++);
        }
    }
    *at = '\0';
    return text;
}

/* ---- the markers ---- */

/* FNV-1a: it tells an edit from none, and nobody gains by forging it. */
static uint64_t checksum(const char *text, size_t length)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        if (text[i] != '\r') /* an editor that changes line ends has edited nothing */
            h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return h;
}

typedef struct part {
    const char *begin, *text, *end, *after; /* of the first marker, our text, the second marker, the rest */
    uint64_t sum;
} part;

/* The rest of a line, its newline with it. */
static const char *next_line(const char *p)
{
    p += strcspn(p, "\n");
    return p + (*p == '\n');
}

static int fail_markers(lb_error *err, const char *name, const char *what)
{
    return lb_fail(err, LB_ERR_CONFLICT, "put the markers right, or take our part out: it is written anew then",
                   "the markers of %s %s", name, what);
}

/* ret->begin NULL: there are none. */
static int find_part(lb_ctx *ctx, const char *name, const char *file, part *ret, lb_error *err)
{
    const char *first = lb_printf(ctx, "<!-- lakebaseops:%s begin ", name),
               *last = lb_printf(ctx, "<!-- lakebaseops:%s end -->", name);
    if (!first || !last)
        return lb_out_of_memory(err);
    const char *begin = strstr(file, first), *end = strstr(file, last);
    *ret = (part){0};
    if (!begin && !end)
        return 0;
    if (!begin || !end || end < begin)
        return fail_markers(err, name, "do not pair up");
    if (strstr(begin + 1, first) || strstr(end + 1, last))
        return fail_markers(err, name, "are there more than once");
    char *stop = NULL;
    uint64_t sum = strtoull(begin + strlen(first), &stop, 16);
    const char *text = next_line(begin);
    if (stop != begin + strlen(first) + 16 || strncmp(stop, " -->", 4) != 0 || text > end)
        return fail_markers(err, name, "have no checksum that can be read");
    *ret = (part){begin, text, end, next_line(end), sum};
    return 0;
}

static const char *wrap(lb_ctx *ctx, const char *name, const char *text)
{
    return lb_printf(ctx, "<!-- lakebaseops:%s begin %016" PRIx64 " -->\n%s<!-- lakebaseops:%s end -->\n", name,
                     checksum(text, strlen(text)), text, name);
}

static const char *append(lb_ctx *ctx, const char *file, const char *ours)
{
    size_t length = strlen(file);
    bool ended = length && file[length - 1] == '\n';
    return lb_printf(ctx, "%s%s%s", file, !length ? "" : ended ? "\n" : "\n\n", ours);
}

int branch_marked_merge(lb_ctx *ctx, const char *name, const char *file, const char *text, branch_marked *ret_marked,
                        lb_error *err)
{
    part p = {0};
    branch_marked m = {.state = BRANCH_MARKED_NONE};
    const char *ours = wrap(ctx, name, text);
    int r = ours ? find_part(ctx, name, file ? file : "", &p, err) : lb_out_of_memory(err);
    if (r < 0)
        return r;
    if (!p.begin) {
        m.content = append(ctx, file ? file : "", ours);
    } else {
        const char *before = lb_printf(ctx, "%.*s", (int)(p.end - p.text), p.text);
        m.content = lb_printf(ctx, "%.*s%s%s", (int)(p.begin - file), file, ours, p.after);
        m.diff = before ? branch_marked_diff(ctx, before, text) : NULL;
        m.state = checksum(p.text, (size_t)(p.end - p.text)) != p.sum ? BRANCH_MARKED_EDITED
                  : p.sum != checksum(text, strlen(text))             ? BRANCH_MARKED_OLD
                                                                      : BRANCH_MARKED_SAME;
    }
    if (!m.content)
        return lb_out_of_memory(err);
    *ret_marked = m;
    return 0;
}
