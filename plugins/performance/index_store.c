/* A recommendation as the history keeps it: its score, what it would gain and the statement. */
#include "index_store.h"

double index_confidence(const index_finding *f)
{
    double sum = 0;
    for (const lb_term *t = f->terms; t->name; t++)
        sum += t->points;
    return sum < 0 ? 0 : sum > 1 ? 1 : sum;
}

const char *index_label_of(double confidence)
{
    return confidence >= 0.8 ? "high" : confidence >= 0.5 ? "medium" : "low";
}

static const char *number_text(const lb_value *v)
{
    return v->type == LB_NUMERIC || v->type == LB_TEXT ? v->v.text : NULL;
}

/* "bytes 81920, index_writes_per_day 120": for people. */
static const char *impact_text(lb_ctx *ctx, const lb_value *impact)
{
    const char *text = "";
    for (const lb_value *v = impact; text && v && v->type != LB_END; v++) {
        const char *before = *text ? ", " : "";
        text = v->type == LB_I64   ? lb_printf(ctx, "%s%s%s %lld", text, before, v->name, (long long)v->v.i64)
               : v->type == LB_F64 ? lb_printf(ctx, "%s%s%s %.1f", text, before, v->name, v->v.f64)
               : number_text(v)    ? lb_printf(ctx, "%s%s%s %s", text, before, v->name, number_text(v))
                                   : text;
    }
    return text;
}

static lb_value renamed(const char *name, lb_value value)
{
    value.name = name;
    return value;
}

static const lb_value *terms_of(lb_ctx *ctx, const lb_term *terms, size_t *ret_count)
{
    size_t count = 0;
    while (terms[count].name)
        count++;
    lb_value *items = lb_alloc(ctx, (count * 4 + 1) * sizeof *items), *pair = items ? items + count : NULL;
    for (size_t i = 0; items && i < count; i++, pair += 3) {
        pair[0] = lb_text("name", terms[i].name);
        pair[1] = lb_f64("points", terms[i].points);
        pair[2] = (lb_value){.type = LB_END};
        items[i] = lb_object(NULL, pair);
    }
    *ret_count = count;
    return items;
}

int index_store(index_work *work, const index_finding *f, const char *id, int64_t since, const char *status,
                lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    size_t count = 0;
    const lb_value *terms = terms_of(ctx, f->terms, &count);
    double confidence = index_confidence(f);
    if (!terms)
        return lb_out_of_memory(err);
    return lb_record(ctx, "index_recommendations",
                     LB_ARGS(lb_text("recommendation_id", id), lb_time("created_at", since),
                             lb_time("updated_at", lb_now(ctx)), lb_text("database_name", work->set->window.r.database),
                             lb_text("schema_name", f->table->r.schema), lb_text("table_name", f->table->r.name),
                             lb_text("index_name", f->index ? f->index->r.name : f->new_index),
                             lb_text("recommendation_type", f->type),
                             f->columns ? renamed("suggested_columns", f->columns[0]) : lb_null("suggested_columns"),
                             lb_text("confidence", index_label_of(confidence)), lb_f64("confidence_value", confidence),
                             lb_list("confidence_terms", LB_OBJECT, terms, count), lb_text("reason", f->reason),
                             lb_object("evidence", f->evidence),
                             lb_text("estimated_impact", impact_text(ctx, f->impact)),
                             f->impact ? lb_object("impact", f->impact) : lb_null("impact"),
                             lb_text("ddl_statement", index_fix_text(ctx, &f->fix)), lb_text("status", status)),
                     err);
}

int index_store_step(lb_ctx *ctx, const index_recommended_row *past, const char *status, const char *why,
                     const char *evidence, lb_error *err)
{
    return lb_record(ctx, "index_recommendations",
                     LB_ARGS(lb_text("recommendation_id", past->recommendation_id),
                             lb_time("created_at", past->created_at), lb_time("updated_at", lb_now(ctx)),
                             lb_text("database_name", past->database_name), lb_text("schema_name", past->schema_name),
                             lb_text("table_name", past->table_name), lb_text("index_name", past->index_name),
                             lb_text("recommendation_type", past->recommendation_type),
                             lb_text("confidence", past->confidence), lb_text("reason", why),
                             evidence ? lb_json("evidence", evidence) : lb_null("evidence"),
                             lb_text("ddl_statement", past->ddl_statement), lb_text("status", status)),
                     err);
}
