/* The command line as people and their scripts meet it: answers on stdout, everything else on stderr, exit codes as
 * stated. */
#include "program.h"

/* ---- help -------------------------------------------------------------------------------------------------------- */

static void help_of_the_program(void)
{
    static const char *const verbs[] = {"init", "check", "tools", "run", "events", "plugin", "completion", "version"};
    ANSWER a = lbops(WORDS("--help"));
    ANSWER bare = lbops(WORDS(NULL));
    expect_code(&a, 0);
    ASSERT_TEXT(bare.out, a.out);
    ASSERT_CONTAINS(a.out, "Exit codes: 0 ok, 1");
    for (size_t i = 0; i < LB_COUNT(verbs); i++)
        ASSERT_CONTAINS(a.out, verbs[i]);
    CU_ASSERT_PTR_NULL(strchr(a.out, '\033'));
    CU_ASSERT_PTR_NULL(strstr(a.out, "__ready"));
}

static void help_of_each_verb(void)
{
    static const char *const verbs[] = {"init",   "check",      "tools",   "run", "events",
                                        "plugin", "completion", "version", "help"};
    for (size_t i = 0; i < LB_COUNT(verbs); i++) {
        LB_AUTO_FREE char *usage = base_printf("lbops %s", verbs[i]);
        ANSWER a = lbops(WORDS(verbs[i], "--help"));
        ANSWER b = lbops(WORDS("help", verbs[i]));
        expect_code(&a, 0);
        ASSERT_CONTAINS(a.out, usage);
        ASSERT_TEXT(b.out, a.out);
        ASSERT_TEXT(a.err, "");
    }
}

static void help_of_a_tool(void)
{
    SCRATCH dir = workspace_new();
    ANSWER a = in_workspace(dir, WORDS("run", "echoes", "--help"));
    ANSWER b = in_workspace(dir, WORDS("tools", "echoes"));
    expect_code(&a, 0);
    ASSERT_CONTAINS(a.out, "says what it was told");
    ASSERT_CONTAINS(a.out, "texts");
    ASSERT_TEXT(a.out, b.out);
}

/* ---- usage ------------------------------------------------------------------------------------------------------- */

static void wrong_parameter_names_the_nearest(void)
{
    SCRATCH dir = workspace_new();
    ANSWER a = in_workspace(dir, WORDS("run", "example_tables", "--min_byte", "1"));
    ANSWER b = in_workspace(dir, WORDS("run", "example_tables", "--wrong", "1"));
    expect_code(&a, 2);
    expect_code(&b, 2);
    ASSERT_CONTAINS(a.err, "min_bytes");
    ASSERT_CONTAINS(b.err, "example_tables has no parameter --wrong");
    ASSERT_TEXT(a.out, "");
}

static void unknown_verb_names_the_nearest(void)
{
    ANSWER a = lbops(WORDS("chek"));
    ANSWER b = lbops(WORDS("--frobnicate"));
    expect_code(&a, 2);
    expect_code(&b, 2);
    ASSERT_CONTAINS(a.err, "did you mean check?");
    ASSERT_CONTAINS(b.err, "there is no option --frobnicate");
    ANSWER c = lbops(WORDS("help", "runn"));
    ANSWER d = lbops(WORDS("--jsn", "tools"));
    ASSERT_CONTAINS(c.err, "did you mean run?");
    ASSERT_CONTAINS(d.err, "did you mean --json?");
}

static void unknown_tool_names_the_nearest(void)
{
    SCRATCH dir = workspace_new();
    ANSWER a = in_workspace(dir, WORDS("run", "nop"));
    expect_code(&a, 2);
    ASSERT_CONTAINS(a.err, "did you mean noop?");
}

