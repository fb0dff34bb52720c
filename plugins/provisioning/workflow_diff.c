/* The difference of two texts by lines: what they begin and end with alike is set aside, the rest is compared by its
 * longest common subsequence. */
#include "workflow.h"

#include "buf.h"

#define MOST_LINES 2000 /* of each side between the common ends; what is longer is shown as replaced */
#define AROUND     3
#define SIZE_LIMIT ((size_t)4 * 1024 * 1024)

typedef struct lines {
    const char **start;
    size_t *length;
    size_t count;
} lines;

typedef struct edit {
    char mark; /* ' ', '-' or '+' */
    const char *text;
    size_t length;
} edit;

typedef struct script {
    edit *edits;
    size_t count;
} script;

static bool split(lb_ctx *ctx, const char *text, lines *ret)
{
    size_t count = 0;
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
        count++;
    lines l = {.start = lb_alloc(ctx, (count + 1) * sizeof *l.start),
               .length = lb_alloc(ctx, (count + 1) * sizeof *l.length)};
    if (!l.start || !l.length)
        return false;
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        size_t length = strcspn(p, "\n");
        l.start[l.count] = p;
        l.length[l.count++] = length && p[length - 1] == '\r' ? length - 1 : length;
    }
    *ret = l;
    return true;
}

static bool same(const lines *a, size_t i, const lines *b, size_t k)
{
    return a->length[i] == b->length[k] && memcmp(a->start[i], b->start[k], a->length[i]) == 0;
}

static void add(script *s, char mark, const lines *l, size_t i)
{
    s->edits[s->count++] = (edit){mark, l->start[i], l->length[i]};
}

/* The lines from `from` to where the common end begins. lengths[i][k]: of the subsequence common to a from i, b from k
 * on. */
static bool compare(lb_ctx *ctx, const lines *a, const lines *b, size_t from, size_t end, script *s)
{
    size_t rows = a->count - end - from, columns = b->count - end - from, width = columns + 1;
    bool fits = rows <= MOST_LINES && columns <= MOST_LINES;
    uint16_t *lengths = fits ? lb_alloc(ctx, (rows + 1) * width * sizeof *lengths) : NULL;
    if (fits && !lengths)
        return false;
    for (size_t i = fits ? rows : 0; i-- > 0;)
        for (size_t k = columns; k-- > 0;) {
            uint16_t down = lengths[(i + 1) * width + k], right = lengths[i * width + k + 1];
            lengths[i * width + k] = same(a, from + i, b, from + k) ? (uint16_t)(lengths[(i + 1) * width + k + 1] + 1)
                                     : down > right                 ? down
                                                                    : right;
        }
    for (size_t i = 0, k = 0; i < rows || k < columns;) {
        if (fits && i < rows && k < columns && same(a, from + i, b, from + k)) {
            add(s, ' ', a, from + i++);
            k++;
        } else if (i < rows && (!fits || k == columns || lengths[(i + 1) * width + k] >= lengths[i * width + k + 1])) {
            add(s, '-', a, from + i++);
        } else {
            add(s, '+', b, from + k++);
        }
    }
    return true;
}

static bool is_near(const script *s, size_t i)
{
    size_t first = i > AROUND ? i - AROUND : 0;
    for (size_t k = first; k < s->count && k <= i + AROUND; k++)
        if (s->edits[k].mark != ' ')
            return true;
    return false;
}

static const char *tell(lb_ctx *ctx, const script *s)
{
    BUF_AUTO out = BUF_INIT(SIZE_LIMIT);
    size_t old = 1, new = 1;
    bool shown = false;
    for (size_t i = 0; i < s->count; i++) {
        const edit *e = &s->edits[i];
        bool near = is_near(s, i);
        if (near && !shown)
            buf_printf(&out, "@@ -%zu +%zu @@\n", old, new);
        if (near)
            buf_printf(&out, "%c%.*s\n", e->mark, (int)e->length, e->text);
        shown = near;
        old += e->mark != '+';
        new += e->mark != '-';
    }
    return lb_printf(ctx, "%s%s", buf_text(&out), out.overflow ? "\n(cut here)\n" : "");
}

const char *workflow_diff(lb_ctx *ctx, const char *before, const char *after)
{
    lines a, b;
    if (!split(ctx, before, &a) || !split(ctx, after, &b))
        return NULL;
    script s = {.edits = lb_alloc(ctx, (a.count + b.count + 1) * sizeof *s.edits)};
    size_t least = a.count < b.count ? a.count : b.count, from = 0, end = 0;
    if (!s.edits)
        return NULL;
    while (from < least && same(&a, from, &b, from))
        from++;
    while (end < least - from && same(&a, a.count - 1 - end, &b, b.count - 1 - end))
        end++;
    for (size_t i = 0; i < from; i++)
        add(&s, ' ', &a, i);
    if (!compare(ctx, &a, &b, from, end, &s))
        return NULL;
    for (size_t i = a.count - end; i < a.count; i++)
        add(&s, ' ', &a, i);
    return tell(ctx, &s);
}
