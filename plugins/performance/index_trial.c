#include "index_trial.h"

#include "index_describe.h"
#include "index_moved.h"
#include "parsed.h"

#include <sys/random.h>
#include <time.h>

#define PLANE "lbops_target"
#define TTL   "3600s"

bool index_trial_is_wanted(const char *prove)
{
    return prove && strcmp(prove, "branch") == 0;
}

static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY;
}

static bool is_out_of_reach(int r)
{
    return r == LB_ERR_UNREACHABLE || r == LB_ERR_SUSPENDED;
}

/* There is no branch, so nothing is tried: no failure of the run, but it is said, once. */
static int give_up(index_trial *t, int r, lb_error *why, lb_error *err)
{
    if (is_fatal(r) || lb_cancelled(t->ctx)) {
        *err = *why;
        return r;
    }
    t->why = lb_printf(t->ctx, "nothing could be tried on a branch: %s%s%s", why->message, *why->hint ? "; " : "",
                       why->hint);
    return t->why ? lb_skipped(t->ctx, "proof on a branch", t->why, err) : lb_out_of_memory(err);
}

/* ---- the branch ---- */

/* Names of this kind are thrown away by the branch policy, too. Two runs may begin in the same second. */
static const char *own_name(lb_ctx *ctx)
{
    time_t now = (time_t)(lb_now(ctx) / 1000000);
    struct tm parts;
    char text[32];
    unsigned char own[4];
    if (!gmtime_r(&now, &parts) || !strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts) ||
        getrandom(own, sizeof own, 0) != (ssize_t)sizeof own)
        return NULL;
    return lb_printf(ctx, "perf-index-%s-%02x%02x%02x%02x", text, own[0], own[1], own[2], own[3]);
}

static lb_target place_of(const index_trial *t)
{
    return (lb_target){.project = lb_run_target(t->ctx)->project, .branch = t->branch};
}

/* What is seen there is seen of the state at that place. That nobody tells it is no failure. */
static int read_place_in_log(index_trial *t, lb_error *err)
{
    const char *json = NULL;
    lb_error why;
    const lb_request get = {
        .method = "GET",
        .path = lb_printf(t->ctx, "projects/%s/branches/%s", lb_run_target(t->ctx)->project, t->branch)};
    int r = get.path ? lb_control(t->ctx, &get, &json, &why) : LB_ERR_NO_MEMORY;
    if (is_fatal(r)) {
        *err = why;
        return get.path ? r : lb_out_of_memory(err);
    }
    if (r < 0)
        return 0;
    parsed *document = json_tokener_parse(json);
    const char *lsn = parsed_text(parsed_member(document, "status"), "source_branch_lsn");
    t->lsn = *lsn ? lb_printf(t->ctx, "%s", lsn) : NULL;
    bool is_lost = *lsn && !t->lsn;
    parsed_free(document);
    return is_lost ? lb_out_of_memory(err) : 0;
}

static int begin(index_trial *t, lb_error *err)
{
    const char *json = NULL, *source = lb_run_target(t->ctx)->branch;
    lb_error why;
    if (t->branch || t->why)
        return 0;
    if (lb_plans(t->ctx)) {
        t->why = "a plan makes no branch, so nothing is built on one";
        return lb_skipped(t->ctx, "proof on a branch", t->why, err);
    }
    int r = index_note_states(t, err);
    if (r < 0)
        return r;
    t->branch = own_name(t->ctx);
    if (!t->branch)
        return lb_out_of_memory(err);
    lb_target place = place_of(t);
    r = lb_call(t->ctx, PLANE, &place,
                LB_ARGS(lb_text("action", "create"), lb_text("source", source), lb_text("ttl", TTL)), &json, &why);
    if (r >= 0)
        return read_place_in_log(t, err);
    t->branch = NULL;
    return give_up(t, r, &why, err);
}

int index_trial_end(index_trial *t, int so_far, lb_error *err)
{
    const char *json = NULL;
    lb_error why;
    if (!t->branch)
        return so_far;
    lb_target place = place_of(t);
    int r = lb_call(t->ctx, PLANE, &place, LB_ARGS(lb_text("action", "delete")), &json, &why);
    if (r < 0)
        lb_log(t->ctx, LB_LOG_WARN, "%s stays until it expires: %s", t->branch, why.message);
    if (so_far >= 0 && is_fatal(r))
        *err = why;
    return so_far < 0 ? so_far : is_fatal(r) ? r : 0;
}

/* ---- on it ---- */

int index_trial_is_here(lb_ctx *ctx, const char *done, lb_error *err)
{
    return lb_run_target(ctx)->branch_class == LB_BRANCH_THROWAWAY
               ? 0
               : lb_fail(
                     err, LB_ERR_DENIED,
                     "declare it in the manifest: [[targets]] branch = \"perf-*\", class = \"throwaway\", pattern = "
                     "true",
                     "%s is no branch to throw away, so nothing is %s on it", lb_run_target(ctx)->branch, done);
}

int index_trial_change(lb_ctx *ctx, const char *title, const char *reason, const lb_statement *statement,
                       const lb_value *values, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    int r = lb_change_one(
        ctx, LB_GROUP(.title = title, .reason = reason, .undo = "none is needed: the branch is thrown away"), statement,
        values, &outcome, err);
    return r < 0 || outcome == LB_APPLIED
               ? r
               : lb_fail(err, LB_ERR_DENIED, "see the gate's rules for the branch", "the gate did not let it be done");
}

