/* lbops events: what happened, read from the log's files. No daemon is needed for it, and none is disturbed. */
#include "cli.h"

#include "clock.h"
#include "event_kinds.h"
#include "event_read.h"
#include "json.h"

#include <errno.h>
#include <poll.h>

#define DOCUMENT_SHOWN 120 /* bytes of a document within a payload */
#define FOLLOW_LIMIT   10  /* what --follow begins with when nothing is said */

typedef struct events_wish {
    event_read_options reading;
    const char *since, *limit_text;
    uint64_t limit; /* the newest so many; 0: all */
    bool verify, kinds;
} events_wish;

/* ---- words of the command line ---- */

static bool parse_count(const char *text, int64_t most, uint64_t *ret_number)
{
    int64_t number;
    if (!cli_count(text, most, &number))
        return false;
    *ret_number = (uint64_t)number;
    return true;
}

static int parse_since(const cli *c, events_wish *wish)
{
    if (!wish->since)
        return 0;
    if (strncmp(wish->since, "seq:", 4) == 0 && parse_count(wish->since + 4, INT64_MAX, &wish->reading.from))
        return 0;
    if (!cli_since(wish->since, &wish->reading.filter.since))
        return cli_usage(c, NULL, "give 15m, 1h or 7d, 2026-01-31T23:59:00Z, or seq:1234", "--since %s is no time",
                         wish->since);
    return 0;
}

static int parse_limit(const cli *c, events_wish *wish)
{
    if (wish->limit_text && !parse_count(wish->limit_text, CLI_LIMIT_MOST, &wish->limit))
        return cli_usage(c, NULL, "give a number from 1 to 1000000", "--limit %s is none", wish->limit_text);
    if (!wish->limit_text && !wish->since && wish->reading.follow)
        wish->limit = FOLLOW_LIMIT;
    return 0;
}

static bool *flag_option(events_wish *wish, const char *word)
{
    const struct {
        const char *name;
        bool *into;
    } flags[] = {{"--follow", &wish->reading.follow},
                 {"-f", &wish->reading.follow},
                 {"--verify", &wish->verify},
                 {"--kinds", &wish->kinds}};
    for (size_t i = 0; i < LB_COUNT(flags); i++)
        if (strcmp(flags[i].name, word) == 0)
            return flags[i].into;
    return NULL;
}

static const char **value_option(events_wish *wish, const char *word, size_t length)
{
    event_filter *f = &wish->reading.filter;
    const struct {
        const char *name;
        const char **into;
    } options[] = {{"--since", &wish->since}, {"--limit", &wish->limit_text}, {"--kind", &f->kind},
                   {"--run", &f->run_id},     {"--project", &f->project},     {"--branch", &f->branch},
                   {"--tool", &f->tool},      {"--agent", &f->agent}};
    for (size_t i = 0; i < LB_COUNT(options); i++)
        if (strlen(options[i].name) == length && strncmp(options[i].name, word, length) == 0)
            return options[i].into;
    return NULL;
}

static int parse_words(const cli *c, int argc, char **argv, events_wish *wish)
{
    const cli_verb *verb = cli_find_verb("events");
    for (int i = 1; i < argc; i++) {
        size_t length = strcspn(argv[i], "=");
        bool *flag = flag_option(wish, argv[i]);
        const char **into = flag ? NULL : value_option(wish, argv[i], length);
        if (!flag && !into)
            return cli_usage(c, verb, NULL, "events does not take %s", argv[i]);
        if (flag)
            *flag = true;
        else if (argv[i][length])
            *into = argv[i] + length + 1;
        else if (++i < argc)
            *into = argv[i];
        else
            return cli_usage(c, verb, NULL, "%s needs a value", argv[i - 1]);
    }
    int code = parse_since(c, wish);
    return code ? code : parse_limit(c, wish);
}

/* ---- --kinds ---- */

static void print_kind(const cli *c, const event_kind *kind)
{
    (void)printf("%s%-24s%s %-6s %s\n", cli_style(c, "1"), kind->name, cli_style(c, "0"),
                 kind->of_host ? "host" : "tools", kind->doc);
    for (size_t i = 0; i < kind->field_count; i++) {
        BUF_AUTO type = BUF_INIT(64);
        event_field_type(&kind->fields[i], &type);
        (void)printf("  %-22s %-15s%s %s\n", kind->fields[i].name, buf_text(&type),
                     kind->fields[i].required ? "*" : " ", kind->fields[i].doc);
    }
}

