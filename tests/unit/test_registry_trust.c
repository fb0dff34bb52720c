/* What the registry believes: a cache only as far as it fits, a lock file to the letter, and a probe not at all. */
#include "unit/registry_place.h"

static void read_cache(const place *p, char **ret_text)
{
    size_t length;
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(fs_read(p->cache, 1 << 24, ret_text, &length, &err), 0);
}

/* How many probes a load starts that must find good_plain and nothing else. */
static size_t starts_of_a_load(const place *p)
{
    size_t before = probe_starts(p);
    registry *r = load(p);
    CU_ASSERT_EQUAL(registry_count(r), 1);
    CU_ASSERT_PTR_NOT_NULL(registry_find(r, LB_KIND_TOOL, "good_plain"));
    registry_free(r);
    return probe_starts(p) - before;
}

/* ---- cache ---- */

static void a_warm_start_needs_no_probe(void)
{
    place p;
    place_init(&p);
    put(&p, 0, "good_plain");
    put(&p, 0, "null_run");
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    struct stat before, after;
    CU_ASSERT_EQUAL(stat(p.cache, &before), 0);
    CU_ASSERT_EQUAL(before.st_mode & 0777, 0600);
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 0);
    CU_ASSERT_EQUAL(stat(p.cache, &after), 0);
    CU_ASSERT_EQUAL(before.st_ino, after.st_ino); /* nothing new, nothing written */
    place_done(&p);
}

static void what_changed_is_asked_again(void)
{
    place p;
    place_init(&p);
    put(&p, 0, "good_plain");
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    put(&p, 0, "good_plain"); /* the same bytes in another file */
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 0);
    char *script = NULL;
    size_t length;
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(fs_read(p.script, 1000, &script, &length, &err), 0);
    write_text(p.script, script, 0700); /* another host */
    free(script);
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 0);
    put(&p, 0, "null_run");
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 0);
    place_done(&p);
}

static void a_broken_cache_is_no_cache(void)
{
    static const char *const broken[] = {
        "", "not JSON", "null", "[]", "{}", "{\"format\":1,\"host\":3,\"plugins\":{}}", "{\"format\":2}"};
    place p;
    place_init(&p);
    put(&p, 0, "good_plain");
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    for (size_t i = 0; i < LB_COUNT(broken); i++) {
        write_text(p.cache, broken[i], 0600);
        CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    }
    char *text = NULL;
    read_cache(&p, &text);
    text[strlen(text) / 2] = '\0';
    write_text(p.cache, text, 0600);
    free(text);
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    CU_ASSERT_EQUAL(chmod(p.cache, 0666), 0); /* others could have written it */
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    place_done(&p);
}

/* Replaces the first `from` in the cache by `to`. */
static void alter_cache(const place *p, const char *from, const char *to)
{
    char *text = NULL;
    read_cache(p, &text);
    const char *at = strstr(text, from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    char *altered = base_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    write_text(p->cache, altered, 0600);
    free(altered);
    free(text);
}

static void an_entry_that_cannot_be_is_asked_again(void)
{
    static const char *const altered[][2] = {
        {"\"kind\":\"tool\"", "\"kind\":\"fool\""},
        {"\"risk\":\"low\"", "\"risk\":\"lax\""},
        {"\"args_size\":0", "\"args_size\":x"},
        {"\"params\":[]", "\"params\":{}"},
        {"\"writes\":[]", "\"writes\":{}"},
        {"\"abi_major\":1", "\"abi_major\":2"},
        {"\"timeout_s\":0", "\"timeout_s\":-"},
        {"\"name\":\"good_plain\"", "\"name\":\"Good plain\""},
        {"\"detector\":false", "\"detector\":\"no!\""},
        {"\"path\":\"/tmp", "\"path\":\"/tmq"},
        {"\"summary\":\"nothing", "\"summary\":\"no\\u000a"},
        {"\"agent\":null", "\"agent\":\"A!\""},
    };
    place p;
    place_init(&p);
    put(&p, 0, "good_plain");
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    for (size_t i = 0; i < LB_COUNT(altered); i++) {
        alter_cache(&p, altered[i][0], altered[i][1]);
        CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    }
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 0);
    place_done(&p);
}

