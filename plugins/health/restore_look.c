/* Which batches are to come back, and whether they can. */
#include "restore_job.h"

#include <sql/archival/archived_lines.h>
#include <sql/archival/batches_with.h>
#include <sql/archival/came_lines.h>
#include <sql/archival/child_column.h>
#include <sql/archival/day_lake.h>
#include <sql/archival/its_column.h>
#include <sql/archival/moment_lake.h>
#include <sql/archival/of_hidden_key_lake.h>
#include <sql/archival/of_key_lake.h>
#include <sql/archival/of_span_lake.h>
#include <sql/archival/restore_look.h>
#include <sql/archival/restore_orphans.h>
#include <sql/archival/restore_parents.h>
#include <string.h>
#include <strings.h>

#define LONG_AGO     (-(INT64_C(1) << 62)) /* in microseconds: no calendar goes so far */
#define FAR_AHEAD    (INT64_C(1) << 62)
#define OF_STATEMENT 8192 /* bytes of a batch's statement, whatever the table, where it waits */
#define OF_COLUMNS   8    /* and how often it has the names of all columns, with what stands around them */

const char *restore_lake_label(lb_ctx *ctx, const restore_batch *b)
{
    return lb_printf(ctx, "%s.%s.%s", b->r.lake_catalog, b->r.lake_schema, b->r.lake_table);
}

/* ---- by name ---- */

static bool is_named(const restore_batch *b, const char *name)
{
    return strcmp(b->r.batch, name) == 0 || strcmp(b->r.archival, name) == 0;
}

static bool has_left(const restore_batch *b)
{
    return strcmp(b->r.state, "deleted") == 0;
}

/* Of a name of which nothing has left. */
static int refuse_name(const restore_job *job, const char *name, const restore_batch *b, lb_error *err)
{
    if (!b)
        return lb_fail(err, LB_ERR_NOT_FOUND, "lbops_archive.batches of the server has them",
                       "%s is no batch, nor an archival, of %s", name, job->source.label);
    if (strcmp(b->r.state, "restored") == 0)
        return lb_skipped(job->ctx, name, "its rows have been brought back already", err);
    return lb_fail(err, LB_ERR_CONFLICT, "there is nothing to bring back: look at lbops_archive.steps",
                   strcmp(b->r.state, "open") == 0 ? "rows of %s have not been deleted here: its batch %s is open"
                                                   : "rows of %s stayed here: its batch %s was given up",
                   job->source.label, b->r.batch);
}

static int check_name(const restore_job *job, const char *name, lb_error *err)
{
    const restore_batch *other = NULL;
    for (size_t i = 0; i < job->count; i++) {
        if (!is_named(&job->batches[i], name))
            continue;
        if (has_left(&job->batches[i]))
            return 0;
        other = &job->batches[i];
    }
    return refuse_name(job, name, other, err);
}

/* Where that is not known a span of time would leave rows out, or bring them to the wrong table. */
static int check_owner(const restore_job *job, lb_error *err)
{
    for (size_t i = 0; i < job->count; i++)
        if (strcmp(job->batches[i].r.state, "contested") == 0)
            return lb_fail(
                err, LB_ERR_CONFLICT, "name batches of the other archivals; insert these by hand",
                "rows of batch %s may have left another table than %s: one was renamed, or has taken its name",
                job->batches[i].r.batch, job->source.label);
    return 0;
}

static int read_ledger(restore_job *job, const lb_texts *names, lb_error *err)
{
    const cold_table *t = job->source.table;
    const archival_left_batches_args args = {.table_id = t->r.table_id,
                                             .schema = t->r.schema,
                                             .name = t->r.name,
                                             .names = *names,
                                             .names_is_null = !names->count};
    lb_rows *rows = NULL;
    int r = archival_left_batches(job->ctx, &args, &rows, err);
    if (r < 0)
        return lb_wrap(err, "the ledger of archivals");
    job->batches = lb_alloc(job->ctx, ((size_t)lb_row_count(job->ctx, rows) + 1) * sizeof *job->batches);
    if (!job->batches)
        return lb_out_of_memory(err);
    for (; archival_left_batches_next(job->ctx, rows, &job->batches[job->count].r); job->count++)
        job->batches[job->count].is_wanted = has_left(&job->batches[job->count]);
    return check_owner(job, err);
}

/* ---- by what their rows say ---- */

