/* The registry against plugins that are bad in every way we know, with a real probe. Each case names itself in the
 * output. */
#include "unit/registry_place.h"

#include "clock.h"

static void expect_refusal(const registry *r, const char *name, int code, const char *part)
{
    const lb_error *error = refusal_of(r, name);
    printf("\n    %-28s %s", name, error ? error->message : "NOT REFUSED");
    CU_ASSERT_PTR_NOT_NULL(error);
    if (!error)
        return;
    CU_ASSERT_EQUAL(error->code, code);
    ASSERT_CONTAINS(error->message, name);
    ASSERT_CONTAINS(error->message, part);
    CU_ASSERT(error->hint[0] != '\0');
}

/* ---- bad plugins ---- */

static const struct {
    const char *name;
    int code;
    const char *part;
} bad[] = {
    {"no_symbol", LB_ERR_INVALID, "has no symbol lb_plugin_v1"},
    {"tiny_symbol", LB_ERR_INVALID, "too short to be a descriptor"},
    {"symbol_is_function", LB_ERR_INVALID, "not a descriptor"},
    {"wrong_magic", LB_ERR_INVALID, "magic 0x12345678 instead of 0x4c424f50"},
    {"newer_major", LB_ERR_UNSUPPORTED, "speaks ABI 2."},
    {"newer_kind", LB_ERR_UNSUPPORTED, "is of kind 99"},
    {"short_struct", LB_ERR_INVALID, "has a short descriptor (16 bytes of 48)"},
    {"short_tool", LB_ERR_INVALID, "has a short tool table"},
    {"null_name", LB_ERR_INVALID, "has no name in its descriptor"},
    {"null_summary", LB_ERR_INVALID, "has no summary"},
    {"null_ops", LB_ERR_INVALID, "has no operations"},
    {"name_mismatch", LB_ERR_INVALID, "calls itself other_name"},
    {"null_run", LB_ERR_INVALID, "has no run function"},
    {"no_risk", LB_ERR_INVALID, "states no risk"},
    {"bad_schedule", LB_ERR_INVALID, "has a bad schedule '61 * * * *'"},
    {"bad_event", LB_ERR_INVALID, ".emits"},
    {"endless_writes", LB_ERR_INVALID, ".writes that does not end"},
    {"unknown_table", LB_ERR_INVALID, "writes vacuum_histori, which is no history table"},
    {"missing_function", LB_ERR_INVALID, "has no execute function"},
    {"unresolved_symbol", LB_ERR_NOT_FOUND, "uses 'lb_nobody_provides_this', which nothing provides"},
    {"reserved_param", LB_ERR_INVALID, "parameter project has a name that the host uses itself"},
    {"bad_default", LB_ERR_INVALID, "parameter days has a default that does not hold"},
    {"bad_width", LB_ERR_INVALID, "parameter days fills 4 bytes of its struct, but type integer takes 8"},
    {"secret_in_tool", LB_ERR_INVALID, "parameter password is a secret"},
    {"undecided_number", LB_ERR_INVALID, "parameter days is a number with neither a default nor required"},
    {"param_past_struct", LB_ERR_INVALID, "parameter days lies outside its struct (bytes 8 to 16 of 8)"},
    {"param_overlap", LB_ERR_INVALID, "parameter weeks overlaps parameter days"},
    {"no_params_end", LB_ERR_INVALID, "does not end within 64 rows"},
    {"no_param_size", LB_ERR_INVALID, "has parameters without .param_size"},
    {"crash_in_constructor", LB_ERR_TOOL, "its constructor crashed the probe with SIGSEGV"},
    {"abort_in_constructor", LB_ERR_TOOL, "its constructor crashed the probe with SIGABRT"},
    {"exit_in_constructor", LB_ERR_TOOL, "its constructor ended the probe with exit(3)"},
    {"closes_fds_in_constructor", LB_ERR_TOOL, "its constructor closed or replaced files of the host"},
    {"closes_stdout_in_constructor", LB_ERR_TOOL, "its constructor closed or replaced files of the host"},
    {"garbage_in_constructor", LB_ERR_TOOL, "its constructor wrote garbage"},
    {"forks_and_exits", LB_ERR_TOOL, "its constructor ended the probe with exit(4)"},
    {"crash_in_descriptor", LB_ERR_TOOL, "its descriptor crashed the probe with SIGSEGV"},
    {"world_writable", LB_ERR_DENIED, "can be written by everybody"},
    {"not_an_elf", LB_ERR_INVALID, "is not a shared object"},
    {"empty", LB_ERR_INVALID, "is an empty file"},
    {"directory", LB_ERR_INVALID, "is a directory, not a file"},
    {"pipe", LB_ERR_INVALID, "is a device or a pipe"},
    {"dangling", LB_ERR_NOT_FOUND, "cannot look at"},
    {"Bad-Name", LB_ERR_INVALID, "has a file name that no plugin can have"},
};

