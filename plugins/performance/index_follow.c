/* A recommendation goes from pending_review to executed, however that came about, and from there to kept or reverted.
 */
#include "index_follow.h"
#include "amount.h"

#include "index_rules.h"

#include <json-c/json.h>
#include <stdlib.h>

#define DAY       INT64_C(86400000000)
#define LOOK_BACK INT64_C(365)
#define DOUBT     4 /* decisions that it takes to be half sure of people's taste */
#define PATIENCE  4 /* times the days, with a statement that has not run often enough since */

const char *index_recommendation_id(lb_ctx *ctx, const char *database, const char *type, const char *object,
                                    const char *new_index)
{
    const lb_target *target = lb_run_target(ctx);
    const char *text = lb_printf(ctx, "%s/%s/%s%s%s/%s/%s", target->project, target->branch, database ? database : "",
                                 database ? "/" : "", type, object, new_index ? new_index : "");
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = text; c && *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    return text ? lb_printf(ctx, "idx-%016llx", (unsigned long long)hash) : NULL;
}

static bool creates(const index_past *past)
{
    return strncmp(past->r.recommendation_type, "create", 6) == 0;
}

const char *index_object_of_past(lb_ctx *ctx, const index_past *past)
{
    const char *name = creates(past) ? past->r.table_name : past->r.index_name;
    return index_label(ctx, past->r.schema_name, name ? name : "");
}

/* One that is older than the telling of databases keeps its id, and what people were asked and have said. Whoever takes
 * it on says whose it is. */
static int find_database(lb_ctx *ctx, const char *database, index_past *past, lb_error *err)
{
    const char *object = index_object_of_past(ctx, past),
               *old = object ? index_recommendation_id(ctx, NULL, past->r.recommendation_type, object,
                                                       creates(past) ? past->r.index_name : NULL)
                             : NULL;
    past->database = old && strcmp(past->r.recommendation_id, old) == 0 ? NULL : database;
    past->r.database_name = database;
    return old ? 0 : lb_out_of_memory(err);
}

int index_read_pasts(lb_ctx *ctx, const char *database, index_pasts *ret_pasts, const char **ret_why, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const index_recommended_args args = {.project = target->project,
                                         .branch = target->branch,
                                         .database = database,
                                         .since = lb_now(ctx) - LOOK_BACK * DAY};
    lb_rows *rows = NULL;
    *ret_pasts = (index_pasts){0};
    int r = lb_history_or_skip(ctx, index_recommended(ctx, &args, &rows, err), NULL, ret_why, err);
    if (r <= 0)
        return r;
    ret_pasts->items = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *ret_pasts->items);
    if (!ret_pasts->items)
        return lb_out_of_memory(err);
    while (r >= 0 && index_recommended_next(ctx, rows, &ret_pasts->items[ret_pasts->count].r))
        r = find_database(ctx, database, &ret_pasts->items[ret_pasts->count++], err);
    return r < 0 ? r : 0;
}

index_past *index_find_past(const index_pasts *pasts, const char *recommendation_id)
{
    for (size_t i = 0; i < pasts->count; i++)
        if (strcmp(pasts->items[i].r.recommendation_id, recommendation_id) == 0)
            return &pasts->items[i];
    return NULL;
}

/* ---- learning ---- */

/* Between -1 (all were rejected or taken back) and 1 (all were wanted); a few say little. */
static double standing_of(const index_pasts *pasts, const char *type)
{
    double good = 0, bad = 0;
    for (size_t i = 0; i < pasts->count; i++) {
        const char *status = pasts->items[i].r.status;
        if (strcmp(pasts->items[i].r.recommendation_type, type) != 0)
            continue;
        good += strcmp(status, "executed") == 0 || strcmp(status, "kept") == 0;
        bad += strcmp(status, "rejected") == 0 || strcmp(status, "reverted") == 0;
    }
    return (good - bad) / (good + bad + DOUBT);
}

