#include "approved.h"

#include "approved_holds.h"
#include "compose.h"
#include "door.h"
#include "effect_tree.h"
#include "json.h"
#include "target_reset.h"

#include <sys/stat.h>

struct args {
    const char *approval, *approval_id;
};

static const lb_param params[] = {
    LB_PARAM(struct args, approval, LB_JSON, NULL, "the approval document", .required = true),
    LB_PARAM(struct args, approval_id, LB_TEXT, NULL, "what it is called", .required = true),
    LB_PARAMS_END,
};

/* ---- the group, as it was ---- */

static int restore_sql(run_state *run, const approval_change *stored, change *c, lb_error *err)
{
    lb_statement *statement = arena_alloc(run->memory, sizeof *statement);
    lb_sql *sql = arena_alloc(run->memory, sizeof *sql);
    if (!statement || !sql)
        return lb_out_of_memory(err);
    *statement = (lb_statement){.size = sizeof *statement,
                                .kind = stored->sql.rests ? LB_STATEMENT_REST : LB_STATEMENT_CHANGE,
                                .name = stored->sql.name};
    *sql = (lb_sql){.statement = statement,
                    .text = stored->sql.text,
                    .params = stored->sql.params,
                    .param_types = stored->sql.param_types,
                    .param_count = stored->sql.param_count,
                    .display = stored->statement};
    c->sql = sql;
    c->args = stored->sql.args;
    int r = effect_of_sql(sql->text, &c->verdict, err);
    if (r >= 0 && stored->sql.rests)
        r = door_add_rest(c, err);
    return r < 0 ? lb_wrap(err, statement->name) : 0;
}

static int restore_lake(run_state *run, const approval_change *stored, change *c, lb_error *err)
{
    lb_sql *sql = arena_alloc(run->memory, sizeof *sql);
    if (!sql)
        return lb_out_of_memory(err);
    *sql = (lb_sql){.text = stored->sql.text, .display = stored->statement};
    if (run_lake_is_merge(sql) != !stored->lake.expects)
        return lb_fail(err, LB_ERR_INVALID, "deny it, and run the tool again", "%s is not what it says to be",
                       stored->sql.name);
    c->sql = sql;
    return door_restore_lake(c, stored, err);
}

static int restore_change(lb_group *group, const approval_change *stored, lb_error *err)
{
    struct stat st;
    run_state *run = group->run;
    change *c = arena_alloc(run->memory, sizeof *c);
    if (!c)
        return lb_out_of_memory(err);
    *c = (change){.group = group,
                  .kind = stored->kind,
                  .statement = stored->statement,
                  .path = stored->path,
                  .content = stored->content,
                  .argv = stored->argv,
                  .rows = -1};
    if (c->kind == CHANGE_SQL || c->kind == CHANGE_LAKE) {
        int r = c->kind == CHANGE_SQL ? restore_sql(run, stored, c, err) : restore_lake(run, stored, c, err);
        if (r < 0)
            return r;
    } else if (c->kind == CHANGE_API) {
        c->service = stored->service;
        c->request = &stored->request;
        if (c->service)
            effect_of_http(c->service, c->request, &c->verdict);
        else
            effect_of_control(c->request, &c->verdict);
    } else if (c->kind == CHANGE_FILE) {
        effect_of_file(stat(c->path, &st) == 0, &c->verdict);
    } else {
        effect_of_exec(c->argv, &c->verdict);
    }
    return door_join(c, err);
}

static void put_object(void *object)
{
    (void)json_object_put(object); /* says only whether it was the last reference */
}

/* The members of the evidence as values; their texts live as long as the run. */
static int restore_evidence(run_state *run, const char *text, const lb_value **ret_evidence, lb_error *err)
{
    size_t count = 0;
    struct json_object *evidence = json_parse(text, strlen(text), err);
    if (!evidence)
        return err->code;
    if (arena_defer(run->memory, put_object, evidence) < 0) {
        put_object(evidence);
        return lb_out_of_memory(err);
    }
    lb_value *values = arena_alloc(run->memory, ((size_t)json_object_object_length(evidence) + 1) * sizeof *values);
    if (!values)
        return lb_out_of_memory(err);
    json_object_object_foreach(evidence, name, member)
    {
        values[count++] =
            lb_json(name, member ? json_object_to_json_string_ext(member, JSON_C_TO_STRING_PLAIN) : "null");
    }
    *ret_evidence = values;
    return 0;
}

/* NULL after a failure. */
static lb_group *restore_group(run_state *run, const approval *a, lb_error *err)
{
    lb_group *group = arena_alloc(run->memory, sizeof *group);
    if (!group) {
        (void)lb_out_of_memory(err); /* the NULL says it */
        return NULL;
    }
    *group = (lb_group){.next = run->groups,
                        .run = run,
                        .title = a->title,
                        .reason = a->reason,
                        .undo = a->undo,
                        .atomic = a->atomic,
                        .bounded = a->bounded,
                        .decided = true};
    group->last = &group->first;
    group->last_note = &group->notes;
    int r = restore_evidence(run, a->evidence, &group->evidence, err);
    for (size_t i = 0; i < a->change_count && r >= 0; i++)
        r = restore_change(group, &a->changes[i], err);
    for (size_t i = 0; i < a->note_count && r >= 0; i++)
        r = door_add_note(group, &a->notes[i], err);
    if (r < 0)
        return NULL;
    run->groups = group;
    return group;
}

