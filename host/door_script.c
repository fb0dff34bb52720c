/* Scripts: SQL that people have written, as changes of a group, one for each statement. */
#include "door.h"

#include "compose.h"
#include "effect_script.h"

#include <ctype.h>

#define FAMILY     "script/"
#define SLUG_BYTES 120

bool door_is_scripted(const change *c)
{
    return c->kind == CHANGE_SQL && strncmp(c->sql->statement->name, FAMILY, strlen(FAMILY)) == 0;
}

/* ---- where an error comes from ---- */

static const lb_value *find_value(const lb_value *values, const char *name, lb_type type)
{
    for (; values && values->type != LB_END; values++)
        if (values->type == type && strcmp(values->name, name) == 0)
            return values;
    return NULL;
}

int64_t door_script_number(const change *c)
{
    const lb_value *number = door_is_scripted(c) ? find_value(c->args, "statement", LB_I64) : NULL;
    return number ? number->v.i64 : -1;
}

/* An approved statement has nothing but its arguments to say where it stood. */
int door_script_wrap(const change *c, lb_error *err)
{
    const lb_value *file = find_value(c->args, "script", LB_TEXT), *number = find_value(c->args, "statement", LB_I64);
    const lb_value *line = find_value(c->args, "line", LB_I64), *column = find_value(c->args, "column", LB_I64);
    char inner[sizeof err->message];
    const char *name = c->sql->statement->name, *rest = err->message;
    if (!file || !number || !line || !column)
        return err->code;
    if (strncmp(rest, name, strlen(name)) == 0 && strncmp(rest + strlen(name), ": ", 2) == 0)
        rest += strlen(name) + 2;                    /* the transport's word for it */
    (void)snprintf(inner, sizeof inner, "%s", rest); /* it fits */
    (void)snprintf(err->message, sizeof err->message, "%.100s: statement %lld (line %lld, column %lld): %.350s",
                   file->v.text, (long long)number->v.i64, (long long)line->v.i64, (long long)column->v.i64, inner);
    return err->code;
}

/* ---- adding ---- */

/* "V1__add orders.sql" is "script/v1_add_orders": a name that fixtures can have. */
static const char *statement_name(run_state *run, const char *called)
{
    char slug[SLUG_BYTES] = "";
    size_t n = 0, length = strlen(called);
    if (length > 4 && strcasecmp(called + length - 4, ".sql") == 0)
        length -= 4;
    for (size_t i = 0; i < length && n + 1 < sizeof slug; i++) {
        char c = (char)tolower((unsigned char)called[i]);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || (n && slug[n - 1] != '_'))
            slug[n++] = plain ? c : '_';
    }
    return arena_printf(run->memory, FAMILY "%s", n ? slug : "unnamed");
}

static bool reads_from_client(tree node)
{
    tree copy = tree_node(node, "CopyStmt");
    return tree_has(copy) && !tree_has(tree_get(copy, "filename"));
}

static int judge_statement(const lb_group *group, change *c, const script_statement *s, lb_error *err)
{
    int r = effect_of_statement(s->node, s->text, strlen(s->text), &c->verdict, err);
    if (r >= 0 && reads_from_client(s->node))
        r = lb_fail(err, LB_ERR_INVALID, "write INSERT, or load the rows by another way",
                    "COPY moves rows from or to a client, and there is none");
    if (r >= 0 && group->atomic && !c->verdict.in_transaction)
        r = lb_fail(err, LB_ERR_INVALID, "give it a group of its own that is not atomic",
                    "it cannot run inside a transaction");
    return r < 0 ? door_script_wrap(c, err) : r;
}

/* NULL after a failure. */
static change *make_change(lb_group *group, const lb_statement *statement, const char *called, uint32_t number,
                           const script_statement *s, lb_error *err)
{
    run_state *run = group->run;
    change *c = door_new_change(group, CHANGE_SQL, err);
    lb_sql *sql = c ? arena_alloc(run->memory, sizeof *sql) : NULL;
    const lb_value *args =
        sql ? arena_values(run->memory, LB_ARGS(lb_text("script", called), lb_i64("statement", number),
                                                lb_i64("line", s->place.line), lb_i64("column", s->place.column)))
            : NULL;
    if (!c)
        return NULL;
    if (!args) {
        (void)lb_out_of_memory(err); /* the NULL says it */
        return NULL;
    }
    *sql = (lb_sql){.statement = statement, .text = s->text, .display = s->text};
    c->sql = sql;
    c->args = args;
    c->statement = s->text;
    return judge_statement(group, c, s, err) < 0 ? NULL : c;
}

static int check_range(const lb_script *given, size_t count, lb_error *err)
{
    uint32_t first = given->first ? given->first : 1, last = given->last ? given->last : (uint32_t)count;
    if (!count)
        return lb_fail(err, LB_ERR_INVALID, "leave the empty text out", "%s holds no statement", given->name);
    if (first > last || last > count)
        return lb_fail(err, LB_ERR_INVALID, NULL, "%s has %zu statements, not those from %u to %u", given->name, count,
                       first, last);
    return 0;
}

/* All of them are looked at before the first one joins the group. */
static int add_statements(lb_group *group, const lb_script *given, const script *s, lb_error *err)
{
    run_state *run = group->run;
    const char *name = statement_name(run, given->name), *called = arena_strdup(run->memory, given->name);
    lb_statement *statement = arena_alloc(run->memory, sizeof *statement);
    change **made = arena_alloc(run->memory, (s->count + 1) * sizeof(change *));
    if (!name || !called || !statement || !made)
        return lb_out_of_memory(err);
    *statement = (lb_statement){.size = sizeof *statement, .kind = LB_STATEMENT_CHANGE, .name = name};
    uint32_t first = given->first ? given->first : 1, last = given->last ? given->last : (uint32_t)s->count;
    for (uint32_t number = first; number <= last; number++) {
        made[number - 1] = make_change(group, statement, called, number, &s->items[number - 1], err);
        if (!made[number - 1])
            return err->code;
    }
    int r = 0;
    for (uint32_t number = first; number <= last && r >= 0; number++)
        r = door_join(made[number - 1], err);
    return r;
}

int door_change_script(lb_group *group, const lb_script *given, lb_error *err)
{
    run_state *run = group->run;
    script s;
    script_place place;
    if (!given->name || !given->text)
        return lb_fail(err, LB_ERR_INVALID, "fill .name and .text", "a script has no name or no text");
    if (!run->request->target.project)
        return lb_fail(err, LB_ERR_INVALID, "give --project and --branch",
                       "%s runs on the workspace and has no database", run->request->tool);
    const char *text = arena_strdup(run->memory, given->text);
    if (!text)
        return lb_out_of_memory(err);
    int r = script_parse(text, run->memory, &s, &place, err);
    if (r < 0)
        return lb_wrap(err, given->name);
    r = check_range(given, s.count, err);
    return r < 0 ? r : add_statements(group, given, &s, err);
}
