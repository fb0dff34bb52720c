/* outbox_survey.h: for the tests of the outbox: records to put in, and what lies in the directory afterwards. */
#ifndef LBOPS_TESTS_OUTBOX_SURVEY_H
#define LBOPS_TESTS_OUTBOX_SURVEY_H

#include "scratch.h"

#include "fs.h"
#include "json.h"
#include "outbox.h"

#include <dirent.h>

static const lb_target target = {.project = "shop", .branch = "main", .branch_class = LB_BRANCH_SHARED};

static inline void batch_done(outbox_batch **batch)
{
    (void)outbox_batch_free(*batch); /* always NULL */
}

#define BATCH LB_CLEANUP(batch_done) outbox_batch *

/* ---- what lies there ------------------------------------------------------------------------------------------- */

typedef struct survey {
    int64_t rows;
    int files, temporaries, bad;
    int64_t bytes;
} survey;

static inline void complain(survey *s, const char *path, const char *what)
{
    printf("\n    %s: %s\n", path, what);
    s->bad++;
}

/* A visible file is whole: each line parses, the header is right and counts the rows. */
static inline void survey_file(survey *s, const char *table, const char *path)
{
    lb_error err = {0};
    LB_AUTO_FREE char *text = NULL;
    size_t length = 0;
    int64_t rows = -1, promised = -1;
    if (fs_read(path, (size_t)1 << 30, &text, &length, &err) < 0) {
        complain(s, path, err.message);
        return;
    }
    s->bytes += (int64_t)length;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, rows++) {
        JSON_AUTO *o = json_parse(line, (size_t)(end - line), &err);
        if (!o) {
            complain(s, path, err.message);
            return;
        }
        if (rows < 0) {
            ASSERT_TEXT(json_object_get_string(json_object_object_get(o, "table")), table);
            CU_ASSERT_EQUAL(json_object_get_int(json_object_object_get(o, "lbops_outbox")), 1);
            CU_ASSERT(json_object_get_string_len(json_object_object_get(o, "run_id")) > 0);
            promised = json_object_get_int64(json_object_object_get(o, "rows"));
        }
    }
    if (rows != promised || rows < 1 || (length && text[length - 1] != '\n'))
        complain(s, path, "rows and header disagree");
    s->files++;
    s->rows += rows;
}

static inline void survey_table(survey *s, const char *dir, const char *table)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, table);
    DIR *d = opendir(path);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        LB_AUTO_FREE char *file = base_printf("%s/%s", path, e->d_name);
        size_t n = strlen(e->d_name);
        if (n > 7 && strcmp(e->d_name + n - 7, ".ndjson") == 0)
            survey_file(s, table, file);
        else if (n > 4 && strcmp(e->d_name + n - 4, ".tmp") == 0)
            s->temporaries++;
        else if (e->d_name[0] != '.')
            complain(s, file, "unknown kind of file");
    }
    (void)closedir(d); /* read only */
}

static inline survey look(const char *dir)
{
    survey s = {0};
    for (size_t i = 0; i < table_count(); i++)
        survey_table(&s, dir, table_at(i)->name);
    CU_ASSERT_EQUAL(s.bad, 0);
    return s;
}

#define METRIC(value, unit)                                                                                            \
    LB_ARGS(lb_time("snapshot_timestamp", 1769904000000000), lb_text("metric_name", "cache_hit_ratio"),                \
            lb_i64("metric_value", (value)), lb_text("unit", (unit)))
#define EVENT(id) LB_ARGS(lb_text("event_id", (id)), lb_time("event_timestamp", 1), lb_text("event_type", "created"))

static inline void add_metrics(outbox_batch *batch, int count)
{
    lb_error err = {0};
    int failures = 0;
    for (int i = 0; i < count; i++)
        failures += outbox_add(batch, "lakebase_metrics", METRIC(i, "ratio"), &target, &err) < 0;
    CU_ASSERT_EQUAL(failures, 0);
}

static inline void add_event(outbox_batch *batch)
{
    lb_error err = {0};
    CU_ASSERT_EQUAL(outbox_add(batch, "branch_lifecycle", EVENT("e"), &target, &err), 0);
}

#endif