static const char *const good[] = {
    "environment_in_constructor", "forks_in_constructor",      "good_plain", "good_tool", "newer_minor",
    "prints_in_constructor",      "reads_input_in_constructor"};

static void put_special_files(const place *p)
{
    char path[200];
    put_text(p, "not_an_elf.so",
             "this is a text, and it is longer than the header of a shared object would have been\n");
    put_text(p, "empty.so", "");
    put_text(p, "Bad-Name.so", "never looked at");
    put_text(p, "notes.txt", "no plugin by its name");
    put_text(p, ".hidden.so", "hidden");
    (void)snprintf(path, sizeof path, "%s/directory.so", p->directories[0]);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/pipe.so", p->directories[0]);
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
    (void)snprintf(path, sizeof path, "%s/dangling.so", p->directories[0]);
    CU_ASSERT_EQUAL(symlink("nowhere.so", path), 0);
    (void)snprintf(path, sizeof path, "%s/world_writable.so", p->directories[0]);
    CU_ASSERT_EQUAL(chmod(path, 0666), 0);
}

static void check_all(const registry *r)
{
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        expect_refusal(r, bad[i].name, bad[i].code, bad[i].part);
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        CU_ASSERT_PTR_NULL(registry_find(r, LB_KIND_TOOL, bad[i].name));
    CU_ASSERT_EQUAL(registry_refusal_count(r), LB_COUNT(bad));
    for (size_t i = 0; i < LB_COUNT(good); i++) {
        const plugin_spec *spec = registry_find(r, LB_KIND_TOOL, good[i]);
        printf("\n    %-28s %s", good[i], spec ? "is there" : "IS MISSING");
        CU_ASSERT_PTR_NOT_NULL(spec);
    }
    CU_ASSERT_PTR_NOT_NULL(registry_find(r, LB_KIND_TRANSPORT, "good_transport"));
    CU_ASSERT_PTR_NULL(registry_find(r, LB_KIND_TOOL, "good_transport"));
    CU_ASSERT_EQUAL(registry_count(r), LB_COUNT(good) + 1);
}

static void bad_plugins_cost_only_themselves(void)
{
    place p;
    place_init(&p);
    for (size_t i = 0; i < LB_COUNT(good); i++)
        put(&p, 0, good[i]);
    put(&p, 0, "good_transport");
    for (size_t i = 0; i < LB_COUNT(bad) && bad[i].code != LB_ERR_DENIED; i++)
        put(&p, 0, bad[i].name);
    put(&p, 0, "world_writable");
    put_special_files(&p);
    CU_ASSERT_EQUAL(setenv("LBOPS_TEST_SECRET", "hush", 1), 0);
    registry *r = load(&p);
    check_all(r);
    registry_free(r);
    size_t starts = probe_starts(&p);
    r = load(&p); /* the cache says the same; only what the surroundings caused is asked again */
    check_all(r);
    registry_free(r);
    printf("\n    probes: %zu cold, %zu warm", starts, probe_starts(&p) - starts);
    CU_ASSERT_EQUAL(probe_starts(&p) - starts, 1); /* unresolved_symbol: a library may have come */
    CU_ASSERT_EQUAL(unsetenv("LBOPS_TEST_SECRET"), 0);
    place_done(&p);
}

static void hanging_plugins_are_given_up(void)
{
    place p;
    place_init(&p);
    put(&p, 0, "closes_and_stays");
    put(&p, 0, "good_plain");
    put(&p, 0, "loop_in_constructor");
    p.options.timeout_ms = 1500; /* enough for the good one on a busy machine */
    registry *r = load(&p);
    expect_refusal(r, "loop_in_constructor", LB_ERR_TIMEOUT, "its constructor did not finish within 1.5 s");
    expect_refusal(r, "closes_and_stays", LB_ERR_TIMEOUT, "its constructor did not finish within 1.5 s");
    CU_ASSERT_PTR_NOT_NULL(registry_find(r, LB_KIND_TOOL, "good_plain"));
    registry_free(r);
    size_t starts = probe_starts(&p);
    registry_free(load(&p));
    CU_ASSERT_EQUAL(probe_starts(&p) - starts, 2); /* slowness is not remembered */
    place_done(&p);
}

