#include "workflow.h"

#include "buf.h"
#include "sha256.h"

#define SIZE_LIMIT ((size_t)256 * 1024)
#define SEAL       "# lakebaseops:workflow sha256:"
#define SEAL_REST  " Edit it, and it is yours: it is shown and never overwritten."

/* ---- templates ---- */

typedef struct rendering {
    const workflow_value *values;
    const workflow_flag *flags;
    buf out;
} rendering;

static const workflow_value *find_value(const rendering *r, const char *name, size_t length)
{
    for (const workflow_value *v = r->values; v->name; v++)
        if (strlen(v->name) == length && memcmp(v->name, name, length) == 0)
            return v;
    return NULL;
}

static int fail_template(lb_error *err, const char *line, size_t length)
{
    return lb_fail(err, LB_ERR_INTERNAL, "report this", "a template has a line without a meaning: %.*s", (int)length,
                   line);
}

/* Text with its markers replaced; what replaces them is not looked into again. */
static int put_text(rendering *r, const char *line, size_t length, lb_error *err)
{
    const char *end = line + length;
    while (line < end) {
        const char *mark = memmem(line, (size_t)(end - line), "@@", 2);
        buf_put(&r->out, line, (size_t)((mark ? mark : end) - line));
        if (!mark)
            return 0;
        const char *close = memmem(mark + 2, (size_t)(end - mark - 2), "@@", 2);
        const workflow_value *v = close ? find_value(r, mark + 2, (size_t)(close - mark - 2)) : NULL;
        if (!v || !v->text || v->is_part)
            return fail_template(err, mark, (size_t)(end - mark));
        buf_puts(&r->out, v->text);
        line = close + 2;
    }
    return 0;
}

/* The part that a line stands for, or NULL. */
static const workflow_value *part_of(const rendering *r, const char *line, size_t length)
{
    bool marked = length > 4 && memcmp(line, "@@", 2) == 0 && memcmp(line + length - 2, "@@", 2) == 0;
    const workflow_value *v = marked ? find_value(r, line + 2, length - 4) : NULL;
    return v && v->is_part ? v : NULL;
}

static const workflow_flag *find_flag(const rendering *r, const char *name, size_t length)
{
    for (const workflow_flag *f = r->flags; f->name; f++)
        if (strlen(f->name) == length && memcmp(f->name, name, length) == 0)
            return f;
    return NULL;
}

/* depth: a part has no parts. dropped: how many blocks deep we are in one that is left out. */
static int put_lines(rendering *r, const char *source, int depth, lb_error *err)
{
    size_t dropped = 0;
    for (const char *line = source; *line;) {
        size_t length = strcspn(line, "\n");
        const workflow_value *part = depth ? NULL : part_of(r, line, length);
        bool opens = strncmp(line, "#+ ", 3) == 0, closes = strncmp(line, "#- ", 3) == 0;
        const workflow_flag *flag = opens || closes ? find_flag(r, line + 3, length - 3) : NULL;
        int failed = 0;
        if ((opens || closes) && !flag)
            failed = fail_template(err, line, length);
        else if (opens)
            dropped += dropped || !flag->is_set;
        else if (closes)
            dropped -= dropped > 0;
        else if (!dropped && part)
            failed = put_lines(r, part->text, depth + 1, err);
        else if (!dropped)
            failed = put_text(r, line, length + (line[length] == '\n'), err);
        if (failed < 0)
            return failed;
        line += length + (line[length] == '\n');
    }
    return 0;
}

int workflow_render(lb_ctx *ctx, const char *source, const workflow_value *values, const workflow_flag *flags,
                    const char **ret_text, lb_error *err)
{
    rendering r = {.values = values, .flags = flags, .out = BUF_INIT(SIZE_LIMIT)};
    int result = put_lines(&r, source, 0, err);
    if (result >= 0 && r.out.overflow)
        result = lb_fail(err, LB_ERR_LIMIT, "give shorter values", "a workflow of that size is no workflow");
    if (result >= 0 && !(*ret_text = lb_printf(ctx, "%s", buf_text(&r.out))))
        result = lb_out_of_memory(err);
    buf_done(&r.out);
    return result;
}

