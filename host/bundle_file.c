/* Files of a bundle: written again as long as nobody has edited them. */
#include "bundle.h"

#include "fs.h"
#include "sha256.h"

#include <errno.h>
#include <sys/stat.h>

#define FIRST_LINE  "# Written by `lbops jobs bundle`, sum %.16s. Edit it and it is yours: it is then left alone.\n"
#define FIRST_WORDS "# Written by `lbops jobs bundle`, sum "
#define SUM_LENGTH  16
#define MOST_LINES  4000

static void sum_of(const char *text, char sum[SHA256_TEXT])
{
    sha256 s;
    sha256_init(&s);
    sha256_add(&s, text, strlen(text));
    sha256_end_text(&s, sum);
}

/* The rest behind the first line, when that has the rest's sum; NULL: somebody else wrote this. */
static const char *own_rest(const char *text)
{
    char sum[SHA256_TEXT];
    const char *end = strchr(text, '\n');
    size_t words = sizeof FIRST_WORDS - 1;
    if (!end || strncmp(text, FIRST_WORDS, words) != 0)
        return NULL;
    sum_of(end + 1, sum);
    return strncmp(text + words, sum, SUM_LENGTH) == 0 ? end + 1 : NULL;
}

/* What a person left of our first line does not count. */
static const char *without_first(const char *text)
{
    const char *end = strchr(text, '\n');
    return end && strncmp(text, FIRST_WORDS, sizeof FIRST_WORDS - 1) == 0 ? end + 1 : text;
}

/* Lines that are in one of two texts alone, with - and + and where they stand. */
static void bundle_diff(const char *before, const char *after, buf *out);

int bundle_keep(const char *path, const char *text, bundle_fate *ret_fate, buf *diff, lb_error *err)
{
    char sum[SHA256_TEXT];
    struct stat st;
    size_t length;
    LB_AUTO_FREE char *there = NULL;
    BUF_AUTO whole = BUF_INIT(BUNDLE_TEXT_MAX);
    bool is_there = lstat(path, &st) == 0;
    if (!is_there && errno != ENOENT)
        return fs_fail(err, errno, "look at", path);
    if (is_there && fs_read(path, BUNDLE_TEXT_MAX, &there, &length, err) < 0)
        return err->code;
    *ret_fate = !is_there ? BUNDLE_WRITTEN : BUNDLE_UPDATED;
    if (there && strcmp(without_first(there), text) == 0)
        *ret_fate = BUNDLE_SAME;
    else if (there && !own_rest(there)) {
        *ret_fate = BUNDLE_KEPT;
        bundle_diff(without_first(there), text, diff);
    }
    if (*ret_fate == BUNDLE_SAME || *ret_fate == BUNDLE_KEPT)
        return 0;
    sum_of(text, sum);
    buf_printf(&whole, FIRST_LINE, sum);
    buf_puts(&whole, text);
    if (whole.overflow)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "%s would be too long", path);
    return fs_write_durable(path, whole.data, whole.length, 0644, err);
}

/* ---- the difference ---- */

typedef struct lines {
    const char *at[MOST_LINES];
    size_t length[MOST_LINES], count;
} lines;

static bool cut_lines(const char *text, lines *ret)
{
    for (const char *p = text; *p;) {
        size_t length = strcspn(p, "\n");
        if (ret->count == MOST_LINES)
            return false;
        ret->at[ret->count] = p;
        ret->length[ret->count++] = length;
        p += length + (p[length] == '\n');
    }
    return true;
}

static bool same_line(const lines *a, size_t i, const lines *b, size_t k)
{
    return a->length[i] == b->length[k] && memcmp(a->at[i], b->at[k], a->length[i]) == 0;
}

/* shared[i][k]: how many lines the rests from i and k have in common, in order. */
static void count_shared(const lines *a, const lines *b, uint16_t *shared)
{
    size_t width = b->count + 1;
    for (size_t i = a->count; i-- > 0;)
        for (size_t k = b->count; k-- > 0;) {
            uint16_t down = shared[(i + 1) * width + k], right = shared[i * width + k + 1];
            uint16_t both = (uint16_t)(shared[(i + 1) * width + k + 1] + 1);
            shared[i * width + k] = same_line(a, i, b, k) ? both : down > right ? down : right;
        }
}

static void put_line(buf *out, char mark, const lines *from, size_t i, bool *in_hunk, size_t where)
{
    if (!*in_hunk)
        buf_printf(out, "@@ line %zu\n", where + 1);
    *in_hunk = true;
    buf_printf(out, "%c%.*s\n", mark, (int)from->length[i], from->at[i]);
}

static void bundle_diff(const char *before, const char *after, buf *out)
{
    LB_AUTO_FREE lines *a = base_alloc(sizeof *a), *b = base_alloc(sizeof *b);
    if (!cut_lines(before, a) || !cut_lines(after, b)) {
        buf_puts(out, "(too long to compare)\n");
        return;
    }
    size_t width = b->count + 1, i = 0, k = 0;
    bool in_hunk = false;
    LB_AUTO_FREE uint16_t *shared = base_alloc((a->count + 1) * width * sizeof *shared);
    count_shared(a, b, shared);
    while (i < a->count || k < b->count) {
        if (i < a->count && k < b->count && same_line(a, i, b, k)) {
            in_hunk = false;
            i++, k++;
        } else if (i < a->count && (k == b->count || shared[(i + 1) * width + k] >= shared[i * width + k + 1])) {
            put_line(out, '-', a, i, &in_hunk, i);
            i++;
        } else {
            put_line(out, '+', b, k, &in_hunk, i);
            k++;
        }
    }
}