static int show_kinds(const cli *c)
{
    BUF_AUTO out = BUF_INIT((size_t)1024 * 1024);
    if (c->json) {
        event_kinds_json(&out);
        (void)puts(buf_text(&out)); /* main checks stdout at its end */
        return 0;
    }
    (void)printf("%s%-24s %-6s %s%s\n", cli_style(c, "1"), "KIND", "BY", "WHAT HAPPENED", cli_style(c, "0"));
    for (size_t i = 0; i < event_kind_count(); i++)
        print_kind(c, event_kind_at(i));
    (void)puts("\n* is always there. Tools may emit kinds of their own besides, free in form: lbops tools NAME.");
    return 0;
}

/* ---- --verify ---- */

typedef struct breaks {
    const cli *c;
    buf list;
} breaks;

static void show_break(void *state, const lb_error *brk)
{
    breaks *b = state;
    (void)fprintf(stderr, "%sbroken:%s %s\n", b->c->err_colour ? "\033[31m" : "", b->c->err_colour ? "\033[0m" : "",
                  brk->message);
    buf_puts(&b->list, b->list.length ? "," : "");
    json_string(&b->list, brk->message);
}

static void show_verified_json(const event_verified *v, const breaks *b)
{
    BUF_AUTO out = BUF_INIT((size_t)17 * 1024 * 1024);
    buf_putc(&out, '{');
    json_member_bool(&out, "ok", v->breaks == 0);
    json_member_i64(&out, "first", (int64_t)v->first);
    json_member_i64(&out, "last", (int64_t)v->last);
    json_member_i64(&out, "count", (int64_t)v->count);
    json_member_i64(&out, "segments", (int64_t)v->segments);
    json_member_string(&out, "head", v->head);
    json_key(&out, "breaks");
    buf_printf(&out, "[%s]}", buf_text(&b->list));
    (void)puts(buf_text(&out)); /* main checks stdout at its end */
}

static int verify(const cli *c, const char *dir)
{
    lb_error err;
    event_verified v;
    breaks b = {.c = c, .list = BUF_INIT((size_t)16 * 1024 * 1024)};
    int code = event_verify(dir, show_break, &b, &v, &err);
    if (code < 0)
        code = cli_fail(c, &err);
    else if (c->json)
        show_verified_json(&v, &b);
    else if (v.breaks)
        (void)printf("%llu event(s) in %llu file(s), broken in %llu place(s)\n", (unsigned long long)v.count,
                     (unsigned long long)v.segments, (unsigned long long)v.breaks);
    else if (v.count)
        (void)printf("%llu event(s), %llu to %llu, in %llu file(s): the chain holds\nhead %s\n",
                     (unsigned long long)v.count, (unsigned long long)v.first, (unsigned long long)v.last,
                     (unsigned long long)v.segments, v.head);
    else
        (void)printf("no events in %s\n", dir);
    buf_done(&b.list);
    return code ? code : v.breaks ? 1 : 0;
}

/* ---- one event for people ---- */

