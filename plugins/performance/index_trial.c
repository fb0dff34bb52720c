#include "index_trial.h"

#include <json-c/json.h>
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

/* What cannot be had is no failure of the run, but it is said. */
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
    t->branch = own_name(t->ctx);
    if (!t->branch)
        return lb_out_of_memory(err);
    lb_target place = place_of(t);
    int r = lb_call(t->ctx, PLANE, &place,
                    LB_ARGS(lb_text("action", "create"), lb_text("source", source), lb_text("ttl", TTL)), &json, &why);
    if (r >= 0)
        return 0;
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

/* ---- asking ---- */

static struct json_object *describe(const index_candidate *c)
{
    struct json_object *one = json_object_new_object(), *columns = json_object_new_array();
    for (int i = 0; i < c->count && columns; i++) {
        struct json_object *column = json_object_new_object();
        (void)json_object_object_add(column, "name", json_object_new_string(c->columns[i]->r.name));
        (void)json_object_object_add(column, "descending", json_object_new_boolean(c->descending[i]));
        (void)json_object_array_add(columns, column);
    }
    (void)json_object_object_add(one, "schema", json_object_new_string(c->table->r.schema));
    (void)json_object_object_add(one, "table", json_object_new_string(c->table->r.name));
    (void)json_object_object_add(one, "columns", columns);
    (void)json_object_object_add(one, "equal", json_object_new_int(c->equal_count));
    (void)json_object_object_add(one, "range", json_object_new_boolean(c->is_range));
    (void)json_object_object_add(one, "ordered", json_object_new_boolean(c->is_ordered));
    return one;
}

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(from, name, &found) ? found : NULL;
}

static int take_proof(const index_trial *t, struct json_object *proof, index_candidate *c, lb_error *err)
{
    struct json_object *failure = member(proof, "error");
    const char *object = lb_printf(t->ctx, "%s.%s", c->table->r.schema, c->table->r.name);
    if (!object)
        return lb_out_of_memory(err);
    if (!proof || failure)
        return lb_skipped(t->ctx, object,
                          lb_printf(t->ctx, "on the branch it could not be built: %s",
                                    failure ? json_object_get_string(failure) : "there was no answer"),
                          err);
    c->cost_before = json_object_get_double(member(proof, "cost_before"));
    c->cost_after = json_object_get_double(member(proof, "cost_after"));
    c->reads_all = json_object_get_boolean(member(proof, "reads_all"));
    c->bytes = json_object_get_int64(member(proof, "bytes"));
    c->build_ms = json_object_get_double(member(proof, "build_ms"));
    c->proven_on = t->branch;
    return 0;
}

static int take_proofs(const index_trial *t, const char *json, index_candidate **list, size_t count, lb_error *err)
{
    struct json_object *document = json_tokener_parse(json), *proofs = member(document, "proofs");
    bool is_list = json_object_is_type(proofs, json_type_array);
    int r = 0;
    for (size_t i = 0; i < count && r >= 0; i++)
        r = take_proof(t, is_list && i < json_object_array_length(proofs) ? json_object_array_get_idx(proofs, i) : NULL,
                       list[i], err);
    (void)json_object_put(document);
    return r;
}

int index_try(index_trial *t, index_candidate **list, size_t count, lb_error *err)
{
    const char *json = NULL, *text = NULL;
    lb_error why;
    if (!count || !t->is_wanted)
        return 0;
    int r = begin(t, err);
    if (r < 0 || t->why)
        return r;
    struct json_object *candidates = json_object_new_array();
    for (size_t i = 0; i < count && candidates; i++)
        (void)json_object_array_add(candidates, describe(list[i]));
    text = candidates ? lb_printf(t->ctx, "%s", json_object_to_json_string(candidates)) : NULL;
    (void)json_object_put(candidates);
    if (!text)
        return lb_out_of_memory(err);
    lb_target place = place_of(t);
    r = lb_call(t->ctx, INDEX_TRIAL_TOOL, &place, LB_ARGS(lb_json("candidates", text)), &json, &why);
    return r < 0 ? give_up(t, r, &why, err) : take_proofs(t, json, list, count, err);
}
