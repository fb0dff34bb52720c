/* Recording, checked by what transport_mock answers from what was written. A second mock plays the live server. */
#include "harness/transport_probe.h"
#include "unit/suite.h"

#include "fixture.h"
#include "fs.h"

#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern const lb_plugin lb_plugin_v1_transport_mock;

static const lb_target shop = {.project = "shop", .branch = "main"};
static const lb_transport *mock;
static char root[64], live_dir[80], copy_dir[80];
static void *live, *session;
static fixture_recording *recording;
static probe_rows rows;
static lb_error err;

/* ---- the bench ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void write_live(const char *name, const char *text)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", live_dir, name), *parent = base_strdup(path);
    *strrchr(parent, '/') = '\0';
    if (fs_make_dirs(parent, &err) < 0 || fs_write_durable(path, text, strlen(text), 0600, &err) < 0)
        abort();
}

static void open_on(const char *dir, void **ret_state, void **ret_session)
{
    probe_args args = probe_args_new(mock);
    probe_set_text(&args, "fixtures", dir);
    CU_ASSERT_FATAL(mock->open(&probe_host, args.bytes, ret_state, &err) == 0);
    CU_ASSERT_FATAL(mock->connect(*ret_state, &shop, "t", probe_soon(60), ret_session, &err) == 0);
    free(args.bytes);
}

static void start(void)
{
    probe_reset();
    mock = lb_plugin_v1_transport_mock.ops;
    (void)snprintf(root, sizeof root, "/tmp/lbops-fixture-XXXXXX");
    if (!mkdtemp(root))
        abort();
    (void)snprintf(live_dir, sizeof live_dir, "%s/live", root);
    (void)snprintf(copy_dir, sizeof copy_dir, "%s/copy", root);
    if (mkdir(live_dir, 0700) != 0)
        abort();
}

static void record(void)
{
    open_on(live_dir, &live, &session);
    recording = fixture_recording_new(copy_dir);
    fixture_record_target(recording, session, &shop, 16);
}

static void replay(void)
{
    mock->disconnect(session);
    mock->close(live);
    recording = fixture_recording_free(recording);
    open_on(copy_dir, &live, &session);
}

static void finish(void)
{
    mock->disconnect(session);
    mock->close(live);
    recording = fixture_recording_free(recording);
    probe_rows_clear(&rows);
    (void)nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what stays is in /tmp */
}

static char *copy_of(const char *name)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", copy_dir, name);
    char *text = NULL;
    size_t length;
    return fs_read(path, 1 << 20, &text, &length, &err) == 0 ? text : base_strdup("");
}

static int ask_text(const char *name, const char *text, const lb_value *named, bool read_only)
{
    lb_sink sink = probe_sink(&rows);
    lb_command command = {.size = sizeof command,
                          .name = name,
                          .text = text,
                          .read_only = read_only,
                          .args = named,
                          .deadline = probe_soon(60)};
    return recording ? fixture_record_execute(recording, mock, session, &command, &sink, &rows.affected, &err)
                     : mock->execute(session, &command, &sink, &rows.affected, &err);
}

static int ask(const char *name, const lb_value *named, bool read_only)
{
    return ask_text(name, "SELECT 1", named, read_only);
}

static int keep_reply(void *arg, const char *json, lb_error *e)
{
    (void)e;
    buf_puts(arg, json);
    return 0;
}

static int call(const char *method, const char *path, const char *query, const char *body)
{
    lb_request request = {.method = method, .path = path, .query = query, .body = body};
    probe_rows_clear(&rows);
    return recording
               ? fixture_record_control(recording, mock, live, &request, probe_soon(60), keep_reply, &rows.text, &err)
               : mock->control(live, &request, probe_soon(60), keep_reply, &rows.text, &err);
}

/* ---- statements ---- */

static const char rows_fixture[] =
    "[{\"args\":{\"n\":1},\"columns\":[\"a\",\"b\"],\"rows\":[[\"x\\\"/\\n\",null],[\"\",\"\\u00e9\"]]},"
    "{\"args\":{\"n\":2},\"columns\":[\"a\",\"b\"]},"
    "{\"error\":{\"code\":\"conflict\",\"sqlstate\":\"55P03\",\"message\":\"locked\",\"hint\":\"wait\"}}]";

