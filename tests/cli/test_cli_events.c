/* lbops events: listing, filters, the chain, and following a log while it grows. */
#include "program.h"

#include "event_log.h"
#include "event_segment.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

/* A workspace with these events in its log. */
static char *events_new(struct ev_loop *loop, event_log **ret_log)
{
    static const event events[] = {
        {.kind = "branch.created",
         .run_id = "R1",
         .tool = "create_branch",
         .project = "shop",
         .branch = "main",
         .payload =
             "{\"branch_id\":\"dev ann\",\"expires_at\":null,\"small\":{\"a\":1},\"about\":{\"text\":\""
             "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
             "01234567890123456789\"}}"},
        {.kind = "vacuum.completed", .run_id = "R2", .tool = "vacuum", .project = "shop", .branch = "dev\x1b[2J"},
        {.kind = "branch.deleted", .run_id = "R3", .project = "shop", .cause = 1, .payload = "{\"branch_id\":\"x\"}"},
    };
    lb_error err;
    uint64_t seq;
    event_log_found found;
    char *workspace = workspace_new();
    LB_AUTO_FREE char *dir = base_printf("%s/state/events", workspace);
    const event_log_options options = {.loop = loop, .dir = dir};
    CU_ASSERT_EQUAL_FATAL(event_log_open(&options, ret_log, &found, &err), 0);
    for (size_t i = 0; i < LB_COUNT(events); i++)
        CU_ASSERT_EQUAL(event_log_add(*ret_log, &events[i], &seq, &err), 0);
    *ret_log = event_log_free(*ret_log); /* written now */
    return workspace;
}

static char *written_new(void)
{
    event_log *log;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    char *workspace = events_new(loop, &log);
    ev_loop_destroy(loop);
    return workspace;
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; (text = strchr(text, '\n')); text++)
        lines++;
    return lines;
}

static void people_see_a_line_for_each(void)
{
    SCRATCH dir = written_new();
    ANSWER a = in_workspace(dir, WORDS("events"));
    expect_code(&a, 0);
    CU_ASSERT_EQUAL(lines_of(a.out), 3);
    ASSERT_CONTAINS(a.out, "branch.created");
    ASSERT_CONTAINS(a.out, "shop/main");
    ASSERT_CONTAINS(a.out, "branch_id=\"dev ann\"");
    ASSERT_CONTAINS(a.out, " small={\"a\":1} about={...}\n"); /* a long document is for --json */
    ASSERT_CONTAINS(a.out, "(after 1)");
    CU_ASSERT_PTR_NULL(strchr(a.out, '\033')); /* nothing in a name moves the cursor */
    ASSERT_TEXT(a.err, "");
}

