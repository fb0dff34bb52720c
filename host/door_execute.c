/* Carrying out a group that the gate lets pass. */
#include "door.h"

#include "compose.h"
#include "effect_script.h"

static int keep_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state, (void)count, (void)names, (void)err; /* what a change answers with has no declared shape */
    return 0;
}

/* The first cell of the last row is the group's reply. */
static int keep_reply(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    const change *c = state;
    lb_group *group = c->group;
    if (count && cells[0]) {
        group->reply = arena_strdup(group->run->memory, cells[0]);
        if (!group->reply)
            return lb_out_of_memory(err);
    }
    return 0;
}

static int run_sql(change *c, lb_error *err)
{
    run_state *run = c->group->run;
    const lb_sink sink = {.size = sizeof sink,
                          .state = c,
                          .columns = keep_columns,
                          .row = c->rest ? door_hear_rest : keep_reply,
                          .notice = c->group->heard || c->group->measure ? door_hear : NULL};
    const lb_command command = {
        .size = sizeof command,
        .name = c->sql->statement->name,
        .text = c->sql->text,
        .params = c->sql->params,
        .param_types = c->sql->param_types,
        .param_count = c->sql->param_count,
        .args = c->args,
        .deadline = run->deadline,
    };
    int r = run_session(run, err);
    if (r < 0)
        return r;
    if (c->group->heard && session_tells_notices(run->session))
        door_note_ears(c->group);
    if (!door_is_scripted(c)) {
        r = session_execute(run->session, &command, &sink, &c->rows, err);
        return r < 0 || !c->rest ? r : door_rest_now(c, err);
    }
    session_spend(run->session);
    r = session_execute(run->session, &command, &sink, &c->rows, err);
    return r < 0 ? door_script_wrap(c, err) : r;
}

static int run_control_call(change *c, lb_error *err)
{
    run_state *run = c->group->run;
    int r = session_control(run->worker->sessions, c->request, run->deadline, run->memory, &c->group->reply, err);
    return r < 0 ? r : door_wait_operation(c, err);
}

static int run_change(change *c, lb_error *err)
{
    run_state *run = c->group->run;
    switch (c->kind) {
    case CHANGE_SQL:
        return run_sql(c, err);
    case CHANGE_API:
        if (c->service)
            return session_http(run->worker->sessions, c->service, c->request, run->deadline, run->memory,
                                &c->group->reply, err);
        return run_control_call(c, err);
    case CHANGE_FILE:
        return door_run_file(c, err);
    case CHANGE_EXEC:
        return door_run_exec(c, err);
    case CHANGE_LAKE:
        return door_run_lake(c, err);
    }
    return lb_fail(err, LB_ERR_INTERNAL, NULL, "a change of no kind");
}

/* Did the other side say that nothing happened? A lost connection or a deadline says nothing about the statement. */
static bool is_certain(const change *c, const lb_error *err)
{
    if (c->kind == CHANGE_FILE)
        return true; /* a file is replaced whole or not at all */
    if (err->sqlstate[0])
        return strncmp(err->sqlstate, "08", 2) != 0 && strncmp(err->sqlstate, "57P", 3) != 0;
    return err->code != LB_ERR_UNREACHABLE && err->code != LB_ERR_TIMEOUT && err->code != LB_ERR_CANCELLED &&
           err->code != LB_ERR_INTERNAL;
}

/* The failure is how it ends: its caller reads there what it wants to know, and for everybody else nothing failed. */
static bool is_undone(const change *c, const lb_error *err)
{
    const char *meant = c->group->undone_by;
    return c->kind == CHANGE_SQL && meant && *meant && strcmp(err->sqlstate, meant) == 0;
}

