#include "index_rebuild.h"

#include "parsed.h"

#include <json-c/json.h>

static const char *describe(lb_ctx *ctx, const index_rebuilt *list, size_t count)
{
    struct json_object *indexes = json_object_new_array();
    for (size_t i = 0; i < count && indexes; i++) {
        struct json_object *one = json_object_new_object();
        (void)json_object_object_add(one, "schema", json_object_new_string(list[i].index->r.schema));
        (void)json_object_object_add(one, "name", json_object_new_string(list[i].index->r.name));
        (void)json_object_array_add(indexes, one);
    }
    const char *text = indexes ? lb_printf(ctx, "%s", json_object_to_json_string(indexes)) : NULL;
    (void)json_object_put(indexes);
    return text;
}

static int take(lb_ctx *ctx, struct json_object *size, index_rebuilt *one, lb_error *err)
{
    struct json_object *failure = parsed_member(size, "error");
    const char *object = index_label(ctx, one->index->r.schema, one->index->r.name);
    if (!object)
        return lb_out_of_memory(err);
    if (!parsed_member(size, "bytes_after"))
        return lb_skipped(ctx, object,
                          lb_printf(ctx, "on the branch it could not be built anew: %s",
                                    failure ? json_object_get_string(failure) : "there was no answer"),
                          err);
    one->bytes = json_object_get_int64(parsed_member(size, "bytes_after"));
    one->ms = json_object_get_double(parsed_member(size, "rebuild_ms"));
    return 0;
}

int index_rebuild(index_trial *trial, index_rebuilt *list, size_t count, lb_error *err)
{
    const char *json = NULL, *why = NULL, *text = describe(trial->ctx, list, count);
    for (size_t i = 0; i < count; i++)
        list[i].bytes = -1;
    if (!text)
        return lb_out_of_memory(err);
    int r = index_trial_call(trial, INDEX_REBUILD_TOOL, LB_ARGS(lb_json("indexes", text)), &json, &why, err);
    if (r >= 0 && !json && !trial->why) /* that one has been said */
        r = lb_skipped(trial->ctx, "what the bloated indexes would be when built anew", why, err);
    if (r < 0 || !json)
        return r;
    struct json_object *document = json_tokener_parse(json), *sizes = parsed_member(document, "sizes");
    bool is_list = json_object_is_type(sizes, json_type_array);
    for (size_t i = 0; i < count && r >= 0; i++)
        r = take(trial->ctx,
                 is_list && i < json_object_array_length(sizes) ? json_object_array_get_idx(sizes, i) : NULL, &list[i],
                 err);
    (void)json_object_put(document);
    return r;
}
