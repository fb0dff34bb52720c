/* What became of each part of a migration, and of each statement of it, for the run's result and for history. */
#include "migration_run.h"

#include "json.h"

#define TABLE "migration_history"

#define COLUMNS_MOST 32
#define ASKED_MOST   100 /* statements that a request has rows of: it carries them until somebody decides */

/* A row in the making. */
typedef struct course_row {
    lb_value values[COLUMNS_MOST];
    size_t count;
    char digest[SHA256_TEXT]; /* one of them */
} course_row;

static void add(course_row *row, lb_value value)
{
    row->values[row->count++] = value;
}

static lb_value known(const char *name, int64_t value)
{
    return value < 0 ? lb_null(name) : lb_i64(name, value);
}

/* What all rows of a part have. */
static void add_file(course_row *row, const migration_run *run, const migration_course *c, bool by_approval)
{
    const migration_file *file = c->task->file;
    add(row, lb_text("file", file->name));
    add(row, lb_text("version", *file->version ? file->version : NULL));
    add(row, lb_text("kind", migration_kind_name(file->kind)));
    add(row, lb_text("checksum", file->checksum));
    add(row, lb_i64("statement_count", (int64_t)file->judged.count));
    add(row, lb_bool("alone", c->is_alone));
    add(row, lb_bool("by_approval", by_approval));
    add(row, lb_i64("server_version", run->server));
}

static void add_range(course_row *row, const migration_course *c, uint32_t first, uint32_t last)
{
    add(row, lb_i64("first_statement", first));
    add(row, lb_i64("last_statement", last));
    add(row, lb_text("meaning", c->task->file->judged.items[last - 1].meaning));
}

static int put(migration_run *run, lb_group *group, course_row *row, lb_error *err)
{
    add(row, (lb_value){.type = LB_END});
    return group ? lb_group_record(run->ctx, group, TABLE, row->values, err)
                 : lb_record(run->ctx, TABLE, row->values, err);
}

/* ---- each statement by itself ---- */

static void add_statement(course_row *row, const migration_course *c, uint32_t number)
{
    sha256 s;
    const char *text = c->task->file->judged.items[number - 1].source->text;
    sha256_init(&s);
    sha256_add(&s, text, strlen(text));
    sha256_end_text(&s, row->digest);
    add_range(row, c, number, number);
    add(row, lb_i64("statement", number));
    add(row, lb_text("digest", row->digest));
}

/* By approval nobody will be there who could say what it took. */
static int note_statements(migration_run *run, lb_group *group, const migration_course *c, lb_error *err)
{
    int r = 0;
    for (uint32_t n = c->first; r >= 0 && n <= c->last && c->last - c->first < ASKED_MOST; n++) {
        course_row row = {.count = 0};
        add_file(&row, run, c, true);
        add_statement(&row, c, n);
        add(&row, lb_time("started_at", c->began));
        add(&row, lb_text("outcome", "applied"));
        r = put(run, group, &row, err);
    }
    return r;
}

static int record_statement(migration_run *run, const migration_course *c, struct json_object *m, lb_error *err)
{
    course_row row = {.count = 0};
    int64_t number = json_get_i64(m, "statement", 0), began = json_get_i64(m, "began_at", 0),
            took_us = json_get_i64(m, "took_us", 0);
    if (number < c->first || number > c->last)
        return 0; /* it is none of the file's */
    add_file(&row, run, c, false);
    add_statement(&row, c, (uint32_t)number);
    add(&row, lb_time("started_at", began));
    add(&row, lb_time("ended_at", began + took_us));
    add(&row, lb_f64("duration_ms", (double)took_us / 1000));
    add(&row, lb_text("outcome", json_get_text(m, "outcome")));
    add(&row, known("rows_affected", json_get_i64(m, "rows", -1)));
    add(&row, known("wal_bytes", json_get_i64(m, "log_bytes", -1)));
    add(&row, known("notices", json_get_i64(m, "notices", -1)));
    add(&row, lb_text("sqlstate", json_get_text(m, "sqlstate")));
    return put(run, NULL, &row, err);
}

static int record_statements(migration_run *run, const migration_course *c, lb_error *err)
{
    const char *json = NULL;
    int r = c->group ? lb_group_measured(run->ctx, c->group, &json, err) : 0;
    if (r < 0 || !json)
        return r;
    JSON_AUTO *document = json_parse(json, strlen(json), err);
    if (!document)
        return err->code;
    struct json_object *list = json_get_list(document, "changes");
    for (size_t i = 0; list && r >= 0 && i < json_object_array_length(list); i++)
        r = record_statement(run, c, json_object_array_get_idx(list, i), err);
    return r;
}

/* ---- the part ---- */

/* In a group nothing but what a proposal can say, which is the same whenever it is made. */
static int record(migration_run *run, lb_group *group, const migration_course *c, int64_t ended, const lb_error *why,
                  lb_error *err)
{
    course_row row = {.count = 0};
    bool is_state = why && *why->sqlstate;
    if (!run->keeps_history)
        return 0;
    add_file(&row, run, c, group != NULL);
    add_range(&row, c, c->first, c->last);
    add(&row, lb_time("started_at", c->began));
    add(&row, group ? lb_null("ended_at") : lb_time("ended_at", ended));
    add(&row, lb_text("outcome", why ? "failed" : "applied"));
    add(&row, group ? lb_null("tries_in_vain") : lb_i64("tries_in_vain", c->tries->count));
    add(&row, group ? lb_null("waited_in_vain_ms") : lb_f64("waited_in_vain_ms", (double)c->tries->spent_us / 1000));
    add(&row, lb_text("sqlstate", is_state ? why->sqlstate : NULL));
    add(&row, lb_text("error", why ? why->message : NULL));
    if (!group && c->batches >= 0)
        add(&row, lb_i64("rows_affected", c->rows));
    int r = put(run, group, &row, err);
    if (r < 0)
        return r;
    return group ? note_statements(run, group, c, err) : record_statements(run, c, err);
}

int migrate_note_course(migration_run *run, lb_group *group, const migration_course *c, lb_error *err)
{
    return record(run, group, c, 0, NULL, err);
}

/* The group has read its limits back; where one was not what it should be, nobody knows what held. */
static bool were_held(const lb_error *why)
{
    return !why || strcmp(why->sqlstate, MIGRATION_NOT_LIMITED) != 0;
}

static lb_value wait_of(const migration_course *c, const lb_error *why)
{
    return were_held(why) ? lb_i64("lock_timeout_ms", c->limit->wait_ms) : lb_null("lock_timeout_ms");
}

static lb_value most_of(const migration_course *c, const lb_error *why)
{
    int64_t most_ms = c->limit->most_ms ? c->limit->most_ms : c->limit->session_ms;
    return were_held(why) ? lb_i64("statement_timeout_ms", most_ms) : lb_null("statement_timeout_ms");
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
                              lb_i64("tries_in_vain", c->tries->count), wait_of(c, why), most_of(c, why),
                              lb_f64("waited_in_vain_ms", (double)c->tries->spent_us / 1000), lb_bool("failed", why),
                              is_state ? lb_text("sqlstate", why->sqlstate) : lb_null("sqlstate"),
                              known("batches", c->batches), known("rows", c->batches < 0 ? -1 : c->rows)),
                      err);
    return r < 0 ? r : record(run, NULL, c, ended, why, err);
}
