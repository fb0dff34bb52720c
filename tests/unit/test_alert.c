/* The alert services: alert_file and alert_mock. */
#include "integration/state_stage.h"

#include "fs.h"
#include "scratch.h"

#include <lbops/alert.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

extern const lb_plugin lb_plugin_v1_alert_file, lb_plugin_v1_alert_mock;

static lb_error err;
static lb_alert_receipt receipt;

static lb_alert_note note_of(const char *id)
{
    return (lb_alert_note){.size = sizeof(lb_alert_note),
                           .id = id,
                           .key = "lag/shop",
                           .change = "opened",
                           .severity = "critical",
                           .text = "replication \"lag\"\nof 5 minutes",
                           .document = "{\"lag\": 1.50, \"n\": 9223372036854775807}",
                           .at = 7};
}

#define LINE(id)                                                                                                       \
    "{\"id\":\"" id "\",\"key\":\"lag/shop\",\"change\":\"opened\",\"severity\":\"critical\","                         \
    "\"text\":\"replication \\\"lag\\\"\\nof 5 "                                                                       \
    "minutes\",\"at\":7,\"where\":\"the workspace\",\"since\":\"1970-01-01 00:00:00 UTC\","                            \
    "\"alert\":{\"lag\":1.50,\"n\":9223372036854775807}}\n"

static int send_id(const lb_alert *ops, void *state, const char *id)
{
    lb_alert_note note = note_of(id);
    receipt = (lb_alert_receipt){.why = ""};
    int r = ops->send(state, &note, stage_soon(5), &receipt, &err);
    return r < 0 ? r : (int)receipt.outcome;
}

static char *content(const char *dir, const char *name)
{
    char *text = NULL;
    size_t length;
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, name);
    return fs_read(path, 64 << 20, &text, &length, &err) == 0 ? text : base_strdup("(none)");
}

#define ASSERT_FILE(dir, name, wanted)                                                                                 \
    do {                                                                                                               \
        LB_AUTO_FREE char *content_ = content((dir), (name));                                                          \
        ASSERT_TEXT(content_, (wanted));                                                                               \
    } while (0)

/* ---- the file ---- */

static const lb_alert *file_ops(void)
{
    return lb_plugin_v1_alert_file.ops;
}

static int open_file(const char *dir, void **ret_state)
{
    void *args = stage_args(file_ops()->params, file_ops()->args_size);
    int r = file_ops()->open(&stage_host, args, dir, stage_soon(5), ret_state, &err);
    free(args);
    return r;
}

static void *start_file(const char *dir)
{
    void *state = NULL;
    CU_ASSERT_FATAL(open_file(dir, &state) == 0);
    return state;
}

static void append_bytes(const char *dir, const char *bytes, size_t length)
{
    LB_AUTO_FREE char *path = base_printf("%s/alerts.ndjson", dir);
    LB_AUTO_FD int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    CU_ASSERT(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
}

static void appends_each_once(void)
{
    SCRATCH dir = scratch_new();
    struct stat st;
    void *state = start_file(dir);
    CU_ASSERT(send_id(file_ops(), state, "1") == LB_ALERT_DELIVERED);
    CU_ASSERT(send_id(file_ops(), state, "2") == LB_ALERT_DELIVERED);
    CU_ASSERT(send_id(file_ops(), state, "1") == LB_ALERT_DELIVERED);
    ASSERT_FILE(dir, "alerts.ndjson", LINE("1") LINE("2"));
    file_ops()->close(state);
    state = start_file(dir);
    CU_ASSERT(send_id(file_ops(), state, "2") == LB_ALERT_DELIVERED);
    CU_ASSERT(send_id(file_ops(), state, "3") == LB_ALERT_DELIVERED);
    ASSERT_FILE(dir, "alerts.ndjson", LINE("1") LINE("2") LINE("3"));
    LB_AUTO_FREE char *path = base_printf("%s/alerts.ndjson", dir);
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    file_ops()->close(state);
}

static void mends_a_torn_line(void)
{
    SCRATCH dir = scratch_new();
    void *state = start_file(dir);
    CU_ASSERT(send_id(file_ops(), state, "1") == LB_ALERT_DELIVERED);
    file_ops()->close(state);
    append_bytes(dir, LINE("2"), 40);
    state = start_file(dir);
    ASSERT_FILE(dir, "alerts.ndjson", LINE("1"));
    CU_ASSERT(send_id(file_ops(), state, "2") == LB_ALERT_DELIVERED);
    ASSERT_FILE(dir, "alerts.ndjson", LINE("1") LINE("2"));
    file_ops()->close(state);
    append_bytes(dir, "garbage\n\n{\"id\":5}\n\0\0\n", 22); /* whole lines of somebody else stay */
    state = start_file(dir);
    CU_ASSERT(send_id(file_ops(), state, "2") == LB_ALERT_DELIVERED);
    file_ops()->close(state);
    LB_AUTO_FREE char *text = content(dir, "alerts.ndjson");
    ASSERT_CONTAINS(text, "garbage\n\n{\"id\":5}\n");
}

static void remembers_many(void)
{
    enum { MANY = 300 };
    SCRATCH dir = scratch_new();
    char id[16];
    void *state = start_file(dir);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof id, "n%d", i);
        CU_ASSERT(send_id(file_ops(), state, id) == LB_ALERT_DELIVERED);
    }
    file_ops()->close(state);
    LB_AUTO_FREE char *before = content(dir, "alerts.ndjson");
    state = start_file(dir);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof id, "n%d", i);
        CU_ASSERT(send_id(file_ops(), state, id) == LB_ALERT_DELIVERED);
    }
    file_ops()->close(state);
    ASSERT_FILE(dir, "alerts.ndjson", before);
}

