/* mock_bench.h: one mock transport at work on fixtures that a test writes, for the tests of transport_mock. */
#ifndef LBOPS_TESTS_MOCK_BENCH_H
#define LBOPS_TESTS_MOCK_BENCH_H

#include "fs.h"
#include "harness/transport_probe.h"
#include "unit/suite.h"

#include <ftw.h>
#include <sys/stat.h>

extern const lb_plugin lb_plugin_v1_transport_mock;

static const lb_transport *mock;
static char dir[64];
static probe_args args;
static void *state, *session;
static probe_rows rows;
static lb_error err;

static const lb_target shop = {.project = "shop", .branch = "main"};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

PROBE_UNUSED static void write_fixture(const char *name, const char *text)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, name), *parent = base_strdup(path);
    *strrchr(parent, '/') = '\0';
    if (fs_make_dirs(parent, &err) < 0 || fs_write_durable(path, text, strlen(text), 0600, &err) < 0)
        abort();
}

static void start(void)
{
    probe_reset();
    mock = lb_plugin_v1_transport_mock.ops;
    (void)snprintf(dir, sizeof dir, "/tmp/lbops-mock-XXXXXX");
    if (!mkdtemp(dir))
        abort();
    args = probe_args_new(mock);
    probe_set_text(&args, "fixtures", dir);
}

PROBE_UNUSED static void connect_to(const lb_target *target)
{
    CU_ASSERT_FATAL(mock->open(&probe_host, args.bytes, &state, &err) == 0);
    CU_ASSERT_FATAL(mock->connect(state, target, "test", probe_soon(60), &session, &err) == 0);
}

PROBE_UNUSED static void disconnect(void)
{
    mock->disconnect(session);
    mock->close(state);
}

static void finish(void)
{
    free(args.bytes);
    probe_rows_clear(&rows);
    (void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what stays is in /tmp */
    probe_reset();
}

PROBE_UNUSED static int ask(const char *name, const lb_value *named, bool read_only)
{
    lb_sink sink = probe_sink(&rows);
    lb_command command = {.size = sizeof command,
                          .name = name,
                          .text = "SELECT  1\n AS a",
                          .read_only = read_only,
                          .args = named,
                          .deadline = probe_soon(3600)};
    return mock->execute(session, &command, &sink, &rows.affected, &err);
}

PROBE_UNUSED static int read_as(const char *name, const lb_value *named)
{
    return ask(name, named, true);
}

PROBE_UNUSED static int keep_reply(void *arg, const char *json, lb_error *e)
{
    (void)e;
    buf_puts(arg, json);
    return 0;
}

PROBE_UNUSED static int call(const char *method, const char *path, const char *query, const char *body)
{
    lb_request request = {.method = method, .path = path, .query = query, .body = body};
    buf_clear(&rows.text);
    rows.text.limit = 1 << 20;
    return mock->control(state, &request, probe_soon(3600), keep_reply, &rows.text, &err);
}

#endif