/* ---- asking ---- */

static double number_or_none(struct json_object *from, const char *name)
{
    struct json_object *found = parsed_member(from, name);
    return found ? json_object_get_double(found) : -1;
}

/* False: out of memory. */
static bool take_load(lb_ctx *ctx, struct json_object *proof, index_candidate *c)
{
    struct json_object *load = parsed_member(proof, "load"), *why = parsed_member(proof, "why_no_write");
    c->load = load ? lb_printf(ctx, "%s", json_object_to_json_string(load)) : NULL;
    c->load_before = number_or_none(load, "ms_per_call_now");
    c->load_after = number_or_none(load, "ms_per_call_with_it");
    c->load_slower = (int64_t)parsed_length(parsed_member(load, "slower"));
    c->write_before = number_or_none(proof, "row_wal_before");
    c->write_after = number_or_none(proof, "row_wal_after");
    c->why_no_write = why ? lb_printf(ctx, "%s", json_object_get_string(why)) : NULL;
    return (!load || c->load) && (!why || c->why_no_write);
}

static int take_proof(const index_trial *t, struct json_object *proof, index_candidate *c, lb_error *err)
{
    struct json_object *failure = parsed_member(proof, "error");
    const char *object = lb_printf(t->ctx, "%s.%s", c->table->r.schema, c->table->r.name);
    if (!object)
        return lb_out_of_memory(err);
    if (!proof || failure)
        return lb_skipped(t->ctx, object,
                          lb_printf(t->ctx, "on the branch it could not be built: %s",
                                    failure ? json_object_get_string(failure) : "there was no answer"),
                          err);
    c->cost_before = json_object_get_double(parsed_member(proof, "cost_before"));
    c->cost_after = json_object_get_double(parsed_member(proof, "cost_after"));
    c->reads_all = parsed_is(proof, "reads_all");
    c->bytes = parsed_number(proof, "bytes");
    c->blocks_before = json_object_get_double(parsed_member(proof, "blocks_before"));
    c->blocks_after = json_object_get_double(parsed_member(proof, "blocks_after"));
    c->mix_before =
        parsed_member(proof, "mix_before") ? json_object_get_double(parsed_member(proof, "mix_before")) : -1;
    c->mix_after = json_object_get_double(parsed_member(proof, "mix_after"));
    c->mix_worse = parsed_number(proof, "mix_worse");
    c->build_wal = parsed_number(proof, "build_wal_bytes");
    if (!take_load(t->ctx, proof, c))
        return lb_out_of_memory(err);
    if (c->mix_worse)
        c->mix_worst = lb_printf(t->ctx, "%s", json_object_get_string(parsed_member(proof, "mix_worst")));
    if (c->beside_count && parsed_member(proof, "cost_plain"))
        index_weigh_beside(c, json_object_get_double(parsed_member(proof, "cost_plain")),
                           parsed_number(proof, "bytes_plain"));
    c->build_ms = json_object_get_double(parsed_member(proof, "build_ms"));
    c->proven_on = t->branch;
    c->proven_at = t->lsn;
    return 0;
}

static int take_proofs(const index_trial *t, const char *json, index_candidate **list, size_t count, lb_error *err)
{
    struct json_object *document = json_tokener_parse(json), *proofs = parsed_member(document, "proofs");
    int r = 0;
    for (size_t i = 0; i < count && r >= 0; i++)
        r = take_proof(t, parsed_item(proofs, i), list[i], err);
    (void)json_object_put(document);
    return r;
}

int index_trial_call(index_trial *t, const char *tool, const lb_value *args, const char **ret_json,
                     const char **ret_why, lb_error *err)
{
    lb_error why;
    *ret_json = NULL;
    int r = begin(t, err);
    *ret_why = t->why;
    if (r < 0 || t->why)
        return r;
    lb_target place = place_of(t);
    r = lb_call(t->ctx, tool, &place, args, ret_json, &why);
    if (r >= 0)
        return 0;
    *ret_json = NULL; /* what a run that failed has said so far is no proof */
    if (is_fatal(r) || is_out_of_reach(r) || lb_cancelled(t->ctx)) {
        r = give_up(t, r, &why, err);
        *ret_why = t->why;
        return r;
    }
    *ret_why =
        lb_printf(t->ctx, "on a branch it could not be tried: %s%s%s", why.message, *why.hint ? "; " : "", why.hint);
    return *ret_why ? 0 : lb_out_of_memory(err);
}

int index_try(index_trial *t, index_candidate **list, size_t count, lb_error *err)
{
    const char *json = NULL, *text = NULL, *why = NULL;
    if (!count || !t->is_wanted)
        return 0;
    struct json_object *candidates = json_object_new_array();
    for (size_t i = 0; i < count && candidates; i++)
        (void)json_object_array_add(candidates, index_describe(list[i]));
    text = candidates ? lb_printf(t->ctx, "%s", json_object_to_json_string(candidates)) : NULL;
    (void)json_object_put(candidates);
    if (!text)
        return lb_out_of_memory(err);
    const lb_value end = {.type = LB_END};
    int r = index_trial_call(
        t, INDEX_TRIAL_TOOL,
        LB_ARGS(lb_json("candidates", text), t->statements ? lb_json("statements", t->statements) : end), &json, &why,
        err);
    if (r < 0 || json)
        return r < 0 ? r : take_proofs(t, json, list, count, err);
    return t->why ? 0 : lb_skipped(t->ctx, "proof on a branch", why, err);
}
