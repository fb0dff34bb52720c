/* load_check on descriptors in memory: each case is a sound plugin with one thing changed. */
#include "unit/suite.h"

#include "load.h"
#include "spec.h"

#include <lbops/transport.h>
#include <sys/stat.h>

struct args {
    int64_t days;
};

static const lb_param sound_params[] = {LB_PARAM(struct args, days, LB_I64, "7", "how far back"), LB_PARAMS_END};
static const lb_param unsound_params[] = {LB_PARAM(struct args, days, LB_I64, "x", "how far back"), LB_PARAMS_END};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

/* What a case may change. */
typedef struct sound {
    lb_plugin plugin;
    lb_tool tool;
    const char *file_name;
} sound;

static void make_sound(sound *s)
{
    *s = (sound){
        .tool = {.size = sizeof(lb_tool), .risk = LB_RISK_LOW, .run = run, LB_TOOL_ARGS(struct args, sound_params)},
        .plugin = {.magic = LB_ABI_MAGIC,
                   .abi_major = LB_ABI_MAJOR,
                   .abi_minor = LB_ABI_MINOR,
                   .size = sizeof(lb_plugin),
                   .kind = LB_KIND_TOOL,
                   .name = "sample",
                   .version = "1.2",
                   .summary = "a sample"},
        .file_name = "sample"};
    s->plugin.ops = &s->tool;
}

static void expect_refusal(const sound *s, int code, const char *part)
{
    lb_error err = {0};
    CU_ASSERT_EQUAL(load_check(&s->plugin, s->file_name, &err), code);
    ASSERT_CONTAINS(err.message, part);
    CU_ASSERT(err.hint[0] != '\0');
}

/* TRY(change, code, part): the sound plugin with a change. */
#define TRY(change, code, part)                                                                                        \
    do {                                                                                                               \
        sound s;                                                                                                       \
        make_sound(&s);                                                                                                \
        change;                                                                                                        \
        expect_refusal(&s, code, part);                                                                                \
    } while (0)

static void sound_plugins_pass(void)
{
    sound s;
    lb_error err = {0};
    make_sound(&s);
    CU_ASSERT_EQUAL(load_check(&s.plugin, "sample", &err), 0);
    s.plugin.abi_minor = 9; /* newer minors only add */
    s.plugin.size += 64;
    s.tool.size += 64;
    s.tool.schedule = "@daily";
    s.tool.agent = "health";
    s.tool.writes = LB_NAMES("audit_log");
    s.tool.emits = LB_NAMES("branch.created", "a_1.b2");
    CU_ASSERT_EQUAL(load_check(&s.plugin, "sample", &err), 0);
    const lb_service service = {.size = sizeof service};
    for (uint32_t kind = LB_KIND_DELTA; kind <= LB_KIND_MODEL; kind++) {
        s.plugin.kind = kind;
        s.plugin.ops = &service;
        CU_ASSERT_EQUAL(load_check(&s.plugin, "sample", &err), 0);
    }
}