const lb_term *index_learned_terms(lb_ctx *ctx, const index_pasts *pasts, const index_finding *finding,
                                   const index_past *past)
{
    size_t count = 0;
    while (finding->terms[count].name)
        count++;
    lb_term *terms = lb_alloc(ctx, (count + 3) * sizeof *terms);
    if (!terms)
        return NULL;
    memcpy(terms, finding->terms, count * sizeof *terms);
    double standing = finding->type ? standing_of(pasts, finding->type) : 0;
    bool refused = past && strcmp(past->r.status, "rejected") == 0;
    bool undone = past && strcmp(past->r.status, "reverted") == 0;
    if (standing != 0)
        terms[count++] = (lb_term){"earlier_ones_of_its_kind", 0.1 * standing};
    if (refused)
        terms[count++] = (lb_term){"it_was_rejected_before", -0.2};
    if (undone) /* or it would be made and taken back for ever */
        terms[count++] = (lb_term){"it_was_taken_back_before", -0.5};
    return terms;
}

/* ---- following ---- */

const index_info *index_of_past(const index_set *set, const index_past *past)
{
    const index_recommended_row *r = &past->r;
    for (size_t i = 0; r->index_name && i < set->index_count; i++)
        if (strcmp(set->indexes[i].r.name, r->index_name) == 0 && strcmp(set->indexes[i].r.schema, r->schema_name) == 0)
            return &set->indexes[i];
    return NULL;
}

const index_table *index_table_of_past(const index_set *set, const index_past *past)
{
    for (size_t i = 0; i < set->table_count; i++)
        if (strcmp(set->tables[i].r.name, past->r.table_name) == 0 &&
            strcmp(set->tables[i].r.schema, past->r.schema_name) == 0)
            return &set->tables[i];
    return NULL;
}

static bool has_status(const index_past *past, const char *status)
{
    return strcmp(past->r.status, status) == 0;
}

static bool is_open(const index_past *past)
{
    return has_status(past, "pending_review") || has_status(past, "approved");
}

/* ---- one at a time ---- */

bool index_is_drop(const char *type)
{
    return type && strncmp(type, "drop", 4) == 0;
}

static bool is_of_table(const index_past *past, const index_table *t)
{
    return strcmp(past->r.table_name, t->r.name) == 0 && strcmp(past->r.schema_name, t->r.schema) == 0;
}

/* Ruins are in nobody's plan, so that no plan changes by their going. */
static bool was_ruin(const index_past *past)
{
    struct json_object *evidence = past->r.evidence ? json_tokener_parse(past->r.evidence) : NULL, *valid = NULL;
    bool is_ruin = json_object_is_type(evidence, json_type_object) &&
                   json_object_object_get_ex(evidence, "is_valid", &valid) && !json_object_get_boolean(valid);
    (void)json_object_put(evidence);
    return is_ruin;
}

bool index_drop_is_felt(const index_finding *f)
{
    return index_is_drop(f->type) && !(f->index && !index_is_whole(f->index));
}

const char *index_drop_waits(lb_ctx *ctx, const index_pasts *pasts, const index_finding *f, const char *id, int64_t now)
{
    const index_past *own = index_find_past(pasts, id);
    bool was_first = own && is_open(own); /* two that are open must not wait for each other */
    for (size_t i = 0; index_drop_is_felt(f) && i < pasts->count; i++) {
        const index_past *other = &pasts->items[i];
        bool is_recent = has_status(other, "executed") && now - other->r.updated_at < DAY;
        if (other == own || !index_is_drop(other->r.recommendation_type) || !is_of_table(other, f->table) ||
            was_ruin(other))
            continue;
        if (is_recent || (!was_first && is_open(other)))
            return lb_printf(ctx, "one index of a table is dropped a day, and %s %s",
                             other->r.index_name ? other->r.index_name : "another",
                             is_recent ? "went within the last" : "is not decided yet");
    }
    return NULL;
}

static bool began_with(const index_past *past, const char *column)
{
    struct json_object *evidence = past->r.evidence ? json_tokener_parse(past->r.evidence) : NULL, *columns = NULL;
    const char *text =
        json_object_is_type(evidence, json_type_object) && json_object_object_get_ex(evidence, "columns", &columns)
            ? json_object_get_string(columns)
            : NULL;
    size_t length = strlen(column);
    bool did = text && strncmp(text, column, length) == 0 && (!text[length] || text[length] == ',');
    (void)json_object_put(evidence);
    return did;
}

