/* What the judge foretold, held against what was seen: by the transaction itself, or from outside. */
#include "parsed.h"
#include "rehearsal.h"

#include <ctype.h>

/* "ACCESS EXCLUSIVE" as SQL has it is AccessExclusiveLock in the server's views. */
static bool is_mode(const char *sql, const char *mode)
{
    for (; *sql; sql++) {
        if (*sql == ' ')
            continue;
        if (tolower((unsigned char)*sql) != tolower((unsigned char)*mode++))
            return false;
    }
    return strcmp(mode, "Lock") == 0;
}

/* A statement need not name the schema. */
static bool is_relation(const char *written, const char *name)
{
    size_t length = strlen(name), tail = strlen(written);
    return strcmp(written, name) == 0 ||
           (tail < length && name[length - tail - 1] == '.' && strcmp(name + length - tail, written) == 0);
}

static const rehearsal_lock *find_seen(const rehearsal_watched *w, const char *relation, const char *lock)
{
    for (size_t i = 0; i < w->lock_count; i++)
        if (is_relation(relation, w->locks[i].relation) && is_mode(lock, w->locks[i].mode))
            return &w->locks[i];
    return NULL;
}

/* Of a lock as SQL has it. */
static int level_of(const char *lock)
{
    static const char *const modes[] = {
        "AccessShareLock", "RowShareLock",          "RowExclusiveLock", "ShareUpdateExclusiveLock",
        "ShareLock",       "ShareRowExclusiveLock", "ExclusiveLock",    "AccessExclusiveLock"};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (is_mode(lock, modes[i]))
            return rehearsal_lock_level(modes[i]);
    return 0;
}

/* ---- the verdict ---- */

typedef struct prediction {
    const char *rule, *file, *relation, *lock, *sql;
    int64_t statement;
    bool scans, rewrites, in_body;
} prediction;

/* Also of a table that the prediction does not name: the lock is on the parent, and the partition is read. */
static bool noticed_scan(const rehearsal *s, const prediction *p)
{
    return rehearsal_noticed(s, p->file, p->statement, "scan") ||
           rehearsal_noticed(s, p->file, p->statement, "validation");
}

/* Code may do on another day what it has not done here. */
static bool is_code(const char *sql)
{
    parsed *tree = parsed_sql(sql), *all = parsed_member(tree, "stmts");
    parsed *statement = parsed_member(parsed_item(all, 0), "stmt");
    bool is = !statement || parsed_member(statement, "DoStmt") || parsed_member(statement, "CallStmt") ||
              parsed_member(statement, "SelectStmt");
    parsed_free(tree);
    return is;
}

/* A table without a row says nothing of one that has many. */
static bool is_empty_here(const rehearsal *s, const char *relation)
{
    for (size_t i = 0; i < s->files_before.count; i++)
        if (is_relation(relation, s->files_before.items[i].name))
            return s->files_before.items[i].bytes == 0;
    return true; /* it was not there, or has no file of its own */
}

typedef struct holding {
    bool is_taken, was_held; /* the very lock: by this statement, or by one before it */
    bool is_stronger;        /* than foretold */
} holding;

/* Lock, scan and file together; a lock that an earlier statement took hides whether this one took it, too. */
static const char *judge(const rehearsal *all, const prediction *p, const rehearsal_statement *s,
                         const rehearsal_seen *o, const holding *h)
{
    bool did_work = (!p->scans || o->was_read || o->was_rewritten) && (!p->rewrites || o->was_rewritten);
    bool did_nothing = !o->was_read && !o->was_rewritten && !s->catalog_rows;
    if (did_work && (h->is_taken || h->is_stronger || (h->was_held && (p->scans || p->rewrites))))
        return "confirmed";
    if (!did_work && !p->rewrites && (h->is_taken || h->was_held) &&
        rehearsal_noticed(all, p->file, p->statement, "proven"))
        return "proven";
    bool is_known =
        (o->measured || h->was_held) && !h->is_stronger && !is_code(p->sql) && !is_empty_here(all, p->relation);
    return did_nothing || (did_work && h->was_held) || !is_known ? "not exercised" : "refuted";
}

/* Of a partitioned table it is the partitions that have files. */
static void see_partitions(const rehearsal_statement *s, rehearsal_seen *o)
{
    for (size_t i = 0; i < s->held_count; i++) {
        o->was_read = o->was_read || (s->held[i].is_read && !s->held[i].is_index);
        o->was_rewritten = o->was_rewritten || s->held[i].is_rewritten;
    }
}

/* In its transaction everything is known, but for a statement that found nothing to do. */
static rehearsal_seen look_inside(const rehearsal *all, const prediction *p, const rehearsal_statement *s)
{
    rehearsal_seen o = {.has_work = true, .relation = p->relation, .held_us = s->held_us};
    holding h = {0};
    bool through_index = false, is_partitioned = false;
    for (size_t i = 0; i < s->held_count; i++) {
        const rehearsal_held *held = &s->held[i];
        through_index = through_index || (held->is_index && held->is_read);
        if (!is_relation(p->relation, held->relation))
            continue;
        bool is_same = is_mode(p->lock, held->mode);
        o.relation = held->relation;
        is_partitioned = is_partitioned || held->is_partitioned;
        h.is_taken = h.is_taken || (is_same && held->is_taken);
        h.was_held = h.was_held || (is_same && !held->is_taken);
        o.was_read = o.was_read || held->is_read;
        o.was_rewritten = o.was_rewritten || held->is_rewritten;
        if (held->is_taken && (!o.measured || rehearsal_lock_level(held->mode) > rehearsal_lock_level(o.measured)))
            o.measured = held->mode;
    }
    if (is_partitioned)
        see_partitions(s, &o);
    h.is_stronger = o.measured && rehearsal_lock_level(o.measured) > level_of(p->lock);
    o.was_read = o.was_read || noticed_scan(all, p) || (through_index && (o.measured || h.was_held));
    o.was_rewritten = o.was_rewritten || rehearsal_noticed(all, p->file, p->statement, "rewrite");
    o.outcome = judge(all, p, s, &o, &h);
    return o;
}

