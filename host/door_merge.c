/* Changes of the lakehouse that are known whole beforehand, so that they can wait for a person: a MERGE, and a question
 * that has to be answered as it was when that was planned. */
#include "door.h"

#include "question.h"
#include "service_delta.h"

static void judge_known(change *c)
{
    if (c->lake->expects)
        effect_of_lake_expect(c->lake->table.name, &c->verdict);
    else
        effect_of_lake_merge(c->lake->table.name, &c->verdict);
}

/* A person sees the values, too: below the text, for there they stand for themselves. */
static const char *tell_known(run_state *run, const change *c)
{
    BUF_AUTO text = BUF_INIT(APPROVAL_BYTES);
    if (c->lake->expects)
        buf_printf(&text, "hold to '%s' in the lakehouse: ", c->lake->expects);
    buf_puts(&text, c->lake->expects ? "" : "in the lakehouse: ");
    buf_puts(&text, c->sql->text);
    for (const lb_value *arg = c->args; arg->type != LB_END; arg++) {
        buf_printf(&text, "\n$%s: ", arg->name);
        if (arg->type == LB_TEXT)
            buf_puts(&text, arg->v.text);
        else if (arg->type == LB_I64)
            buf_printf(&text, "%lld", (long long)arg->v.i64);
        else
            buf_puts(&text, arg->type == LB_NULL ? "null" : "(a value of another kind)");
    }
    return text.overflow ? NULL : arena_strndup(run->memory, buf_text(&text), text.length);
}

int door_add_known(change *c, const lb_lake_append *append, lb_error *err)
{
    run_state *run = c->group->run;
    int r = run_ask_sql(run, append->rows, append->args ? append->args : LB_NO_ARGS, &c->sql, err);
    if (r >= 0 && run_lake_is_merge(c->sql) != c->lake->is_merge)
        return lb_fail(err, LB_ERR_INVALID, NULL, "%s is %s", append->rows->name,
                       c->lake->is_merge ? "no MERGE" : "no question");
    if (r < 0)
        return r;
    const lb_sql *sql = c->sql;
    lb_value *args = arena_alloc(run->memory, (sql->param_count + 1) * sizeof *args);
    for (uint32_t i = 0; args && i < sql->param_count; i++) {
        args[i] = sql->values[i];
        args[i].name = arena_printf(run->memory, "%u", i + 1);
    }
    c->args = args ? arena_values(run->memory, args) : NULL; /* the tool's own live no longer than the call */
    c->statement = c->args ? tell_known(run, c) : NULL;
    if (!c->args || !c->statement)
        return lb_out_of_memory(err);
    judge_known(c);
    return door_join(c, err);
}

int door_restore_lake(change *c, const approval_change *stored, lb_error *err)
{
    lb_lake_append *lake = arena_alloc(c->group->run->memory, sizeof *lake);
    if (!lake)
        return lb_out_of_memory(err);
    *lake = (lb_lake_append){.size = sizeof *lake,
                             .table = {stored->lake.catalog, stored->lake.schema, stored->lake.name},
                             .is_merge = !stored->lake.expects,
                             .expects = stored->lake.expects};
    c->lake = lake;
    c->args = stored->sql.args;
    judge_known(c);
    return 0;
}

/* ---- carrying it out ---- */

/* A question as its text and values, which may have come from an approval. */
static void put_known(const void *state, buf *out)
{
    const change *c = state;
    uint32_t count = 0;
    while (c->args[count].type != LB_END)
        count++;
    if (c->lake->expects) {
        wire_put_u32(out, DELTA_LAKE_ASK);
    } else {
        wire_put_u32(out, DELTA_LAKE_MERGE);
        wire_put_str(out, c->lake->table.catalog);
        wire_put_str(out, c->lake->table.schema);
        wire_put_str(out, c->lake->table.name);
    }
    lb_type *types = arena_alloc(c->group->run->memory, (count + 1) * sizeof *types);
    for (uint32_t i = 0; types && i < count; i++)
        types[i] = c->args[i].type == LB_NULL ? LB_TEXT : c->args[i].type;
    question_put(out, &(const lb_sql){
                          .text = c->sql->text, .values = c->args, .types = types, .param_count = types ? count : 0});
}

static const lb_column merge_columns[] = {{"rows", LB_I64, false}};
static const lb_statement merge_receipt = {.size = sizeof merge_receipt,
                                           .kind = LB_STATEMENT_LAKE,
                                           .name = "lake/merge",
                                           .columns = merge_columns,
                                           .column_count = LB_COUNT(merge_columns)};
static const lb_column said_columns[] = {{"said", LB_TEXT, false}};
static const lb_statement said = {.size = sizeof said,
                                  .kind = LB_STATEMENT_LAKE,
                                  .name = "lake/expect",
                                  .columns = said_columns,
                                  .column_count = LB_COUNT(said_columns)};

int door_run_known(change *c, lb_error *err)
{
    lb_rows *rows = NULL;
    const char *expects = c->lake->expects;
    const run_question question = {.type = WIRE_LAKE,
                                   .statement = expects ? &said : &merge_receipt,
                                   .args = LB_NO_ARGS,
                                   .text = c->statement,
                                   .put = put_known,
                                   .state = c,
                                   .is_live = true};
    int r = run_ask(c->group->run, &question, &rows, err);
    const lb_value *row = r < 0 ? NULL : run_next(rows);
    if (r >= 0 && !row)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the lakehouse gave no answer");
    if (row && !expects)
        c->rows = row[0].v.i64;
    if (row && expects && strcmp(row[0].v.text, expects) != 0)
        return lb_fail(err, LB_ERR_CONFLICT, "run the tool again: it plans with what is there now",
                       "%.60s.%.60s.%.60s is not as it was planned on: it has %.80s, and %.80s was expected",
                       c->lake->table.catalog, c->lake->table.schema, c->lake->table.name, row[0].v.text, expects);
    return r < 0 ? r : 0;
}