/* ---- carrying it out ---- */

static int report_move(run_state *run, approval *a, const fingerprint *now, lb_error *err)
{
    BUF_AUTO difference = BUF_INIT((size_t)2 * APPROVAL_BYTES), print = BUF_INIT(APPROVAL_BYTES),
             document = BUF_INIT(APPROVAL_BYTES + 1);
    fingerprint_difference(&difference, &a->fingerprint, now);
    fingerprint_write(&print, now);
    a->fingerprint = *now;
    int r = approval_write(a, &document, err);
    if (r < 0)
        return r;
    if (difference.overflow || print.overflow)
        return run_frame_fail(err, "the difference of the fingerprints");
    return run_result(&run->ctx,
                      LB_ARGS(lb_bool("executed", false), lb_bool("moved", true),
                              lb_json("difference", buf_text(&difference)), lb_json("fingerprint", buf_text(&print)),
                              lb_json("document", buf_text(&document))),
                      err);
}

static void settle(lb_group *group, change_outcome outcome)
{
    for (change *c = group->first; c; c = c->next) {
        c->outcome = outcome;
        door_announce(c);
    }
}

static int execute(run_state *run, const approval *a, lb_group *group, lb_error *err)
{
    const run_request *q = run->request;
    int held = approved_check_holds(run, a, err);
    if (held < 0) {
        settle(group, CHANGE_REFUSED);
        return held;
    }
    door_ask_gate(group);
    if (group->answer.decision == GATE_REFUSE) {
        settle(group, CHANGE_REFUSED);
        return lb_fail(err, LB_ERR_DENIED, "the manifest's rule stands above any approval: change it, or deny this one",
                       "the gate refuses: %s", group->answer.why);
    }
    group->answer.decision = GATE_EXECUTE;
    if (snprintf(group->answer.why, sizeof group->answer.why, "approved by %s%s%s", q->actor, q->reason ? ": " : "",
                 q->reason ? q->reason : "") >= (int)sizeof group->answer.why)
        tree_trim(group->answer.why);
    int r = run_check_stop(run, err);
    if (r >= 0)
        r = target_carry_out(group, err);
    if (r >= 0 && door_write_notes(group, err) < 0)
        return lb_wrap(err, "the changes were made, but what was to be written down of them was not");
    return r < 0 ? r
                 : run_result(&run->ctx,
                              LB_ARGS(lb_bool("executed", true), lb_bool("moved", false), lb_i64("rows", group->rows)),
                              err);
}

static bool same_name(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int carry_out(run_state *run, approval *a, lb_error *err)
{
    fingerprint now = {0};
    const lb_target *target = &run->request->target;
    if (!same_name(target->project, a->target.project) || !same_name(target->branch, a->target.branch))
        return lb_fail(err, LB_ERR_INVALID, "run it on the branch that was decided on", "the approval is for %s/%s",
                       a->target.project ? a->target.project : "the workspace",
                       a->target.branch ? a->target.branch : "");
    lb_group *group = restore_group(run, a, err);
    if (!group)
        return err->code;
    int r = door_fingerprint(group, &now, err);
    if (r < 0)
        return r;
    if (strcmp(now.hash, a->fingerprint.hash) == 0)
        return execute(run, a, group, err);
    settle(group, CHANGE_WAITING);
    return report_move(run, a, &now, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    run_state *run = run_of(ctx);
    const struct args *args = ctx->args;
    const run_request *asked = run->request;
    approval a;
    if (asked->plan)
        return lb_fail(err, LB_ERR_INVALID, NULL, "what was approved is executed, not planned");
    int r = approval_read(args->approval, strlen(args->approval), run->memory, &a, err);
    if (r < 0)
        return r;
    /* For the gate's rules and the audit log it is the tool that proposed it which makes the change. */
    run_request as_asked_then = *asked;
    as_asked_then.tool = a.tool;
    as_asked_then.agent = a.agent;
    as_asked_then.risk = a.risk;
    run->approval_id = args->approval_id;
    run->request = &as_asked_then;
    r = carry_out(run, &a, err);
    run->request = asked;
    return r;
}

static const lb_tool approved_tool = {
    .size = sizeof approved_tool, .risk = LB_RISK_HIGH, LB_TOOL_ARGS(struct args, params), .run = run};

const lb_plugin approved_plugin = {
    .magic = LB_ABI_MAGIC,
    .abi_major = LB_ABI_MAJOR,
    .abi_minor = LB_ABI_MINOR,
    .size = sizeof approved_plugin,
    .kind = LB_KIND_TOOL,
    .name = APPROVED_TOOL,
    .version = LB_PLUGIN_VERSION,
    .summary = "carries out what a person has approved",
    .ops = &approved_tool,
};
