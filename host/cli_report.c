/* lbops report: the success metrics and the non-functional requirements, measured from the history. */
#include "cli_history.h"

#include "child.h"
#include "clock.h"
#include "decode.h"
#include "json.h"
#include "question.h"
#include "report_measures.h"
#include "service_delta.h"
#include "tables.h"

#include <errno.h>
#include <math.h>

#define QUESTION_TIME (300 * CLOCK_SECOND)
#define DAY           (86400 * CLOCK_SECOND)

typedef struct reporting {
    cli *c;
    struct ev_loop *loop;
    service *service;
    int64_t days, now;
    size_t at; /* the measure in hand */
    measured *values;
    arena memory;
    question_progress progress;
    lb_error trouble;
    int code;
} reporting;

static void finish(reporting *r, int code)
{
    r->code = code;
    ev_break(r->loop, EVBREAK_ALL);
}

/* ---- asking, one after the other ---- */

static void ask(reporting *r);

static int take_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    reporting *r = state;
    measured_done(&r->values[r->at]); /* an answer may begin anew */
    return decode_check_columns(measures[r->at].statement, count, names, err);
}

static int take_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    reporting *r = state;
    const lb_statement *statement = measures[r->at].statement;
    lb_value row[8];
    for (uint32_t i = 0; i < count && i < LB_COUNT(row); i++)
        if (decode_cell(&statement->columns[i], cells[i], &r->memory, &row[i], err) < 0)
            return err->code;
    measured_add(&measures[r->at], &r->values[r->at], row, r->now);
    return 0;
}

static void on_piece(void *owner, void *tag, wire_reader *piece)
{
    reporting *r = owner;
    const lb_sink sink = {.size = sizeof sink, .state = r, .columns = take_columns, .row = take_row};
    (void)tag; /* one question at a time */
    lb_error err;
    if (!r->trouble.code && question_take(piece, &r->progress, &sink, &err) < 0)
        r->trouble = err;
}

static void on_answer(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    reporting *r = owner;
    (void)tag, (void)fields; /* what waits in the outbox was said when it was committed */
    const lb_error *why = error ? error : r->trouble.code ? &r->trouble : NULL;
    if (why) {
        finish(r, cli_fail(r->c, why));
        return;
    }
    measured_finish(&measures[r->at], &r->values[r->at]);
    r->at++;
    ask(r);
}

static int compose_question(reporting *r, const lb_statement *statement, const lb_sql **ret_sql, lb_error *err)
{
    const lb_value known[] = {lb_time("since", r->now - r->days * DAY), lb_time("recent", r->now - DAY),
                              lb_time("now", r->now)};
    lb_value args[LB_COUNT(known) + 1];
    memset(args, 0, sizeof args);
    size_t count = 0;
    for (uint32_t i = 0; i < statement->param_count; i++)
        for (size_t k = 0; k < LB_COUNT(known); k++)
            if (strcmp(statement->params[i].name, known[k].name) == 0)
                args[count++] = known[k];
    return compose(statement, args, 0, &r->memory, ret_sql, err);
}

static void ask(reporting *r)
{
    const lb_sql *sql = NULL;
    lb_error err;
    for (; r->at < measure_count && !measures[r->at].statement; r->at++)
        r->values[r->at].value = NAN;
    if (r->at == measure_count) {
        finish(r, 0);
        return;
    }
    r->progress = (question_progress){0};
    arena_reset(&r->memory);
    int code = compose_question(r, measures[r->at].statement, &sql, &err);
    buf *out = code < 0 ? NULL : service_begin(r->service, DELTA_ASK, QUESTION_TIME, on_answer, r, NULL, &err);
    if (!out) {
        finish(r, cli_fail(r->c, &err));
        return;
    }
    service_pieces(r->service, on_piece);
    question_put(out, sql);
    service_end(r->service);
}

static void on_up(void *state, service *s, wire_reader *greeting)
{
    (void)s, (void)greeting; /* it says nothing */
    ask(state);
}

/* It is started again by itself; for a command the first failure is the end. */
static void on_down(void *state, service *s, const lb_error *why, int failures)
{
    reporting *r = state;
    (void)s, (void)failures;
    finish(r, cli_fail(r->c, why));
}

/* ---- saying ---- */

static void put_number(buf *b, const char *name, double number)
{
    json_key(b, name);
    if (isnan(number))
        buf_puts(b, "null");
    else
        json_double(b, number);
}

