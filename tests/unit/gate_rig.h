/* gate_rig.h: the rig with what a gate has to look at: an index that can go, branches of every kind. */
#ifndef LBOPS_TESTS_GATE_RIG_H
#define LBOPS_TESTS_GATE_RIG_H

#include "door_rig.h"

#include <dirent.h>

static const char drop_answers[] = "[{\"affected\": null}]";
static const char index_there[] =
    "[{\"args\": {\"names\": [\"old_idx\"]}, \"columns\": [\"kind\", \"schema\", \"name\", \"part\", \"value\"], "
    "\"rows\": ["
    "[\"relation\", \"public\", \"old_idx\", \"oid\", \"4711\"],"
    "[\"relation\", \"public\", \"old_idx\", \"definition\", \"CREATE INDEX old_idx ON public.orders (a)\"]]},"
    "{\"columns\": [\"kind\", \"schema\", \"name\", \"part\", \"value\"], \"rows\": []}]";
static LB_UNUSED const char index_moved[] =
    "[{\"columns\": [\"kind\", \"schema\", \"name\", \"part\", \"value\"], \"rows\": ["
    "[\"relation\", \"public\", \"old_idx\", \"oid\", \"4712\"],"
    "[\"relation\", \"public\", \"old_idx\", \"definition\", \"CREATE INDEX old_idx ON public.orders (a, b)\"]]}]";
static const char branches[] =
    "[{\"method\": \"GET\", \"path\": \"projects/shop/branches\", \"reply\": {\"branches\": ["
    "{\"branch_id\": \"leaf\", \"status\": {\"source_branch\": \"projects/shop/branches/parent\"}}]}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/guarded\", \"reply\": {\"uid\": \"g\", \"create_time\": "
    "\"2026-01-01T00:00:00Z\", \"status\": {\"is_protected\": true, \"expire_time\": \"2026-01-02T00:00:00Z\"}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/expired\", \"reply\": {\"uid\": \"e\", \"status\": "
    "{\"expire_time\": \"2026-02-01T11:00:00Z\", \"source_branch\": \"projects/shop/branches/production\"}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/aged\", \"reply\": {\"uid\": \"a\", \"create_time\": "
    "\"2026-02-01T07:00:00Z\", \"spec\": {\"ttl\": \"14400s\"}, \"status\": {}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/fresh\", \"reply\": {\"uid\": \"f\", \"status\": "
    "{\"expire_time\": \"2026-02-01T13:00:00Z\"}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/parent\", \"reply\": {\"uid\": \"p\", \"status\": "
    "{\"expire_time\": \"2026-02-01T11:00:00Z\", \"source_branch\": \"projects/shop/branches/production\"}}},"
    "{\"method\": \"GET\", \"path\": \"projects/shop/branches/nightly\", \"reply\": {\"uid\": \"n\", \"create_time\": "
    "\"2026-01-01T00:00:00Z\", \"update_time\": \"2026-01-05T00:00:00Z\", \"status\": {\"current_state\": \"READY\", "
    "\"logical_size_bytes\": 17, \"source_branch\": \"projects/shop/branches/production\"}}},"
    "{\"method\": \"DELETE\", \"path\": \"projects/*\", \"reply\": {\"name\": \"op/1\"}},"
    "{\"method\": \"PATCH\", \"path\": \"projects/*\", \"reply\": {\"name\": \"op/3\"}},"
    "{\"method\": \"POST\", \"path\": \"projects/*\", \"reply\": {\"name\": \"op/2\"}}]";

static inline void open_with_fixtures(rig *g)
{
    rig_open(g);
    rig_write(g, "fixtures/sql/example/drop_index.json", drop_answers);
    rig_write(g, "fixtures/sql/example/comment_on_table.json", drop_answers);
    rig_write(g, "fixtures/sql/host/fingerprint.json", index_there);
    rig_write(g, "fixtures/control.json", branches);
}

static inline void propose(rig *g, const char *branch, lb_branch_class branch_class, const char *const *args)
{
    rig_run(g, "proposes", branch, branch_class, GATE_PERSON, args);
}

static inline void approve(rig *g, const char *document)
{
    const char *copy = arena_strdup(&g->memory, document);
    rig_run(g, APPROVED_TOOL, "production", LB_BRANCH_PRODUCTION, GATE_PERSON,
            ARGS("approval", copy, "approval_id", "A1"));
}

static inline size_t rows_of(rig *g, const char *name, const char *part)
{
    size_t found = 0;
    lb_error err;
    size_t length = 0;
    LB_AUTO_FREE char *table = base_printf("%s/state/outbox/%s", g->dir, name);
    DIR *d = opendir(table);
    for (struct dirent *e; d && (e = readdir(d));) {
        LB_AUTO_FREE char *path = base_printf("%s/%s", table, e->d_name), *text = NULL;
        if (e->d_name[0] == '.' || fs_read(path, (size_t)1 << 26, &text, &length, &err) < 0)
            continue;
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
            LB_AUTO_FREE char *one = base_printf("%.*s", (int)strcspn(line, "\n"), line);
            found += strstr(one, part) != NULL;
        }
    }
    if (d)
        (void)closedir(d);
    return found;
}

static inline size_t rows_with(rig *g, const char *part)
{
    return rows_of(g, "audit_log", part);
}

#endif
