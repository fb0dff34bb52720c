/* Before is what snapshots counted until the index was proposed, and where there are none, what the server had counted
 * by then. After is what they have counted since it was seen to be there: a span across either time counts for neither,
 * so that a mean is never one of both. */
#include "index_measure.h"

#include <json-c/json.h>
#include <stdlib.h>

#define DAY         INT64_C(86400000000)
#define HOUR        INT64_C(3600000000)
#define SECOND      ((double)1000000)
#define BEFORE_DAYS 14

typedef struct past_evidence {
    int64_t query_id; /* 0: none is named */
    int64_t statements;
    double mean_ms; /* when it was proposed; -1: not known */
} past_evidence;

static past_evidence read_evidence(const index_past *past)
{
    struct json_object *document = past->r.evidence ? json_tokener_parse(past->r.evidence) : NULL, *value = NULL;
    past_evidence found = {.mean_ms = -1};
    if (json_object_object_get_ex(document, "costliest_statement", &value))
        found.query_id = strtoll(json_object_get_string(value), NULL, 10);
    if (json_object_object_get_ex(document, "statements", &value))
        found.statements = json_object_get_int64(value);
    if (json_object_object_get_ex(document, "its_mean_ms", &value))
        found.mean_ms = json_object_get_double(value);
    (void)json_object_put(document);
    return found;
}

static void add(double *calls, double *mean, const index_span *span)
{
    double sum = *calls > 0 ? *mean * *calls : 0;
    *calls += span->calls;
    *mean = (sum + span->total_ms) / *calls;
}

void index_add_span(index_gain *gain, const index_span *span, int64_t proposed_at, int64_t built_at)
{
    if (span->calls <= 0)
        return;
    if (span->until <= proposed_at)
        add(&gain->calls_before, &gain->mean_before, span);
    else if (span->from >= built_at)
        add(&gain->calls_after, &gain->mean_after, span);
}

/* An hour has its start for a time and the sum of its snapshots' seconds for a span: the last of them may be as late as
 * its end, and the first may reach as far back as that sum from its start. */
index_span index_span_of(const index_measured_row *row)
{
    int64_t seconds = row->seconds_is_null ? BEFORE_DAYS * DAY : (int64_t)(row->seconds * SECOND);
    return (index_span){row->taken_at - seconds, row->is_hour ? row->taken_at + HOUR : row->taken_at,
                        (double)row->calls, row->total_ms};
}

int index_measure(lb_ctx *ctx, const index_keeping *k, const index_past *past, index_gain *ret_gain, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    past_evidence evidence = read_evidence(past);
    index_measured_row row;
    lb_rows *rows = NULL;
    *ret_gain = (index_gain){
        .query_id = evidence.query_id, .mean_before = -1, .mean_after = -1, .statements = evidence.statements};
    if (!evidence.query_id)
        return 0;
    const index_measured_args args = {.project = target->project,
                                      .branch = target->branch,
                                      .database = k->set->window.r.database, /* copies of it have the same ids */
                                      .query_id = evidence.query_id,
                                      .since = past->r.created_at - BEFORE_DAYS * DAY};
    int r = index_measured(ctx, &args, &rows, err);
    while (r >= 0 && index_measured_next(ctx, rows, &row)) {
        const index_span one = index_span_of(&row);
        index_add_span(ret_gain, &one, past->r.created_at, past->r.updated_at);
    }
    if (ret_gain->calls_before <= 0)
        ret_gain->mean_before = evidence.mean_ms;
    return r;
}

static struct json_object *describe_harm(const index_harm *h)
{
    struct json_object *watched = json_object_new_object();
    (void)json_object_object_add(watched, "statements", json_object_new_int64(h->compared));
    (void)json_object_object_add(watched, "slower", json_object_new_int64(h->slower));
    if (!h->slower)
        return watched;
    (void)json_object_object_add(watched, "worst_statement", json_object_new_int64(h->worst));
    (void)json_object_object_add(watched, "its_calls_since", json_object_new_double(h->calls_since));
    (void)json_object_object_add(watched, "its_mean_ms_before", json_object_new_double(h->mean_before));
    (void)json_object_object_add(watched, "its_mean_ms_since", json_object_new_double(h->mean_since));
    return watched;
}

const char *index_measured_evidence(lb_ctx *ctx, const index_past *past, const index_gain *gain)
{
    struct json_object *document = past->r.evidence ? json_tokener_parse(past->r.evidence) : NULL;
    if (!json_object_is_type(document, json_type_object)) {
        (void)json_object_put(document);
        document = json_object_new_object();
    }
    struct json_object *measured = document && gain->query_id ? json_object_new_object() : NULL;
    const struct {
        const char *name;
        double value;
    } figures[] = {{"calls_before", gain->calls_before},
                   {"mean_ms_before", gain->mean_before},
                   {"calls_after", gain->calls_after},
                   {"mean_ms_after", gain->mean_after}};
    for (size_t i = 0; measured && i < sizeof figures / sizeof figures[0]; i++)
        if (figures[i].value >= 0)
            (void)json_object_object_add(measured, figures[i].name, json_object_new_double(figures[i].value));
    if (measured)
        (void)json_object_object_add(document, "measured", measured);
    if (document && gain->harm.compared)
        (void)json_object_object_add(document, "watched", describe_harm(&gain->harm));
    const char *text = document ? lb_printf(ctx, "%s", json_object_to_json_string(document)) : NULL;
    (void)json_object_put(document);
    return text;
}
