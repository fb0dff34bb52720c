#include "delta_driver.h"

#include "log.h"

#define DELTA_BYTES   (offsetof(lb_delta, query) + sizeof(((lb_delta *)0)->query))
#define COMMIT_TIME   (300 * CLOCK_SECOND)
#define UPKEEP_TIME   (1800 * CLOCK_SECOND)
#define LOOK_INTERVAL CLOCK_SECOND
#define RETRY_LEAST   (2 * CLOCK_SECOND) /* after a failed commit; doubles up to */
#define RETRY_MOST    (300 * CLOCK_SECOND)
#define BATCH_FILES   4096

/* What is known of one table between turns. Spans are of the monotonic clock, whatever the wall clock does. */
typedef struct place {
    int64_t since; /* when a file was first seen waiting; 0: none waits */
    int64_t retry_at, pause;
} place;

struct delta_driver {
    delta_driver_options options;
    lb_delta_policy policy;
    lb_delta_setup setup;
    lb_delta_table *tables;
    const lb_delta_table **table_list;
    lb_delta_column *columns;
    place *places;
    size_t count;
    void *state;
    int64_t upkeep_at;
};

/* ---- opening ---- */

int delta_driver_check(const lb_plugin *plugin, lb_error *err)
{
    const lb_delta *table = plugin->ops;
    if (plugin->kind != LB_KIND_DELTA || table->size < DELTA_BYTES)
        return lb_fail(err, LB_ERR_INVALID, "rebuild the plugin with this version's headers",
                       "%s is no delta service, or its table is short", plugin->name);
    if (!table->open || !table->close || !table->policy || !table->commit || !table->maintain || !table->query)
        return lb_fail(err, LB_ERR_INVALID, "set every function of the table", "the delta service %s lacks a function",
                       plugin->name);
    return 0;
}

/* tables.def in the SDK's terms. */
static void describe_tables(delta_driver *d)
{
    size_t columns = 0, next = 0;
    d->count = table_count();
    for (size_t i = 0; i < d->count; i++)
        columns += table_at(i)->column_count;
    d->tables = base_alloc(d->count * sizeof *d->tables);
    d->table_list = base_alloc(d->count * sizeof(const lb_delta_table *));
    d->columns = base_alloc(columns * sizeof *d->columns);
    d->places = base_alloc(d->count * sizeof *d->places);
    for (size_t i = 0; i < d->count; i++) {
        const table_def *def = table_at(i);
        d->tables[i] = (lb_delta_table){.size = sizeof d->tables[i],
                                        .column_size = sizeof d->columns[0],
                                        .column_count = (uint32_t)def->column_count,
                                        .retention_days = def->retention_days,
                                        .name = def->name,
                                        .doc = def->doc,
                                        .partition_time = def->partition_time,
                                        .columns = d->columns + next};
        d->table_list[i] = &d->tables[i];
        for (size_t c = 0; c < def->column_count; c++)
            d->columns[next++] = (lb_delta_column){.name = def->columns[c].name,
                                                   .type = def->columns[c].type,
                                                   .required = def->columns[c].required,
                                                   .doc = def->columns[c].doc};
    }
    d->setup = (lb_delta_setup){.size = sizeof d->setup,
                                .table_count = (uint32_t)d->count,
                                .tables = d->table_list,
                                .state_dir = d->options.state_dir,
                                .work_dir = d->options.work_dir};
}

delta_driver *delta_driver_free(delta_driver *driver)
{
    if (!driver)
        return NULL;
    if (driver->state)
        driver->options.plugin->close(driver->state);
    free(driver->tables);
    free(driver->table_list);
    free(driver->columns);
    free(driver->places);
    free(driver);
    return NULL;
}

int delta_driver_open(const delta_driver_options *options, delta_driver **ret_driver, lb_error *err)
{
    delta_driver *d = base_alloc(sizeof *d);
    d->options = *options;
    d->policy = (lb_delta_policy){.size = sizeof d->policy};
    describe_tables(d);
    int r = options->plugin->open(options->host, &d->setup, options->args, &d->state, err);
    if (r >= 0)
        r = options->plugin->policy(d->state, &d->policy, err);
    if (r < 0) {
        (void)delta_driver_free(d); /* gives NULL */
        return r;
    }
    *ret_driver = d;
    return 0;
}

