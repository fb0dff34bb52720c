#include "rehearsal_replay.h"

#include "branch_json.h"

static double number_of(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) ? json_object_get_double(found) : 0;
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, json_type_string)
               ? json_object_get_string(found)
               : NULL;
}

static int take_list(lb_ctx *ctx, struct json_object *result, replay *all, lb_error *err)
{
    struct json_object *list = NULL;
    size_t count = json_object_object_get_ex(result, "statements", &list) ? json_object_array_length(list) : 0;
    all->all_calls = (int64_t)number_of(result, "calls");
    all->all_ms = number_of(result, "ms");
    all->since = text_of(result, "since");
    all->statements = lb_alloc(ctx, (count + 1) * sizeof *all->statements);
    if (!all->statements)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        const char *query = text_of(one, "query");
        if (!query)
            continue;
        all->statements[all->count++] =
            (replay_statement){.query = query, .calls = (int64_t)number_of(one, "calls"), .ms = number_of(one, "ms")};
    }
    return 0;
}

/* Why the source could not be asked, in its own words. */
static const char *reason_in(struct json_object *result)
{
    struct json_object *skipped = NULL, *reason = NULL;
    return json_object_object_get_ex(result, "skipped", &skipped) && json_object_array_length(skipped) &&
                   json_object_object_get_ex(json_object_array_get_idx(skipped, 0), "reason", &reason)
               ? json_object_get_string(reason)
               : "it has been asked nothing since its statistics began";
}

static void count_shares(replay *all)
{
    all->replayed = 0;
    int64_t calls = 0;
    double ms = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->statements[i].why_not)
            continue;
        all->replayed++;
        calls += all->statements[i].calls;
        ms += all->statements[i].ms;
    }
    all->calls_share = all->all_calls ? 100.0 * (double)calls / (double)all->all_calls : 0;
    all->ms_share = all->all_ms > 0 ? 100.0 * ms / all->all_ms : 0;
}

int replay_count(const replay_wish *wish, replay *all, lb_error *err)
{
    count_shares(all);
    if (all->replayed)
        return 0;
    return lb_fail(err, LB_ERR_NOT_FOUND, "give statements to replay, or a workload of your own",
                   "none of the %zu statements of %s can be replayed, the first one because: %.300s", all->count,
                   wish->source, all->statements[0].why_not);
}

int replay_gather(lb_ctx *ctx, const replay_wish *wish, replay *ret_replay, lb_error *err)
{
    const lb_target source = {.project = lb_run_target(ctx)->project, .branch = wish->source};
    const char *json = NULL;
    int r = lb_call(ctx, REPLAY_WORKLOAD, &source, LB_ARGS(lb_i64("most", wish->top)), &json, err);
    struct json_object *result = r < 0 ? NULL : branch_json_keep(ctx, json, err);
    if (!result)
        return err->code;
    r = take_list(ctx, result, ret_replay, err);
    if (r >= 0 && !ret_replay->count)
        return lb_fail(err, LB_ERR_NOT_FOUND, "give statements to replay, or a workload of your own",
                       "%s has no workload to replay: %s", wish->source, reason_in(result));
    if (r >= 0)
        r = replay_find_values(ctx, wish, ret_replay, err);
    return r < 0 ? r : replay_count(wish, ret_replay, err);
}
