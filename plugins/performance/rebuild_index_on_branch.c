/* rebuild_index_on_branch: builds indexes anew on the branch that it runs on and tells their sizes before and after.
 * What the one has over the other is bloat, exactly. The detectors make the branch for it; on any other it refuses. */
#include "index_trial.h"

#include <json-c/json.h>
#include <sql/index/rebuild_here.h>
#include <sql/index/trial_size.h>

#define MOST       100
#define FIRST_RATE 5e6 /* bytes a second, until one has been built */
#define SECOND     1e6

struct args {
    const char *indexes;
};

static const lb_param params[] = {
    LB_PARAM(struct args, indexes, LB_JSON, NULL, "list of {schema, name}: those that matter most first",
             .required = true),
    LB_PARAMS_END,
};

typedef struct rebuilt {
    const char *schema, *name;
    int64_t before, after;
    double ms;
} rebuilt;

static int read_size(lb_ctx *ctx, const rebuilt *x, int64_t *ret_bytes, lb_error *err)
{
    const index_trial_size_args args = {.schema = x->schema, .name = x->name};
    index_trial_size_row row;
    lb_rows *rows = NULL;
    int r = index_trial_size(ctx, &args, &rows, err);
    if (r < 0)
        return r;
    if (!index_trial_size_next(ctx, rows, &row))
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no index %s.%s on the branch", x->schema, x->name);
    *ret_bytes = row.bytes;
    return 0;
}

/* One that is begun has to end: a run that is out of time loses what it has measured. */
static bool has_time(const lb_ctx *ctx, int64_t bytes, double rate)
{
    return 2 * SECOND * (double)bytes / rate < (double)lb_time_left(ctx);
}

static int rebuild(lb_ctx *ctx, rebuilt *x, double *rate, lb_error *err)
{
    int r = read_size(ctx, x, &x->before, err);
    if (r >= 0 && !has_time(ctx, x->before, *rate))
        return lb_fail(err, LB_ERR_LIMIT, "give the run more time", "there was not enough time left");
    int64_t began = lb_now(ctx);
    if (r >= 0)
        r = index_trial_change(ctx, "build an index anew", "to see what it would take", &index_rebuild_here_sql,
                               LB_ARGS(lb_ident("schema", x->schema), lb_ident("name", x->name)), err);
    if (r >= 0)
        r = read_size(ctx, x, &x->after, err);
    int64_t took = lb_now(ctx) - began;
    x->ms = (double)took / 1000;
    if (r >= 0 && took > 0 && x->before > 0)
        *rate = SECOND * (double)x->before / (double)took;
    return r;
}

static int tell(lb_ctx *ctx, const rebuilt *x, const char *failure, lb_error *err)
{
    return failure
               ? lb_append(ctx, "sizes",
                           LB_ARGS(lb_text("schema", x->schema), lb_text("name", x->name), lb_text("error", failure)),
                           err)
               : lb_append(ctx, "sizes",
                           LB_ARGS(lb_text("schema", x->schema), lb_text("name", x->name),
                                   lb_i64("bytes_before", x->before), lb_i64("bytes_after", x->after),
                                   lb_f64("rebuild_ms", x->ms)),
                           err);
}

static const char *text_of(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &found) &&
                   json_object_is_type(found, json_type_string)
               ? json_object_get_string(found)
               : NULL;
}

static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY;
}

static int rebuild_all(lb_ctx *ctx, struct json_object *list, lb_error *err)
{
    size_t count = json_object_array_length(list);
    double rate = FIRST_RATE;
    int r = count <= MOST ? 0 : lb_fail(err, LB_ERR_LIMIT, NULL, "at most %d can be built in one run", MOST);
    for (size_t i = 0; i < count && r >= 0; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        rebuilt x = {.schema = text_of(one, "schema"), .name = text_of(one, "name")};
        lb_error why;
        if (!x.schema || !x.name)
            return lb_fail(err, LB_ERR_INVALID, "give {schema, name}", "an index has no schema or no name");
        lb_progress(ctx, (int64_t)i, (int64_t)count, "indexes");
        r = rebuild(ctx, &x, &rate, &why);
        if (is_fatal(r))
            *err = why;
        else
            r = tell(ctx, &x, r < 0 ? why.message : NULL, err);
    }
    return r;
}

static void release(void *document)
{
    (void)json_object_put(document);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    struct json_object *list = json_tokener_parse(args->indexes);
    int r = lb_defer(ctx, release, list);
    if (r < 0)
        return lb_out_of_memory(err);
    if (!json_object_is_type(list, json_type_array))
        return lb_fail(err, LB_ERR_INVALID, "give a list", "indexes holds no list");
    r = index_trial_is_here(ctx, "built", err);
    return r < 0 ? r : rebuild_all(ctx, list, err);
}

LB_TOOL(rebuild_index_on_branch,
        "how large indexes are once they are new, by building them anew on the throwaway branch it runs on",
        .agent = "performance", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params), .run = run);