/* A head alone, of exactly its own length: a sanitizer sees every byte that is read too far. */
static void nothing_is_read_before_its_guard(void)
{
    size_t head = offsetof(lb_plugin, name);
    lb_plugin *cut = base_alloc(head);
    lb_error err = {0};
    const lb_plugin full = {
        .magic = LB_ABI_MAGIC, .abi_major = LB_ABI_MAJOR, .size = (uint32_t)head, .kind = LB_KIND_TOOL};
    memcpy(cut, &full, head);
    CU_ASSERT_EQUAL(load_check(cut, "sample", &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "has a short descriptor");
    free(cut);
    lb_tool *tool = base_alloc(sizeof tool->size + 4);
    tool->size = sizeof tool->size;
    TRY(s.plugin.ops = tool, LB_ERR_INVALID, "has a short tool table (4 bytes");
    free(tool);
    lb_transport *transport = base_alloc(sizeof transport->size + 4);
    transport->size = sizeof transport->size;
    TRY((s.plugin.kind = LB_KIND_TRANSPORT, s.plugin.ops = transport), LB_ERR_INVALID, "has a short transport table");
    free(transport);
}

static void heads_are_judged(void)
{
    TRY(s.plugin.magic = 0, LB_ERR_INVALID, "magic 0x00000000 instead of");
    TRY(s.plugin.abi_major = 0, LB_ERR_UNSUPPORTED, "speaks ABI 0.");
    TRY(s.plugin.abi_major = 2, LB_ERR_UNSUPPORTED, "speaks ABI 2.");
    TRY(s.plugin.size = 8, LB_ERR_INVALID, "has a short descriptor (8 bytes");
    TRY(s.plugin.kind = 0, LB_ERR_UNSUPPORTED, "is of kind 0");
    TRY(s.plugin.kind = 9, LB_ERR_UNSUPPORTED, "is of kind 9");
    TRY(s.plugin.name = NULL, LB_ERR_INVALID, "has no name");
    TRY(s.plugin.name = "Sample", LB_ERR_INVALID, "has a name in its descriptor that no plugin can have");
    TRY(s.plugin.name = "", LB_ERR_INVALID, "has a name in its descriptor");
    TRY(s.plugin.name = "other", LB_ERR_INVALID, "calls itself other");
    TRY(s.file_name = "sample-1", LB_ERR_INVALID, "has a file name that no plugin can have");
    TRY(s.plugin.version = NULL, LB_ERR_INVALID, "has no version");
    TRY(s.plugin.version = "1\n2", LB_ERR_INVALID, "has no version, or not one line");
    TRY(s.plugin.summary = "", LB_ERR_INVALID, "has no summary");
    TRY(s.plugin.summary = "\xff", LB_ERR_INVALID, "has no summary, or not one line of UTF-8");
    TRY(s.plugin.ops = NULL, LB_ERR_INVALID, "has no operations");
    TRY(s.plugin.ops = (const char *)&s.tool + 1, LB_ERR_INVALID, "has operations that are not aligned");
    char long_name[70];
    memset(long_name, 'a', 64);
    long_name[64] = '\0';
    TRY((s.plugin.name = long_name, s.file_name = long_name), LB_ERR_INVALID,
        "has a file name that no plugin can have");
}

static void tools_are_judged(void)
{
    TRY(s.tool.run = NULL, LB_ERR_INVALID, "has no run function");
    TRY(s.tool.risk = (lb_risk)0, LB_ERR_INVALID, "states no risk");
    TRY(s.tool.risk = (lb_risk)4, LB_ERR_INVALID, "states no risk (4)");
    TRY(s.tool.agent = "Health!", LB_ERR_INVALID, "hints at an agent");
    TRY(s.tool.schedule = "* * *", LB_ERR_INVALID, "has a bad schedule '* * *'");
    TRY(s.tool.schedule = "", LB_ERR_INVALID, "has a bad schedule ''");
    TRY(s.tool.schedule = "\n", LB_ERR_INVALID, "has a schedule that is not one line");
    TRY(s.tool.params = unsound_params, LB_ERR_INVALID, "is unsound: parameter days has a default that does not hold");
    TRY(s.tool.param_size = 0, LB_ERR_INVALID, "has parameters without .param_size");
    TRY(s.tool.param_size = 20, LB_ERR_INVALID, "rows are 20 bytes long");
    TRY(s.tool.args_size = 4, LB_ERR_INVALID, "lies outside its struct");
    TRY(s.tool.params = (const lb_param *)(const void *)((const char *)sound_params + 4), LB_ERR_INVALID,
        "not aligned");
    TRY(s.tool.writes = LB_NAMES("audit log"), LB_ERR_INVALID, "names something in .writes");
    TRY(s.tool.emits = LB_NAMES("ok", ".created"), LB_ERR_INVALID, "names something in .emits");
    TRY(s.tool.emits = LB_NAMES("branch..created"), LB_ERR_INVALID, "names something in .emits");
    TRY(s.tool.emits = LB_NAMES("branch."), LB_ERR_INVALID, "names something in .emits");
    TRY(s.tool.calls = LB_NAMES(""), LB_ERR_INVALID, "names something in .calls");
    const char *endless[SPEC_NAMES_MAX + 2];
    for (size_t i = 0; i < LB_COUNT(endless); i++)
        endless[i] = "audit_log";
    endless[LB_COUNT(endless) - 1] = NULL;
    TRY(s.tool.calls = endless, LB_ERR_INVALID, "has a list .calls that does not end within 256 names");
}

static void files_are_judged_before_they_run(void)
{
    const lb_plugin *plugin = NULL;
    lb_error err = {0};
    CU_ASSERT_EQUAL(load_plugin("/nowhere/sample.so", &plugin, &err), LB_ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(load_plugin("/bin/sh", &plugin, &err), LB_ERR_INVALID); /* a program, not a plugin */
    ASSERT_CONTAINS(err.message, "plugin sh ");
    CU_ASSERT_EQUAL(load_plugin("/etc/passwd", &plugin, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "plugin passwd is not a shared object");
    char path[] = "/tmp/lbops-load-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    static const unsigned char head[64] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
    CU_ASSERT_EQUAL(write(fd, head, sizeof head), sizeof head);
    CU_ASSERT_EQUAL(close(fd), 0);
    CU_ASSERT_EQUAL(load_plugin(path, &plugin, &err), LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(err.message, "is made for another processor");
    CU_ASSERT_EQUAL(chmod(path, 0602), 0);
    CU_ASSERT_EQUAL(load_plugin(path, &plugin, &err), LB_ERR_DENIED);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_PTR_NULL(plugin);
}

static void names_come_from_paths(void)
{
    static const char *const names[][2] = {
        {"/x/bloat.so", "bloat"}, {"bloat.so", "bloat"}, {"/x/bloat", "bloat"},
        {"/x.so/y", "y"},         {".so", ".so"},        {"/x/", ""},
    };
    for (size_t i = 0; i < LB_COUNT(names); i++) {
        char *name = load_name_of(names[i][0]);
        ASSERT_TEXT(name, names[i][1]);
        free(name);
    }
    ASSERT_TEXT(spec_kind_name(LB_KIND_STATE), "state");
    ASSERT_TEXT(spec_kind_name((lb_kind)99), "unknown");
    ASSERT_TEXT(spec_risk_name(LB_RISK_HIGH), "high");
    ASSERT_TEXT(spec_risk_name((lb_risk)0), "unknown");
}

/* The description of a plugin, read and written again, is the same. */
static void descriptions_go_round(void)
{
    sound s;
    lb_error err = {0};
    make_sound(&s);
    s.plugin.summary = "says \"hello\"\xe2\x80\xa6";
    s.tool.emits = LB_NAMES("branch.created");
    s.tool.needs_approval = true;
    BUF_AUTO once = BUF_INIT(1 << 16);
    BUF_AUTO again = BUF_INIT(1 << 16);
    spec_write(&once, &s.plugin, "/x/sample.so");
    plugin_spec *spec = spec_read(once.data, once.length, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(spec);
    spec_write_again(&again, spec);
    ASSERT_TEXT(buf_text(&again), buf_text(&once));
    spec_free(spec);
    CU_ASSERT_PTR_NULL(spec_free(NULL));
    CU_ASSERT_PTR_NULL(spec_read("null", 4, &err));
    CU_ASSERT_EQUAL(err.code, LB_ERR_INVALID);
    CU_ASSERT_PTR_NULL(spec_read("{}", SPEC_JSON_MAX + 1, &err));
    CU_ASSERT_EQUAL(err.code, LB_ERR_LIMIT);
}

SUITE(load, TEST(sound_plugins_pass), TEST(nothing_is_read_before_its_guard), TEST(heads_are_judged),
      TEST(tools_are_judged), TEST(files_are_judged_before_they_run), TEST(names_come_from_paths),
      TEST(descriptions_go_round))