const char *index_creation_waits(const index_pasts *pasts, const index_finding *f, const char *first_column)
{
    for (size_t i = 0; first_column && f->type && strncmp(f->type, "create", 6) == 0 && i < pasts->count; i++) {
        const index_past *other = &pasts->items[i];
        if ((has_status(other, "executed") || is_open(other)) && index_is_drop(other->r.recommendation_type) &&
            is_of_table(other, f->table) && began_with(other, first_column))
            return "an index that began with the same column goes or has gone, and what becomes of that is settled "
                   "first";
    }
    return NULL;
}

/* ---- states ---- */

static double days_since(const index_keeping *k, const index_past *past)
{
    return (double)(k->now - past->r.updated_at) / (double)DAY;
}

static double days_to_watch(const index_keeping *k, const index_past *past)
{
    return index_is_drop(past->r.recommendation_type) && k->watch_days > k->days ? k->watch_days : k->days;
}

bool index_is_due(const index_keeping *k, const index_past *past)
{
    return has_status(past, "executed") && days_since(k, past) >= days_to_watch(k, past);
}

static bool is_measured(const index_keeping *k, const index_gain *g)
{
    return g->mean_before > 0 && g->calls_after >= k->min_calls && g->calls_after > 0;
}

/* What was made for a statement proves itself by its time: an index that is there while others make it faster is not
 * why, nor does one help that is read and changes nothing. */
static index_step judge_times(lb_ctx *ctx, const index_keeping *k, const index_past *past, const index_info *x,
                              const index_gain *g)
{
    bool is_whole = k->set->window.since <= past->r.updated_at; /* or scans may have been forgotten */
    bool may_be_used = x->tree_scans > 0 || !is_whole;
    bool is_kept = may_be_used && g->mean_after <= (1 - k->share) * g->mean_before;
    if (!is_kept && may_be_used && g->statements > 1)
        return (index_step){0};               /* it may be the other statements' */
    const char *role = index_role(k->set, x); /* it may be another by now, of the same name */
    return (index_step){.status = is_kept || role ? "kept" : NULL,
                        .wants_undo = !is_kept && !role,
                        .is_unscanned = !may_be_used,
                        .why =
                            lb_printf(ctx,
                                      "its statement takes %.3g ms on average, over %.0f calls, where it took "
                                      "%.3g; the index was scanned %lld times%s%s%s",
                                      g->mean_after, g->calls_after, g->mean_before, (long long)x->tree_scans,
                                      is_whole ? "" : " since the server began to count again",
                                      role ? "; indexes like it stay: " : "", role ? amount_words(ctx, 2, role) : "")};
}

/* Where the time of its statement is not known, use is all there is. */
static index_step judge_creation(lb_ctx *ctx, const index_keeping *k, const index_past *past, const index_info *x,
                                 const index_gain *g)
{
    bool may_come = g->query_id && g->calls_before > 0 && days_since(k, past) < PATIENCE * k->days;
    if (is_measured(k, g))
        return judge_times(ctx, k, past, x, g);
    if (may_come || x->tree_scans == 0)
        return (index_step){0}; /* one that is not used is told as unused, in its time */
    return (index_step){.status = "kept",
                        .why = g->query_id ? "the index is used; the times of its statement are not in the history"
                                           : "the index is used"};
}

static index_step after_creation(lb_ctx *ctx, const index_keeping *k, const index_past *past, const index_gain *g)
{
    const index_info *x = index_of_past(k->set, past);
    bool done = has_status(past, "executed");
    if (!done && x && index_is_whole(x))
        return (index_step){.status = "executed", .why = "the index is there"};
    if (done && !x)
        return (index_step){.status = "reverted",
                            .why = is_measured(k, g)
                                       ? lb_printf(ctx,
                                                   "the index is gone again; its statement took %.3g ms on average "
                                                   "without it before, and %.3g since it was made",
                                                   g->mean_before, g->mean_after)
                                       : "the index is gone again"};
    return index_is_due(k, past) ? judge_creation(ctx, k, past, x, g) : (index_step){0};
}

