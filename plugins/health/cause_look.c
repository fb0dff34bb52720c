#include "cause_look.h"

#include <sql/health/extension_home.h>

#include <ctype.h>
#include <string.h>

enum { MOST_TABLES = 300 };

/* ---- suspicions ---- */

static const lb_value *copied(lb_ctx *ctx, const lb_value *values)
{
    size_t count = 0;
    while (values[count].type != LB_END)
        count++;
    lb_value *copy = lb_alloc(ctx, (count + 1) * sizeof *copy);
    if (copy)
        memcpy(copy, values, (count + 1) * sizeof *copy);
    return copy;
}

int cause_add(cause_look *look, const cause_case *c, lb_error *err)
{
    if (look->count == look->capacity) {
        size_t capacity = look->capacity ? 2 * look->capacity : 32;
        cause_case *grown = lb_alloc(look->ctx, capacity * sizeof *grown);
        if (!grown)
            return lb_out_of_memory(err);
        if (look->count)
            memcpy(grown, look->cases, look->count * sizeof *grown);
        look->cases = grown;
        look->capacity = capacity;
    }
    const lb_value *evidence = copied(look->ctx, c->evidence);
    if (!evidence || !c->object || !c->reason)
        return lb_out_of_memory(err);
    look->cases[look->count] = *c;
    look->cases[look->count++].evidence = evidence;
    return 0;
}

/* ---- memory ---- */

struct json_object *cause_note(cause_look *look, const char *name)
{
    struct json_object *note = json_object_new_object();
    if (note && json_object_object_add(look->now, name, note) != 0) {
        json_object_put(note);
        return NULL;
    }
    return note;
}

struct json_object *cause_noted(const cause_look *look, const char *name)
{
    struct json_object *note = NULL;
    return look->before && json_object_object_get_ex(look->before, name, &note) ? note : NULL;
}

static int open_memory(cause_look *look, lb_error *err)
{
    look->now = json_object_new_object();
    if (!look->now || json_object_object_add(look->reading.next, "diagnosis", look->now) != 0)
        return lb_out_of_memory(err);
    if (look->reading.before)
        (void)json_object_object_get_ex(look->reading.before, "diagnosis", &look->before); /* NULL: the first one */
    return 0;
}

/* ---- what the looks share ---- */

const diagnose_changes_row *cause_change_of(const cause_look *look, const char *name)
{
    for (size_t i = 0; i < look->change_count; i++)
        if (strstr(look->changes[i].statement, name))
            return &look->changes[i];
    return NULL;
}

bool cause_rose(const cause_look *look, const char *counter, double *ret_rise)
{
    const char *why;
    *ret_rise = 0;
    return health_delta(&look->reading, health_sample_of(&look->reading, counter, NULL), ret_rise, &why);
}

/* Between two of that mark, which is doubled where it is a part of it. */
static const char *between(lb_ctx *ctx, const char *text, char mark)
{
    size_t at = 0;
    char *out = lb_alloc(ctx, 2 * strlen(text) + 3);
    if (!out)
        return NULL;
    out[at++] = mark;
    for (const char *c = text; *c; c++) {
        if (*c == mark)
            out[at++] = mark;
        out[at++] = *c;
    }
    out[at++] = mark;
    out[at] = '\0';
    return out;
}

const char *cause_ident(lb_ctx *ctx, const char *name)
{
    return between(ctx, name, '"');
}

const char *cause_literal(lb_ctx *ctx, const char *text)
{
    return between(ctx, text, '\'');
}

static const char *quoted(lb_ctx *ctx, const char *name)
{
    bool is_plain = *name && !isdigit((unsigned char)*name);
    for (const char *c = name; *c && is_plain; c++)
        is_plain = islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_';
    const char *word = is_plain ? name : cause_ident(ctx, name);
    return word ? word : name; /* out of memory: the next that is asked for ends the run */
}

const char *cause_quoted(lb_ctx *ctx, const char *schema, const char *name)
{
    return lb_printf(ctx, "%s.%s", quoted(ctx, schema), quoted(ctx, name));
}