/* ---- one commit ---- */

static void keep_first(lb_error *first, const lb_error *error)
{
    if (!first->code)
        *first = *error;
}

/* A file leaves the outbox only for what the plugin said of it. */
static void dispose(const delta_driver *d, const char *table, const lb_delta_file *file, delta_driver_report *report)
{
    lb_error error;
    int r = 0;
    if (file->fate == LB_DELTA_COMMITTED || file->fate == LB_DELTA_REPEATED) {
        r = outbox_remove(d->options.outbox_dir, table, file->id, &error);
        report->repeated += file->fate == LB_DELTA_REPEATED;
    } else if (file->fate == LB_DELTA_DAMAGED) {
        r = outbox_set_aside(d->options.outbox_dir, table, file->id, file->reason, &error);
        report->damaged++;
        if (!report->damage[0])
            (void)snprintf(report->damage, sizeof report->damage, "%s/%s: %s", table, file->id, file->reason); /* cut */
    }
    if (r < 0)
        keep_first(&report->error, &error);
}

static int commit_batch(delta_driver *d, const outbox_table *table, size_t from, size_t count, int64_t deadline,
                        delta_driver_report *report, lb_error *err)
{
    const char *name = table->table->name;
    lb_delta_file *files = base_alloc(count * sizeof *files);
    lb_delta_file **list = base_alloc(count * sizeof(lb_delta_file *));
    lb_delta_receipt receipt = {.size = sizeof receipt};
    for (size_t i = 0; i < count; i++) {
        files[i] = (lb_delta_file){.size = sizeof files[i],
                                   .id = table->files[from + i].id,
                                   .path = outbox_path(d->options.outbox_dir, name, table->files[from + i].id)};
        list[i] = &files[i];
    }
    int r = d->options.plugin->commit(d->state, name, list, (uint32_t)count, deadline, &receipt, err);
    if (r >= 0) {
        report->commits += receipt.files > 0;
        report->files += receipt.files;
        report->rows += receipt.rows;
        report->bytes += receipt.bytes;
    }
    for (size_t i = 0; i < count; i++) {
        dispose(d, name, &files[i], report);
        union {
            const char *read;
            char *own;
        } path = {files[i].path};
        free(path.own);
    }
    free(list);
    free(files);
    return r;
}

/* Files of one table in batches as large as the policy says. */
static int commit_table(delta_driver *d, const outbox_table *table, int64_t deadline, delta_driver_report *report,
                        lb_error *err)
{
    int r = 0;
    for (size_t from = 0, count; r >= 0 && from < table->count; from += count) {
        int64_t bytes = 0, rows = 0;
        for (count = 0; from + count < table->count && count < BATCH_FILES; count++) {
            const outbox_file *file = &table->files[from + count];
            if (count && (bytes + file->bytes > d->policy.flush_bytes || rows + file->rows > d->policy.flush_rows))
                break;
            bytes += file->bytes;
            rows += file->rows;
        }
        r = commit_batch(d, table, from, count, deadline, report, err);
    }
    return r;
}

/* ---- turns ---- */

static bool is_due(const delta_driver *d, const outbox_table *table, place *at, int64_t now)
{
    if (!table->count) {
        *at = (place){0};
        return false;
    }
    at->since = at->since ? at->since : now;
    if (now < at->retry_at)
        return false;
    return now - at->since >= d->policy.flush_interval_s * CLOCK_SECOND || table->bytes >= d->policy.flush_bytes ||
           table->rows >= d->policy.flush_rows;
}

static void note_result(place *at, bool failed, int64_t now)
{
    if (!failed) {
        *at = (place){0};
        return;
    }
    at->pause = !at->pause ? RETRY_LEAST : at->pause * 2 > RETRY_MOST ? RETRY_MOST : at->pause * 2;
    at->retry_at = now + at->pause;
}

/* Which tables are committed whether they are due or not. */
typedef struct flush_wish {
    bool all;
    const char *text; /* those that it names; NULL: none */
} flush_wish;

