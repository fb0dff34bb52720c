/* An update whose new row fits onto the page of the old one, and that changes no indexed column, leaves the indexes
 * alone (HOT). Full pages have no room for that: a fillfactor leaves some, on the pages that are filled from then on.
 */
#include "vacuum_room.h"

#include <math.h>
#include <sql/vacuum/option.h>
#include <sql/vacuum/reset_options.h>
#include <sql/vacuum/room.h>
#include <sql/vacuum/set_options.h>

#define MUCH_PER_HOUR 1000
#define LEAST_UPDATES 1e6 /* a burst says nothing of what is to come */
#define HOT_PART      0.5
#define HARDLY_HOT    0.25
#define WHOLE_PAGE    100
#define SOME_ROOM     90
#define MORE_ROOM     80
#define SHOWN         1000 /* updates that were not HOT, of which the server says where they went */
#define MOVED_PART    0.5

typedef struct room {
    const vacuum_relation *table;
    const vacuum_observed *seen;
    double hot_share;
    double moved_share; /* of those that were not HOT; -1: nobody knows */
    int64_t wanted;
} room;

bool vacuum_room_is_asked(const vacuum_observed *seen, double least_hours)
{
    return seen->updated >= LEAST_UPDATES && seen->updated_hours > 0 && seen->updated_hours >= least_hours &&
           seen->updated / seen->updated_hours > MUCH_PER_HOUR && seen->hot < HOT_PART * seen->updated;
}

/* fill: "" gives it back to the server. */
static int compose_fill(lb_ctx *ctx, const vacuum_relation *v, const char *fill, const lb_sql **ret_sql, lb_error *err)
{
    static const char *const name = "fillfactor";
    const lb_sql *option = NULL;
    const vacuum_reset_options_args none = {.schema = v->row.schema, .table = v->row.name, .names = {&name, 1}};
    if (!fill)
        return lb_out_of_memory(err);
    if (!*fill)
        return vacuum_reset_options_compose(ctx, &none, ret_sql, err);
    int r = vacuum_option_compose(ctx, &(vacuum_option_args){.name = name, .value = fill}, &option, err);
    const vacuum_set_options_args set = {.schema = v->row.schema, .table = v->row.name, .options = {&option, 1}};
    return r < 0 ? r : vacuum_set_options_compose(ctx, &set, ret_sql, err);
}

static const char *why_text(lb_ctx *ctx, const room *a)
{
    return a->moved_share < 0 ? "whether they found no room on their page is not counted"
                              : lb_printf(ctx, "%.0f %% of these found no room on their page", 100 * a->moved_share);
}

static int tell(lb_ctx *ctx, const room *a, lb_error *err)
{
    const vacuum_observed *seen = a->seen;
    const lb_sql *fix = NULL, *undo = NULL;
    double an_hour = seen->updated / seen->updated_hours;
    double more_pages = (double)a->table->row.pages * (double)(WHOLE_PAGE - a->wanted) / (double)a->wanted;
    int r = compose_fill(ctx, a->table, lb_printf(ctx, "%lld", (long long)a->wanted), &fix, err);
    if (r >= 0)
        r = compose_fill(ctx, a->table, "", &undo, err);
    if (r < 0)
        return r;
    return lb_report(
        ctx,
        LB_FINDING(.object = a->table->label, .kind = "few_hot_updates",
                   .reason =
                       lb_printf(ctx,
                                 "%s%.0f rows are updated an hour, and %.0f %% of these write each index anew (not "
                                 "HOT): %s; a fillfactor of %lld leaves room on the pages that are filled from then on",
                                 seen->is_least ? "at least " : "", an_hour, 100 * (1 - a->hot_share), why_text(ctx, a),
                                 (long long)a->wanted),
                   .evidence = LB_ARGS(
                       lb_f64("updates_per_hour", an_hour), lb_f64("updates", seen->updated),
                       lb_f64("hot_share", a->hot_share), lb_f64("counted_hours", seen->updated_hours),
                       lb_text("counted_by", !seen->is_history ? "server"
                                             : seen->is_least  ? "history, at least"
                                                               : "history"),
                       a->moved_share < 0 ? lb_null("moved_share") : lb_f64("moved_share", a->moved_share),
                       lb_i64("fillfactor_now", WHOLE_PAGE), lb_i64("fillfactor", a->wanted),
                       lb_text("note",
                               "pages that are there keep their rows until these are updated, or the table is written "
                               "anew; an update of an indexed column stays what it is"),
                       lb_text("undo", lb_sql_text(ctx, undo))),
                   .terms =
                       LB_TERMS({"few_updates_are_hot", 0.4}, {"their_pages_were_full", a->moved_share < 0 ? 0 : 0.3},
                                {"counted_by_history", seen->is_history ? 0.1 : 0}),
                   .impact = LB_ARGS(lb_f64("updates_not_hot_per_hour", an_hour * (1 - a->hot_share)),
                                     lb_f64("pages_added", more_pages)),
                   .fix = fix),
        err);
}

int vacuum_room_look(lb_ctx *ctx, const vacuum_relation *v, const vacuum_observed *seen, double least_hours,
                     lb_error *err)
{
    const vacuum_room_args args = {.relation = v->row.relation};
    double not_hot = (double)(v->row.updated - v->row.hot_updated);
    vacuum_room_row row;
    lb_rows *rows = NULL;
    if (!vacuum_room_is_asked(seen, least_hours))
        return 0;
    int r = vacuum_room(ctx, &args, &rows, err);
    if (r < 0)
        return lb_wrap(err, "room on pages");
    if (!vacuum_room_next(ctx, rows, &row))
        return 0; /* it has no index, or is gone meanwhile */
    room a = {.table = v, .seen = seen, .hot_share = seen->hot / seen->updated, .moved_share = -1};
    if (!row.moved_is_null && not_hot >= SHOWN)
        a.moved_share = fmin((double)row.moved / not_hot, 1);
    a.wanted = a.hot_share < HARDLY_HOT ? MORE_ROOM : SOME_ROOM;
    if (a.moved_share >= 0 && a.moved_share < MOVED_PART)
        return lb_skipped(ctx, v->label,
                          "most of its updates are not HOT though their pages have room: they change a column that is "
                          "indexed, and no fillfactor helps",
                          err);
    if (!row.fill_is_null && row.fill < WHOLE_PAGE)
        return lb_skipped(ctx, v->label,
                          lb_printf(ctx,
                                    "few of its updates are HOT with a fillfactor of %lld: it works on the pages that "
                                    "have been filled since it was set",
                                    (long long)row.fill),
                          err);
    return tell(ctx, &a, err);
}