const char *cause_set_server(const cause_look *look, const char *name, const char *value)
{
    if (cause_has_word(look->settings.given_at_start, name))
        return lb_printf(
            look->ctx,
            "SELECT name, setting, source FROM pg_settings WHERE name = '%s'  -- it is given where the server "
            "is started: there it is to become %s",
            name, value);
    if (cause_has_word(look->settings.not_ours, name))
        return lb_printf(look->ctx,
                         "SELECT rolname FROM pg_roles WHERE rolsuper  -- for one of them, as the role that looked may "
                         "not: ALTER SYSTEM SET %s = %s; SELECT pg_reload_conf()",
                         name, value);
    return lb_printf(look->ctx, "ALTER SYSTEM SET %s = %s; SELECT pg_reload_conf()", name, value);
}

/* ---- reading ---- */

static int read_settings(cause_look *look, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = diagnose_settings(look->ctx, &rows, err);
    if (r >= 0)
        look->has_settings = diagnose_settings_next(look->ctx, rows, &look->settings);
    return r;
}

static int read_tables(cause_look *look, lb_error *err)
{
    const diagnose_tables_args wanted = {.most = MOST_TABLES};
    lb_rows *rows = NULL;
    int r = diagnose_tables(look->ctx, &wanted, &rows, err);
    if (r < 0)
        return r;
    diagnose_tables_row *all = lb_alloc(look->ctx, ((size_t)lb_row_count(look->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (diagnose_tables_next(look->ctx, rows, &all[look->table_count]))
        look->table_count++;
    look->tables = all;
    return 0;
}

/* Without history there is still everything else to look at. */
static int read_changes(cause_look *look, lb_error *err)
{
    const lb_target *target = lb_run_target(look->ctx);
    const diagnose_changes_args wanted = {.project = target->project,
                                          .branch = target->branch,
                                          .since = look->reading.at - (int64_t)(look->limits.look_back_min * 60e6)};
    lb_rows *rows = NULL;
    int asked = diagnose_changes(look->ctx, &wanted, &rows, err);
    int r = lb_history_or_skip(look->ctx, asked, "changes of ours", NULL, err);
    if (r <= 0)
        return r;
    diagnose_changes_row *all = lb_alloc(look->ctx, ((size_t)lb_row_count(look->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (diagnose_changes_next(look->ctx, rows, &all[look->change_count]))
        look->change_count++;
    look->changes = all;
    return 0;
}

static int read_statements(cause_look *look, lb_error *err)
{
    const health_extension_home_args extension = {.name = "pg_stat_statements"};
    health_extension_home_row home;
    lb_rows *rows = NULL;
    int r = health_extension_home(look->ctx, &extension, &rows, err);
    if (r < 0 || !health_extension_home_next(look->ctx, rows, &home))
        return r; /* where it is missing, the reading says so */
    const diagnose_statements_args wanted = {.schema = home.schema, .most = CAUSE_MOST_STATEMENTS};
    r = diagnose_statements(look->ctx, &wanted, &rows, err);
    if (r < 0)
        return r;
    diagnose_statements_row *all = lb_alloc(look->ctx, ((size_t)lb_row_count(look->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (diagnose_statements_next(look->ctx, rows, &all[look->statement_count]))
        look->statement_count++;
    look->statements = all;
    look->statements_schema = home.schema;
    return 0;
}

static int read_sessions(cause_look *look, lb_error *err)
{
    int r = health_read_sessions(look->ctx, &look->sessions, err);
    for (size_t i = 0; i < look->sessions.count; i++) {
        const char *waits = look->sessions.rows[i].wait_type;
        look->waiting += waits && strcmp(waits, "Lock") == 0;
    }
    return r;
}

#define KIND(id)    (1U << (id))
#define OF_SESSIONS (KIND(CAUSE_IDLE_IN_TRANSACTION) | KIND(CAUSE_LONG_TRANSACTION) | KIND(CAUSE_CONNECTION_STORM))
#define OF_WAITS    KIND(CAUSE_LIGHT_LOCKS)
#define OF_LOCKS    KIND(CAUSE_LOCK_CHAIN)
#define OF_WAL      (KIND(CAUSE_REPLICATION_LAG) | KIND(CAUSE_STUCK_SLOT) | KIND(CAUSE_LOST_SLOT))
#define OF_TABLES   (KIND(CAUSE_AUTOVACUUM_OFF) | KIND(CAUSE_DEAD_TUPLES) | KIND(CAUSE_STALE_STATISTICS))
#define OF_INDEXES  KIND(CAUSE_DROPPED_INDEX)
#define OF_AGES     KIND(CAUSE_WRAPAROUND_AGE)
#define OF_COUNTERS                                                                                                    \
    (KIND(CAUSE_CACHE_COLLAPSE) | KIND(CAUSE_DEADLOCKS) | KIND(CAUSE_TEMP_SPILL) | KIND(CAUSE_CHECKPOINT_PRESSURE))
#define OF_PLANS   KIND(CAUSE_PLAN_CHANGED)
#define OF_RELEASE KIND(CAUSE_NEW_STATEMENTS)

/* Kinds of causes: what it shows at the first reading, and only from the second on, and what others show by it. */
static const struct {
    const char *name;
    int (*read)(cause_look *look, lb_error *err);
    unsigned at_once, later, feeds;
} looks[] = {
    {"settings", read_settings, 0, 0, 0},
    {"tables", read_tables, 0, 0, OF_TABLES},
    {"changes", read_changes, 0, 0, 0},
    {"sessions", read_sessions, 0, 0, OF_SESSIONS | OF_WAITS},
    {"sessions: transactions and connections", cause_look_at_sessions, OF_SESSIONS, 0, 0},
    {"locks", cause_look_at_locks, OF_LOCKS, 0, 0},
    {"replication", cause_look_at_replication, OF_WAL, 0, 0},
    {"tables: dead rows, statistics, autovacuum", cause_look_at_tables, OF_TABLES, 0, 0},
    {"indexes", cause_look_at_indexes, 0, OF_INDEXES, 0},
    {"counters: cache, deadlocks, spills, checkpoints, ages", cause_look_at_counters, OF_AGES, OF_COUNTERS, 0},
    {"sessions: what they wait for", cause_look_at_waits, OF_WAITS, 0, 0},
    {"statements", read_statements, 0, 0, OF_PLANS | OF_RELEASE},
    /* they count themselves: not everywhere is there a count of statements */
    {"statements: their plans", cause_look_at_plans, 0, 0, OF_PLANS},
    {"statements: new ones", cause_look_at_release, 0, 0, OF_RELEASE},
};

static int64_t count_of(unsigned kinds)
{
    int64_t count = 0;
    for (; kinds; kinds &= kinds - 1)
        count++;
    return count;
}

/* The first reason is the one that is told. */
static void could_not_see(cause_look *look, unsigned kinds, const char *why)
{
    for (unsigned id = 0; id < CAUSES; id++)
        if (kinds & KIND(id) && !look->unseen[id])
            look->unseen[id] = why;
}

int cause_examine(cause_look *look, const char *before, lb_error *err)
{
    const cause_limits *l = &look->limits;
    const health_guards guards = {.min_block_accesses = l->min_block_accesses,
                                  .min_dead_rows = l->min_dead_rows,
                                  .warm_up_min = l->warm_up_min,
                                  .min_table_mb = l->min_table_mb,
                                  .min_lag_mb = l->min_lag_mb,
                                  .slow_statement_s = 0.5};
    int r = health_read_after(look->ctx, before, &guards, &look->reading, err);
    if (r >= 0)
        r = open_memory(look, err);
    for (size_t i = 0; r >= 0 && i < sizeof looks / sizeof *looks; i++) {
        int code = looks[i].read(look, err);
        if (code >= 0)
            look->causes_tested += count_of(looks[i].at_once | (look->reading.before ? looks[i].later : 0));
        else
            could_not_see(look, looks[i].at_once | looks[i].later | looks[i].feeds,
                          lb_printf(look->ctx, "%s: %s", looks[i].name, err->message));
        r = code < 0 ? health_pass_over(look->ctx, looks[i].name, code, err) : code;
    }
    if (r >= 0 && !health_sample_of(&look->reading, health_alert_rules[HEALTH_TXID_AGE].metric, NULL))
        could_not_see(look, OF_AGES, "the ages of transaction ids could not be read");
    return r;
}