/* A name inside of another word names it, too: one commit too many does no harm. */
static bool is_wished(const flush_wish *w, const outbox_table *table)
{
    return table->count && (w->all || (w->text && strcasestr(w->text, table->table->name)));
}

static int commit_due(delta_driver *d, const outbox_listing *listing, const flush_wish *wish, int64_t deadline,
                      delta_driver_report *report, lb_error *err)
{
    lb_error error;
    int result = 0;
    for (size_t i = 0; i < listing->count; i++) {
        int64_t now = clock_monotonic();
        if (wish->text && now < d->places[i].retry_at) { /* whoever asks does not wait for what fails */
            if (result == 0 && is_wished(wish, &listing->tables[i]))
                result = lb_fail(err, LB_ERR_UNREACHABLE, "it is tried again by itself",
                                 "the last commit of %s has failed", listing->tables[i].table->name);
            continue;
        }
        bool due = is_due(d, &listing->tables[i], &d->places[i], now) && !wish->text;
        if (!due && !is_wished(wish, &listing->tables[i]))
            continue;
        int r = commit_table(d, &listing->tables[i], deadline ? deadline : now + COMMIT_TIME, report, &error);
        note_result(&d->places[i], r < 0, clock_monotonic());
        if (r < 0 && result == 0) {
            *err = error;
            result = lb_wrap(err, listing->tables[i].table->name);
        }
    }
    return result;
}

/* Past nine tenths of the limit, at which runs begin to fail, down to eight. */
static int thin(const delta_driver *d, outbox_listing *listing, delta_driver_report *report, lb_error *err)
{
    int64_t limit = d->options.outbox_limit;
    if (limit <= 0 || listing->bytes <= limit / 10 * 9)
        return 0;
    int r = outbox_thin(d->options.outbox_dir, listing, limit / 10 * 8, &report->thinned, err);
    if (report->thinned.files)
        log_line(LB_LOG_WARN, "delta",
                 "history cannot keep up: %lld metrics in %lld file(s) of the outbox are given up",
                 (long long)report->thinned.rows, (long long)report->thinned.files);
    return r;
}

/* What waits now; at the end of a turn. */
static int look_again(const delta_driver *d, outbox_listing *listing, delta_driver_report *report, lb_error *err)
{
    outbox_listing_done(listing);
    int r = outbox_list(d->options.outbox_dir, listing, err);
    if (r < 0)
        return r;
    r = thin(d, listing, report, err);
    report->waiting_files = listing->files - report->thinned.files;
    report->waiting_bytes = listing->bytes - report->thinned.bytes;
    return r;
}

static int turn(delta_driver *d, const flush_wish *wish, int64_t deadline, delta_driver_report *report, lb_error *err)
{
    outbox_listing listing = {0};
    lb_error error;
    int r = outbox_list(d->options.outbox_dir, &listing, err);
    if (r < 0)
        return r;
    r = commit_due(d, &listing, wish, deadline, report, err);
    bool has_moved = !wish->text || report->commits || report->repeated || report->damaged;
    if (has_moved && look_again(d, &listing, report, &error) < 0 && r == 0) {
        *err = error;
        r = error.code;
    }
    outbox_listing_done(&listing);
    return r;
}

static void upkeep(delta_driver *d, delta_driver_report *report)
{
    lb_error error;
    int64_t now = clock_monotonic();
    if (now < d->upkeep_at)
        return;
    d->upkeep_at = now + d->policy.upkeep_interval_s * CLOCK_SECOND;
    report->upkept = true;
    if (delta_driver_maintain(d, NULL, clock_now(), now + UPKEEP_TIME, &report->upkeep, &error) < 0)
        keep_first(&report->error, &error);
}

int64_t delta_driver_commit(delta_driver *driver, delta_driver_report *ret_report)
{
    lb_error error;
    *ret_report = (delta_driver_report){.upkeep.size = sizeof ret_report->upkeep};
    if (turn(driver, &(const flush_wish){.all = false}, 0, ret_report, &error) < 0)
        keep_first(&ret_report->error, &error);
    return LOOK_INTERVAL;
}

