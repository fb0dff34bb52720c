/* What became of each part of a migration, for the run's result and for history. */
#include "migration_run.h"

#define TABLE "migration_history"

/* In a group nothing but what a proposal can say, which is the same whenever it is made. */
static int record(migration_run *run, lb_group *group, const migration_course *c, int64_t ended, const lb_error *why,
                  lb_error *err)
{
    const migration_file *file = c->task->file;
    bool is_state = why && *why->sqlstate;
    if (!run->keeps_history)
        return 0;
    const lb_value row[] = {lb_time("started_at", c->began),
                            group ? lb_null("ended_at") : lb_time("ended_at", ended),
                            lb_text("file", file->name),
                            lb_text("version", *file->version ? file->version : NULL),
                            lb_text("kind", migration_kind_name(file->kind)),
                            lb_text("checksum", file->checksum),
                            lb_text("meaning", file->judged.items[c->last - 1].meaning),
                            lb_i64("first_statement", c->first),
                            lb_i64("last_statement", c->last),
                            lb_i64("statement_count", (int64_t)file->judged.count),
                            lb_bool("alone", c->is_alone),
                            lb_text("outcome", why ? "failed" : "applied"),
                            lb_bool("by_approval", group != NULL),
                            group ? lb_null("tries_in_vain") : lb_i64("tries_in_vain", c->tries->count),
                            group ? lb_null("waited_in_vain_ms")
                                  : lb_f64("waited_in_vain_ms", (double)c->tries->spent_us / 1000),
                            lb_text("sqlstate", is_state ? why->sqlstate : NULL),
                            lb_text("error", why ? why->message : NULL),
                            lb_i64("server_version", run->server),
                            {.type = LB_END}};
    return group ? lb_group_record(run->ctx, group, TABLE, row, err) : lb_record(run->ctx, TABLE, row, err);
}

int migrate_note_course(migration_run *run, lb_group *group, const migration_course *c, lb_error *err)
{
    return record(run, group, c, 0, NULL, err);
}

int migrate_tell_course(migration_run *run, const migration_course *c, const lb_error *why, lb_error *err)
{
    int64_t ended = lb_now(run->ctx);
    const migration_file *file = c->task->file;
    bool is_state = why && *why->sqlstate;
    int r = lb_append(run->ctx, "parts",
                      LB_ARGS(lb_text("file", file->name), lb_i64("first", c->first), lb_i64("last", c->last),
                              lb_text("meaning", file->judged.items[c->last - 1].meaning),
                              lb_bool("alone", c->is_alone), lb_time("began_at", c->began), lb_time("ended_at", ended),
                              lb_i64("tries_in_vain", c->tries->count),
                              lb_f64("waited_in_vain_ms", (double)c->tries->spent_us / 1000), lb_bool("failed", why),
                              is_state ? lb_text("sqlstate", why->sqlstate) : lb_null("sqlstate")),
                      err);
    return r < 0 ? r : record(run, NULL, c, ended, why, err);
}
