/* What only an execution shows: work that was for nothing, and help that did not come. */
#include "query_evidence.h"

#define MANY_ROWS   10000 /* found for nothing in all: fewer are read quickly anyway */
#define KEPT_SHARE  0.1   /* of the rows that an index found */
#define FETCH_SHARE 0.5   /* of the rows of an index only scan */
#define LOSSY_SHARE 0.5   /* of the blocks of a bitmap */
#define MANY_BLOCKS 1000

static void wasted_by_index(query_evidence *e, const query_step *s)
{
    double kept = query_rows_out(s), removed = s->removed * (s->loops > 0 ? s->loops : 1);
    bool is_by_index = strcmp(s->type, "Index Scan") == 0 || strcmp(s->type, "Index Only Scan") == 0 ||
                       strcmp(s->type, "Bitmap Heap Scan") == 0;
    if (!is_by_index || !s->name || !s->by || !s->filter || removed < MANY_ROWS || kept > KEPT_SHARE * (kept + removed))
        return;
    query_remark *r = query_add_remark(e, "index_finds_too_many", 8);
    if (!r)
        return;
    r->object = query_name(e->ctx, s->schema, s->name);
    r->sql = s->filter;
    r->says = lb_printf(e->ctx,
                        "%s finds %s rows of %s, of which another condition keeps %s: an index that has the columns of "
                        "both would find these alone",
                        s->index ? lb_printf(e->ctx, "the index %s", query_name(e->ctx, NULL, s->index)) : "an index",
                        query_number(e->ctx, kept + removed), r->object, query_number(e->ctx, kept));
    query_add_fact(r, lb_f64("rows_by_index", kept + removed));
    query_add_fact(r, lb_f64("rows_kept", kept));
    query_add_fact(r, lb_definition("found_by", s->by));
    query_add_term(r, "counted_by_execution", 0.4);
}

static void fetched_from_table(query_evidence *e, const query_step *s)
{
    double rows = query_rows_out(s);
    if (!s->name || s->heap_fetches < MANY_ROWS || s->heap_fetches < FETCH_SHARE * rows)
        return;
    query_remark *r = query_add_remark(e, "index_only_scan_reads_table", 6);
    if (!r)
        return;
    r->object = query_name(e->ctx, s->schema, s->name);
    r->says = lb_printf(e->ctx,
                        "for %s of %s rows that the index alone could have answered, %s was read as well: its pages "
                        "are not known to be visible to all, which a VACUUM notes",
                        query_number(e->ctx, s->heap_fetches), query_number(e->ctx, rows), r->object);
    query_add_fact(r, lb_f64("heap_fetches", s->heap_fetches));
    query_add_fact(r, lb_f64("rows_returned", rows));
    query_add_term(r, "counted_by_execution", 0.4);
}

static void lossy_bitmap(query_evidence *e, const query_step *s)
{
    double blocks = s->exact_blocks + s->lossy_blocks;
    if (!s->name || s->lossy_blocks < MANY_BLOCKS || s->lossy_blocks < LOSSY_SHARE * blocks)
        return;
    query_remark *r = query_add_remark(e, "lossy_bitmap", 5);
    if (!r)
        return;
    r->object = query_name(e->ctx, s->schema, s->name);
    r->sql = s->by;
    r->says = lb_printf(e->ctx,
                        "a bitmap of the rows of %s did not fit into memory: of %s blocks it noted %s as a whole, and "
                        "each of their rows was compared again",
                        r->object, query_number(e->ctx, blocks), query_number(e->ctx, s->lossy_blocks));
    query_add_fact(r, lb_f64("lossy_blocks", s->lossy_blocks));
    query_add_fact(r, lb_f64("exact_blocks", s->exact_blocks));
    query_add_fact(r, lb_i64("work_mem_bytes", e->work_mem));
    query_add_term(r, "counted_by_execution", 0.4);
}

/* Of a branch that others hardly use: where they lack even there, the server has too few of them. */
static void missing_workers(query_evidence *e, const query_step *s)
{
    if (s->workers_launched >= s->workers_planned)
        return;
    query_remark *r = query_add_remark(e, "workers_not_launched", 4);
    if (!r)
        return;
    r->says = lb_printf(e->ctx, "its plan is for %.0f parallel workers, and %.0f came", s->workers_planned,
                        s->workers_launched);
    query_add_fact(r, lb_f64("workers_planned", s->workers_planned));
    query_add_fact(r, lb_f64("workers_launched", s->workers_launched));
    query_add_term(r, "counted_by_execution", 0.2);
}

void query_look_at_execution(query_evidence *e, const query_step *s)
{
    if (!s->is_executed || s->loops < 1)
        return;
    wasted_by_index(e, s);
    fetched_from_table(e, s);
    lossy_bitmap(e, s);
    missing_workers(e, s);
}