int64_t delta_driver_turn(delta_driver *driver, delta_driver_report *ret_report)
{
    int64_t next = delta_driver_commit(driver, ret_report);
    upkeep(driver, ret_report);
    return next;
}

static int flush(delta_driver *driver, const flush_wish *wish, int64_t deadline, delta_driver_report *ret_report,
                 lb_error *err)
{
    *ret_report = (delta_driver_report){.upkeep.size = sizeof ret_report->upkeep};
    int r = turn(driver, wish, deadline, ret_report, err);
    if (r == 0 && ret_report->error.code) {
        *err = ret_report->error;
        r = err->code;
    }
    return r;
}

int delta_driver_flush(delta_driver *driver, int64_t deadline, delta_driver_report *ret_report, lb_error *err)
{
    return flush(driver, &(const flush_wish){.all = true}, deadline, ret_report, err);
}

int delta_driver_flush_named(delta_driver *driver, const char *text, int64_t deadline, delta_driver_report *ret_report,
                             lb_error *err)
{
    return flush(driver, &(const flush_wish){.text = text}, deadline, ret_report, err);
}

int delta_driver_maintain(delta_driver *driver, const char *table, int64_t now, int64_t deadline,
                          lb_delta_upkeep *ret_upkeep, lb_error *err)
{
    outbox_listing listing = {0};
    *ret_upkeep = (lb_delta_upkeep){.size = sizeof *ret_upkeep};
    int r = outbox_list(driver->options.outbox_dir, &listing, err);
    if (r < 0)
        return r;
    const lb_delta_care care = {.size = sizeof care,
                                .table = table,
                                .oldest_waiting = listing.oldest[0] ? listing.oldest : NULL,
                                .now = now,
                                .deadline = deadline};
    r = driver->options.plugin->maintain(driver->state, &care, ret_upkeep, err);
    outbox_listing_done(&listing);
    return r;
}

int delta_driver_query(delta_driver *driver, const lb_delta_question *question, const lb_delta_sink *sink,
                       bool *ret_cut, lb_error *err)
{
    return driver->options.plugin->query(driver->state, question, sink, ret_cut, err);
}

/* ---- the lakehouse ---- */

bool delta_driver_has_lake(const delta_driver *driver)
{
    const lb_delta *plugin = driver->options.plugin;
    return LB_HAS(plugin, lb_delta, lake_append) && plugin->lake_query && plugin->lake_table && plugin->lake_append;
}

int delta_driver_lake_query(delta_driver *driver, const lb_delta_question *question, const lb_delta_sink *sink,
                            bool *ret_cut, lb_error *err)
{
    return driver->options.plugin->lake_query(driver->state, question, sink, ret_cut, err);
}

int delta_driver_lake_table(delta_driver *driver, const lb_lake_name *name, int64_t deadline, const lb_delta_sink *sink,
                            lb_error *err)
{
    return driver->options.plugin->lake_table(driver->state, name, deadline, sink, err);
}

int delta_driver_lake_append(delta_driver *driver, const lb_delta_append *append, const lb_delta_sink *sink,
                             lb_error *err)
{
    return driver->options.plugin->lake_append(driver->state, append, sink, err);
}

int delta_driver_lake_view(delta_driver *driver, const lb_lake_name *name, const char *text, int64_t deadline,
                           const lb_delta_sink *sink, lb_error *err)
{
    const lb_delta *plugin = driver->options.plugin;
    return LB_HAS(plugin, lb_delta, lake_view) && plugin->lake_view
               ? plugin->lake_view(driver->state, name, text, deadline, sink, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED, "update it, or name another under [services.delta]",
                         "this delta service makes no views");
}

int delta_driver_lake_merge(delta_driver *driver, const lb_lake_name *name, const lb_delta_question *merge,
                            const lb_delta_sink *sink, lb_error *err)
{
    const lb_delta *plugin = driver->options.plugin;
    return LB_HAS(plugin, lb_delta, lake_merge) && plugin->lake_merge
               ? plugin->lake_merge(driver->state, name, merge, sink, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED,
                         "execute the statement where that table is written, or load the table anew",
                         "this delta service has no MERGE: %.80s.%.80s.%.80s is as it was", name->catalog, name->schema,
                         name->name);
}
