/* lbops sql: a question to the history. What waits in the outbox is committed first, so that the answer holds what the
 * runs before it have reported. */
#include "cli_history.h"

#include "clock.h"
#include "effect.h"
#include "json.h"
#include "tables.h"

#include <errno.h>

#define WIDTH_MOST 120 /* of a cell in aligned text */

typedef enum form { FORM_TEXT, FORM_CSV, FORM_JSON } form;

typedef struct asking {
    cli *c;
    form form;
    const char *question;
    int64_t most_rows, timeout_us;
    bool no_flush, of_lake, is_asked;
} asking;

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

static void print_text(const cli *c, const cli_answer *t)
{
    LB_AUTO_FREE size_t *widths = base_alloc((t->columns + 1) * sizeof *widths);
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

static void print_csv(const cli_answer *t)
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

static void print_json(const cli_answer *t)
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

/* ---- the question ---- */

static const char *the_question(void *state)
{
    asking *a = state;
    bool before = a->is_asked;
    a->is_asked = true;
    return before ? NULL : a->question;
}

static void show_answer(void *state, const cli_answer *t)
{
    const asking *a = state;
    if (a->form == FORM_JSON)
        print_json(t);
    else if (a->form == FORM_CSV)
        print_csv(t);
    else
        print_text(a->c, t);
    if (t->cut)
        (void)fprintf(stderr, "the answer is longer: this is its beginning (--limit, or ask for less)\n");
}

/* The engine says what it does not find, and not where to look. */
static const lb_error *hint_where_to_look(void *state, lb_error *err)
{
    (void)state;
    bool is_unknown = strncmp(err->message, "Catalog Error", 13) == 0 || strncmp(err->message, "Binder Error", 12) == 0;
    if (is_unknown && !err->hint[0])
        (void)snprintf(err->hint, sizeof err->hint, "SHOW TABLES lists the tables, DESCRIBE NAME their columns");
    return err;
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
    int64_t seconds = CLI_HISTORY_TIME / CLOCK_SECOND;
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
        } else if (word[0] == '-' && word[1] == '-' && word[2] && !strpbrk(word, " \n")) /* it may be SQL's comment */
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
    const cli_history_wish wish = {.state = &a,
                                   .next = the_question,
                                   .take = show_answer,
                                   .failed = a.of_lake ? NULL : hint_where_to_look,
                                   .most_rows = a.most_rows,
                                   .timeout_us = a.timeout_us,
                                   .no_flush = a.no_flush,
                                   .of_lake = a.of_lake};
    return cli_history(c, &wish);
}
