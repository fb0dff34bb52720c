/* lbops sql: a question to the history. What waits in the outbox is committed first, so that the answer holds what the
 * runs before it have reported. */
#include "cli.h"

#include "child.h"
#include "control.h"
#include "effect.h"
#include "json.h"
#include "service.h"
#include "service_delta.h"
#include "service_start.h"

#include <errno.h>

#define QUESTION_TIME  (300 * CLOCK_SECOND)
#define DEFAULT_PLUGIN "delta_local"
#define COLUMNS_MOST   2048
#define WIDTH_MOST     120 /* of a cell in aligned text */

typedef enum form { FORM_TEXT, FORM_CSV, FORM_JSON } form;

typedef struct asking {
    cli *c;
    struct ev_loop *loop;
    service *service;
    form form;
    const char *question;
    int64_t most_rows, timeout_us;
    bool no_flush, of_lake;
    int code;
} asking;

/* An answer as it came; texts belong to the frame. */
typedef struct table_text {
    uint32_t columns;
    const char *names[COLUMNS_MOST];
    lb_type types[COLUMNS_MOST];
    const char **cells;
    size_t count, capacity;
    bool cut;
} table_text;

/* ---- forms ---- */

/* Characters, which is what aligns; a line feed in a cell is shown as one sign. */
static size_t width_of(const char *cell)
{
    size_t n = 0;
    for (const char *p = cell; *p; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return n > WIDTH_MOST ? WIDTH_MOST : n;
}

static bool is_number(lb_type type)
{
    return type == LB_I64 || type == LB_F64 || type == LB_NUMERIC;
}

static void print_cell(const char *cell, size_t width, bool right, bool last)
{
    size_t used = width_of(cell), n = 0;
    if (right)
        (void)printf("%*s", (int)(width - used), "");
    for (const char *p = cell; *p; p++) {
        n += ((unsigned char)*p & 0xc0) != 0x80;
        if (n > WIDTH_MOST)
            break;
        (void)putchar((unsigned char)*p < 0x20 ? ' ' : *p);
    }
    if (!right && !last)
        (void)printf("%*s", (int)(width - used), "");
    if (!last)
        (void)fputs("  ", stdout);
}

static void print_text(const cli *c, const table_text *t)
{
    size_t widths[COLUMNS_MOST];
    size_t rows = t->columns ? t->count / t->columns : 0;
    for (uint32_t i = 0; i < t->columns; i++) {
        widths[i] = width_of(t->names[i]);
        for (size_t r = 0; r < rows; r++) {
            const char *cell = t->cells[r * t->columns + i];
            size_t width = cell ? width_of(cell) : 0;
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    (void)fputs(cli_style(c, "1"), stdout);
    for (uint32_t i = 0; i < t->columns; i++)
        print_cell(t->names[i], widths[i], is_number(t->types[i]), i + 1 == t->columns);
    (void)printf("%s\n", cli_style(c, "0"));
    for (size_t r = 0; r < rows; r++) {
        for (uint32_t i = 0; i < t->columns; i++) {
            const char *cell = t->cells[r * t->columns + i];
            print_cell(cell ? cell : "", widths[i], is_number(t->types[i]), i + 1 == t->columns);
        }
        (void)putchar('\n');
    }
    if (!c->quiet)
        (void)fprintf(stderr, "%zu row%s\n", rows, rows == 1 ? "" : "s");
}

/* RFC 4180; null is an empty field and an empty text is "". */
static void print_csv_cell(const char *cell, bool last)
{
    if (cell && (!*cell || strpbrk(cell, "\",\r\n"))) {
        (void)putchar('"');
        for (const char *p = cell; *p; p++) {
            if (*p == '"')
                (void)putchar('"');
            (void)putchar(*p);
        }
        (void)putchar('"');
    } else if (cell) {
        (void)fputs(cell, stdout);
    }
    (void)fputs(last ? "\r\n" : ",", stdout);
}

static void print_csv(const table_text *t)
{
    for (uint32_t i = 0; i < t->columns; i++)
        print_csv_cell(t->names[i], i + 1 == t->columns);
    for (size_t i = 0; t->columns && i < t->count; i++)
        print_csv_cell(t->cells[i], (i + 1) % t->columns == 0);
}

/* Figures as numbers where JSON has them. Exact ones that a double cannot hold stay exact: they are digits either way.
 */
static void put_json_cell(buf *out, lb_type type, const char *cell)
{
    bool plain = cell && (type == LB_BOOL || (is_number(type) && cell[strspn(cell, "+-0123456789.eE")] == '\0'));
    if (plain)
        buf_puts(out, cell);
    else
        json_string(out, cell);
}

static void print_json(const table_text *t)
{
    BUF_AUTO out = BUF_INIT(SIZE_MAX / 4);
    buf_puts(&out, "{\"columns\":[");
    for (uint32_t i = 0; i < t->columns; i++) {
        json_comma(&out);
        buf_putc(&out, '{');
        json_member_string(&out, "name", t->names[i]);
        json_member_string(&out, "type", table_type_name(t->types[i]));
        buf_putc(&out, '}');
    }
    buf_puts(&out, "],\"rows\":[");
    for (size_t i = 0; t->columns && i < t->count; i++) {
        if (i % t->columns == 0)
            buf_puts(&out, i ? ",[" : "[");
        else
            buf_putc(&out, ',');
        put_json_cell(&out, t->types[i % t->columns], t->cells[i]);
        if ((i + 1) % t->columns == 0)
            buf_putc(&out, ']');
    }
    buf_puts(&out, "]");
    json_member_bool(&out, "cut", t->cut);
    buf_puts(&out, "}");
    (void)puts(buf_text(&out)); /* main checks stdout at its end */
}

/* ---- the answer ---- */

static bool read_answer(wire_reader *in, table_text *t)
{
    t->columns = wire_get_u32(in);
    if (in->bad || t->columns == 0 || t->columns > COLUMNS_MOST)
        return false;
    for (uint32_t i = 0; i < t->columns; i++) {
        t->names[i] = wire_get_required(in);
        t->types[i] = (lb_type)wire_get_u32(in);
    }
    while (wire_get_bool(in) && !in->bad) {
        for (uint32_t i = 0; i < t->columns && !in->bad; i++) {
            BASE_PUSH(t->cells, t->count, t->capacity);
            t->cells[t->count++] = wire_get_str(in);
        }
    }
    t->cut = wire_get_bool(in);
    return wire_done(in);
}

static void finish(asking *a, int code)
{
    a->code = code;
    ev_break(a->loop, EVBREAK_ALL);
}

static void on_answer(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    asking *a = owner;
    lb_error err;
    (void)tag; /* there is one question */
    if (error) {
        finish(a, cli_fail(a->c, error));
        return;
    }
    table_text *t = base_alloc(sizeof *t);
    if (!read_answer(fields, t)) {
        (void)lb_fail(&err, LB_ERR_INTERNAL, NULL, "the delta service gave an answer that cannot be read");
        finish(a, cli_fail(a->c, &err));
    } else {
        if (a->form == FORM_JSON)
            print_json(t);
        else if (a->form == FORM_CSV)
            print_csv(t);
        else
            print_text(a->c, t);
        if (t->cut)
            (void)fprintf(stderr, "the answer is longer: this is its beginning (--limit, or ask for less)\n");
        finish(a, 0);
    }
    free(t->cells);
    free(t);
}

static void ask(asking *a)
{
    lb_error err;
    buf *out =
        service_begin(a->service, a->of_lake ? DELTA_LAKE_READ : DELTA_QUERY, a->timeout_us, on_answer, a, NULL, &err);
    if (!out) {
        finish(a, cli_fail(a->c, &err));
        return;
    }
    wire_put_str(out, a->question);
    wire_put_i64(out, a->most_rows);
    wire_put_i64(out, DELTA_ANSWER_BYTES);
    service_end(a->service);
}

/* A flush that fails takes nothing from the question: the answer says less, and the reader is told. */
static void on_flushed(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    asking *a = owner;
    (void)tag; /* there is one flush */
    if (error) {
        (void)fprintf(stderr, "%s: what waits in the outbox is not in this answer: %s\n",
                      error->code == LB_ERR_CONFLICT ? "note" : "warning", error->message);
        if (error->hint[0])
            (void)fprintf(stderr, "hint: %s\n", error->hint);
    } else {
        (void)wire_get_i64(fields), (void)wire_get_i64(fields); /* files and rows */
        if (wire_get_i64(fields) > 0)
            (void)fprintf(stderr, "warning: outbox files were set aside as damaged, the first: %s\n",
                          wire_get_required(fields));
    }
    ask(a);
}

static void on_up(void *state, service *s, wire_reader *greeting)
{
    asking *a = state;
    lb_error err;
    (void)s, (void)greeting; /* it says nothing */
    if (a->no_flush) {
        ask(a);
    } else if (service_begin(a->service, DELTA_FLUSH, a->timeout_us, on_flushed, a, NULL, &err)) {
        service_end(a->service);
    } else {
        finish(a, cli_fail(a->c, &err));
    }
}

/* It is started again by itself; for a command the first failure is the end. */
static void on_down(void *state, service *s, const lb_error *why, int failures)
{
    asking *a = state;
    (void)s, (void)failures;
    finish(a, cli_fail(a->c, why));
}

/* ---- starting ---- */

static int start(asking *a, lb_error *err)
{
    const manifest *m = a->c->manifest;
    const service_wish wish = {.manifest = m,
                               .registry = a->c->registry,
                               .loop = a->loop,
                               .kind = LB_KIND_DELTA,
                               .fallback = DEFAULT_PLUGIN,
                               .passive = true,
                               .log_level = a->c->log_level,
                               .hooks = {.state = a, .up = on_up, .down = on_down}};
    int r = service_start_named(&wish, &a->service, err);
    if (r < 0 || a->service)
        return r;
    const manifest_service *named = manifest_find_service(m, LB_KIND_DELTA);
    return lb_fail(err, LB_ERR_NOT_FOUND, "name one under [services.delta], or build it",
                   "there is no delta service %s", named ? named->plugin : DEFAULT_PLUGIN);
}

static bool parse_number(const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    int64_t n = text ? strtoll(text, &end, 10) : -1;
    if (n < 0 || errno || end == text || *end)
        return false;
    *ret = n;
    return true;
}

static int parse_words(asking *a, int argc, char **argv)
{
    int64_t seconds = QUESTION_TIME / CLOCK_SECOND;
    const cli_verb *verb = cli_find_verb("sql");
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(word, "--csv") == 0)
            a->form = FORM_CSV;
        else if (strcmp(word, "--no-flush") == 0)
            a->no_flush = true;
        else if (strcmp(word, "--lake") == 0)
            a->of_lake = a->no_flush = true;
        else if (strcmp(word, "--limit") == 0 || strcmp(word, "--timeout") == 0) {
            if (!parse_number(value, word[2] == 'l' ? &a->most_rows : &seconds))
                return cli_usage(a->c, verb, NULL, "%s needs a number", word);
            i++;
        } else if (word[0] == '-' && word[1] == '-' && word[2])
            return cli_usage(a->c, verb, NULL, "lbops sql has no option %s", word);
        else if (a->question)
            return cli_usage(a->c, verb, "put the whole question in quotes", "there are two questions");
        else
            a->question = word;
    }
    a->timeout_us = (seconds ? seconds : 1) * CLOCK_SECOND;
    return a->question && *a->question ? 0 : cli_usage(a->c, verb, NULL, "there is no question");
}

/* The lakehouse's own walls are for what the catalogue of statements asks. */
static int check_reads(const asking *a, lb_error *err)
{
    effect_verdict verdict;
    int r = effect_of_sql(a->question, &verdict, err);
    return r < 0 || verdict.effect == EFFECT_READ
               ? r
               : lb_fail(err, LB_ERR_DENIED, "ask with one SELECT", "the lakehouse is asked and not changed: this %s",
                         verdict.why);
}

static void ignore_line(void *state, const char *line)
{
    (void)state, (void)line; /* what waits in the end shows in the answer */
}

static bool never(void *state)
{
    (void)state;
    return false;
}

/* A daemon is the one writer of its history: it commits what waits, and we only read. */
static void flush_by_daemon(asking *a)
{
    lb_error err;
    control_link *link = NULL;
    if (a->no_flush || control_connect(a->c->manifest->state_dir, &link, &err) < 0)
        return;
    a->no_flush = control_ask(link, "{\"verb\":\"flush\"}", ignore_line, never, NULL, &err) == 0;
    link = control_close(link);
}

int cli_sql(cli *c, int argc, char **argv)
{
    lb_error err;
    asking a = {.c = c, .form = c->json ? FORM_JSON : FORM_TEXT};
    int code = parse_words(&a, argc, argv);
    if (code == 0)
        code = cli_load(c, CLI_STRICT);
    if (code == 0 && a.of_lake && check_reads(&a, &err) < 0)
        code = cli_fail(c, &err);
    if (code != 0)
        return code;
    flush_by_daemon(&a);
    a.loop = child_loop();
    if (start(&a, &err) < 0) {
        code = cli_fail(c, &err);
    } else {
        ev_run(a.loop, 0);
        code = a.code;
    }
    (void)service_free(a.service); /* gives NULL */
    return code;
}