/* ---- values ---- */

int workflow_check_word(const char *what, const char *text, lb_error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";
    size_t length = strlen(text);
    if (length && length <= 200 && strspn(text, plain) == length && *text != '/' && *text != '-' &&
        text[length - 1] != '/' && !strstr(text, "..") && !strstr(text, "//"))
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "letters, digits and . _ / - within the repository, at most 200",
                   "%s cannot be '%.80s'", what, text);
}

/* One character of UTF-8 at *at, which it goes past; -1: it is none. */
static int32_t next_character(const unsigned char **at)
{
    const unsigned char *p = *at;
    int more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : (*p & 0xf0) == 0xe0 ? 2 : *p >= 0xf0 && *p < 0xf5 ? 3 : -1;
    if (more < 0)
        return -1;
    int32_t c = more ? *p & (0x3f >> more) : *p;
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -1;
        c = c << 6 | (p[i] & 0x3f);
    }
    *at = p + more + 1;
    return c;
}

static bool put_character(buf *out, int32_t c)
{
    if (c == '\n')
        buf_puts(out, "\\n");
    else if (c == '\t')
        buf_puts(out, "\\t");
    else if (c < ' ' || c == 0x7f)
        return false;
    else if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", (char)c);
    else if (c < 0x7f)
        buf_putc(out, (char)c);
    else
        buf_printf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
    return true;
}

int workflow_quote(lb_ctx *ctx, const char *what, const char *text, const char **ret_scalar, lb_error *err)
{
    if (strstr(text, "${{"))
        return lb_fail(err, LB_ERR_INVALID, "read it from a variable of the environment instead",
                       "%s has ${{ in it, which GitHub would evaluate", what);
    BUF_AUTO out = BUF_INIT(SIZE_LIMIT);
    buf_putc(&out, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        int32_t c = next_character(&p);
        if (c < 0 || !put_character(&out, c))
            return lb_fail(err, LB_ERR_INVALID, "plain text in UTF-8", "%s has bytes in it that are no text", what);
    }
    buf_putc(&out, '"');
    if (out.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "put it into a script of the repository", "%s is too long", what);
    *ret_scalar = lb_printf(ctx, "%s", buf_text(&out));
    return *ret_scalar ? 0 : lb_out_of_memory(err);
}

/* ---- seals ---- */

/* Of all but carriage returns: a checkout that changes the ends of lines has edited nothing. */
static void digest(const char *text, char hex[SHA256_TEXT])
{
    sha256 s;
    sha256_init(&s);
    while (*text) {
        size_t length = strcspn(text, "\r");
        sha256_add(&s, text, length);
        text += length + (text[length] == '\r');
    }
    sha256_end_text(&s, hex);
}

const char *workflow_seal(lb_ctx *ctx, const char *text)
{
    char hex[SHA256_TEXT];
    digest(text, hex);
    return lb_printf(ctx, SEAL "%s" SEAL_REST "\n%s", hex, text);
}

workflow_state workflow_look(const char *file, const char *sealed)
{
    char now[SHA256_TEXT];
    if (!file)
        return WORKFLOW_MISSING;
    size_t head = strlen(SEAL), line = strcspn(file, "\n");
    if (strncmp(file, SEAL, head) != 0 || line < head + SHA256_TEXT - 1)
        return WORKFLOW_FOREIGN;
    digest(file[line] ? file + line + 1 : "", now);
    if (memcmp(file + head, now, SHA256_TEXT - 1) != 0)
        return WORKFLOW_EDITED;
    return memcmp(sealed + head, now, SHA256_TEXT - 1) == 0 ? WORKFLOW_SAME : WORKFLOW_OLD;
}
