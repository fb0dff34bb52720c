/* Moments that the lakehouse cannot hold: it knows no infinity, and no year before the first. Told before anything is
 * planned or copied: a date before Christ would arrive as another one. */
#include "archival_job.h"

#include <lbops/lake_type.h>
#include <sql/archival/beyond_lake.h>
#include <sql/archival/its_text.h>
#include <sql/archival/unfit_row.h>
#include <string.h>

typedef struct moments {
    const char **names;
    archival_pieces conditions, texts;
} moments;

static bool is_moment(const archival_columns_row *column)
{
    char buffer[LB_LAKE_TYPE_BYTES];
    const char *type = lb_lake_type(column->type, buffer);
    return strcmp(type, "timestamp") == 0 || strcmp(type, "date") == 0;
}

static int compose_moments(const archival_job *job, moments *m, lb_error *err)
{
    const archival_source *s = &job->source;
    int r = 0;
    m->names = lb_alloc(job->ctx, (s->column_count + 1) * sizeof *m->names);
    m->conditions.items = lb_alloc(job->ctx, (s->column_count + 1) * sizeof(void *));
    m->texts.items = lb_alloc(job->ctx, (s->column_count + 1) * sizeof(void *));
    if (!m->names || !m->conditions.items || !m->texts.items)
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < s->column_count; i++) {
        const archival_beyond_lake_args condition = {.column = s->columns[i].name};
        const archival_its_text_args text = {.column = s->columns[i].name};
        if (!is_moment(&s->columns[i]))
            continue;
        m->names[m->texts.count] = s->columns[i].name;
        r = archival_beyond_lake_compose(job->ctx, &condition, &m->conditions.items[m->conditions.count++], err);
        if (r >= 0)
            r = archival_its_text_compose(job->ctx, &text, &m->texts.items[m->texts.count++], err);
    }
    return r;
}

/* From the first to the last of what is still to be copied; false: that is nothing. */
static bool find_range(const archival_job *job, archival_range *ret_range)
{
    const archival_batch *first = NULL, *last = NULL;
    for (size_t i = 0; i < job->count; i++)
        if (!job->batches[i].is_exported) {
            first = first ? first : &job->batches[i];
            last = &job->batches[i];
        }
    if (first)
        *ret_range = (archival_range){job->time_column, job->cutoff, first->after, last->up_to};
    return first != NULL;
}

static int say(const archival_job *job, const moments *m, const archival_unfit_row_row *row, lb_error *err)
{
    const archival_source *s = &job->source;
    return lb_fail(
        err, LB_ERR_UNSUPPORTED,
        "correct such rows first, with NULL where the column takes it; or keep the table here with --keep",
        "%s has %s in the column %s, which the lakehouse cannot hold: one of %lld such rows is the one %s %s", s->label,
        row->moment, m->names[row->place - 1], (long long)row->rows,
        s->is_key_hidden ? "whose key, each part with a ; behind it, has the MD5" : "with the key",
        s->is_key_hidden ? row->key_digest : row->row_key);
}

int archival_check_moments(const archival_job *job, lb_error *err)
{
    const archival_source *s = &job->source;
    archival_unfit_row_row row;
    archival_range range;
    moments m = {.names = NULL};
    const lb_sql *scope = NULL;
    lb_rows *rows = NULL;
    if (!find_range(job, &range))
        return 0;
    int r = archival_scope_of(job->ctx, s, &range, &scope, err);
    if (r >= 0)
        r = compose_moments(job, &m, err);
    if (r < 0 || !m.texts.count)
        return r;
    const archival_unfit_row_args args = {.conditions = {m.conditions.items, m.conditions.count},
                                          .moments = {m.texts.items, m.texts.count},
                                          .texts = {s->texts.items, s->texts.count},
                                          .schema = s->table->r.schema,
                                          .table = s->table->r.name,
                                          .scope = scope};
    r = archival_unfit_row(job->ctx, &args, &rows, err);
    if (r < 0 || !archival_unfit_row_next(job->ctx, rows, &row))
        return r;
    return say(job, &m, &row, err);
}