static int execute_one(change *c, lb_error *err)
{
    door_measure_before(c);
    int64_t began = clock_monotonic();
    c->outcome = CHANGE_UNKNOWN; /* what stands if we do not live to say more */
    door_announce(c);
    int r = run_change(c, err);
    c->duration_us = clock_monotonic() - began;
    door_measure_after(c, r < 0);
    if (r < 0 && is_undone(c, err)) {
        c->outcome = CHANGE_UNDONE;
        return r;
    }
    if (r < 0) {
        c->error = *err;
        c->outcome = is_certain(c, err) ? CHANGE_FAILED : CHANGE_UNKNOWN;
        return r;
    }
    c->outcome = CHANGE_APPLIED;
    c->group->run->busy_us += c->rest ? 0 : c->duration_us;
    if (c->rows > 0 && !c->rest)
        c->group->rows += c->rows;
    return 0;
}

/* The first one inside the transaction of an atomic group. What stands before it is done before that begins: a branch
 * that is to keep what the SQL destroys is not made beside an open transaction, and does not go with it. */
static change *first_inside(const lb_group *group)
{
    change *c = group->first;
    while (c && c->kind != CHANGE_SQL)
        c = c->next;
    return c;
}

/* Everything that had been done in the transaction shares its fate. */
static void spread(lb_group *group, change_outcome outcome, const lb_error *err)
{
    for (change *c = first_inside(group); c; c = c->next) {
        if (c->outcome != CHANGE_APPLIED)
            continue;
        c->outcome = outcome;
        c->error = *err;
    }
    group->rows = 0;
}

