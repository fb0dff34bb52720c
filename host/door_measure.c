/* What became of each change of a group, and what it took: kept for the tool that asks for it. */
#include "door.h"

#include "compose.h"
#include "json.h"

#include <sql/host/log_position.h>
#include <sql/host/log_told.h>

#define LOOKED_AT_MOST 50  /* statements: of many small ones each look would hold their locks as long as they do */
#define CHANGE_BYTES   320 /* of one, as it is told */

typedef struct door_measure {
    const lb_sql *position; /* how to look at the log; NULL: it is not looked at */
    int64_t log_at;         /* behind the last change; -1: not known */
} door_measure;

int door_group_measure(lb_group *group, lb_error *err)
{
    if (group->decided)
        return lb_fail(err, LB_ERR_INVALID, "measure before lb_apply", "the group \"%s\" is decided already",
                       group->title);
    if (!group->measure)
        group->measure = arena_alloc(group->run->memory, sizeof(door_measure));
    return group->measure ? 0 : lb_out_of_memory(err);
}

/* ---- the server's log ---- */

static int take_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state, (void)count, (void)names, (void)err; /* both are ours, of one column */
    return 0;
}

static int take_cell(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    char *into = state;
    (void)err;
    if (count && cells[0])
        (void)snprintf(into, 32, "%s", cells[0]); /* fits */
    return 0;
}

/* On the session as it is: no other one can stand in for it in the middle of a group. False: there is no answer. */
static bool ask(run_state *run, const lb_sql *sql, char answer[32])
{
    lb_error ignored;
    int64_t affected = -1;
    const lb_sink sink = {.size = sizeof sink, .state = answer, .columns = take_columns, .row = take_cell};
    const lb_command command = {.size = sizeof command,
                                .name = sql->statement->name,
                                .text = sql->text,
                                .args = LB_NO_ARGS,
                                .read_only = true,
                                .deadline = run->deadline};
    *answer = '\0';
    return session_execute(run->session, &command, &sink, &affected, &ignored) >= 0 && *answer;
}

static int64_t read_position(const lb_group *group)
{
    char answer[32];
    return group->measure->position && ask(group->run, group->measure->position, answer) ? strtoll(answer, NULL, 10)
                                                                                         : -1;
}

/* ---- measuring ---- */

void door_measure_group(lb_group *group)
{
    run_state *run = group->run;
    door_measure *m = group->measure;
    const lb_sql *told = NULL, *position = NULL;
    lb_error ignored;
    char answer[32];
    uint32_t scripted = 0;
    for (change *c = group->first; c; c = c->next) {
        c->began = c->stands ? c->began : 0;
        scripted += door_is_scripted(c);
    }
    if (!m)
        return;
    *m = (door_measure){.log_at = -1};
    if (!scripted || scripted > LOOKED_AT_MOST || run_session(run, &ignored) < 0 ||
        !session_tells_notices(run->session)) /* fixtures repeat themselves, and have no log */
        return;
    if (run_compose(&run->ctx, &host_log_told_sql, LB_NO_ARGS, &told, &ignored) >= 0 &&
        run_compose(&run->ctx, &host_log_position_sql, LB_NO_ARGS, &position, &ignored) >= 0 &&
        ask(run, told, answer) && *answer == 't')
        m->position = position;
}

void door_measure_before(change *c)
{
    const lb_group *group = c->group;
    const run_state *run = group->run;
    if (!group->measure)
        return;
    c->began = session_clock(run->worker->sessions);
    c->log_bytes = -1;
    c->noticed = c->kind == CHANGE_SQL && run->session && session_tells_notices(run->session) ? 0 : -1;
    if (door_is_scripted(c) && group->measure->log_at < 0)
        group->measure->log_at = read_position(group);
}

void door_measure_after(change *c, bool failed)
{
    door_measure *m = c->group->measure;
    if (!m)
        return;
    int64_t before = m->log_at;
    m->log_at = -1; /* where it failed nothing more can be asked */
    if (failed || before < 0 || !door_is_scripted(c))
        return;
    m->log_at = read_position(c->group);
    c->log_bytes = m->log_at < 0 ? -1 : m->log_at - before;
}

/* ---- telling ---- */

static const char *became(const change *c)
{
    return c->outcome == CHANGE_NOT_REACHED ? "taken back" : change_outcome_name(c->outcome);
}

static void put_known(buf *b, const char *name, int64_t value)
{
    if (value < 0)
        json_member_raw(b, name, NULL);
    else
        json_member_i64(b, name, value);
}

static void put_change(buf *b, const change *c, int64_t number)
{
    bool failed = c->outcome == CHANGE_FAILED || c->outcome == CHANGE_UNKNOWN;
    json_comma(b);
    buf_putc(b, '{');
    json_member_i64(b, "change", number);
    put_known(b, "statement", door_script_number(c));
    json_member_string(b, "outcome", became(c));
    json_member_i64(b, "began_at", c->began);
    json_member_i64(b, "took_us", c->duration_us);
    put_known(b, "rows", c->rows);
    put_known(b, "log_bytes", c->log_bytes);
    put_known(b, "notices", c->noticed);
    json_member_string(b, "sqlstate", failed && *c->error.sqlstate ? c->error.sqlstate : NULL);
    buf_putc(b, '}');
}

int door_group_measured(const lb_group *group, const char **ret_json, lb_error *err)
{
    int64_t number = 1;
    *ret_json = NULL;
    if (!group->measure)
        return 0;
    BUF_AUTO b = BUF_INIT((size_t)(group->count + 1) * CHANGE_BYTES);
    buf_puts(&b, "{\"changes\":[");
    for (const change *c = group->first; c; c = c->next, number++)
        if (c->began)
            put_change(&b, c, number);
    buf_puts(&b, "]}");
    *ret_json = b.overflow ? NULL : arena_strdup(group->run->memory, buf_text(&b));
    return *ret_json ? 0 : lb_out_of_memory(err);
}