static void words_that_are_missing(void)
{
    SCRATCH dir = workspace_new();
    const char *const *const wrong[] = {WORDS("run"),
                                        WORDS("run", "echoes", "stray"),
                                        WORDS("run", "echoes", "--text"),
                                        WORDS("run", "echoes", "--timeout", "soon"),
                                        WORDS("run", "looks", "--branch"),
                                        WORDS("plugin"),
                                        WORDS("completion", "fish"),
                                        WORDS("check", "it"),
                                        WORDS("--log-level", "loud", "check"),
                                        WORDS("-m", "", "tools"),
                                        WORDS("runs", "--limit", "x"),
                                        WORDS("runs", "--limit", "0"),
                                        WORDS("runs", ""),
                                        WORDS("runs", "01AB", "01CD"),
                                        WORDS("approvals", ""),
                                        WORDS("approvals", "01AB", "01CD"),
                                        WORDS("events", "--limit", "1x"),
                                        WORDS("target", "lss"),
                                        WORDS("init", "a", "b")};
    for (size_t i = 0; i < LB_COUNT(wrong); i++) {
        ANSWER a = in_workspace(dir, wrong[i]);
        expect_code(&a, 2);
        ASSERT_CONTAINS(a.err, "error: ");
        ASSERT_CONTAINS(a.err, "\nhint: ");
    }
    ANSWER level = lbops(WORDS("--log-level", "loud"));
    ANSWER status = in_workspace(dir, WORDS("status"));
    ASSERT_CONTAINS(level.err, "--log-level needs a level\nhint: error, warn, info or debug");
    ASSERT_CONTAINS(status.err, "\nhint: lbops serve starts one");
    workspace_put(dir, "none.toml", "[workspace]\nname = \"none\"\n");
    LB_AUTO_FREE char *none = base_printf("%s/none.toml", dir);
    ANSWER aimless = lbops(WORDS("-m", none, "run", "example_tables"));
    expect_code(&aimless, 2);
    ASSERT_CONTAINS(aimless.err, "hint: name a branch under [[targets]]");
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void json_is_one_document(void)
{
    static const struct {
        int code;
        const char *words[8];
    } cases[] = {
        {0, {"run", "noop"}},
        {0, {"run", "looks"}},
        {1, {"run", "segfaults"}},
        {1, {"run", "fails_silently"}},
        {2, {"run", "echoes", "--txt", "1"}},
        {2, {"run", "echoes", "--i64", "many"}},
        {2, {"run", "no_such_tool"}},
        {2, {"run"}},
        {2, {"chek"}},
        {0, {"check"}},
        {0, {"tools"}},
        {0, {"tools", "echoes"}},
        {2, {"tools", "no_such_tool"}},
        {0, {"version"}},
        {2, {"version", "--all"}},
        {0, {"help"}},
        {0, {"help", "run"}},
        {2, {"help", "runn"}},
        {0, {"run", "--help"}},
        {0, {"run", "echoes", "--help"}},
        {0, {"completion", "bash"}},
        {0, {"completion", "zsh"}},
        {0, {"run", "steps", "--plan"}},
        {0, {"tools", "echoes", "--schema"}},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        SCRATCH dir = workspace_new();
        const char *words[9] = {"--json"};
        memcpy(words + 1, cases[i].words, sizeof cases[i].words);
        ANSWER a = in_workspace(dir, words);
        expect_code(&a, cases[i].code);
        JSON_AUTO *document = one_document(a.out);
        if (!document)
            printf("\n    %s %s: <%s>\n", words[1], words[2] ? words[2] : "", a.out);
        CU_ASSERT_PTR_NOT_NULL(document);
        if (document && cases[i].code)
            CU_ASSERT_PTR_NOT_NULL(text_at(document, "error", "message"));
    }
}

static void run_document_has_what_it_promises(void)
{
    SCRATCH dir = workspace_new();
    ANSWER a = in_workspace(dir, WORDS("run", "looks", "--json"));
    expect_code(&a, 0);
    JSON_AUTO *document = one_document(a.out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    ASSERT_TEXT(text_at(document, NULL, "tool"), "looks");
    ASSERT_TEXT(text_at(document, NULL, "status"), "ok");
    ASSERT_TEXT(text_at(document, NULL, "mode"), "execute");
    ASSERT_TEXT(text_at(document, "target", "branch"), "dev");
    CU_ASSERT_EQUAL(length_at(document, "changes"), 1);
    ASSERT_CONTAINS(text_at(document, "result", "findings"), "\"high\"");
    CU_ASSERT(exists(dir, "state/outbox/audit_log") && exists(dir, "state/outbox/tool_runs"));
}

static void text_answer_for_people(void)
{
    SCRATCH dir = workspace_new();
    ANSWER a = in_workspace(dir, WORDS("run", "looks"));
    expect_code(&a, 0);
    ASSERT_CONTAINS(a.out, "looks on shop/dev: ok");
    ASSERT_CONTAINS(a.out, "orders");
    CU_ASSERT_PTR_NULL(strchr(a.out, '\033'));
    ASSERT_TEXT(a.err, "");
}

/* ---- plans and exit codes ---------------------------------------------------------------------------------------- */

static void plan_executes_nothing(void)
{
    SCRATCH dir = workspace_new();
    LB_AUTO_FREE char *path = base_printf("%s/note.txt", dir);
    ANSWER a = in_workspace(dir, WORDS("run", "steps", "--path", path, "--plan", "--json"));
    ANSWER b = in_workspace(dir, WORDS("run", "looks", "--plan", "--json"));
    expect_code(&a, 0);
    expect_code(&b, 0);
    JSON_AUTO *document = one_document(a.out);
    JSON_AUTO *second = one_document(b.out);
    CU_ASSERT_FATAL(document && second);
    ASSERT_TEXT(text_at(document, NULL, "mode"), "plan");
    CU_ASSERT_EQUAL(length_at(document, "changes"), 1);
    ASSERT_CONTAINS(text_at(second, NULL, "changes"), "VACUUM");
    CU_ASSERT(!exists(dir, "note.txt") && !exists(dir, "state/outbox/audit_log"));
    CU_ASSERT(!exists(dir, "state/outbox/lakebase_metrics"));
}

static void exit_codes(void)
{
    SCRATCH dir = workspace_new();
    ANSWER ok = in_workspace(dir, WORDS("run", "noop"));
    ANSWER failed = in_workspace(dir, WORDS("run", "says_nothing"));
    ANSWER crashed = in_workspace(dir, WORDS("run", "aborts"));
    ANSWER late = in_workspace(dir, WORDS("run", "loops_until_cancelled"));
    ANSWER away = in_workspace(dir, WORDS("run", "looks", "--project", "away", "--branch", "x"));
    expect_code(&ok, 0);
    expect_code(&failed, 1);
    expect_code(&crashed, 1);
    expect_code(&late, 1);
    expect_code(&away, 4);
    ASSERT_CONTAINS(away.out, "nobody there");
}

/* ---- manifests --------------------------------------------------------------------------------------------------- */

static void init_then_check(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/new/lbops.toml", dir), *inside = base_printf("%s/new", dir);
    ANSWER made = lbops(WORDS("init", inside));
    expect_code(&made, 0);
    ANSWER again = lbops(WORDS("init", inside));
    expect_code(&again, 1);
    ASSERT_CONTAINS(again.err, "exists already");
    ANSWER checked = lbops(WORDS("-m", path, "check"));
    expect_code(&checked, 0);
    ASSERT_CONTAINS(checked.out, "ok");
}

static void manifest_that_is_a_directory(void)
{
    SCRATCH dir = scratch_new();
    ANSWER a = lbops(WORDS("-m", dir, "check"));
    expect_code(&a, 2);
    ASSERT_CONTAINS(a.err, dir);
    ASSERT_CONTAINS(a.err, "irectory");
}

static void manifest_that_is_missing(void)
{
    SCRATCH dir = scratch_new();
    ANSWER named = lbops(WORDS("-m", "/nonexistent/lbops.toml", "--json", "check"));
    ANSWER unnamed = start_program(&(const circumstances){.directory = dir}, WORDS("run", "noop"));
    ANSWER last = lbops(WORDS("check", "-m"));
    expect_code(&named, 2);
    expect_code(&unnamed, 2);
    expect_code(&last, 2);
    ASSERT_CONTAINS(named.out, "/nonexistent/lbops.toml");
    ASSERT_CONTAINS(unnamed.err, "lbops init");
    JSON_AUTO *document = one_document(named.out);
    CU_ASSERT_PTR_NOT_NULL(document);
}

static void all_problems_of_a_manifest(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/lbops.toml", dir);
    workspace_put(dir, "lbops.toml",
                  "[workspace]\nnmae = \"x\"\n[limits]\nworkers = \"two\"\ngrace_s = -1\n[agents.a]\nmission = \"m\"\n"
                  "tools = [\"noop\"]\n[agents.a.tool.noop]\nschedule = \"61 * * * *\"\n");
    ANSWER a = lbops(WORDS("-m", path, "check"));
    ANSWER b = lbops(WORDS("-m", path, "check", "--json"));
    expect_code(&a, 2);
    expect_code(&b, 2);
    ASSERT_CONTAINS(a.err, "lbops.toml:2:1: error: ");
    ASSERT_CONTAINS(a.err, "nmae");
    ASSERT_CONTAINS(a.err, "lbops.toml:4:");
    ASSERT_CONTAINS(a.err, "lbops.toml:5:");
    ASSERT_CONTAINS(a.err, "lbops.toml:10:");
    JSON_AUTO *document = one_document(b.out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    CU_ASSERT(length_at(document, "errors") >= 4);
}

static void manifest_with_broken_syntax(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/lbops.toml", dir);
    workspace_put(dir, "lbops.toml", "[workspace\nname = 1\n");
    ANSWER a = lbops(WORDS("-m", path, "run", "noop", "--json"));
    expect_code(&a, 2);
    ASSERT_CONTAINS(a.err, "lbops.toml:1:");
    JSON_AUTO *document = one_document(a.out);
    CU_ASSERT_PTR_NOT_NULL(document);
}

static void state_directory_from_the_environment(void)
{
    SCRATCH dir = workspace_new();
    SCRATCH state = scratch_new();
    ANSWER a = in_workspace_how(&(const circumstances){.state_dir = state}, dir, WORDS("run", "noop"));
    expect_code(&a, 0);
    CU_ASSERT(exists(state, "outbox/tool_runs"));
    CU_ASSERT(!exists(dir, "state"));
}

/* ---- plugins and completion -------------------------------------------------------------------------------------- */

static void plugin_check(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *good = base_printf("%s/echoes.so", getenv("LBOPS_HOSTILE")),
                      *bad = base_printf("%s/bad.so", dir);
    workspace_put(dir, "bad.so", "no shared object at all\n");
    ANSWER a = lbops(WORDS("plugin", "check", good));
    ANSWER b = lbops(WORDS("plugin", "check", bad));
    ANSWER c = lbops(WORDS("plugin", "check", "--json", good, bad));
    ANSWER d = lbops(WORDS("plugin", "check", "/nonexistent/x.so"));
    expect_code(&a, 0);
    ASSERT_CONTAINS(a.out, "echoes");
    CU_ASSERT(b.code != 0 && c.code != 0 && d.code != 0);
    ASSERT_CONTAINS(b.err[0] ? b.err : b.out, "bad");
    lb_error err;
    JSON_AUTO *documents = json_parse(c.out, strlen(c.out), &err);
    CU_ASSERT_PTR_NOT_NULL(documents);
}

static answer shell(const char *script)
{
    const char *program = getenv("LBOPS_PROGRAM");
    LB_AUTO_FREE char *own = base_strdup(program);
    (void)setenv("LBOPS_PROGRAM", "/bin/bash", 1); /* start_program starts it */
    answer a = lbops(WORDS("-c", script, "bash", own));
    (void)setenv("LBOPS_PROGRAM", own, 1);
    return a;
}

static void completion_completes(void)
{
    SCRATCH dir = workspace_new();
    LB_AUTO_FREE char *script = base_printf(
        "set -e; lbops() { command \"$program\" \"$@\"; }; program=$1; cd '%s'; export LBOPS_MANIFEST=lbops.toml; "
        "source <(lbops completion bash); complete_words() { COMP_WORDS=(lbops \"$@\"); COMP_CWORD=$#; COMPREPLY=(); "
        "_lbops; "
        "echo \"${COMPREPLY[*]}\"; }; complete_words ch; complete_words run ech; complete_words run echoes --te; "
        "complete_words -m lbops.toml run exa; complete_words completion ''",
        dir);
    ANSWER syntax = shell("\"$1\" completion bash | bash -n");
    ANSWER a = shell(script);
    expect_code(&syntax, 0);
    ASSERT_TEXT(syntax.err, "");
    expect_code(&a, 0);
    ASSERT_CONTAINS(a.out, "check\n");
    ASSERT_CONTAINS(a.out, "\nechoes\n");
    ASSERT_CONTAINS(a.out, "--text");
    ASSERT_CONTAINS(a.out, "example_tables");
    ASSERT_CONTAINS(a.out, "bash zsh");
}

static void completion_for_zsh(void)
{
    ANSWER a = lbops(WORDS("completion", "zsh"));
    expect_code(&a, 0);
    ASSERT_CONTAINS(a.out, "bashcompinit");
    ASSERT_CONTAINS(a.out, "complete -F _lbops lbops");
}

SUITE(command_line, TEST(help_of_the_program), TEST(help_of_each_verb), TEST(help_of_a_tool),
      TEST(wrong_parameter_names_the_nearest), TEST(unknown_verb_names_the_nearest),
      TEST(unknown_tool_names_the_nearest), TEST(words_that_are_missing), TEST(json_is_one_document),
      TEST(run_document_has_what_it_promises), TEST(text_answer_for_people), TEST(plan_executes_nothing),
      TEST(exit_codes), TEST(init_then_check), TEST(manifest_that_is_a_directory), TEST(manifest_that_is_missing),
      TEST(all_problems_of_a_manifest), TEST(manifest_with_broken_syntax), TEST(state_directory_from_the_environment),
      TEST(plugin_check), TEST(completion_completes), TEST(completion_for_zsh))
