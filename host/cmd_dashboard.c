/* lbops dashboard: the history as one page for people, or as a dashboard for a workspace. What is wrong comes first,
 * then what waits for somebody, then what changed, then everything else. The same history gives the same page. */
#include "cmd_dashboard.h"

#include "clock.h"
#include "fs.h"

#include <errno.h>

#define ROWS_MOST     5000
#define SECTIONS_MOST 32
#define DAYS_MOST     3650

typedef struct drawing {
    const cli *c;
    dash_book book;
    size_t at; /* the query that is asked */
    int days;
    char *sql;
    buf body; /* the sections */
    buf lead; /* what stands above them: verdict and numbers */
    dash_section sections[SECTIONS_MOST];
    size_t section_count;
    char *as_of;
    int64_t bad, warn, waiting;
    bool is_open; /* a section's end is to be written */
} drawing;

/* ---- the verdict ---- */

static int64_t figure_of(const dash_query *q, const cli_answer *answer, const char *name)
{
    for (uint32_t i = 0; i < q->column_count; i++) {
        const char *cell = strcmp(q->columns[i].name, name) == 0 ? dash_cell(q, answer, 0, i) : NULL;
        if (cell)
            return strtoll(cell, NULL, 10);
    }
    return 0;
}

static void read_verdict(drawing *d, const dash_query *q, const cli_answer *answer)
{
    if (dash_rows(answer) == 0)
        return;
    d->as_of = base_strdup(dash_cell(q, answer, 0, 0));
    d->bad = figure_of(q, answer, "critical");
    d->warn = figure_of(q, answer, "warnings");
    d->waiting = figure_of(q, answer, "waiting");
}

static void put_count(buf *out, int64_t count, const char *one, const char *many)
{
    if (!count)
        return;
    if (out->length)
        buf_puts(out, ", ");
    buf_printf(out, "%lld %s", (long long)count, count == 1 ? one : many);
}

static void put_verdict(buf *out, const drawing *d)
{
    BUF_AUTO words = BUF_INIT(1024);
    put_count(&words, d->bad, "critical alert", "critical alerts");
    put_count(&words, d->warn, "warning", "warnings");
    put_count(&words, d->waiting, "decision that waits for you", "decisions that wait for you");
    if (!d->as_of)
        buf_puts(out,
                 "<b>No data yet</b><span>Run <code>lbops cycle</code>, or leave <code>lbops serve</code> at work; "
                 "then draw this page again.</span>");
    else if (words.length)
        buf_printf(out, "<b>%s</b><span>%s</span>", buf_text(&words),
                   d->bad || d->warn
                       ? "What is wrong, what waits and what changed stand below, in this order."
                       : "Nothing is wrong. What waits stands below, with the command that lets it happen.");
    else
        buf_puts(out, "<b>All is well</b><span>No alert is open and no decision waits.</span>");
}

/* ---- the sections ---- */

static void close_section(drawing *d)
{
    if (d->is_open)
        buf_puts(&d->body, "</div></section>\n");
    d->is_open = false;
}

static void open_section(drawing *d, const dash_query *q)
{
    char *id = base_strdup(q->name);
    close_section(d);
    id[strcspn(id, ".")] = '\0';
    if (d->section_count == SECTIONS_MOST)
        abort(); /* the program has no more sets */
    d->sections[d->section_count++] = (dash_section){id, q->set_title};
    buf_printf(&d->body, "<section id=\"%s\"><h2>", id);
    dash_text(&d->body, q->set_title);
    buf_puts(&d->body, "</h2>\n<div class=\"cards\">\n");
    d->is_open = true;
}

static const char *next_question(void *state)
{
    drawing *d = state;
    free(d->sql);
    d->sql = d->at < d->book.count ? dash_sql(&d->book.queries[d->at], d->days) : NULL;
    return d->sql;
}

static bool is_half(const dash_book *b, size_t i)
{
    return b->queries[i].chart != DASH_TABLE && b->queries[i].chart != DASH_NUMBERS;
}

/* Drawings stand two beside each other; of an odd number in a row the last has the whole width. */
static bool is_lone(const dash_book *b, size_t i)
{
    size_t before = 0;
    while (before < i && !b->queries[i - before].set_title && is_half(b, i - before - 1))
        before++;
    bool is_last = i + 1 == b->count || b->queries[i + 1].set_title || !is_half(b, i + 1);
    return is_half(b, i) && is_last && before % 2 == 0;
}

/* The commands of an answer as they have to be typed here. ret_texts keeps them; a text for each cell. */
static void name_manifest(const cli *c, const cli_answer *answer, char **ret_texts)
{
    for (size_t i = 0; i < answer->count; i++) {
        BUF_AUTO command = BUF_INIT((size_t)64 * 1024);
        if (strcmp(answer->names[i % answer->columns], "command") != 0 || !answer->cells[i])
            continue;
        cli_put_command(c, answer->cells[i], &command);
        ret_texts[i] = base_strdup(buf_text(&command));
        answer->cells[i] = ret_texts[i];
    }
}