/* What a person can do about that kind of event on that branch, as the file has it. */
static bool comes_next(const char *kind, const char *branch, const char *payload, const char *command)
{
    SCRATCH dir = scratch_new();
    void *state = start_file(dir);
    LB_AUTO_FREE char *document =
        base_printf("{\"kind\":\"%s\",\"project\":\"shop\",\"branch\":\"%s\",\"payload\":{%s}}", kind, branch, payload);
    LB_AUTO_FREE char *wanted = base_printf("\"next\":\"%s\"", command ? command : "");
    lb_alert_note note = note_of("1");
    note.document = document;
    CU_ASSERT(file_ops()->send(state, &note, stage_soon(5), &receipt, &err) >= 0);
    file_ops()->close(state);
    LB_AUTO_FREE char *text = content(dir, "alerts.ndjson");
    return command ? strstr(text, wanted) != NULL : strstr(text, "\"next\"") == NULL;
}

static void says_what_comes_next(void)
{
    static const char *const lag = "\"metric\":\"replication_lag\"";
    CU_ASSERT(comes_next("threshold.breached", "staging", lag,
                         "lbops run diagnose_root_cause --project shop --branch staging"));
    CU_ASSERT(comes_next("awake.spent", "staging", "\"issue\":\"awake_budget\"",
                         "lbops run monitor_system_health --project shop --branch staging"));
    CU_ASSERT(comes_next("approval.requested", "staging", "\"approval_id\":\"a1\"", "lbops approvals a1"));
    CU_ASSERT(comes_next("service.down", "staging", "", "lbops status"));
    CU_ASSERT(comes_next("tool.suspended", "staging", "\"tool\":\"t\"", "lbops tools t --resume"));
    CU_ASSERT(comes_next("threshold.breached", "an old; one", lag,
                         "lbops run diagnose_root_cause --project shop --branch 'an old; one'"));
    CU_ASSERT(comes_next("threshold.breached", "it's", lag, NULL)); /* nothing that could be pasted */
    CU_ASSERT(comes_next("threshold.breached", "staging", "", NULL));
}

static void follows_rotation(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/alerts.ndjson", dir), *old = base_printf("%s/old", dir);
    void *state = start_file(dir);
    CU_ASSERT(send_id(file_ops(), state, "1") == LB_ALERT_DELIVERED);
    CU_ASSERT(rename(path, old) == 0);
    CU_ASSERT(send_id(file_ops(), state, "2") == LB_ALERT_DELIVERED);
    CU_ASSERT(send_id(file_ops(), state, "1") == LB_ALERT_DELIVERED); /* known all the same */
    ASSERT_FILE(dir, "old", LINE("1"));
    ASSERT_FILE(dir, "alerts.ndjson", LINE("2"));
    file_ops()->close(state);
}

static void has_one_writer(void)
{
    SCRATCH dir = scratch_new();
    void *state = start_file(dir), *other = NULL;
    CU_ASSERT(open_file(dir, &other) == LB_ERR_CONFLICT);
    ASSERT_CONTAINS(err.message, "another process writes alerts to");
    file_ops()->close(state);
    CU_ASSERT(open_file("/no/such/folder", &other) == LB_ERR_NOT_FOUND);
}

