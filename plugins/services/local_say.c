#include "local_say.h"

#include "buf.h"

#define MOST_TYPES 8

/* "... $1 ... $2 ..." */
static void put_text(buf *b, const lb_statement *statement)
{
    for (const lb_statement_part *part = statement->variants[0].parts;; part++) {
        buf_puts(b, part->text);
        if (part->param < 0)
            return;
        buf_printf(b, "$%d", part->param + 1);
    }
}

static int no_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state, (void)count, (void)names, (void)err; /* as declared */
    return 0;
}

static int ignore_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    (void)state, (void)count, (void)cells, (void)err; /* nobody asked for it */
    return 0;
}

static int run_text(pg_session *session, lb_command *command, local_take_row *row, void *arg, lb_error *err)
{
    int64_t affected = 0;
    const lb_sink sink = {.size = sizeof sink, .state = arg, .columns = no_columns, .row = row ? row : ignore_row};
    command->size = sizeof *command;
    return pg_session_execute(session, command, &sink, &affected, err);
}

int local_run(pg_session *session, const lb_statement *statement, const char *const *params, local_take_row *row,
              void *arg, int64_t deadline, lb_error *err)
{
    const char *types[MOST_TYPES];
    BUF_AUTO text = BUF_INIT(16384);
    put_text(&text, statement);
    for (uint32_t i = 0; i < statement->param_count && i < LB_COUNT(types); i++)
        types[i] = statement->params[i].pgtype;
    lb_command command = {.name = statement->name,
                          .text = buf_text(&text),
                          .params = params,
                          .param_types = types,
                          .param_count = statement->param_count,
                          .read_only = statement->kind == LB_STATEMENT_READ,
                          .deadline = deadline};
    return run_text(session, &command, row, arg, err);
}

/* ---- what the server says ---- */

typedef struct said {
    char **lines;
    size_t count;
} said;

static void free_said(said *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->lines[i]);
    free(s->lines);
}

static int keep_line(void *arg, uint32_t count, const char *const *cells, lb_error *err)
{
    said *s = arg;
    (void)count, (void)err; /* one, as declared */
    s->lines = base_grow(s->lines, (s->count + 1) * sizeof *s->lines);
    s->lines[s->count++] = base_strdup(cells[0]);
    return 0;
}

int local_say_allowed(pg_session *session, const lb_statement *statement, const char *const *params,
                      void (*left)(void *arg, const char *message), void *arg, int64_t deadline, lb_error *err)
{
    said s = {NULL, 0};
    int r = local_run(session, statement, params, keep_line, &s, deadline, err);
    for (size_t i = 0; r == 0 && i < s.count; i++) {
        lb_command command = {.name = statement->name, .text = s.lines[i], .deadline = deadline};
        r = run_text(session, &command, NULL, NULL, err);
        if (r == LB_ERR_DENIED && left) {
            left(arg, err->message);
            r = 0;
        }
    }
    free_said(&s);
    return r;
}

int local_say(pg_session *session, const lb_statement *statement, const char *const *params, int64_t deadline,
              lb_error *err)
{
    return local_say_allowed(session, statement, params, NULL, NULL, deadline, err);
}