/* Texts come from many hands: nothing in them may move a terminal's cursor. */
static void put_plain(buf *out, const char *text)
{
    for (; *text; text++)
        buf_putc(out, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

/* At least so wide, and one blank. */
static void put_column(buf *out, const char *text, size_t width)
{
    size_t before = out->length;
    put_plain(out, text);
    size_t shown = 0;
    for (size_t i = before; i < out->length; i++)
        shown += ((unsigned char)out->data[i] & 0xC0) != 0x80; /* characters, not bytes */
    buf_printf(out, "%*s", shown < width ? (int)(width - shown) + 1 : 1, "");
}

/* A document within a payload, as the event that an alert is about, is left to --json. */
static void put_member(buf *out, const char *name, struct json_object *value)
{
    bool is_text = json_object_is_type(value, json_type_string),
         is_object = json_object_is_type(value, json_type_object);
    const char *text =
        is_text ? json_object_get_string(value)
                : json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    buf_putc(out, ' ');
    put_plain(out, name);
    buf_putc(out, '=');
    if (is_object && strlen(text) > DOCUMENT_SHOWN)
        buf_puts(out, "{...}");
    else if (is_text && (!*text || strpbrk(text, " \"=\t\r\n")))
        put_plain(out, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    else
        put_plain(out, text);
}

static void put_payload(buf *out, const char *payload)
{
    lb_error ignored; /* it is shown as it is, then */
    JSON_AUTO *object = json_parse(payload, strlen(payload), &ignored);
    if (!object) {
        put_plain(out, payload);
        return;
    }
    json_object_object_foreach(object, name, value)
    {
        if (value)
            put_member(out, name, value);
    }
}

static void put_people(const cli *c, buf *out, const event *e)
{
    char at[CLOCK_TEXT];
    clock_format(e->at, at);
    at[10] = ' ';
    LB_AUTO_FREE char *target =
        base_printf("%s%s%s", e->project ? e->project : "-", e->branch ? "/" : "", e->branch ? e->branch : "");
    buf_printf(out, "%s%6llu%s  %.19s  %s", cli_style(c, "2"), (unsigned long long)e->seq, cli_style(c, "0"), at,
               cli_style(c, "1"));
    put_column(out, e->kind, 22);
    buf_puts(out, cli_style(c, "0"));
    put_column(out, target, 24);
    put_column(out, e->tool ? e->tool : "-", 20);
    put_payload(out, e->payload);
    if (e->cause)
        buf_printf(out, " %s(after %llu)%s", cli_style(c, "2"), (unsigned long long)e->cause, cli_style(c, "0"));
    buf_putc(out, '\n');
}

static void put_event(const cli *c, buf *out, const event *e)
{
    if (c->json) {
        buf_put(out, e->line, e->line_length);
        buf_putc(out, '\n');
    } else {
        put_people(c, out, e);
    }
}

/* ---- many ---- */

/* The newest lines, when only so many are wanted. */
typedef struct newest {
    char **lines;
    size_t count, next, limit;
} newest;

static void keep(newest *n, const buf *line)
{
    free(n->lines[n->next]);
    n->lines[n->next] = base_strdup(buf_text(line));
    n->next = (n->next + 1) % n->limit;
    n->count += n->count < n->limit;
}

static void show_newest(newest *n)
{
    for (size_t i = 0; i < n->count; i++) {
        char **line = &n->lines[(n->next + n->limit - n->count + i) % n->limit];
        (void)fputs(*line, stdout); /* main checks stdout at its end */
        free(*line);
        *line = NULL;
    }
    n->count = 0;
}

typedef struct listing {
    const cli *c;
    event_reader *reader;
    bool is_broken, is_any;
} listing;

/* Everything that is there now; into the newest, or out. */
static int list_now(listing *l, newest *into, lb_error *err)
{
    event e;
    int code;
    BUF_AUTO line = BUF_INIT(8 * EVENT_LINE_MAX);
    while ((code = event_reader_next(l->reader, 0, &e, err)) != 0 && !ferror(stdout)) {
        if (code == LB_ERR_CONFLICT) {
            l->is_broken = true;
            (void)fprintf(stderr, "warning: %s\n", err->message);
            continue;
        }
        if (code < 0)
            return code;
        l->is_any = true;
        buf_clear(&line);
        put_event(l->c, &line, &e);
        if (into->limit)
            keep(into, &line);
        else
            (void)fwrite(line.data, 1, line.length, stdout); /* main checks stdout at its end */
    }
    show_newest(into);
    into->limit = 0;
    return 0;
}

/* Until the reader of our output goes away, or a signal ends us. */
static int follow(listing *l, lb_error *err)
{
    newest all = {0};
    int code = 0;
    while (code == 0 && fflush(stdout) == 0) {
        struct pollfd fds[] = {{.fd = event_reader_fd(l->reader), .events = POLLIN}, {.fd = STDOUT_FILENO}};
        if (poll(fds, LB_COUNT(fds), -1) < 0 && errno != EINTR)
            return lb_fail(err, LB_ERR_IO, NULL, "cannot wait for events: %s", strerror(errno));
        if (fds[1].revents & (POLLERR | POLLHUP))
            break;
        code = list_now(l, &all, err);
    }
    return code;
}

static int list(const cli *c, const char *dir, const events_wish *wish)
{
    lb_error err;
    listing l = {.c = c};
    newest last = {.limit = (size_t)wish->limit};
    int code = event_reader_new(dir, &wish->reading, &l.reader, &err);
    if (code < 0)
        return cli_fail(c, &err);
    last.lines = base_alloc((last.limit + 1) * sizeof *last.lines);
    code = list_now(&l, &last, &err);
    if (code == 0 && wish->reading.follow)
        code = follow(&l, &err);
    for (size_t i = 0; i < wish->limit; i++)
        free(last.lines[i]);
    free(last.lines);
    (void)event_reader_free(l.reader); /* gives NULL */
    if (code < 0)
        return cli_fail(c, &err);
    if (!l.is_any && !c->quiet)
        (void)fputs("no event is like that\n", stderr);
    return l.is_broken ? 1 : 0;
}

int cli_events(cli *c, int argc, char **argv)
{
    events_wish wish = {0};
    manifest_problems problems = {0};
    int code = parse_words(c, argc, argv, &wish);
    if (code || wish.kinds)
        return code ? code : show_kinds(c);
    /* A secret that is missing from this shell, say, is no reason not to look at files. */
    code = cli_read_manifest(c, CLI_ALL, &problems);
    if (!code && (!c->manifest || !c->manifest->state_dir)) {
        cli_print_problems(c, &problems);
        code = EXIT_USAGE;
    }
    manifest_problems_done(&problems);
    if (code)
        return code;
    LB_AUTO_FREE char *dir = base_printf("%s/events", c->manifest->state_dir);
    return wish.verify ? verify(c, dir) : list(c, dir, &wish);
}