static void writes_all_or_nothing(void)
{
    SCRATCH dir = scratch_new();
    struct rlimit limit;
    void *state = start_file(dir);
    (void)signal(SIGXFSZ, SIG_IGN); /* the former handler: none */
    CU_ASSERT(send_id(file_ops(), state, "1") == LB_ALERT_DELIVERED);
    CU_ASSERT(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = sizeof LINE("1") + 20;
    CU_ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CU_ASSERT(send_id(file_ops(), state, "2") == LB_ERR_LIMIT);
    limit.rlim_cur = limit.rlim_max;
    CU_ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    ASSERT_FILE(dir, "alerts.ndjson", LINE("1"));
    CU_ASSERT(send_id(file_ops(), state, "2") == LB_ALERT_DELIVERED);
    ASSERT_FILE(dir, "alerts.ndjson", LINE("1") LINE("2"));
    file_ops()->close(state);
}

static void refuses_what_is_malformed(void)
{
    SCRATCH dir = scratch_new();
    void *state = start_file(dir);
    const lb_alert_note good = note_of("1");
    lb_alert_note bad[] = {good, good, good, good, good, good, good, good};
    bad[0].id = NULL;
    bad[1].id = "";
    bad[2].key = NULL;
    bad[3].change = "vanished";
    bad[4].severity = NULL;
    bad[5].text = NULL;
    bad[6].document = "[]";
    bad[7].size = 8;
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        CU_ASSERT(file_ops()->send(state, &bad[i], stage_soon(5), &receipt, &err) == LB_ERR_INVALID);
    CU_ASSERT(file_ops()->send(state, &good, clock_monotonic() - 1, &receipt, &err) == LB_ERR_TIMEOUT);
    ASSERT_FILE(dir, "alerts.ndjson", "");
    file_ops()->close(state);
}

/* ---- the mock ---- */

static void mock_counts_and_fails(void)
{
    SCRATCH dir = scratch_new();
    const lb_alert *ops = lb_plugin_v1_alert_mock.ops;
    void *state = NULL, *args = stage_args(ops->params, ops->args_size);
    stage_set_text(ops->params, args, "outcome", "later");
    stage_set_i64(ops->params, args, "outcome_first", 1);
    stage_set_i64(ops->params, args, "retry_after_ms", 1500);
    stage_set_i64(ops->params, args, "fail_first", 2);
    CU_ASSERT_FATAL(ops->open(&stage_host, args, dir, stage_soon(5), &state, &err) == 0);
    CU_ASSERT(send_id(ops, state, "1") == LB_ERR_UNREACHABLE && send_id(ops, state, "1") == LB_ERR_UNREACHABLE);
    CU_ASSERT(send_id(ops, state, "1") == LB_ALERT_LATER && receipt.retry_after_us == 1500000);
    ASSERT_TEXT(receipt.why, "the mock was told so");
    CU_ASSERT(send_id(ops, state, "1") == LB_ALERT_DELIVERED && send_id(ops, state, "1") == LB_ALERT_DELIVERED);
    CU_ASSERT(send_id(ops, state, "2") == LB_ALERT_DELIVERED);
    ASSERT_FILE(dir, "alert_mock.json", "{\"delivered\":2,\"repeated\":1,\"refused\":0,\"later\":1,\"failed\":2}\n");
    ops->close(state);
    stage_set_text(ops->params, args, "outcome", "refused");
    stage_set_i64(ops->params, args, "outcome_first", 0);
    stage_set_i64(ops->params, args, "fail_first", 0);
    CU_ASSERT_FATAL(ops->open(&stage_host, args, dir, stage_soon(5), &state, &err) == 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT(send_id(ops, state, "3") == LB_ALERT_REFUSED && receipt.retry_after_us == 0);
    ASSERT_FILE(dir, "alert_mock.json", "{\"delivered\":0,\"repeated\":0,\"refused\":3,\"later\":0,\"failed\":0}\n");
    ops->close(state);
    free(args);
}

SUITE(alert, TEST(appends_each_once), TEST(mends_a_torn_line), TEST(remembers_many), TEST(says_what_comes_next),
      TEST(follows_rotation), TEST(has_one_writer), TEST(writes_all_or_nothing), TEST(refuses_what_is_malformed),
      TEST(mock_counts_and_fails))