static void check_rows(void)
{
    CU_ASSERT(ask("a/b", LB_ARGS(lb_i64("n", 1)), true) == 0 && rows.affected == -1);
    ASSERT_TEXT(buf_text(&rows.text), "a|b\nx\"/\n|~\n|\xc3\xa9\n");
    CU_ASSERT(ask("a/b", LB_ARGS(lb_i64("n", 2)), true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "a|b\n");
    CU_ASSERT(ask("a/b", LB_ARGS(lb_null("n")), true) == LB_ERR_CONFLICT);
    ASSERT_TEXT(err.message, "locked");
    ASSERT_TEXT(err.hint, "wait");
    ASSERT_TEXT(err.sqlstate, "55P03");
    CU_ASSERT(ask("a/change", LB_NO_ARGS, false) == 0 && rows.affected == 5);
    CU_ASSERT(ask("a/ddl", LB_NO_ARGS, false) == 0 && rows.affected == -1);
}

static void replays_what_it_saw(void)
{
    int major = 0;
    start();
    write_live("sql/a/b.json", rows_fixture);
    write_live("sql/a/change.json", "[{\"affected\":5}]");
    write_live("sql/a/ddl.json", "[{\"affected\":null}]");
    record();
    check_rows();
    CU_ASSERT(fixture_recording_failure(recording) == NULL);
    replay();
    check_rows();
    CU_ASSERT(mock->server_version(session, &major, &err) == 0 && major == 16);
    LB_AUTO_FREE char *text = copy_of("sql/a/b.json");
    ASSERT_CONTAINS(text, "\"target\": {\"project\":\"shop\",\"branch\":\"main\"}");
    ASSERT_CONTAINS(text, "\"args\": {\"n\":1}");
    finish();
}

static void tells_sequences(void)
{
    static const char *const answers[] = {"1", "1", "2", "1", "3"};
    start();
    write_live(
        "sql/a/b.json",
        "[{\"times\":2,\"columns\":[\"n\"],\"rows\":[[\"1\"]]},{\"times\":1,\"columns\":[\"n\"],\"rows\":[[\"2\"]]},"
        "{\"times\":1,\"columns\":[\"n\"],\"rows\":[[\"1\"]]},{\"columns\":[\"n\"],\"rows\":[[\"3\"]]}]");
    record();
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < LB_COUNT(answers); i++) {
            char want[16];
            (void)snprintf(want, sizeof want, "n\n%s\n", answers[i]);
            CU_ASSERT(ask("a/b", LB_NO_ARGS, true) == 0);
            ASSERT_TEXT(buf_text(&rows.text), want);
        }
        CU_ASSERT(ask("a/b", LB_NO_ARGS, true) == 0); /* the last one answers for good */
        ASSERT_TEXT(buf_text(&rows.text), "n\n3\n");
        if (round == 0)
            replay();
    }
    finish();
}

static void equal_answers_are_kept_once(void)
{
    start();
    write_live("sql/a/b.json", "[{\"columns\":[\"n\"]}]");
    record();
    CU_ASSERT(ask("a/b", LB_NO_ARGS, true) == 0);
    LB_AUTO_FREE char *first = copy_of("sql/a/b.json");
    CU_ASSERT(ask("a/b", LB_NO_ARGS, true) == 0);
    recording = fixture_recording_free(recording);
    recording = fixture_recording_new(copy_dir); /* another process, later */
    fixture_record_target(recording, session, &shop, 16);
    CU_ASSERT(ask("a/b", LB_NO_ARGS, true) == 0);
    LB_AUTO_FREE char *second = copy_of("sql/a/b.json");
    ASSERT_TEXT(second, first);
    CU_ASSERT(strlen(first) > 10);
    finish();
}

static void composed_statements_differ_by_text(void)
{
    static const char first[] = "SELECT a FROM t", second[] = "SELECT b FROM t";
    start();
    write_live(
        "sql/a/b.json",
        "[{\"text\":\"SELECT a FROM t\",\"columns\":[\"a\"]},{\"text\":\"SELECT b FROM t\",\"columns\":[\"b\"]}]");
    record();
    const lb_value piece[] = {{.name = "what", .type = LB_SQL}, {.type = LB_END}};
    for (int round = 0; round < 2; round++) {
        CU_ASSERT(ask_text("a/b", first, piece, true) == 0);
        ASSERT_TEXT(buf_text(&rows.text), "a\n");
        CU_ASSERT(ask_text("a/b", second, piece, true) == 0);
        ASSERT_TEXT(buf_text(&rows.text), "b\n");
        if (round == 0)
            replay();
    }
    finish();
}