static void the_first_of_a_name_wins(void)
{
    place p;
    place_init(&p);
    p.options.directory_count = 2;
    put(&p, 0, "duplicate");
    put(&p, 1, "duplicate");
    put(&p, 1, "good_plain");
    put_text(&p, "good_plain.so", "broken");
    registry *r = load(&p);
    expect_refusal(r, "duplicate", LB_ERR_CONFLICT, "is carried by an earlier file already");
    ASSERT_CONTAINS(refusal_of(r, "duplicate")->message, "/a/duplicate.so");
    const plugin_spec *spec = registry_find(r, LB_KIND_TOOL, "duplicate");
    CU_ASSERT_PTR_NOT_NULL_FATAL(spec);
    ASSERT_CONTAINS(spec->path, "/a/duplicate.so");
    CU_ASSERT_PTR_NULL(registry_find(r, LB_KIND_TOOL, "good_plain")); /* what it was to override does not come back */
    CU_ASSERT_EQUAL(registry_refusal_count(r), 3);
    registry_free(r);
    p.directory_list[1] = p.directories[0]; /* the same directory again is no conflict */
    r = load(&p);
    CU_ASSERT_EQUAL(registry_count(r), 1);
    CU_ASSERT_EQUAL(registry_refusal_count(r), 1);
    registry_free(r);
    place_done(&p);
}

/* ---- what is learned ---- */

static void descriptions_arrive_whole(void)
{
    place p;
    place_init(&p);
    put(&p, 0, "good_tool");
    put(&p, 0, "good_transport");
    registry_free(load(&p));
    registry *r = load(&p); /* through the cache */
    const plugin_spec *s = registry_find(r, LB_KIND_TOOL, "good_tool");
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    ASSERT_TEXT(s->summary, "a tool that is as it should be");
    ASSERT_TEXT(s->agent, "health");
    ASSERT_TEXT(s->schedule, "*/15 * * * *");
    CU_ASSERT(s->risk == LB_RISK_MEDIUM && s->needs_approval && s->detector && !s->workspace && s->timeout_s == 60);
    ASSERT_TEXT(s->writes[0], "lakebase_metrics");
    ASSERT_TEXT(s->emits[0], "branch.created");
    ASSERT_TEXT(s->emits[1], "alert");
    CU_ASSERT_PTR_NULL(s->emits[2]);
    ASSERT_TEXT(s->calls[0], "good_plain");
    CU_ASSERT_EQUAL(params_count(spec_params(s)), 9);
    lb_param days = params_at(spec_params(s), 3);
    ASSERT_TEXT(days.name, "days");
    CU_ASSERT(days.type == LB_I64 && days.offset == 24 && days.width == 8 && !days.required);
    ASSERT_TEXT(days.max, "90");
    CU_ASSERT(params_at(spec_params(s), 1).required);
    ASSERT_TEXT(params_at(spec_params(s), 0).choices, "fast|safe");
    s = registry_find(r, LB_KIND_TRANSPORT, "good_transport");
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(params_at(spec_params(s), 0).type == LB_SECRET && s->args_size == 16);
    CU_ASSERT(s->writes && !s->writes[0] && !s->schedule);
    ASSERT_TEXT(registry_nearest(r, LB_KIND_TOOL, "god_tool"), "good_tool");
    CU_ASSERT_PTR_NULL(registry_nearest(r, LB_KIND_DELTA, "good_tool"));
    CU_ASSERT_PTR_NULL(registry_find(r, LB_KIND_TOOL, "good"));
    ASSERT_TEXT(registry_at(r, 0)->name, "good_tool");
    registry_free(r);
    place_done(&p);
}