/* NULL: out of memory. */
static const char *harm_text(lb_ctx *ctx, const index_harm *h)
{
    const char *blocks =
        h->blocks_before >= 0 && h->blocks_since >= 0
            ? lb_printf(ctx, ", and reads %.0f blocks where it read %.0f", h->blocks_since, h->blocks_before)
            : "";
    return blocks
               ? lb_printf(ctx,
                           "%lld of %lld statements on its table take clearly longer since it is gone: %lld takes %.3g "
                           "ms on average, over %.0f calls, where it took %.3g%s",
                           (long long)h->slower, (long long)h->compared, (long long)h->worst, h->mean_since,
                           h->calls_since, h->mean_before, blocks)
               : NULL;
}

static const char *harmless_text(lb_ctx *ctx, const index_harm *h)
{
    const char *more = h->awaited ? lb_printf(ctx, "; %lld more have hardly run since", (long long)h->awaited) : "";
    return !h->compared ? "nobody has made the index again"
           : more       ? lb_printf(ctx, "none of %lld statements on its table takes clearly longer since it is gone%s",
                                    (long long)h->compared, more)
                        : NULL;
}

/* A statement that has not run since may be the one that needed it: it is waited for, within reason. */
static index_step judge_drop(lb_ctx *ctx, const index_keeping *k, const index_past *past, const index_harm *h)
{
    double patience = days_to_watch(k, past) > 1 ? days_to_watch(k, past) : 1;
    if (h->slower && !index_table_of_past(k->set, past))
        return (index_step){.status = "obsolete", .why = "its table is gone as well"};
    if (h->slower)
        return (index_step){.wants_undo = true, .why = harm_text(ctx, h)};
    if (h->awaited && days_since(k, past) < PATIENCE * patience)
        return (index_step){0};
    return (index_step){.status = "kept", .why = harmless_text(ctx, h)};
}

static index_step after_drop(lb_ctx *ctx, const index_keeping *k, const index_past *past, const index_gain *g)
{
    const index_info *x = index_of_past(k->set, past);
    bool done = has_status(past, "executed");
    if (!done && !x)
        return (index_step){.status = "executed", .why = "the index is gone"};
    if (done && x)
        return (index_step){.status = "reverted", .why = "somebody has made the index again"};
    return index_is_due(k, past) ? judge_drop(ctx, k, past, &g->harm) : (index_step){0};
}

/* A rebuild leaves the index as it was but for its size, so that not to have found it again is its worth. Found again,
 * it is the next one's matter: this one is over. */
static index_step after_rebuild(const index_keeping *k, const index_past *past)
{
    const index_info *x = index_of_past(k->set, past);
    if (!has_status(past, "executed"))
        return (index_step){0};
    if (!x)
        return (index_step){.status = "obsolete", .why = "the index is gone"};
    if (!k->all || index_is_locked(x) || !index_is_due(k, past))
        return (index_step){0};
    return past->is_seen
               ? (index_step){.status = "obsolete", .why = "it was rebuilt, and the same is found again: see the next"}
               : (index_step){.status = "kept", .why = "it was rebuilt, and what was found is no longer so"};
}

/* Not to have found it again is proof only where the catalogue alone decides: counts are forgotten, statements too. */
static bool no_longer_holds(const index_past *past, const index_info *x)
{
    const char *type = past->r.recommendation_type;
    if (past->is_seen || strcmp(type, "create_missing") == 0 || (x && index_is_locked(x)))
        return false;
    return strcmp(type, "drop_unused") != 0 || (x && x->tree_scans > 0);
}

int index_next_step(lb_ctx *ctx, const index_keeping *k, const index_past *past, const index_gain *gain,
                    index_step *ret_step, lb_error *err)
{
    bool open = is_open(past), done = has_status(past, "executed");
    const char *type = past->r.recommendation_type;
    *ret_step = (index_step){0};
    if (!open && !done)
        return 0;
    if (strncmp(type, "create", 6) == 0)
        *ret_step = after_creation(ctx, k, past, gain);
    else if (index_is_drop(type))
        *ret_step = after_drop(ctx, k, past, gain);
    else
        *ret_step = after_rebuild(k, past);
    if (!ret_step->status && open && k->all && no_longer_holds(past, index_of_past(k->set, past)))
        *ret_step = (index_step){.status = "obsolete", .why = "the finding no longer holds"};
    return (ret_step->status || ret_step->wants_undo) && !ret_step->why ? lb_out_of_memory(err) : 0;
}
