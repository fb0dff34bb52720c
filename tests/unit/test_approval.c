/* The approval services that need no server: approval_local and approval_mock. */
#include "integration/state_stage.h"

#include "fs.h"
#include "scratch.h"

#include <lbops/approval.h>

extern const lb_plugin lb_plugin_v1_approval_local, lb_plugin_v1_approval_mock;

#define DOCUMENT "{\"tool\":\"drop_index\",\"sql\":\"DROP INDEX \\\"o'x\\\"\"}"

static lb_error err;
static buf said = {.limit = 1 << 16};

static int take(void *arg, const lb_decision *d, lb_error *ret_err)
{
    if (arg)
        return lb_fail(ret_err, LB_ERR_TOOL, NULL, "not now");
    buf_printf(&said, "%s/%lld %s by %s: %s\n", d->id, (long long)d->revision, d->approved ? "yes" : "no", d->by,
               d->because);
    CU_ASSERT(d->at > INT64_C(1600000000000000));
    return 0;
}

static const char *collect_for(const lb_approval *ops, void *state, int64_t microseconds)
{
    buf_clear(&said);
    int r = ops->collect(state, clock_monotonic() + microseconds, take, NULL, &err);
    if (r < 0)
        buf_printf(&said, "failed: %d", r);
    return buf_text(&said);
}

/* ---- local ---- */

static void *open_local(const char *dir)
{
    const lb_approval *ops = lb_plugin_v1_approval_local.ops;
    void *state = NULL, *args = stage_args(ops->params, ops->args_size);
    CU_ASSERT_FATAL(ops->open(&stage_host, args, dir, stage_soon(5), &state, &err) == 0);
    free(args);
    return state;
}

static char *shown(const char *dir, const char *id)
{
    char *text = NULL;
    size_t length;
    lb_error ignored;
    LB_AUTO_FREE char *path = base_printf("%s/approvals/%s.json", dir, id);
    return fs_read(path, 1 << 16, &text, &length, &ignored) == 0 ? text : base_strdup("");
}

#define ASSERT_SHOWN(dir, id, wanted)                                                                                  \
    do {                                                                                                               \
        LB_AUTO_FREE char *shown_ = shown((dir), (id));                                                                \
        ASSERT_TEXT(shown_, (wanted));                                                                                 \
    } while (0)

static void local_shows_what_is_pending(void)
{
    SCRATCH dir = scratch_new();
    const lb_approval *ops = lb_plugin_v1_approval_local.ops;
    struct stat st;
    mode_t before = umask(0);
    void *state = open_local(dir);
    CU_ASSERT(ops->publish(state, "01A", 2, DOCUMENT, stage_soon(5), &err) == 0);
    ASSERT_SHOWN(dir, "01A", "{\"id\":\"01A\",\"revision\":2,\"approval\":" DOCUMENT "}\n");
    LB_AUTO_FREE char *folder = base_printf("%s/approvals", dir), *file = base_printf("%s/01A.json", folder);
    CU_ASSERT(stat(folder, &st) == 0 && (st.st_mode & 07777) == 0700);
    CU_ASSERT(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600);
    CU_ASSERT(ops->publish(state, "01A", 1, "{\"old\":1}", stage_soon(5), &err) == 0);
    CU_ASSERT(ops->publish(state, "01A", 2, "{\"same\":1}", stage_soon(5), &err) == 0);
    ASSERT_SHOWN(dir, "01A", "{\"id\":\"01A\",\"revision\":2,\"approval\":" DOCUMENT "}\n");
    ops->close(state);
    state = open_local(dir);
    CU_ASSERT(ops->publish(state, "01A", 3, "{\"new\":1}", stage_soon(5), &err) == 0);
    ASSERT_SHOWN(dir, "01A", "{\"id\":\"01A\",\"revision\":3,\"approval\":{\"new\":1}}\n");
    CU_ASSERT(ops->settle(state, "01A", "executed", stage_soon(5), &err) == 0);
    ASSERT_SHOWN(dir, "01A", "");
    CU_ASSERT(ops->settle(state, "01A", "executed", stage_soon(5), &err) == 0);
    ops->close(state);
    (void)umask(before);
}

static void local_waits_and_brings_nothing(void)
{
    SCRATCH dir = scratch_new();
    const lb_approval *ops = lb_plugin_v1_approval_local.ops;
    void *state = open_local(dir);
    CU_ASSERT(ops->publish(state, "a", 1, DOCUMENT, stage_soon(5), &err) == 0);
    int64_t began = clock_monotonic();
    ASSERT_TEXT(collect_for(ops, state, 60000), "");
    CU_ASSERT(clock_monotonic() - began >= 60000);
    stage_cancelled = true;
    CU_ASSERT(ops->collect(state, stage_soon(3600), take, NULL, &err) == LB_ERR_CANCELLED);
    stage_cancelled = false;
    ops->close(state);
}

