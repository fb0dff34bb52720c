/* The branch's computes that only read: each counts the scans of its own, and a verdict on use is one over all of them.
 * One that cannot be read is kept with the reason, so that nobody takes its silence for an index that is not used. */
#include "index_readers.h"
#include "amount.h"

#include <json-c/json.h>
#include <sql/index/scans.h>
#include <stdlib.h>

#define DAY ((double)86400 * 1000000)

/* ---- who there is ---- */

static const char *text_at(struct json_object *object, const char *member)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, member, &value) ? json_object_get_string(value) : NULL;
}

/* "reader" of "projects/shop/branches/production/endpoints/reader" */
static const char *id_of(struct json_object *endpoint)
{
    const char *name = text_at(endpoint, "name"), *slash = name ? strrchr(name, '/') : NULL;
    return slash ? slash + 1 : text_at(endpoint, "endpoint_id");
}

/* Secondaries of the compute that writes answer at one address, which does not say who it is. */
static int64_t hidden_secondaries(struct json_object *status)
{
    struct json_object *group = NULL, *most = NULL, *readable = NULL;
    if (!json_object_object_get_ex(status, "group", &group) ||
        !json_object_object_get_ex(group, "enable_readable_secondaries", &readable) ||
        !json_object_get_boolean(readable) || !json_object_object_get_ex(group, "max", &most))
        return 0;
    return json_object_get_int64(most) - 1;
}

static int add(lb_ctx *ctx, index_window *w, const char *name, const char *why, lb_error *err)
{
    const char *copy = lb_printf(ctx, "%s", name);
    if (!copy)
        return lb_out_of_memory(err);
    w->readers[w->reader_count++] = (index_reader){.name = copy, .why = why};
    return 0;
}

static int add_endpoint(lb_ctx *ctx, index_window *w, struct json_object *endpoint, lb_error *err)
{
    struct json_object *status = NULL;
    const char *type = json_object_object_get_ex(endpoint, "status", &status) ? text_at(status, "endpoint_type") : NULL;
    const char *id = id_of(endpoint);
    int64_t hidden = hidden_secondaries(status);
    if (type && id && strcmp(type, "ENDPOINT_TYPE_READ_ONLY") == 0)
        return add(ctx, w, id, NULL, err);
    return hidden > 0 ? add(ctx, w,
                            lb_printf(ctx, "%s of %s", amount_text(ctx, (double)hidden, "secondary", "secondaries"),
                                      id ? id : "it"),
                            "all answer at one address, which does not say whose counts it shows", err)
                      : 0;
}

int index_list_readers(lb_ctx *ctx, index_window *w, const char *json, lb_error *err)
{
    struct json_object *reply = json ? json_tokener_parse(json) : NULL, *list = NULL;
    bool has_list = json_object_object_get_ex(reply, "endpoints", &list) && json_object_is_type(list, json_type_array);
    size_t count = has_list ? json_object_array_length(list) : 0;
    int r = 0;
    w->readers = lb_alloc(ctx, (count + 1) * sizeof *w->readers);
    if (!w->readers) {
        (void)json_object_put(reply);
        return lb_out_of_memory(err);
    }
    for (size_t i = 0; i < count && r >= 0; i++)
        r = add_endpoint(ctx, w, json_object_array_get_idx(list, i), err);
    (void)json_object_put(reply);
    int64_t others = w->r.standbys - (int64_t)w->reader_count;
    if (r >= 0 && others > 0)
        r = add(ctx, w, amount_text(ctx, (double)others, "standby", "standbys"), "no endpoint leads there", err);
    return r;
}

/* ---- what they have scanned ---- */

static bool is_fatal(lb_ctx *ctx, int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY || (r == LB_ERR_TIMEOUT && lb_time_left(ctx) == 0);
}