static void print_json(const reporting *r)
{
    BUF_AUTO b = BUF_INIT((size_t)1024 * 1024);
    buf_putc(&b, '{');
    json_member_i64(&b, "days", r->days);
    json_key(&b, "until");
    json_time(&b, r->now);
    json_key(&b, "measures");
    buf_putc(&b, '[');
    for (size_t i = 0; i < measure_count; i++) {
        const measure *m = &measures[i];
        json_comma(&b);
        buf_putc(&b, '{');
        json_member_string(&b, "id", m->id);
        json_member_string(&b, "title", m->title);
        json_member_string(&b, "source", m->source);
        json_member_string(&b, "unit", m->unit);
        put_number(&b, "value", r->values[i].value);
        json_member_i64(&b, "samples", measured_samples(m, &r->values[i]));
        put_number(&b, "target", m->target);
        put_number(&b, "later_target", m->later);
        json_member_string(&b, "verdict", measured_verdict(m, &r->values[i]));
        json_member_string(&b, "worst", r->values[i].worst[0] ? r->values[i].worst : NULL);
        json_member_i64(&b, "open", (int64_t)r->values[i].open);
        json_member_string(&b, "how", m->how);
        buf_putc(&b, '}');
    }
    buf_puts(&b, "]}");
    (void)puts(buf_text(&b)); /* main checks stdout at its end */
}

static void print_text(const reporting *r)
{
    const cli *c = r->c;
    (void)printf("%s%-35s %-15s %-12s %-11s %-11s %s%s\n", cli_style(c, "1"), "MEASURE", "VERDICT", "VALUE", "TARGET",
                 "LATER", "FROM", cli_style(c, "0"));
    for (size_t i = 0; i < measure_count; i++) {
        const measure *m = &measures[i];
        const measured *v = &r->values[i];
        BUF_AUTO value = BUF_INIT(256), target = BUF_INIT(256), later = BUF_INIT(256);
        if (isnan(v->value))
            buf_puts(&value, "-");
        else
            measure_put_value(m, v->value, &value);
        measure_put_target(m, m->target, &target);
        measure_put_target(m, m->later, &later);
        (void)printf("%-35s %-15s %-12s %-11s %-11s %lld, %s%s%s (%s)\n", m->title, measured_verdict(m, v),
                     buf_text(&value), buf_text(&target), buf_text(&later), (long long)measured_samples(m, v), m->how,
                     v->worst[0] ? ": " : "", v->worst, m->source);
    }
    (void)printf("\nthe last %lld days; the number is of what each figure is made from\n", (long long)r->days);
}

/* ---- the verb ---- */

/* "pg_stat_history=30" of the manifest's list, or the table's own. */
static int64_t days_kept(const cli *c, const char *table)
{
    const manifest_service *delta = manifest_find_service(c->manifest, LB_KIND_DELTA);
    int64_t days = table_find(table)->retention_days;
    size_t length = strlen(table);
    for (size_t i = 0; delta && i < delta->params.count; i++) {
        const manifest_param *p = &delta->params.items[i];
        bool is_it = p->text && strcmp(p->name, "retention") == 0;
        lb_error ignored; /* the service says what is wrong with it */
        JSON_AUTO *list = is_it ? json_parse(p->text, strlen(p->text), &ignored) : NULL;
        size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
        for (size_t k = 0; k < count; k++) {
            const char *text = json_object_get_string(json_object_array_get_idx(list, k));
            if (text && strncmp(text, table, length) == 0 && text[length] == '=')
                days = strtoll(text + length + 1, NULL, 10);
        }
    }
    return days;
}

static int parse_words(reporting *r, int argc, char **argv)
{
    const cli_verb *verb = cli_find_verb("report");
    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        if (strcmp(argv[i], "--days") != 0)
            return cli_usage(r->c, verb, NULL, "report does not take %s", argv[i]);
        errno = 0;
        r->days = ++i < argc ? strtoll(argv[i], &end, 10) : 0;
        if (r->days < 1 || r->days > 3650 || errno || !end || end == argv[i] || *end)
            return cli_usage(r->c, verb, NULL, "--days needs a number from 1 to 3650");
    }
    return 0;
}

int cli_report(cli *c, int argc, char **argv)
{
    lb_error err;
    reporting r = {.c = c, .days = 30, .now = clock_now()};
    int code = parse_words(&r, argc, argv);
    if (code == 0)
        code = cli_load(c, CLI_STRICT);
    if (code != 0)
        return code;
    (void)cli_history_flush(c); /* without a daemon each question commits what it is about */
    r.values = base_alloc(measure_count * sizeof *r.values);
    for (size_t i = 0; i < measure_count; i++)
        r.values[i].kept = measures[i].table ? days_kept(c, measures[i].table) : 0;
    r.loop = child_loop();
    arena_init(&r.memory, 0);
    const service_hooks hooks = {.state = &r, .up = on_up, .down = on_down};
    if (cli_history_open(c, r.loop, &hooks, &r.service, &err) < 0) {
        code = cli_fail(c, &err);
    } else {
        ev_run(r.loop, 0);
        code = r.code;
    }
    (void)service_free(r.service); /* gives NULL */
    if (code == 0 && c->json)
        print_json(&r);
    else if (code == 0)
        print_text(&r);
    for (size_t i = 0; i < measure_count; i++)
        measured_done(&r.values[i]);
    free(r.values);
    arena_done(&r.memory);
    return code;
}