static void an_unwritable_cache_is_no_failure(void)
{
    place p;
    place_init(&p);
    put(&p, 0, "good_plain");
    (void)snprintf(p.cache, sizeof p.cache, "%s/probe/below/a/file", p.root); /* fits */
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    (void)snprintf(p.cache, sizeof p.cache, "%s/a", p.root); /* a directory */
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    p.options.cache_path = NULL;
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    place_done(&p);
}

/* ---- lock ---- */

static void set_lock(place *p, const char *text)
{
    static char path[80];
    (void)snprintf(path, sizeof path, "%s/lock", p->root); /* fits */
    write_text(path, text, 0600);
    p->options.lock_path = path;
}

static void only_what_is_locked_runs(void)
{
    place p;
    place_init(&p);
    put(&p, 0, "good_plain");
    put(&p, 0, "exit_in_constructor"); /* would say so if it ran */
    set_lock(&p, "# nothing yet\n\n");
    registry *r = load(&p);
    CU_ASSERT_EQUAL(registry_count(r), 0);
    const lb_error *error = refusal_of(r, "exit_in_constructor");
    CU_ASSERT_PTR_NOT_NULL_FATAL(error);
    CU_ASSERT_EQUAL(error->code, LB_ERR_DENIED);
    ASSERT_CONTAINS(error->message, "plugin exit_in_constructor is not in the lock file");
    error = refusal_of(r, "good_plain");
    CU_ASSERT_PTR_NOT_NULL_FATAL(error);
    const char *line = strstr(error->hint, "good_plain = \"sha256:");
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    char text[300];
    (void)snprintf(text, sizeof text, "  %s  # taken from the hint\r\n", line); /* fits */
    registry_free(r);
    CU_ASSERT_EQUAL(probe_starts(&p), 0);

    set_lock(&p, text);
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 1);
    CU_ASSERT_EQUAL(starts_of_a_load(&p), 0);
    char *digit = strstr(text, "sha256:") + strlen("sha256:");
    *digit = *digit == '0' ? '1' : '0';
    set_lock(&p, text);
    r = load(&p);
    error = refusal_of(r, "good_plain");
    CU_ASSERT_PTR_NOT_NULL_FATAL(error);
    ASSERT_CONTAINS(error->message, "plugin good_plain differs from the hash in the lock file");
    CU_ASSERT_EQUAL(registry_count(r), 0);
    registry_free(r);
    place_done(&p);
}

#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static void a_broken_lock_is_a_failure(void)
{
    static const char *const broken[][2] = {
        {"a = \"sha256:" HASH "\"\na = \"sha256:" HASH "\"\n", "line 2: a is there twice"},
        {"\nA = \"sha256:" HASH "\"\n", "line 2: not a plugin and its hash"},
        {"a \"sha256:" HASH "\"", "line 1: not a plugin and its hash"},
        {"a = sha256:" HASH, "line 1: not a plugin and its hash"},
        {"a = \"md5:" HASH "\"", "line 1: not a plugin and its hash"},
        {"a = \"sha256:" HASH "0\"", "line 1: not a plugin and its hash"},
        {"a = \"sha256:1234\"", "line 1: not a plugin and its hash"},
        {"a = \"sha256:" HASH "\" and more", "line 1: not a plugin and its hash"},
        {"a = \"sha256:" HASH, "line 1: not a plugin and its hash"},
        {"_a = \"sha256:" HASH "\"", "line 1: not a plugin and its hash"},
    };
    place p;
    lb_error err = {0};
    registry *r = NULL;
    place_init(&p);
    for (size_t i = 0; i < LB_COUNT(broken); i++) {
        set_lock(&p, broken[i][0]);
        CU_ASSERT_EQUAL(registry_load(&p.options, &r, &err), LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, broken[i][1]);
        CU_ASSERT_PTR_NULL(r);
    }
    set_lock(&p, "");
    CU_ASSERT_EQUAL(chmod(p.options.lock_path, 0666), 0);
    CU_ASSERT_EQUAL(registry_load(&p.options, &r, &err), LB_ERR_DENIED);
    p.options.lock_path = "/nowhere/lock";
    CU_ASSERT_EQUAL(registry_load(&p.options, &r, &err), LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "plugin lock file");
    place_done(&p);
}

/* ---- probes that are none ---- */

#define ECHO "read path; printf 'begin\\t%s\\n' \"$path\"; "
#define OPEN "printf 'open\\t%s\\n' \"$path\"; "