static void one_file_is_probed_past_the_cache(void)
{
    place p;
    lb_error err = {0};
    char path[200];
    place_init(&p);
    put(&p, 0, "good_plain");
    put(&p, 0, "null_run");
    (void)snprintf(path, sizeof path, "%s/good_plain.so", p.directories[0]);
    plugin_spec *spec = registry_probe_file(&p.options, path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(spec);
    ASSERT_TEXT(spec->name, "good_plain");
    spec_free(spec);
    (void)snprintf(path, sizeof path, "%s/null_run.so", p.directories[0]);
    CU_ASSERT_PTR_NULL(registry_probe_file(&p.options, path, &err));
    ASSERT_CONTAINS(err.message, "has no run function");
    CU_ASSERT_EQUAL_FATAL(chdir(p.directories[0]), 0);
    spec = registry_probe_file(&p.options, "good_plain.so", &err);
    CU_ASSERT_EQUAL_FATAL(chdir("/"), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(spec);
    CU_ASSERT_EQUAL(spec->path[0], '/');
    spec_free(spec);
    CU_ASSERT_PTR_NULL(registry_probe_file(&p.options, "/nowhere/x.so", &err));
    CU_ASSERT_EQUAL(err.code, LB_ERR_NOT_FOUND);
    CU_ASSERT_NOT_EQUAL(access(p.cache, F_OK), 0);
    place_done(&p);
}

static void directories_must_be_there_and_ours(void)
{
    place p;
    lb_error err = {0};
    registry *r = NULL;
    place_init(&p);
    put(&p, 0, "good_plain");
    CU_ASSERT_EQUAL(chmod(p.directories[0], 0777), 0);
    r = load(&p);
    const lb_error *refusal = refusal_of(r, "good_plain");
    CU_ASSERT_PTR_NOT_NULL_FATAL(refusal);
    CU_ASSERT_EQUAL(refusal->code, LB_ERR_DENIED);
    CU_ASSERT_EQUAL(probe_starts(&p), 0);
    registry_free(r);
    p.directory_list[0] = "/nowhere/at/all";
    CU_ASSERT_EQUAL(registry_load(&p.options, &r, &err), LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "/nowhere/at/all");
    p.options.directory_count = 0;
    r = load(&p);
    CU_ASSERT_EQUAL(registry_count(r), 0);
    CU_ASSERT_PTR_NULL(registry_find(r, LB_KIND_TOOL, "good_plain"));
    registry_free(r);
    place_done(&p);
}

/* ---- speed ---- */

#define MEASURED 47

/* The template under another name of the same length: a plugin of its own for the dynamic linker. */
static void put_measured(const place *p, unsigned number)
{
    static const char template[] = "measured_zz";
    char name[sizeof template], path[200];
    size_t length;
    lb_error err;
    char *content = read_plugin(template, &length);
    (void)snprintf(name, sizeof name, "measured_%c%c", "0123456789"[number / 10 % 10], "0123456789"[number % 10]);
    for (char *at = content; (at = memmem(at, (size_t)(content + length - at), template, sizeof template - 1)) != NULL;
         at++)
        memcpy(at, name, sizeof name - 1);
    (void)snprintf(path, sizeof path, "%s/%s.so", p->directories[0], name);
    CU_ASSERT_EQUAL_FATAL(fs_write_durable(path, content, length, 0600, &err), 0);
    free(content);
}

static void a_whole_set_takes_little_time(void)
{
    place p;
    place_init(&p);
    p.options.program = LBOPS_PROBE; /* without the shell that counts */
    for (unsigned i = 0; i < MEASURED; i++)
        put_measured(&p, i);
    int64_t cold = clock_monotonic();
    registry *r = load(&p);
    cold = clock_monotonic() - cold;
    CU_ASSERT_EQUAL(registry_count(r), MEASURED);
    for (size_t i = 0; i < registry_refusal_count(r); i++)
        printf("\n    %s", registry_refusal_at(r, i)->error.message);
    CU_ASSERT_EQUAL(registry_refusal_count(r), 0);
    registry_free(r);
    int64_t warm = clock_monotonic();
    r = load(&p);
    warm = clock_monotonic() - warm;
    CU_ASSERT_EQUAL(registry_count(r), MEASURED);
    registry_free(r);
    printf("\n    %d plugins: %.1f ms cold, %.1f ms warm", MEASURED, (double)cold / 1000, (double)warm / 1000);
    place_done(&p);
}

SUITE(registry, TEST(bad_plugins_cost_only_themselves), TEST(hanging_plugins_are_given_up),
      TEST(the_first_of_a_name_wins), TEST(descriptions_arrive_whole), TEST(one_file_is_probed_past_the_cache),
      TEST(directories_must_be_there_and_ours), TEST(a_whole_set_takes_little_time))