static int compose_moment(const restore_job *job, const char *name, const lb_sql **ret_sql, lb_error *err)
{
    const archival_columns_row *column = archival_column(&job->source, name);
    if (!column || !column->is_time)
        return lb_fail(err, LB_ERR_CONFLICT, "name the batches in place of a span of time",
                       "%s was archived by its column %s, and has no column of time of that name now",
                       job->source.label, name);
    return strcmp(column->type, "date") == 0
               ? archival_day_lake_compose(job->ctx, &(archival_day_lake_args){name}, ret_sql, err)
               : archival_moment_lake_compose(job->ctx, &(archival_moment_lake_args){name}, ret_sql, err);
}

static int compose_span(const restore_job *job, const restore_wish *wish, const char *time_column,
                        const lb_sql **ret_sql, lb_error *err)
{
    archival_of_span_lake_args args = {.since = wish->since == LB_TIME_NONE ? LONG_AGO : wish->since,
                                       .until = wish->until == LB_TIME_NONE ? FAR_AHEAD : wish->until};
    int r = compose_moment(job, time_column, &args.moment, err);
    return r < 0 ? r : archival_of_span_lake_compose(job->ctx, &args, ret_sql, err);
}

static int compose_key(const restore_job *job, const restore_wish *wish, const char *ignored, const lb_sql **ret_sql,
                       lb_error *err)
{
    const archival_source *s = &job->source;
    const char *value = "";
    (void)ignored;
    if (wish->key.count != s->key_count)
        return lb_fail(err, LB_ERR_INVALID, "give each of them, in the order of the key", "the key of %s has %zu parts",
                       s->label, s->key_count);
    for (size_t i = 0; value && i < wish->key.count; i++)
        value = lb_printf(job->ctx, "%s%s;", value, wish->key.items[i]);
    if (!value)
        return lb_out_of_memory(err);
    return s->is_key_hidden
               ? archival_of_hidden_key_lake_compose(job->ctx, &(archival_of_hidden_key_lake_args){s->lake_key, value},
                                                     ret_sql, err)
               : archival_of_key_lake_compose(job->ctx, &(archival_of_key_lake_args){s->lake_key, value}, ret_sql, err);
}

/* What is to be true of a row; of a batch, the column that told the age of its rows. */
typedef int condition(const restore_job *job, const restore_wish *wish, const char *time_column, const lb_sql **ret_sql,
                      lb_error *err);

/* Of one archive, and rows whose age one column told. */
static bool are_alike(const restore_batch *a, const restore_batch *b)
{
    return strcmp(a->r.lake_catalog, b->r.lake_catalog) == 0 && strcmp(a->r.lake_schema, b->r.lake_schema) == 0 &&
           strcmp(a->r.lake_table, b->r.lake_table) == 0 && strcmp(a->r.time_column, b->r.time_column) == 0;
}

/* Those that are like one of them, where the lakehouse says that they hold such rows. */
static int find_alike(const restore_job *job, const restore_batch *like, const restore_wish *wish, condition *compose,
                      bool *held, lb_error *err)
{
    archival_batches_with_args args = {like->r.lake_catalog, like->r.lake_schema, like->r.lake_table, NULL};
    archival_batches_with_row row;
    lb_rows *rows = NULL;
    int r = compose(job, wish, like->r.time_column, &args.condition, err);
    if (r >= 0)
        r = archival_batches_with(job->ctx, &args, &rows, err);
    while (r >= 0 && archival_batches_with_next(job->ctx, rows, &row))
        for (size_t i = 0; i < job->count; i++)
            held[i] = held[i] || (are_alike(&job->batches[i], like) && strcmp(job->batches[i].r.batch, row.batch) == 0);
    return r;
}

static int keep_such(restore_job *job, const restore_wish *wish, condition *compose, lb_error *err)
{
    bool *held = lb_alloc(job->ctx, job->count + 1);
    int r = held ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; held && r >= 0 && i < job->count; i++) {
        size_t first = 0;
        while (first < i && !(job->batches[first].is_wanted && are_alike(&job->batches[first], &job->batches[i])))
            first++;
        if (first == i && job->batches[i].is_wanted)
            r = find_alike(job, &job->batches[i], wish, compose, held, err);
    }
    for (size_t i = 0; held && r >= 0 && i < job->count; i++)
        job->batches[i].is_wanted = job->batches[i].is_wanted && held[i];
    return r;
}