static void programs_get_the_records(void)
{
    SCRATCH dir = written_new();
    ANSWER a = in_workspace(dir, WORDS("--json", "events", "--kind", "branch.*", "--limit", "1"));
    expect_code(&a, 0);
    CU_ASSERT_EQUAL(lines_of(a.out), 1);
    JSON_AUTO *record = one_document(a.out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(record);
    ASSERT_TEXT(text_at(record, NULL, "kind"), "branch.deleted"); /* the newest */
    ASSERT_TEXT(text_at(record, "payload", "branch_id"), "x");
    CU_ASSERT_EQUAL(strlen(text_at(record, NULL, "hash")), EVENT_HASH);
}

static void expect_lines(const char *dir, size_t lines, const char *option, const char *value)
{
    ANSWER a = in_workspace(dir, WORDS("events", option, value));
    expect_code(&a, 0);
    CU_ASSERT_EQUAL(lines_of(a.out), lines);
}

static void filters_filter(void)
{
    SCRATCH dir = written_new();
    expect_lines(dir, 1, "--run", "R2");
    expect_lines(dir, 1, "--tool", "vacuum");
    expect_lines(dir, 1, "--branch", "main");
    expect_lines(dir, 3, "--project", "shop");
    expect_lines(dir, 0, "--project", "sho");
    expect_lines(dir, 2, "--since", "seq:2");
    expect_lines(dir, 3, "--since", "1h");
    expect_lines(dir, 0, "--since", "2199-01-01T00:00:00Z");
    expect_lines(dir, 3, "--since", "2020-01-01T00:00:00Z");
    expect_lines(dir, 2, "--limit", "2");
    ANSWER none = in_workspace(dir, WORDS("events", "--run", "R9"));
    expect_code(&none, 0);
    ASSERT_TEXT(none.out, "");
    ASSERT_CONTAINS(none.err, "no event is like that");
}

static void expect_refusal(const char *dir, const char *option, const char *value, const char *part)
{
    ANSWER a = in_workspace(dir, WORDS("events", option, value));
    expect_code(&a, 2);
    ASSERT_CONTAINS(a.err, part);
    ASSERT_TEXT(a.out, "");
}

static void nonsense_is_refused(void)
{
    SCRATCH dir = workspace_new();
    expect_refusal(dir, "--since", "yesterday", "--since yesterday is no time");
    expect_refusal(dir, "--since", "seq:0", "is no time");
    expect_refusal(dir, "--limit", "0", "--limit 0 is none");
    expect_refusal(dir, "--limit", "-1", "--limit -1 is none");
    expect_refusal(dir, "--folow", "x", "events does not take --folow");
    expect_refusal(dir, "--kind", NULL, "--kind needs a value");
}

static void kinds_are_listed(void)
{
    ANSWER a = lbops(WORDS("events", "--kinds"));
    ANSWER b = lbops(WORDS("events", "--kinds", "--json"));
    expect_code(&a, 0);
    ASSERT_CONTAINS(a.out, "sync.drift_detected");
    ASSERT_CONTAINS(a.out, "list of text");
    JSON_AUTO *list = one_document(b.out);
    CU_ASSERT(json_object_is_type(list, json_type_array));
}

static void a_break_is_found(void)
{
    SCRATCH dir = written_new();
    ANSWER whole = in_workspace(dir, WORDS("events", "--verify"));
    expect_code(&whole, 0);
    ASSERT_CONTAINS(whole.out, "3 event(s), 1 to 3, in 1 file(s): the chain holds");
    lb_error err;
    char *text;
    size_t length;
    LB_AUTO_FREE char *events = base_printf("%s/state/events", dir);
    LB_AUTO_FREE char *path = event_segment_path(events, 1);
    CU_ASSERT_EQUAL_FATAL(fs_read(path, 65536, &text, &length, &err), 0);
    memcpy(strstr(text, "dev ann"), "dev eve", 7);
    CU_ASSERT_EQUAL(fs_write_durable(path, text, length, 0600, &err), 0);
    free(text);
    ANSWER a = in_workspace(dir, WORDS("events", "--verify"));
    expect_code(&a, 1);
    ASSERT_CONTAINS(a.err, "00000000000000000001.ndjson:2: the hash of event 1 is wrong");
    ANSWER b = in_workspace(dir, WORDS("events", "--verify", "--json"));
    expect_code(&b, 1);
    JSON_AUTO *document = one_document(b.out);
    CU_ASSERT_EQUAL(length_at(document, "breaks"), 1);
}

/* As with records: what a tool says in an event of the platform's own is held to its fields, and the run fails. */
static void a_tools_payload_is_checked(void)
{
    SCRATCH dir = workspace_new();
    ANSWER a = in_workspace(dir, WORDS("run", "wrong_payload"));
    expect_code(&a, 1);
    ASSERT_CONTAINS(a.out, "the event branch.created needs its branch_id");
}

/* ---- following ---- */

static pid_t start_following(const char *dir, int *ret_out)
{
    int ends[2];
    pid_t pid = -1;
    posix_spawn_file_actions_t actions;
    LB_AUTO_FREE char *manifest = base_printf("%s/lbops.toml", dir);
    char *const argv[] = {(char[]){"lbops"},   (char[]){"-m"},     manifest,
                          (char[]){"--json"},  (char[]){"events"}, (char[]){"--follow"},
                          (char[]){"--limit"}, (char[]){"1"},      NULL};
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    CU_ASSERT_EQUAL(posix_spawn_file_actions_init(&actions), 0);
    CU_ASSERT_EQUAL(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
    CU_ASSERT_EQUAL_FATAL(posix_spawn(&pid, getenv("LBOPS_PROGRAM"), &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    *ret_out = ends[0];
    return pid;
}

/* The next bytes; "" when none come. */
static void read_some(int in, char *text, size_t size)
{
    struct pollfd fd = {.fd = in, .events = POLLIN};
    ssize_t n = poll(&fd, 1, 5000) == 1 ? read(in, text, size - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
}

static void a_follower_gets_what_comes_and_ends_with_its_reader(void)
{
    char text[8192];
    int in, status;
    lb_error err;
    uint64_t seq;
    event_log *log;
    event_log_found found;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    SCRATCH dir = events_new(loop, &log);
    LB_AUTO_FREE char *events = base_printf("%s/state/events", dir);
    pid_t pid = start_following(dir, &in);
    read_some(in, text, sizeof text);
    ASSERT_CONTAINS(text, "\"seq\":3,"); /* the newest so far */
    CU_ASSERT_PTR_NULL(strstr(text, "\"seq\":2,"));
    const event_log_options options = {.loop = loop, .dir = events, .segment_bytes = 1};
    for (uint64_t next = 4; next <= 6; next++) { /* a segment and a writer each */
        LB_AUTO_FREE char *expected = base_printf("{\"seq\":%llu,", (unsigned long long)next);
        CU_ASSERT_EQUAL_FATAL(event_log_open(&options, &log, &found, &err), 0);
        CU_ASSERT_EQUAL(event_log_add(log, &(event){.kind = "a"}, &seq, &err), 0);
        log = event_log_free(log);
        read_some(in, text, sizeof text);
        ASSERT_CONTAINS(text, expected);
        CU_ASSERT_EQUAL(lines_of(text), 1);
    }
    (void)close(in); /* the reader goes away, and nothing more happens */
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    ev_loop_destroy(loop);
}

SUITE(cli_events, TEST(people_see_a_line_for_each), TEST(programs_get_the_records), TEST(filters_filter),
      TEST(nonsense_is_refused), TEST(kinds_are_listed), TEST(a_break_is_found), TEST(a_tools_payload_is_checked),
      TEST(a_follower_gets_what_comes_and_ends_with_its_reader))
