#include "cause_kept.h"

#include "health_hash.h"

#include <sql/diagnose/kept.h>

#include <string.h>

#define INPUTS_MOST ((size_t)4 * 1024 * 1024)

static void put_object(void *object)
{
    json_object_put(object);
}

/* ---- arguments: those of the kinds that the tool has ---- */

static struct json_object *value_of(const lb_param *param, const void *args)
{
    const void *field = (const char *)args + param->offset;
    const char *const *text = field;
    switch (param->type) {
    case LB_TEXT:
    case LB_JSON:
        return *text ? json_object_new_string(*text) : NULL;
    case LB_F64:
        return json_object_new_double(*(const double *)field);
    case LB_I64:
        return json_object_new_int64(*(const int64_t *)field);
    case LB_BOOL:
        return json_object_new_boolean(*(const bool *)field);
    default:
        return NULL;
    }
}

static struct json_object *args_of(const lb_ctx *ctx, const lb_param *params)
{
    struct json_object *args = json_object_new_object();
    for (; args && params->name; params++)
        if (strcmp(params->name, "before") != 0) /* which stands beside them, wherever it came from */
            (void)json_object_object_add(args, params->name, value_of(params, ctx->args)); /* lost: another id */
    return args;
}

void cause_take_args(const lb_param *params, struct json_object *from, void *args)
{
    for (; params->name; params++) {
        void *field = (char *)args + params->offset;
        struct json_object *value = NULL;
        bool is_given = json_object_object_get_ex(from, params->name, &value) && value;
        if (params->type == LB_TEXT || params->type == LB_JSON)
            *(const char **)field = is_given ? json_object_get_string(value) : NULL;
        else if (is_given && params->type == LB_F64)
            *(double *)field = json_object_get_double(value);
        else if (is_given && params->type == LB_I64)
            *(int64_t *)field = json_object_get_int64(value);
        else if (is_given && params->type == LB_BOOL)
            *(bool *)field = json_object_get_boolean(value);
    }
}

/* ---- to history ---- */

int cause_keep_inputs(lb_ctx *ctx, const lb_param *params, const char *before, const cause_tape *tape, cause_kept *kept,
                      lb_error *err)
{
    struct json_object *all = json_object_new_object();
    if (!all || lb_defer(ctx, put_object, all) < 0)
        return lb_out_of_memory(err);
    (void)json_object_object_add(all, "args", args_of(ctx, params));
    (void)json_object_object_add(all, "before", before ? json_object_new_string(before) : NULL);
    (void)json_object_object_add(all, "asked", json_object_get(tape->asked));
    kept->said = tape->said;
    kept->inputs = json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN); /* as long as the run */
    kept->id = kept->inputs
                   ? lb_printf(ctx, "%016llx", (unsigned long long)health_hash(HEALTH_HASH_BASIS, kept->inputs))
                   : NULL;
    return kept->id ? 0 : lb_out_of_memory(err);
}

int cause_keep(lb_ctx *ctx, cause_kept *kept, lb_error *err)
{
    const char *said = lb_printf(ctx, "%016llx", (unsigned long long)kept->said);
    if (!said)
        return lb_out_of_memory(err);
    if (strlen(kept->inputs) > INPUTS_MOST) {
        kept->id = NULL;
        return lb_skipped(ctx, "inputs of the diagnosis", "they are larger than what is kept for a replay", err);
    }
    return lb_record(ctx, "diagnosis_history",
                     LB_ARGS(lb_text("diagnosis_id", kept->id), lb_time("diagnosed_at", kept->at),
                             lb_text("metric", kept->metric), lb_text("verdict", kept->verdict),
                             lb_i64("found", kept->found), lb_text("said", said), lb_text("inputs", kept->inputs)),
                     err);
}

/* ---- and back ---- */

static int read_inputs(lb_ctx *ctx, const char *id, const char *text, cause_inputs *ret, lb_error *err)
{
    struct json_object *all = json_tokener_parse(text), *before = NULL;
    if (all && lb_defer(ctx, put_object, all) < 0)
        return lb_out_of_memory(err);
    if (!json_object_is_type(all, json_type_object) || !json_object_object_get_ex(all, "args", &ret->args) ||
        !json_object_is_type(ret->args, json_type_object) || !json_object_object_get_ex(all, "asked", &ret->asked) ||
        !json_object_is_type(ret->asked, json_type_array))
        return lb_fail(err, LB_ERR_INVALID, "look at its row in diagnosis_history",
                       "what is kept of diagnosis %s are no inputs", id);
    ret->before = json_object_object_get_ex(all, "before", &before) && before ? json_object_get_string(before) : NULL;
    return 0;
}

int cause_recall_inputs(lb_ctx *ctx, const char *id, cause_inputs *ret_inputs, lb_error *err)
{
    const diagnose_kept_args wanted = {.diagnosis = id};
    diagnose_kept_row row;
    lb_rows *rows = NULL;
    int r = diagnose_kept(ctx, &wanted, &rows, err);
    if (r < 0)
        return r;
    if (!diagnose_kept_next(ctx, rows, &row))
        return lb_fail(err, LB_ERR_NOT_FOUND, "lbops sql \"SELECT diagnosis_id, verdict FROM diagnosis_history\"",
                       "no diagnosis %s is kept", id);
    *ret_inputs = (cause_inputs){
        .verdict = row.verdict, .said = row.said, .project = row.project, .branch = row.branch, .at = row.diagnosed_at};
    return read_inputs(ctx, id, row.inputs, ret_inputs, err);
}