/* Up to `end`, without it. */
static int execute_each(lb_group *group, change *first, const change *end, lb_error *err)
{
    for (change *c = first; c != end; c = c->next) {
        int r = run_check_stop(group->run, err);
        if (r >= 0 && !c->stands)
            r = execute_one(c, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- what a group that breaks off has set ---- */

/* Nothing for a script's statement, after which the session is closed anyway. False: it was not understood. */
static bool read_own(const change *c, tree *ret_statement)
{
    script text;
    script_place place;
    lb_error ignored;
    *ret_statement = (tree){0};
    if (c->kind != CHANGE_SQL || c->rest || door_is_scripted(c))
        return true;
    if (script_parse(c->sql->text, c->group->run->memory, &text, &place, &ignored) < 0 || text.count != 1)
        return false;
    *ret_statement = text.items[0].node;
    return true;
}

/* By SET or RESET, for longer than a transaction. */
static bool names_setting(tree statement, char *ret_name, size_t size)
{
    tree set = tree_node(statement, "VariableSetStmt");
    tree_text(tree_get(set, "name"), ret_name, size);
    return *ret_name && !tree_true(tree_get(set, "is_local"));
}

/* The group's last word on a setting that it sets more than once; else NULL. */
static change *find_way_back(lb_group *group, const char *name)
{
    char other[64];
    change *last = NULL;
    size_t count = 0;
    tree statement;
    for (change *c = group->first; c; c = c->next) {
        if (!read_own(c, &statement) || !names_setting(statement, other, sizeof other) || strcmp(name, other) != 0)
            continue;
        last = c;
        count++;
    }
    return count > 1 ? last : NULL;
}

/* Executes what sets back, further down in the group, what was set before it broke off. False: something may be left in
 * the session, which nothing sets back, or which a SELECT has set. */
static bool set_back(lb_group *group)
{
    char name[64];
    tree statement;
    lb_error ignored;
    for (change *c = group->first; c && c->outcome == CHANGE_APPLIED; c = c->next) {
        if (!read_own(c, &statement) || tree_has(tree_node(statement, "SelectStmt")))
            return false;
        if (!names_setting(statement, name, sizeof name))
            continue;
        change *back = find_way_back(group, name);
        if (back && back->outcome == CHANGE_NOT_REACHED && run_check_stop(group->run, &ignored) >= 0 &&
            execute_one(back, &ignored) < 0)
            return false;
        if (!back || back->outcome != CHANGE_APPLIED)
            return false;
    }
    return true;
}

static int execute_atomic(lb_group *group, lb_error *err)
{
    run_state *run = group->run;
    lb_error finish_error;
    change *inside = first_inside(group);
    int r = execute_each(group, group->first, inside, err);
    if (r < 0 || !inside)
        return r;
    r = run_session(run, err);
    if (r >= 0)
        r = session_begin(run->session, run->deadline, err);
    if (r < 0)
        return r;
    r = execute_each(group, inside, NULL, err);
    if (r < 0) {
        if (session_finish(run->session, false, run->deadline, &finish_error) < 0) {
            session_discard(run->session); /* a session that cannot roll back is closed, which does */
            run->session = NULL;
        }
        spread(group, CHANGE_NOT_REACHED, err);
        return r;
    }
    r = session_finish(run->session, true, run->deadline, err);
    if (r < 0) {
        bool is_known = err->sqlstate[0] && strncmp(err->sqlstate, "08", 2) != 0;
        spread(group, is_known ? CHANGE_FAILED : CHANGE_UNKNOWN, err);
    }
    return r;
}

static int execute_once(lb_group *group, lb_error *err)
{
    run_state *run = group->run;
    lb_error audit_error;
    int r = door_audit_intents(group, err);
    if (r < 0)
        return lb_wrap(err, "nothing was changed, as the audit log cannot be written");
    for (change *c = group->first; c; c = c->next) {
        if (c->stands)
            continue;
        c->outcome = CHANGE_NOT_REACHED;
        c->error = (lb_error){0};
        c->rows = -1;
    }
    door_measure_group(group);
    door_yield_begin(group);
    r = group->atomic ? execute_atomic(group, err) : execute_each(group, group->first, NULL, err);
    r = door_yield_end(group, r, err); /* before its settings are set back */
    /* A group that broke off half-way may have left settings in the session: the next run gets a new one then. */
    bool is_unsettled =
        r < 0 && !group->atomic && group->count > 1 && (r == LB_ERR_UNREACHABLE || !run->session || !set_back(group));
    for (change *c = group->first; c; c = c->next) {
        run->changes += c->outcome == CHANGE_APPLIED && !c->stands;
        door_announce(c);
    }
    if (door_audit_outcomes(group, &audit_error) < 0 && r >= 0) {
        *err = audit_error;
        return lb_wrap(err, "the changes were made, but their outcome is missing in the audit log");
    }
    if ((r == LB_ERR_UNREACHABLE || is_unsettled) && run->session) {
        session_discard(run->session);
        run->session = NULL;
    }
    return r;
}

/* ---- another try ---- */

#define APPROVED_TRIES 10
#define PAUSE_FIRST    (CLOCK_SECOND / 10)
#define PAUSE_MOST     (5 * CLOCK_SECOND)

/* A tool tries again by itself, if it wants to. What a person has approved has no tool any more, and must not need a
 * second approval because somebody read from the table just then. Only what was taken back whole can be repeated. */
static bool can_be_repeated(const lb_group *group, const lb_error *err)
{
    static const char *const states[] = {"55P03", "40P01", "40001"};
    bool is_transient = false;
    for (size_t i = 0; i < LB_COUNT(states); i++)
        is_transient = is_transient || strcmp(err->sqlstate, states[i]) == 0;
    for (const change *c = first_inside(group); c && is_transient; c = c->next)
        is_transient = c->kind == CHANGE_SQL && (c->outcome == CHANGE_FAILED || c->outcome == CHANGE_NOT_REACHED);
    return is_transient && group->atomic && group->run->approval_id;
}

/* False when the run should stop. */
static bool pause_before(const run_state *run, int tries)
{
    lb_error ignored;
    int64_t longest = PAUSE_FIRST << tries, left = longest < PAUSE_MOST ? longest : PAUSE_MOST;
    left = left / 2 + clock_monotonic() % (left / 2); /* several that wait for one lock should not come together */
    return door_sleep(run, left, &ignored) >= 0;
}

int door_execute(lb_group *group, lb_error *err)
{
    for (int tries = 1;; tries++) {
        int r = execute_once(group, err);
        if (r >= 0 || tries == APPROVED_TRIES || !can_be_repeated(group, err))
            return r;
        if (!pause_before(group->run, tries - 1))
            return r;
        for (change *c = group->first; c != first_inside(group); c = c->next)
            c->stands = true; /* or no statement would have failed */
    }
}