static void draw_answer(drawing *d, const dash_query *q, const cli_answer *answer)
{
    if (q->set_title)
        open_section(d, q);
    if (q->chart != DASH_NUMBERS) {
        dash_card(&d->body, q, d->days, is_lone(&d->book, d->at - 1), answer);
        return;
    }
    read_verdict(d, q, answer);
    if (dash_rows(answer))
        dash_card(&d->lead, q, d->days, false, answer);
}

static void take_answer(void *state, const cli_answer *answer)
{
    drawing *d = state;
    char **commands = base_alloc((answer->count + 1) * sizeof(char *));
    name_manifest(d->c, answer, commands);
    draw_answer(d, &d->book.queries[d->at++], answer);
    for (size_t i = 0; i < answer->count; i++)
        free(commands[i]);
    free(commands);
}

static const lb_error *name_failure(void *state, lb_error *err)
{
    const drawing *d = state;
    LB_AUTO_FREE char *what = base_printf("the query %s of the dashboards", d->book.queries[d->at].name);
    (void)lb_wrap(err, what);
    return err;
}

static int write_page(drawing *d, const char *path, lb_error *err)
{
    BUF_AUTO page = BUF_INIT(DASH_PAGE_MOST);
    BUF_AUTO verdict = BUF_INIT(4096);
    put_verdict(&verdict, d);
    dash_page_begin(&page, "LakebaseOps", d->c->manifest->name, d->as_of,
                    !d->as_of               ? ""
                    : d->bad                ? "bad"
                    : d->warn || d->waiting ? "warn"
                                            : "good",
                    buf_text(&verdict));
    buf_puts(&page, buf_text(&d->lead));
    dash_page_links(&page, d->sections, d->section_count);
    buf_puts(&page, buf_text(&d->body));
    dash_page_end(&page, "Drawn by <code>lbops dashboard</code> from the history. All times are UTC; every window ends "
                         "with the newest run in it.");
    page.overflow = page.overflow || d->body.overflow || d->lead.overflow;
    return dash_page_write(path, &page, err);
}

static int draw(cli *c, const char *path, int days)
{
    lb_error err;
    drawing d = {.c = c, .days = days, .body = BUF_INIT(DASH_PAGE_MOST), .lead = BUF_INIT((size_t)1024 * 1024)};
    const cli_history_wish wish = {.state = &d,
                                   .next = next_question,
                                   .take = take_answer,
                                   .failed = name_failure,
                                   .most_rows = ROWS_MOST,
                                   .timeout_us = CLI_HISTORY_TIME};
    dash_read(&d.book);
    int code = cli_history(c, &wish);
    close_section(&d);
    if (code == 0 && write_page(&d, path, &err) < 0)
        code = cli_fail(c, &err);
    if (code == 0 && !c->quiet && strcmp(path, "-") != 0)
        (void)fprintf(stderr, "%s: open it in a browser\n", path);
    for (size_t i = 0; i < d.section_count; i++)
        base_free(&d.sections[i].id);
    dash_done(&d.book);
    buf_done(&d.body);
    buf_done(&d.lead);
    free(d.sql);
    free(d.as_of);
    return code;
}

/* ---- the verb ---- */

static bool read_days(const char *text, int *ret_days)
{
    char *end;
    errno = 0;
    long days = text ? strtol(text, &end, 10) : 0;
    if (days < 1 || days > DAYS_MOST || errno || end == text || *end)
        return false;
    *ret_days = (int)days;
    return true;
}

static int write_lakeview(cli *c, const char *path, int days)
{
    lb_error err;
    dash_book queries;
    BUF_AUTO out = BUF_INIT(DASH_PAGE_MOST);
    dash_read(&queries);
    dash_lakeview(&out, &queries, days);
    dash_done(&queries);
    return dash_page_write(path, &out, &err) < 0 ? cli_fail(c, &err) : 0;
}

int cli_dashboard(cli *c, int argc, char **argv)
{
    const cli_verb *verb = cli_find_verb("dashboard");
    const char *html = NULL, *lakeview = NULL;
    int days = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(word, "--html") == 0 && value)
            html = value;
        else if (strcmp(word, "--lvdash") == 0 && value)
            lakeview = value;
        else if (strcmp(word, "--days") != 0)
            return cli_refuse_word(c, "dashboard", word, "--html --lvdash");
        else if (!read_days(value, &days))
            return cli_usage(c, verb, NULL, "--days needs a number from 1 to %d", DAYS_MOST);
        i++;
    }
    if (!html && !lakeview)
        return cli_usage(c, verb, "--html dashboard.html draws the history", "dashboard needs a file to write");
    int code = lakeview ? write_lakeview(c, lakeview, days) : 0;
    if (code == 0 && html && (code = cli_load(c, CLI_STRICT)) == 0)
        code = draw(c, html, days);
    return code;
}