static void secrets_stay_out(void)
{
    const lb_value named[] = {{.name = "key", .type = LB_SECRET, .v.text = "hunter2"},
                              lb_text("note", "the key is hunter2"),
                              lb_text("table", "t"),
                              {.name = "piece", .type = LB_SQL},
                              {.type = LB_END}};
    start();
    write_live("sql/a/b.json", "[{\"times\":1,\"columns\":[\"k\"],\"rows\":[[\"has hunter2 inside\"],[\"plain\"]]},"
                               "{\"error\":{\"code\":\"sql\",\"message\":\"bad hunter2\",\"hint\":\"not hunter2\"}}]");
    record();
    CU_ASSERT(ask_text("a/b", "SELECT 'hunter2'", named, true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "k\nhas hunter2 inside\nplain\n"); /* the run itself sees it */
    CU_ASSERT(ask_text("a/b", "SELECT 'hunter2'", named, true) == LB_ERR_SQL);
    LB_AUTO_FREE char *text = copy_of("sql/a/b.json");
    CU_ASSERT(strstr(text, "hunter2") == NULL);
    ASSERT_CONTAINS(text, "[secret]");
    ASSERT_CONTAINS(text, "\"table\":\"t\"");
    replay();
    CU_ASSERT(ask_text("a/b", "SELECT 'hunter2'", named, true) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "k\n[secret]\nplain\n");
    finish();
}

static void what_is_our_own_is_not_recorded(void)
{
    start();
    write_live("sql/a/b.json", "[{\"columns\":[\"n\"],\"rows\":[[\"1\"]]}]");
    write_live("sql/a/slow.json", "[{\"columns\":[],\"delay_ms\":99999999}]");
    record();
    rows.refuse_at = 1;
    CU_ASSERT(ask("a/b", LB_NO_ARGS, true) == LB_ERR_LIMIT);
    rows.refuse_at = 0;
    probe.cancel_after = 2;
    CU_ASSERT(ask("a/slow", LB_NO_ARGS, true) == LB_ERR_CANCELLED);
    LB_AUTO_FREE char *text = copy_of("sql/a/b.json"), *slow = copy_of("sql/a/slow.json");
    ASSERT_TEXT(text, "");
    ASSERT_TEXT(slow, "");
    CU_ASSERT(fixture_recording_failure(recording) == NULL);
    finish();
}

static void a_failure_leaves_the_run_alone(void)
{
    start();
    write_live("sql/a/b.json", "[{\"columns\":[\"n\"]}]");
    record();
    recording = fixture_recording_free(recording);
    recording = fixture_recording_new("/proc/nowhere");
    CU_ASSERT(ask("a/b", LB_NO_ARGS, true) == 0);
    CU_ASSERT_FATAL(fixture_recording_failure(recording) != NULL);
    ASSERT_CONTAINS(fixture_recording_failure(recording)->message, "/proc/nowhere");
    recording = fixture_recording_free(recording);
    (void)snprintf(copy_dir, sizeof copy_dir, "%s/bad", root);
    recording = fixture_recording_new(copy_dir);
    LB_AUTO_FREE char *path = base_printf("%s/sql/a", copy_dir), *file = base_printf("%s/sql/a/b.json", copy_dir);
    CU_ASSERT(fs_make_dirs(path, &err) == 0 && fs_write_durable(file, "{}", 2, 0600, &err) == 0);
    CU_ASSERT(ask("a/b", LB_NO_ARGS, true) == 0);
    CU_ASSERT_FATAL(fixture_recording_failure(recording) != NULL);
    ASSERT_CONTAINS(fixture_recording_failure(recording)->message, "/sql/a/b.json: it is not a list");
    finish();
}

static int write_many(int first)
{
    fixture_recording *own = fixture_recording_new(copy_dir);
    recording = own;
    for (int i = first; i < first + 20; i++)
        if (ask("a/b", LB_ARGS(lb_i64("n", i)), true) < 0)
            return 1;
    return fixture_recording_failure(own) ? 2 : 0;
}

static void processes_share_a_directory(void)
{
    pid_t children[2];
    start();
    write_live("sql/a/b.json", "[{\"columns\":[\"n\"]}]");
    record();
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(write_many(i * 20));
    }
    for (int i = 0; i < 2; i++) {
        int status = -1;
        CU_ASSERT(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    replay();
    for (int i = 0; i < 40; i++)
        CU_ASSERT(ask("a/b", LB_ARGS(lb_i64("n", i)), true) == 0);
    finish();
}

/* ---- the control plane ---- */

static void check_calls(void)
{
    CU_ASSERT(call("GET", "projects", NULL, NULL) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "{\"page\":1,\"next_page_token\":\"x\"}");
    CU_ASSERT(call("GET", "projects", "page_token=x", NULL) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "{\"page\":2}");
    CU_ASSERT(call("POST", "branches", NULL, "{\"a\":1}") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "\"one\"");
    CU_ASSERT(call("POST", "branches", NULL, "{\"a\":1,\"b\":2}") == 0);
    ASSERT_TEXT(buf_text(&rows.text), "\"both\"");
    CU_ASSERT(call("GET", "op", NULL, NULL) == 0);
    CU_ASSERT(call("GET", "op", NULL, NULL) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "{\"done\":false}");
    CU_ASSERT(call("GET", "op", NULL, NULL) == 0);
    ASSERT_TEXT(buf_text(&rows.text), "{\"done\":true}");
    CU_ASSERT(call("DELETE", "branches/main", NULL, NULL) == LB_ERR_CONFLICT);
    ASSERT_CONTAINS(err.message, "protected");
}

static void records_calls(void)
{
    start();
    write_live("control.json",
               "[{\"method\":\"GET\",\"path\":\"projects\",\"query\":\"page_token=x\",\"reply\":{\"page\":2}},"
               "{\"method\":\"GET\",\"path\":\"projects\",\"reply\":{\"page\":1,\"next_page_token\":\"x\"}},"
               "{\"method\":\"POST\",\"path\":\"branches\",\"body\":{\"b\":2},\"reply\":\"both\"},"
               "{\"method\":\"POST\",\"path\":\"branches\",\"reply\":\"one\"},"
               "{\"method\":\"GET\",\"path\":\"op\",\"times\":2,\"reply\":{\"done\":false}},"
               "{\"method\":\"GET\",\"path\":\"op\",\"reply\":{\"done\":true}},"
               "{\"method\":\"DELETE\",\"path\":\"branches/main\",\"status\":409,\"reply\":{\"message\":\"it is "
               "protected\"}}]");
    record();
    check_calls();
    CU_ASSERT(fixture_recording_failure(recording) == NULL);
    replay();
    check_calls();
    finish();
}

static void secrets_of_calls_stay_out(void)
{
    static const char body[] = "{\"role\":{\"name\":\"app\",\"password\":\"hunter2\"}}";
    start();
    write_live(
        "control.json",
        "[{\"method\":\"POST\",\"path\":\"roles\",\"reply\":{\"name\":\"app\",\"items\":[{\"token\":\"hunter2\"}],"
        "\"next_page_token\":\"keep\",\"initial_password\":\"hunter2\"}}]");
    record();
    CU_ASSERT(call("POST", "roles", NULL, body) == 0);
    ASSERT_CONTAINS(buf_text(&rows.text), "hunter2"); /* the run itself sees it */
    LB_AUTO_FREE char *text = copy_of("control.json");
    CU_ASSERT(strstr(text, "hunter2") == NULL);
    ASSERT_CONTAINS(text, "\"next_page_token\":\"keep\"");
    replay();
    CU_ASSERT(call("POST", "roles", NULL, body) == 0);
    ASSERT_CONTAINS(buf_text(&rows.text), "\"token\":\"[secret]\"");
    finish();
}

SUITE(fixture, TEST(replays_what_it_saw), TEST(tells_sequences), TEST(equal_answers_are_kept_once),
      TEST(composed_statements_differ_by_text), TEST(secrets_stay_out), TEST(what_is_our_own_is_not_recorded),
      TEST(a_failure_leaves_the_run_alone), TEST(processes_share_a_directory), TEST(records_calls),
      TEST(secrets_of_calls_stay_out))