static int read_epoch(lb_ctx *ctx, index_reader *reader, lb_error *err)
{
    index_observation_row seen;
    lb_rows *rows = NULL;
    int r = lb_query_reader(ctx, reader->name, &index_observation_sql, NULL, &rows, err);
    if (r < 0)
        return r;
    if (!index_observation_next(ctx, rows, &seen) || !seen.in_recovery)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "it follows no other server: its counts are of other tables");
    reader->since = index_counted_since(&seen);
    return 0;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const index_scans_row *)a)->relation_id, y = ((const index_scans_row *)b)->relation_id;
    return (x > y) - (x < y);
}

static int64_t scans_of(const index_scans_row *sorted, size_t count, int64_t id)
{
    const index_scans_row key = {.relation_id = id};
    const index_scans_row *found = count ? bsearch(&key, sorted, count, sizeof key, by_id) : NULL;
    return found ? found->scans : 0;
}

static int add_scans(lb_ctx *ctx, index_set *set, index_reader *reader, lb_error *err)
{
    lb_rows *rows = NULL;
    size_t count = 0;
    int r = lb_query_reader(ctx, reader->name, &index_scans_sql, NULL, &rows, err);
    if (r < 0)
        return r;
    index_scans_row *sorted = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *sorted);
    if (!sorted)
        return lb_out_of_memory(err);
    while (index_scans_next(ctx, rows, &sorted[count]))
        count++;
    qsort(sorted, count, sizeof *sorted, by_id);
    for (size_t i = 0; i < set->index_count; i++) {
        index_info *x = &set->indexes[i];
        int64_t scans = scans_of(sorted, count, x->r.index_id);
        x->r.scans += scans;
        x->reader_scans += scans;
        x->table->reader_reads += scans;
    }
    for (size_t i = 0; i < set->table_count; i++)
        set->tables[i].reader_reads += scans_of(sorted, count, set->tables[i].r.table_id);
    return 0;
}

static int read_one(lb_ctx *ctx, index_set *set, index_reader *reader, lb_error *err)
{
    lb_error why;
    int r = read_epoch(ctx, reader, &why);
    if (r >= 0)
        r = add_scans(ctx, set, reader, &why);
    if (r >= 0)
        return 0;
    if (is_fatal(ctx, r)) {
        *err = why;
        return r;
    }
    reader->why = lb_printf(ctx, "%s", why.message);
    return reader->why ? 0 : lb_out_of_memory(err);
}

int index_read_readers(lb_ctx *ctx, index_set *set, lb_error *err)
{
    index_window *w = &set->window;
    int r = 0;
    for (size_t i = 0; i < w->reader_count && r >= 0; i++) {
        index_reader *reader = &w->readers[i];
        if (!reader->why)
            r = read_one(ctx, set, reader, err);
        w->other_computes += reader->why != NULL;
        if (!reader->why && reader->since > w->since)
            w->since = reader->since;
    }
    w->days = w->r.now > w->since ? (double)(w->r.now - w->since) / DAY : 0;
    if (w->other_computes)
        w->elsewhere = INDEX_ELSEWHERE_UNREAD;
    return r;
}

/* ---- for people ---- */

const lb_value *index_readers_text(lb_ctx *ctx, const index_window *w, bool were_read)
{
    const char **names = lb_alloc(ctx, (w->reader_count + 2) * sizeof *names);
    size_t count = 0;
    if (!names)
        return NULL;
    if (were_read)
        names[count++] = "the one that writes";
    for (size_t i = 0; i < w->reader_count; i++)
        if (!w->readers[i].why == were_read)
            names[count++] = w->readers[i].name;
    return index_texts(ctx, were_read ? "computes_read" : "computes_not_read", names, count);
}

int index_tell_readers(lb_ctx *ctx, const index_window *w, lb_error *err)
{
    int64_t read = 1;
    int r = w->no_list ? lb_skipped(ctx, "which other computes there are", w->no_list, err) : 0;
    for (size_t i = 0; i < w->reader_count && r >= 0; i++) {
        const char *object = lb_printf(ctx, "use of indexes on %s", w->readers[i].name);
        read += !w->readers[i].why;
        if (w->readers[i].why)
            r = object ? lb_skipped(ctx, object, w->readers[i].why, err) : lb_out_of_memory(err);
    }
    return r < 0 ? r : lb_examined(ctx, "computes", read, err);
}
