#include "sop_tell.h"

#include "health_tell.h"

#include <sql/health/here.h>

#include <math.h>
#include <string.h>

static bool is(const health_deed *deed, const char *status)
{
    return strcmp(deed->status, status) == 0;
}

/* "done", and of how many where it was not one thing. */
static const char *end_of(lb_ctx *ctx, const health_case *what, const health_deed *deed)
{
    static const char *const words[][2] = {{"advised", "advice"},
                                           {"recorded", "the evidence is kept"},
                                           {"nothing_to_do", "nothing to do"},
                                           {"passed_over", "could not be done now"},
                                           {"not_possible", "not possible"},
                                           {"skipped", "held back"},
                                           {"planned", "planned"},
                                           {"pending_approval", "waits for a person (lbops approvals)"},
                                           {"refused", "refused"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is(deed, words[i][0]))
            return words[i][1];
    if (what->id == HEALTH_DEAD_TUPLES)
        return "done";
    return lb_printf(ctx, "done, %lld %s%s", (long long)deed->count,
                     what->id == HEALTH_CONNECTIONS ? "session" : "table", deed->count == 1 ? "" : "s");
}

/* "; dead tuple share went from 45.2 % to 0 %, back inside its limit", or nothing where nobody looked. */
static const char *figures(lb_ctx *ctx, const health_alert_rule *rule, const sop_came *came)
{
    bool has_both = !isnan(came->before) && !isnan(came->after);
    if (!came->is_looked_at)
        return "";
    if (!came->is_known)
        return lb_printf(ctx, "; whether it helped could not be seen (%s)",
                         came->why ? came->why : "nobody could look");
    const char *way =
        has_both
            ? lb_printf(ctx, "; %s went from %s to %s", rule->title, health_shown(ctx, rule, came->before, came->after),
                        health_shown(ctx, rule, came->after, came->before))
        : !isnan(came->after) ? lb_printf(ctx, "; %s is %s", rule->title, health_shown(ctx, rule, came->after, NAN))
                              : "";
    return lb_printf(ctx, "%s%s", way,
                     !came->is_over         ? ", not back inside its limit"
                     : came->had_to_go_back ? ", back inside its limit"
                                            : "");
}

static const char *line_of(lb_ctx *ctx, const health_case *what, const health_deed *deed, const sop_came *came)
{
    const health_alert_rule *rule = &health_alert_rules[what->id];
    const char *object = what->table ? lb_printf(ctx, " of %s.%s", what->schema, what->table) : "";
    return lb_printf(ctx, "%s%s: %s%s%s%s", deed->action ? deed->action : rule->sop, object, end_of(ctx, what, deed),
                     deed->reason ? ": " : "", deed->reason ? deed->reason : "", figures(ctx, rule, came));
}

/* An alert about a table has its database in its name; by hand nobody says it. */
static int database_of(lb_ctx *ctx, const health_case *what, const char **ret_name, lb_error *err)
{
    health_here_row row;
    lb_rows *rows = NULL;
    *ret_name = what->database;
    if (what->database || !what->table)
        return 0;
    int r = health_here(ctx, &rows, err);
    if (r >= 0 && health_here_next(ctx, rows, &row))
        *ret_name = row.database;
    return r == LB_ERR_SQL || r == LB_ERR_DENIED ? 0 : r; /* what was done is told all the same */
}

int sop_tell(lb_ctx *ctx, const health_case *what, const health_deed *deed, const sop_came *came, bool is_silent,
             const char **ret_line, lb_error *err)
{
    static const char *const quiet[] = {"planned", "skipped", "nothing_to_do", "passed_over", "not_possible"};
    const health_alert_rule *rule = &health_alert_rules[what->id];
    const char *database = NULL, *line = *ret_line = line_of(ctx, what, deed, came);
    bool is_told = true;
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
        is_told = is_told && !is(deed, quiet[i]);
    if (!line)
        return lb_out_of_memory(err);
    int r = is_told ? lb_emit(ctx, "self_heal.executed",
                              LB_ARGS(lb_text("issue", rule->metric), lb_text("action", deed->action),
                                      lb_text("status", deed->status)),
                              err)
                    : 0;
    if (is(deed, "planned") || is_silent || r < 0)
        return r;
    r = database_of(ctx, what, &database, err);
    return r < 0 ? r
                 : lb_emit(ctx, "threshold.treated",
                           LB_ARGS(lb_text("metric", rule->metric), lb_text("status", deed->status),
                                   lb_text("text", line), lb_text("action", deed->action ? deed->action : rule->sop),
                                   lb_text("schema", what->table ? what->schema : NULL), lb_text("table", what->table),
                                   lb_text("object", what->table ? NULL : what->object), lb_text("database", database)),
                           err);
}