static void drop_others(restore_job *job)
{
    size_t kept = 0;
    for (size_t i = 0; i < job->count; i++)
        if (job->batches[i].is_wanted)
            job->batches[kept++] = job->batches[i];
    job->count = kept;
}

int restore_find(restore_job *job, const restore_wish *wish, lb_error *err)
{
    int r = read_ledger(job, &wish->names, err);
    for (size_t i = 0; r >= 0 && i < wish->names.count; i++)
        r = check_name(job, wish->names.items[i], err);
    bool is_span = wish->since != LB_TIME_NONE || wish->until != LB_TIME_NONE;
    if (r >= 0 && is_span)
        r = keep_such(job, wish, compose_span, err);
    if (r >= 0 && wish->key.count)
        r = keep_such(job, wish, compose_key, err);
    drop_others(job);
    return r;
}

/* ---- what stands in the way ---- */

static bool has_column(const archival_source *s, const char *name)
{
    for (size_t i = 0; i < s->column_count; i++)
        if (strcasecmp(s->columns[i].name, name) == 0)
            return true;
    return false;
}

/* Batches lie together by archive: one look at it serves them all. */
static bool is_looked_at(const restore_job *job, const restore_batch *b)
{
    return b > job->batches && b[-1].came && are_alike(&b[-1], b);
}

static int check_columns(const restore_job *job, const restore_batch *b, lb_error *err)
{
    static const char hint[] = "rows come back as they left or not at all: insert them from the archive by hand";
    const lb_lake_name name = {b->r.lake_catalog, b->r.lake_schema, b->r.lake_table};
    const archival_source *s = &job->source;
    const lb_lake_table *there = NULL;
    if (is_looked_at(job, b))
        return 0;
    int r = lb_lake_look(job->ctx, &name, &there, err);
    if (r < 0 || !there)
        return r < 0 ? lb_wrap(err, "the archive") : r;
    for (size_t i = 0; i < s->column_count; i++)
        if (!archival_lake_column(there, s->columns[i].name))
            return lb_fail(err, LB_ERR_CONFLICT, hint, "%s has got the column %s since: its archive has none", s->label,
                           s->columns[i].name);
    for (uint32_t i = 0; i < there->column_count; i++)
        if (!archival_is_own_column(there->columns[i].name) && !has_column(s, there->columns[i].name))
            return lb_fail(err, LB_ERR_CONFLICT, hint, "%s has no column %s any more: its archive has one", s->label,
                           there->columns[i].name);
    return 0;
}

static int list_columns(const restore_job *job, const lb_value *names, size_t count, bool is_ours,
                        archival_pieces *pieces, lb_error *err)
{
    int r = 0;
    pieces->items = lb_alloc(job->ctx, (count + 1) * sizeof(void *));
    if (!pieces->items)
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const lb_sql **piece = &pieces->items[pieces->count++];
        const char *name = names[i].v.text;
        r = is_ours ? archival_child_column_compose(job->ctx, &(archival_child_column_args){name}, piece, err)
                    : archival_its_column_compose(job->ctx, &(archival_its_column_args){name}, piece, err);
    }
    return r;
}

static int check_parent(const restore_job *job, const restore_batch *b, const archival_restore_parents_row *p,
                        lb_error *err)
{
    archival_pieces ours = {NULL, 0}, theirs = {NULL, 0};
    archival_restore_orphans_row found = {0};
    lb_rows *rows = NULL;
    int r = list_columns(job, p->child_columns.items, p->child_columns.count, true, &ours, err);
    if (r >= 0)
        r = list_columns(job, p->parent_columns.items, p->parent_columns.count, false, &theirs, err);
    const archival_restore_orphans_args args = {
        b->came, {ours.items, ours.count}, p->schema, p->name, {theirs.items, theirs.count}};
    if (r >= 0)
        r = archival_restore_orphans(job->ctx, &args, &rows, err);
    if (r < 0 || !archival_restore_orphans_next(job->ctx, rows, &found) || !found.rows)
        return r;
    return lb_fail(err, LB_ERR_CONFLICT, "bring those back first, or let the rows stay in the archive",
                   "%lld rows of batch %s refer (%s) to rows of %s.%s that are not there", (long long)found.rows,
                   b->r.batch, p->constraint_name, p->schema, p->name);
}