/* A script in place of the probe: what it makes of good_plain. */
static void run_script(place *p, const char *body)
{
    char script[500];
    (void)snprintf(script, sizeof script, "#!/bin/sh\n%s\n", body); /* fits */
    write_text(p->script, script, 0700);
}

static void a_probe_that_is_none_is_a_failure(void)
{
    static const char *const bodies[] = {"exit 0",
                                         "kill -SEGV $$",
                                         "cat",
                                         "echo hello",
                                         "sleep 600",
                                         "yes | tr -d '\\n'",
                                         "printf 'begin\\t/x.so\\n'; sleep 600",
                                         "printf 'begin\\t'"};
    place p;
    lb_error err = {0};
    registry *r = NULL;
    place_init(&p);
    put(&p, 0, "good_plain");
    for (size_t i = 0; i < LB_COUNT(bodies); i++) {
        p.options.timeout_ms = strcmp(bodies[i], "sleep 600") == 0 ? 300 : 20000;
        run_script(&p, bodies[i]);
        int code = registry_load(&p.options, &r, &err);
        printf("\n    %-40s %s", bodies[i], code < 0 ? err.message : "was believed");
        CU_ASSERT_EQUAL(code, LB_ERR_INTERNAL);
        CU_ASSERT_PTR_NULL(r);
    }
    p.options.program = "/nowhere/lbops";
    CU_ASSERT_EQUAL(registry_load(&p.options, &r, &err), LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "cannot start the probe /nowhere/lbops");
    CU_ASSERT_PTR_NULL(registry_probe_file(&p.options, p.script, &err));
    place_done(&p);
}

static void answers_are_not_believed(void)
{
    static const struct {
        const char *body, *part;
    } answers[] = {
        {ECHO "echo nonsense; sleep 600", "wrote garbage"},
        {ECHO "printf 'ok\\t{}\\n'; sleep 600", "wrote garbage"}, /* too early */
        {ECHO OPEN "printf 'ok\\t{}\\n'; sleep 600", "cannot be: the description's path is missing"},
        {ECHO OPEN "printf 'ok\\tnull\\n'; sleep 600", "cannot be"},
        {ECHO OPEN "printf 'ok\\t[1\\n'; sleep 600", "cannot be: not JSON"},
        {ECHO OPEN OPEN "sleep 600", "its descriptor wrote garbage"},
        {ECHO "printf 'bad\\t-1\\tno hint\\n'; sleep 600", "wrote garbage"},
        {ECHO "printf 'bad\\t7\\tm\\th\\n'; sleep 600", "wrote garbage"},
        {ECHO "printf 'bad\\t-1\\t\\th\\n'; sleep 600", "wrote garbage"},
        {ECHO "printf 'bad\\t-1\\ta\\001b\\th\\n'; sleep 600", "wrote garbage"},
        {ECHO "printf 'bad\\t-1\\tits own words\\th\\n'; sleep 600", "its own words"},
        {ECHO OPEN "exit 5", "its descriptor ended the probe with exit(5)"},
        {ECHO OPEN "sleep 600", "its descriptor did not finish within 1.5 s"},
        {ECHO "yes | tr -d '\\n'", "wrote garbage"},
    };
    place p;
    place_init(&p);
    put(&p, 0, "good_plain");
    p.options.cache_path = NULL;
    for (size_t i = 0; i < LB_COUNT(answers); i++) {
        p.options.timeout_ms = strstr(answers[i].part, "did not finish") ? 1500 : 20000;
        run_script(&p, answers[i].body);
        registry *r = load(&p);
        CU_ASSERT_EQUAL(registry_count(r), 0);
        const lb_error *error = refusal_of(r, "good_plain");
        CU_ASSERT_PTR_NOT_NULL_FATAL(error);
        ASSERT_CONTAINS(error->message, answers[i].part);
        registry_free(r);
    }
    place_done(&p);
}

SUITE(registry_trust, TEST(a_warm_start_needs_no_probe), TEST(what_changed_is_asked_again),
      TEST(a_broken_cache_is_no_cache), TEST(an_entry_that_cannot_be_is_asked_again),
      TEST(an_unwritable_cache_is_no_failure), TEST(only_what_is_locked_runs), TEST(a_broken_lock_is_a_failure),
      TEST(a_probe_that_is_none_is_a_failure), TEST(answers_are_not_believed))
