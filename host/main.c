/* lbops: the command line, and with --worker, --service and --probe the children that the supervisor starts. */
#include "cli.h"
#include "json.h"
#include "log.h"
#include "nearest.h"
#include "registry.h"
#include "service_main.h"
#include "worker.h"

#include <fcntl.h>

#ifndef LBOPS_VERSION
#define LBOPS_VERSION "0"
#endif

static const char general_help[] =
    "lbops runs DBA tools for Postgres on Databricks Lakebase.\n"
    "\n"
    "usage: lbops [-m MANIFEST] [--json] [--quiet] [--log-level LEVEL] [--no-color] VERB ...\n"
    "\n";

const cli_verb *cli_find_verb(const char *name)
{
    for (const cli_verb *v = cli_verbs; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

static void put_verb(buf *out, const cli_verb *verb)
{
    json_comma(out);
    buf_putc(out, '{');
    json_member_string(out, "name", verb->name);
    json_member_string(out, "usage", verb->usage);
    json_member_string(out, "summary", verb->summary);
    json_member_string(out, "help", verb->help);
    buf_putc(out, '}');
}

static int no_such_verb(const cli *c, const char *word)
{
    const char *names[32] = {NULL};
    size_t count = 0;
    char hint[64];
    for (const cli_verb *v = cli_verbs; v->name && count < LB_COUNT(names); v++)
        names[count++] = v->hidden ? NULL : v->name;
    const char *nearest = nearest_name(word, names, count);
    (void)snprintf(hint, sizeof hint, nearest ? "did you mean %s?" : "lbops help lists the verbs", nearest);
    return cli_usage(c, NULL, hint, "there is no verb %s", word);
}

/* only NULL: all of them, as a list */
static int help_json(const cli_verb *only)
{
    BUF_AUTO out = BUF_INIT((size_t)1024 * 1024);
    if (!only)
        buf_putc(&out, '[');
    for (const cli_verb *v = cli_verbs; v->name; v++)
        if (only ? v == only : !v->hidden)
            put_verb(&out, v);
    if (!only)
        buf_putc(&out, ']');
    (void)puts(buf_text(&out)); /* main checks stdout at its end */
    return 0;
}

int cli_help(cli *c, int argc, char **argv)
{
    const cli_verb *verb = argc > 1 ? cli_find_verb(argv[1]) : NULL;
    if (argc > 1 && !verb)
        return no_such_verb(c, argv[1]);
    if (verb)
        return cli_verb_help(c, verb);
    if (c->json)
        return help_json(NULL);
    (void)fputs(general_help, stdout);
    for (const cli_verb *v = cli_verbs; v->name; v++)
        if (!v->hidden)
            (void)printf("  %s%-11s%s %s\n", cli_style(c, "1"), v->name, cli_style(c, "0"), v->summary);
    (void)fputs("\nlbops VERB --help says more. Without -m, the manifest is $LBOPS_MANIFEST, ./lbops.toml or "
                "etc/local.toml.\n"
                "Exit codes: 0 ok, 1 the run failed, 2 usage or manifest, 3 waiting for approval, 4 cannot reach the "
                "target, 5 internal.\n",
                stdout);
    return 0;
}

int cli_version(cli *c, int argc, char **argv)
{
    if (argc > 1)
        return cli_refuse_word(c, "version", argv[1], "");
    (void)printf(c->json ? "{\"version\":\"%s\",\"abi\":\"%d.%d\"}\n" : "lbops %s, plugin ABI %d.%d\n", LBOPS_VERSION,
                 LB_ABI_MAJOR, LB_ABI_MINOR);
    return 0;
}

int cli_verb_help(const cli *c, const cli_verb *verb)
{
    if (c->json)
        return help_json(verb);
    (void)printf("%slbops %s%s\n\n%s\n%s%s", cli_style(c, "1"), verb->usage, cli_style(c, "0"), verb->summary,
                 verb->help ? "\n" : "", verb->help ? verb->help : "");
    return 0;
}

static int no_such_option(const cli *c, const char *word)
{
    static const char *const names[] = {"--json",     "--quiet", "--no-color", "--log-level",
                                        "--manifest", "--help",  "--version"};
    const char *nearest = nearest_name(word, names, LB_COUNT(names));
    char hint[64];
    (void)snprintf(hint, sizeof hint, nearest ? "did you mean %s?" : "lbops help lists the options", nearest);
    return cli_usage(c, NULL, hint, "there is no option %s", word);
}

/* A global option at argv[i]: how many words it takes, 0 when it is none, -1 when it lacks its value. */
static int global_option(cli *c, int argc, char **argv, int i)
{
    const char *option = argv[i];
    if (strcmp(option, "--json") == 0)
        c->json = true;
    else if (strcmp(option, "--quiet") == 0 || strcmp(option, "-q") == 0)
        c->quiet = true;
    else if (strcmp(option, "--no-color") == 0)
        c->colour = c->err_colour = false;
    else if (strncmp(option, "--log-level=", 12) == 0)
        return log_level_parse(option + 12, &c->log_level) ? 1 : -1;
    else if (strcmp(option, "--log-level") == 0)
        return i + 1 < argc && log_level_parse(argv[i + 1], &c->log_level) ? 2 : -1;
    else if (strcmp(option, "-m") == 0 || strcmp(option, "--manifest") == 0) {
        if (i + 1 >= argc || !*argv[i + 1])
            return -1; /* a shell's variable that is not set asks for no other manifest */
        c->manifest_path = argv[i + 1];
        return 2;
    } else
        return 0;
    return 1;
}

/* Global options may stand on both sides of the verb; a tool cannot have parameters of these names. */
static int sort_options(cli *c, int argc, char **argv, char **ret_words)
{
    int words = 0;
    for (int i = 1; i < argc;) {
        int taken = global_option(c, argc, argv, i);
        if (taken < 0)
            return -(i + 1);
        if (taken == 0)
            ret_words[words++] = argv[i++];
        else
            i += taken;
    }
    return words;
}

static int run_verb(cli *c, int words, char **argv)
{
    if (words == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
        return cli_help(c, 1, argv);
    if (strcmp(argv[0], "--version") == 0)
        return cli_version(c, 1, argv);
    const cli_verb *verb = cli_find_verb(argv[0]);
    if (!verb)
        return argv[0][0] == '-' ? no_such_option(c, argv[0]) : no_such_verb(c, argv[0]);
    bool tool_help = verb->run == cli_run && words > 1 && argv[1][0] != '-';
    for (int i = 1; i < words && !tool_help; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return cli_verb_help(c, verb);
    return verb->run(c, words, argv);
}

/* Whoever starts us with a closed standard stream must not see our files and sockets in its place. What takes it cannot
 * be used either, so that an answer that reaches nobody is still an error. */
static void hold_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest free number is this one */
}

int main(int argc, char **argv)
{
    hold_streams();
    if (argc == 2 && strcmp(argv[1], "--worker") == 0)
        return worker_main();
    if (argc == 2 && strcmp(argv[1], "--service") == 0)
        return service_main();
    if (argc == 2 && strcmp(argv[1], "--probe") == 0)
        return probe_main();
    bool plain = getenv("NO_COLOR") != NULL;
    cli c = {
        .colour = !plain && isatty(STDOUT_FILENO),
        .err_colour = !plain && isatty(STDERR_FILENO),
        .err_is_terminal = isatty(STDERR_FILENO),
        .log_level = LB_LOG_WARN,
    };
    char **words = base_alloc(((size_t)argc + 1) * sizeof *words);
    int count = sort_options(&c, argc, argv, words);
    int code;
    if (count < 0) {
        bool of_log = strncmp(argv[-count - 1], "--log", 5) == 0;
        code = cli_usage(&c, NULL, of_log ? "error, warn, info or debug" : "lbops init writes a manifest to start from",
                         of_log ? "--log-level needs a level" : "%s needs a file", argv[-count - 1]);
    } else {
        log_setup(c.log_level, LOG_TEXT, c.err_colour);
        code = run_verb(&c, count, words);
    }
    cli_unload(&c);
    free(words);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        lb_error err;
        (void)lb_fail(&err, LB_ERR_IO, "is the disk full, or the reader gone?", "cannot write the answer");
        c.json = false;
        return cli_fail(&c, &err);
    }
    return code;
}