static int check_parents(const restore_job *job, const restore_batch *b, lb_error *err)
{
    const archival_restore_parents_args args = {.table_id = job->source.table->r.table_id};
    archival_restore_parents_row parent;
    lb_rows *rows = NULL;
    int r = archival_restore_parents(job->ctx, &args, &rows, err);
    while (r >= 0 && archival_restore_parents_next(job->ctx, rows, &parent))
        r = check_parent(job, b, &parent, err);
    return r;
}

static int check_rows(const restore_job *job, restore_batch *b, lb_error *err)
{
    const archival_source *s = &job->source;
    const archival_restore_look_args args = {b->came,
                                             s->digest,
                                             s->table->r.schema,
                                             s->table->r.name,
                                             {s->keys.items, s->keys.count},
                                             {job->keys.items, job->keys.count}};
    archival_restore_look_row now = {0};
    lb_rows *rows = NULL;
    int r = archival_restore_look(job->ctx, &args, &rows, err);
    if (r < 0 || !archival_restore_look_next(job->ctx, rows, &now))
        return r < 0 ? lb_wrap(err, "its values as they would be here") : r;
    b->there = now.there;
    if (now.digest != b->r.digest)
        return lb_fail(err, LB_ERR_CONFLICT,
                       "columns were added or altered since, or the archive was, or it holds a value of another form",
                       "rows of batch %s in %s.%s.%s do not come to the digest that they left with", b->r.batch,
                       b->r.lake_catalog, b->r.lake_schema, b->r.lake_table);
    if (now.other)
        return lb_fail(err, LB_ERR_CONFLICT, "compare them, and keep those that are right: nothing is overwritten",
                       "%lld rows of batch %s are in %s with other values", (long long)now.other, b->r.batch, s->label);
    return 0;
}

/* ---- the rows ---- */

/* About what a text takes up in a document where it stands as a literal, bound, and as a value. */
static int64_t weight_of(const char *text)
{
    int64_t weight = 32;
    for (const char *p = text; *p; p++)
        weight += *p == '"' || *p == '\\' ? 16 : (unsigned char)*p < ' ' ? 18 : *p == '\'' ? 4 : 3;
    return weight;
}

static int read_lines(const restore_job *job, restore_batch *b, lb_texts *ret_lines, lb_error *err)
{
    const archival_archived_lines_args args = {b->r.lake_catalog, b->r.lake_schema, b->r.lake_table, job->cells,
                                               b->r.batch};
    archival_archived_lines_row row;
    lb_rows *rows = NULL;
    int r = archival_archived_lines(job->ctx, &args, &rows, err);
    if (r < 0)
        return r;
    if (lb_row_count(job->ctx, rows) != b->r.rows)
        return lb_fail(err, LB_ERR_CONFLICT, "look at the table in the lakehouse",
                       "batch %s has %lld rows in %s.%s.%s, and %lld had left", b->r.batch,
                       (long long)lb_row_count(job->ctx, rows), b->r.lake_catalog, b->r.lake_schema, b->r.lake_table,
                       (long long)b->r.rows);
    const char **lines = lb_alloc(job->ctx, ((size_t)b->r.rows + 1) * sizeof *lines);
    if (!lines)
        return lb_out_of_memory(err);
    *ret_lines = (lb_texts){lines, 0};
    b->weight = OF_STATEMENT + OF_COLUMNS * job->source.text_bytes;
    while (archival_archived_lines_next(job->ctx, rows, &row)) {
        lines[ret_lines->count++] = row.line;
        b->weight += weight_of(row.line);
    }
    if (b->weight > RESTORE_WEIGHT)
        return lb_fail(err, LB_ERR_LIMIT, "insert them from the archive by hand",
                       "the rows of batch %s are too large to be values of one statement (about %lld KB of %lld)",
                       b->r.batch, (long long)(b->weight >> 10), (long long)(RESTORE_WEIGHT >> 10));
    return 0;
}

int restore_read(restore_job *job, restore_batch *b, lb_error *err)
{
    lb_texts lines = {NULL, 0};
    int r = check_columns(job, b, err);
    if (r >= 0)
        r = read_lines(job, b, &lines, err);
    const archival_came_lines_args came = {{job->columns.items, job->columns.count}, lines};
    if (r >= 0)
        r = archival_came_lines_compose(job->ctx, &came, &b->came, err);
    if (r >= 0)
        r = check_rows(job, b, err);
    return r < 0 ? r : check_parents(job, b, err);
}