static void refuses_what_is_malformed(void)
{
    static const char *const ids[] = {NULL, "", ".hidden", "../up", "a/b", "a b", "ä", "a\n"};
    static const char *const documents[] = {NULL, "", "[]", "{", "{} x", "null", "{\"a\":\"\xff\"}"};
    SCRATCH dir = scratch_new();
    const lb_approval *ops = lb_plugin_v1_approval_local.ops;
    void *state = open_local(dir);
    for (size_t i = 0; i < LB_COUNT(ids); i++) {
        CU_ASSERT(ops->publish(state, ids[i], 1, DOCUMENT, stage_soon(5), &err) == LB_ERR_INVALID);
        CU_ASSERT(ops->settle(state, ids[i], "denied", stage_soon(5), &err) == LB_ERR_INVALID);
    }
    for (size_t i = 0; i < LB_COUNT(documents); i++)
        CU_ASSERT(ops->publish(state, "a", 1, documents[i], stage_soon(5), &err) == LB_ERR_INVALID);
    CU_ASSERT(ops->publish(state, "a", 0, DOCUMENT, stage_soon(5), &err) == LB_ERR_INVALID);
    CU_ASSERT(ops->settle(state, "a", "", stage_soon(5), &err) == LB_ERR_INVALID);
    CU_ASSERT(ops->publish(state, "a", 1, DOCUMENT, clock_monotonic() - 1, &err) == LB_ERR_TIMEOUT);
    LB_AUTO_FREE char *text = shown(dir, "a");
    ASSERT_TEXT(text, "");
    ops->close(state);
}

static void local_says_why_it_cannot(void)
{
    const lb_approval *ops = lb_plugin_v1_approval_local.ops;
    void *state = NULL, *args = stage_args(ops->params, ops->args_size);
    CU_ASSERT(ops->open(&stage_host, args, "/no/such/folder", stage_soon(5), &state, &err) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "cannot create the folder /no/such/folder/approvals");
    free(args);
}

/* ---- mock ---- */

typedef struct policy {
    const char *approve, *deny; /* one pattern each, or NULL */
    int64_t delay_ms, fail_first;
} policy;

static void set_pattern(const lb_approval *ops, void *args, const char *name, const char *const *pattern)
{
    for (const lb_param *p = ops->params; p->name; p++)
        if (strcmp(p->name, name) == 0 && *pattern)
            *(lb_texts *)(void *)((char *)args + p->offset) = (lb_texts){pattern, 1};
}

static void *open_mock(policy p)
{
    const lb_approval *ops = lb_plugin_v1_approval_mock.ops;
    void *state = NULL, *args = stage_args(ops->params, ops->args_size);
    set_pattern(ops, args, "approve", &p.approve);
    set_pattern(ops, args, "deny", &p.deny);
    stage_set_i64(ops->params, args, "delay_ms", p.delay_ms);
    stage_set_i64(ops->params, args, "fail_first", p.fail_first);
    CU_ASSERT_FATAL(ops->open(&stage_host, args, "/nowhere", stage_soon(5), &state, &err) == 0);
    free(args);
    return state;
}

static void mock_decides_by_policy(void)
{
    const lb_approval *ops = lb_plugin_v1_approval_mock.ops;
    void *state = open_mock((policy){.approve = "drop_*", .deny = "drop_table"});
    CU_ASSERT(ops->publish(state, "a", 1, "{\"tool\":\"drop_index\"}", stage_soon(5), &err) == 0);
    CU_ASSERT(ops->publish(state, "b", 1, "{\"tool\":\"drop_table\"}", stage_soon(5), &err) == 0);
    CU_ASSERT(ops->publish(state, "c", 1, "{\"tool\":\"reindex\"}", stage_soon(5), &err) == 0);
    ASSERT_TEXT(collect_for(ops, state, 5000000), "a/1 yes by mock: the policy of the mock\n"
                                                  "b/1 no by mock: the policy of the mock\n");
    ASSERT_TEXT(collect_for(ops, state, 20000), "");
    CU_ASSERT(ops->publish(state, "a", 1, "{\"tool\":\"drop_index\"}", stage_soon(5), &err) == 0);
    ASSERT_TEXT(collect_for(ops, state, 20000), "");
    CU_ASSERT(ops->publish(state, "a", 2, "{\"tool\":\"drop_index\"}", stage_soon(5), &err) == 0);
    CU_ASSERT(ops->collect(state, stage_soon(5), take, &err, &err) == LB_ERR_TOOL); /* refused: it comes again */
    ASSERT_TEXT(collect_for(ops, state, 5000000), "a/2 yes by mock: the policy of the mock\n");
    CU_ASSERT(ops->publish(state, "d", 1, "{\"tool\":\"drop_all\"}", stage_soon(5), &err) == 0);
    CU_ASSERT(ops->settle(state, "d", "withdrawn", stage_soon(5), &err) == 0);
    ASSERT_TEXT(collect_for(ops, state, 20000), "");
    ops->close(state);
}

static void mock_thinks_and_fails(void)
{
    const lb_approval *ops = lb_plugin_v1_approval_mock.ops;
    void *state = open_mock((policy){.approve = "*", .delay_ms = 800, .fail_first = 2});
    CU_ASSERT(ops->publish(state, "a", 1, DOCUMENT, stage_soon(5), &err) == LB_ERR_UNREACHABLE);
    ASSERT_TEXT(collect_for(ops, state, 5000000), "failed: -4");
    int64_t began = clock_monotonic();
    CU_ASSERT(ops->publish(state, "a", 1, DOCUMENT, stage_soon(5), &err) == 0);
    ASSERT_TEXT(collect_for(ops, state, 10000), "");
    ASSERT_TEXT(collect_for(ops, state, 5000000), "a/1 yes by mock: the policy of the mock\n");
    CU_ASSERT(clock_monotonic() - began >= 800000);
    ops->close(state);
}

SUITE(approval, TEST(local_shows_what_is_pending), TEST(local_waits_and_brings_nothing),
      TEST(refuses_what_is_malformed), TEST(local_says_why_it_cannot), TEST(mock_decides_by_policy),
      TEST(mock_thinks_and_fails))