/* What is outside of transactions is seen from outside: what was not seen may have been short. */
static rehearsal_seen observe(const rehearsal *s, const prediction *p)
{
    const rehearsal_statement *one = rehearsal_find_statement(s, p->file, p->statement);
    if (one && !p->in_body)
        return look_inside(s, p, one);
    const rehearsal_lock *lock = p->in_body ? NULL : find_seen(&s->watched, p->relation, p->lock);
    return (rehearsal_seen){.outcome = lock ? "confirmed" : "not exercised",
                            .relation = lock ? lock->relation : p->relation,
                            .measured = lock ? lock->mode : NULL,
                            .held_us = lock ? lock->most_us : -1};
}

static int tell_one(rehearsal *s, const prediction *p, rehearsal_seen *ret_seen, lb_error *err)
{
    const rehearsal_seen o = *ret_seen = observe(s, p);
    const char *detail = lb_printf(s->ctx, "{\"rule\":\"%s\",\"outcome\":\"%s\",\"lock\":\"%s\",\"measured\":\"%s\"}",
                                   p->rule, o.outcome, p->lock, o.measured ? o.measured : "");
    bool is_confirmed = strcmp(o.outcome, "confirmed") == 0, is_refuted = strcmp(o.outcome, "refuted") == 0;
    bool is_proven = strcmp(o.outcome, "proven") == 0;
    if (!detail)
        return lb_out_of_memory(err);
    s->confirmed += is_confirmed;
    s->proven += is_proven;
    s->refuted += is_refuted;
    s->not_exercised += !is_confirmed && !is_proven && !is_refuted;
    int r = lb_append(s->ctx, "predictions",
                      LB_ARGS(lb_text("rule", p->rule), lb_text("file", p->file), lb_i64("statement", p->statement),
                              lb_text("relation", p->relation), lb_text("lock", p->lock), lb_bool("scans", p->scans),
                              lb_bool("rewrites", p->rewrites), lb_text("outcome", o.outcome),
                              lb_text("measured", o.measured), lb_text("why", rehearsal_why(s, p->file, p->statement)),
                              o.has_work ? lb_bool("was_read", o.was_read) : lb_null("was_read"),
                              o.has_work ? lb_bool("was_rewritten", o.was_rewritten) : lb_null("was_rewritten")),
                      err);
    return r < 0 ? r
                 : lb_record(s->ctx, "lakebase_metrics",
                             LB_ARGS(lb_time("snapshot_timestamp", lb_now(s->ctx)),
                                     lb_text("metric_name", is_confirmed ? "migration_prediction_confirmed"
                                                            : is_proven  ? "migration_prediction_proven"
                                                            : is_refuted ? "migration_prediction_refuted"
                                                                         : "migration_prediction_not_exercised"),
                                     lb_f64("metric_value", 1), lb_text("unit", "count"), lb_text("kind", "gauge"),
                                     lb_text("object_name", p->relation), lb_json("detail", detail)),
                             err);
}

int rehearsal_tell_predictions(rehearsal *s, lb_error *err)
{
    parsed *findings = parsed_member(s->migrated, "findings");
    int r = 0;
    if (!findings)
        return 0;
    for (size_t i = 0; r >= 0 && i < parsed_length(findings); i++) {
        parsed *evidence = parsed_member(parsed_item(findings, i), "evidence");
        rehearsal_seen seen = {.outcome = "not measured", .relation = "", .held_us = -1};
        const prediction p = {.rule = parsed_text(evidence, "rule"),
                              .sql = parsed_text(evidence, "sql"),
                              .file = parsed_text(evidence, "file"),
                              .relation = parsed_text(evidence, "lock_on"),
                              .lock = parsed_text(evidence, "lock"),
                              .statement = parsed_number(evidence, "statement"),
                              .scans = parsed_is(evidence, "scans"),
                              .rewrites = parsed_is(evidence, "rewrites"),
                              .in_body = parsed_is(evidence, "in_function_body")};
        if (*p.rule && *p.file && *p.relation && *p.lock)
            r = tell_one(s, &p, &seen, err);
        if (r >= 0)
            r = rehearsal_heed(s, parsed_item(findings, i), &seen, err);
    }
    return r < 0 ? r
                 : lb_result(
                       s->ctx,
                       LB_ARGS(lb_i64("warnings", (int64_t)s->warning_count),
                               lb_object("foretold", LB_ARGS(lb_i64("confirmed", s->confirmed),
                                                             lb_i64("proven", s->proven), lb_i64("refuted", s->refuted),
                                                             lb_i64("not_exercised", s->not_exercised)))),
                       err);
}
