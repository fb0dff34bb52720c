/* The verbs around a workspace: init, check, plugin check, completion, and the hidden one that waits for ready workers.
 */
#include "cli.h"

#include "child.h"
#include "fs.h"
#include "json.h"

#include <errno.h>
#include <sys/stat.h>

int cli_init(cli *c, int argc, char **argv)
{
    lb_error err;
    struct stat st;
    const char *dir = argc > 1 ? argv[1] : ".";
    if (argc > 2 || dir[0] == '-')
        return cli_usage(c, cli_find_verb("init"), NULL, "init takes one directory");
    LB_AUTO_FREE char *path = base_printf("%s/lbops.toml", dir);
    if (stat(path, &st) == 0) {
        (void)lb_fail(&err, LB_ERR_CONFLICT, "edit it, or move it away first", "%s exists already", path);
        return cli_fail(c, &err);
    }
    if (fs_make_dirs(dir, &err) < 0 ||
        fs_write_durable(path, manifest_starter, strlen(manifest_starter), 0644, &err) < 0)
        return cli_fail(c, &err);
    if (c->json) {
        BUF_AUTO out = BUF_INIT(8192);
        buf_putc(&out, '{');
        json_member_string(&out, "manifest", path);
        buf_putc(&out, '}');
        (void)puts(buf_text(&out));
    } else {
        const char *quote = strpbrk(path, " \t()&;'") ? "\"" : ""; /* it is there to be copied */
        (void)printf("wrote %s\nnext: lbops -m %s%s%s check\n", path, quote, path, quote);
    }
    return 0;
}

static void problems_json(buf *out, const manifest_problems *problems, bool warnings)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < problems->count; i++) {
        const manifest_problem *p = &problems->items[i];
        if (p->warning != warnings)
            continue;
        json_comma(out);
        buf_putc(out, '{');
        json_member_string(out, "file", p->place.file);
        json_member_i64(out, "line", p->place.line);
        json_member_i64(out, "column", p->place.column);
        json_member_string(out, "code", error_name(p->error.code));
        json_member_string(out, "message", p->error.message);
        json_member_string(out, "hint", p->error.hint[0] ? p->error.hint : NULL);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void refusals_json(buf *out, const registry *r)
{
    buf_putc(out, '[');
    for (size_t i = 0; r && i < registry_refusal_count(r); i++) {
        const registry_refusal *refusal = registry_refusal_at(r, i);
        json_comma(out);
        buf_putc(out, '{');
        json_member_string(out, "file", refusal->path);
        json_member_string(out, "message", refusal->error.message);
        json_member_string(out, "hint", refusal->error.hint[0] ? refusal->error.hint : NULL);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static size_t count_kind(const registry *r, lb_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < registry_count(r); i++)
        count += registry_at(r, i)->kind == kind;
    return count;
}

/* online: the document of what was looked at, or nothing. */
static void check_json(const cli *c, const manifest_problems *problems, const buf *online)
{
    BUF_AUTO out = BUF_INIT((size_t)16 * 1024 * 1024), loosened = BUF_INIT((size_t)1024 * 1024);
    buf_putc(&out, '{');
    json_member_bool(&out, "ok", !manifest_has_errors(problems));
    json_key(&out, "errors");
    problems_json(&out, problems, false);
    json_key(&out, "warnings");
    problems_json(&out, problems, true);
    json_key(&out, "refused_plugins");
    refusals_json(&out, c->registry);
    if (c->manifest) {
        manifest_loosened(c->manifest, &loosened);
        json_member_string(&out, "manifest", c->manifest->path);
        json_member_i64(&out, "targets", (int64_t)c->manifest->target_count);
        json_member_string(&out, "loosened", loosened.length ? buf_text(&loosened) : NULL);
    }
    if (c->registry)
        json_member_i64(&out, "tools", (int64_t)count_kind(c->registry, LB_KIND_TOOL));
    if (online->length)
        json_member_raw(&out, "online", buf_text(online));
    buf_putc(&out, '}');
    (void)puts(buf_text(&out));
}

static void check_text(const cli *c, const manifest_problems *problems)
{
    BUF_AUTO loosened = BUF_INIT((size_t)1024 * 1024);
    cli_print_problems(c, problems);
    for (size_t i = 0; c->registry && i < registry_refusal_count(c->registry); i++) {
        const registry_refusal *refusal = registry_refusal_at(c->registry, i);
        (void)fprintf(stderr, "refused: %s: %s\n", refusal->path, refusal->error.message);
    }
    if (!c->manifest || !c->registry || manifest_has_errors(problems))
        return;
    manifest_loosened(c->manifest, &loosened);
    (void)printf("%s%s%s: ok\n  workspace %s, %zu target(s), %zu agent(s), %zu tool(s), %zu service plugin(s)\n",
                 cli_style(c, "1"), c->manifest->path, cli_style(c, "0"), c->manifest->name, c->manifest->target_count,
                 c->manifest->agent_count, count_kind(c->registry, LB_KIND_TOOL),
                 registry_count(c->registry) - count_kind(c->registry, LB_KIND_TOOL));
    if (loosened.length)
        (void)printf("  loosened:\n%s", buf_text(&loosened));
}

int cli_check(cli *c, int argc, char **argv)
{
    manifest_problems problems = {0};
    BUF_AUTO online = BUF_INIT((size_t)8 * 1024 * 1024);
    bool looks = argc == 2 && strcmp(argv[1], "--online") == 0;
    if (argc > 1 && !looks)
        return cli_usage(c, cli_find_verb("check"), NULL, "check takes no %s", argv[argc - 1]);
    int code = cli_read_manifest(c, CLI_ALL, &problems);
    if (c->manifest && code == 0)
        code = cli_load_registry(c);
    if (c->registry)
        manifest_check(c->manifest, c->registry, &problems);
    if (manifest_has_errors(&problems))
        code = EXIT_USAGE;
    bool shows = code == 0 || problems.count;
    if (shows && !c->json)
        check_text(c, &problems);
    if (looks && code == 0)
        code = cli_online(c, &online);
    if (shows && c->json)
        check_json(c, &problems, &online);
    manifest_problems_done(&problems);
    return code;
}

static bool check_plugin(const cli *c, const char *path, buf *out)
{
    lb_error err = {0};
    const registry_options options = {0};
    plugin_spec *spec = registry_probe_file(&options, path, &err);
    if (c->json) {
        json_comma(out);
        buf_putc(out, '{');
        json_member_string(out, "file", path);
        json_member_bool(out, "ok", spec != NULL);
        json_member_string(out, "name", spec ? spec->name : NULL);
        json_member_string(out, "kind", spec ? spec_kind_name(spec->kind) : NULL);
        json_key(out, "calls"); /* minimal builds take these along */
        buf_putc(out, '[');
        for (char *const *call = spec ? spec->calls : NULL; call && *call; call++) {
            json_comma(out);
            json_string(out, *call);
        }
        buf_putc(out, ']');
        json_member_string(out, "message", spec ? NULL : err.message);
        json_member_string(out, "hint", spec || !err.hint[0] ? NULL : err.hint);
        buf_putc(out, '}');
    } else if (spec) {
        (void)printf("%s%s%s: ok, %s %s %s (%s)\n", cli_style(c, "32"), path, cli_style(c, "0"),
                     spec_kind_name(spec->kind), spec->name, spec->version, spec->summary);
    } else {
        (void)printf("%s%s%s: refused: %s\n", cli_style(c, "31"), path, cli_style(c, "0"), err.message);
        if (err.hint[0])
            (void)printf("  hint: %s\n", err.hint);
    }
    bool ok = spec != NULL;
    (void)spec_free(spec); /* gives NULL */
    return ok;
}

int cli_plugin(cli *c, int argc, char **argv)
{
    bool all = true;
    BUF_AUTO out = BUF_INIT((size_t)1024 * 1024);
    if (argc < 3 || strcmp(argv[1], "check") != 0)
        return cli_usage(c, cli_find_verb("plugin"), NULL, "plugin needs check and at least one file");
    buf_putc(&out, '[');
    for (int i = 2; i < argc; i++)
        all = check_plugin(c, argv[i], &out) && all;
    buf_putc(&out, ']');
    if (c->json)
        (void)puts(buf_text(&out));
    return all ? 0 : 1;
}

/* It asks the program that is being typed, with the manifest that is being typed: the help knows the options. Only
   what zsh knows as well is used. */
static const char bash_completion[] =
    "_lbops_says() {\n"
    "    \"$lbops\" ${manifest:+-m} ${manifest:+\"$manifest\"} --quiet \"$@\" 2>/dev/null\n"
    "}\n"
    "_lbops() {\n"
    "    local IFS=$'\\n' verbs=$'%s' lbops=${COMP_WORDS[0]//[\\\\\\'\\\"]/} cur=${COMP_WORDS[COMP_CWORD]}\n"
    "    local before=${COMP_WORDS[COMP_CWORD-1]} verb='' manifest='' files='' words='' i\n"
    "    lbops=${lbops/#\\~/$HOME}\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        -m) ((i++)); manifest=${COMP_WORDS[i]//[\\\\\\'\\\"]/}; manifest=${manifest/#\\~/$HOME} ;;\n"
    "        --log-level) ((i++)) ;;\n"
    "        -*) ;;\n"
    "        *) verb=${COMP_WORDS[i]}; break ;;\n"
    "        esac\n"
    "    done\n"
    "    case $before:$verb:$cur in\n"
    "    -m:* | --html:* | --lvdash:* | --record:*) files=1 ;;\n"
    "    --log-level:*) words=$'error\\nwarn\\ninfo\\ndebug' ;;\n"
    "    *::*) words=$verbs$'\\n-m\\n--json\\n--quiet\\n--log-level\\n--no-color' ;;\n"
    "    *:run:-*) words=$(_lbops_says tools --names \"${COMP_WORDS[i+1]}\"; _lbops_says help run | grep -oE -e "
    "'--[a-z-]+') ;;\n"
    "    *:-*) words=$(_lbops_says help \"$verb\" | grep -oE -e '--[a-z-]+') ;;\n"
    "    run:run:* | tools:tools:*) words=$(_lbops_says tools --names) ;;\n"
    "    job:job:*) words=$(_lbops_says jobs | sed -n 's/^\\([^ ][^ ]*\\).*/\\1/p') ;;\n"
    "    jobs:jobs:*) words=bundle ;;\n"
    "    target:target:*) words=$'ls\\ncreate\\ndelete\\nreset\\ndsn' ;;\n"
    "    help:help:*) words=$verbs ;;\n"
    "    *:log:*) words=$'error\\nwarn\\ninfo\\ndebug' ;;\n"
    "    plugin:plugin:*) words=check ;;\n"
    "    completion:completion:*) words=$'bash\\nzsh' ;;\n"
    "    bundle:jobs:* | *:plugin:* | *:init:*) files=1 ;;\n"
    "    esac\n"
    "    if [[ $files ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
    "    else\n"
    "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
    "    fi\n"
    "}\n"
    "complete -F _lbops lbops\n";

int cli_completion(cli *c, int argc, char **argv)
{
    BUF_AUTO verbs = BUF_INIT(4096);
    bool zsh = argc == 2 && strcmp(argv[1], "zsh") == 0;
    if (argc != 2 || (!zsh && strcmp(argv[1], "bash") != 0))
        return cli_usage(c, cli_find_verb("completion"), NULL, "completion is for bash or zsh");
    for (const cli_verb *v = cli_verbs; v->name; v++)
        if (!v->hidden)
            buf_printf(&verbs, "%s%s", verbs.length ? "\\n" : "", v->name);
    BUF_AUTO script = BUF_INIT(16384);
    if (zsh) /* zsh runs bash's completions */
        buf_puts(&script, "autoload -Uz bashcompinit && bashcompinit\n");
    const char *hole = strstr(bash_completion, "%s");
    buf_put(&script, bash_completion, (size_t)(hole - bash_completion));
    buf_puts(&script, buf_text(&verbs));
    buf_puts(&script, hole + 2);
    if (c->json) {
        BUF_AUTO out = BUF_INIT((size_t)64 * 1024);
        buf_putc(&out, '{');
        json_member_string(&out, "shell", argv[1]);
        json_member_string(&out, "script", buf_text(&script));
        buf_putc(&out, '}');
        (void)puts(buf_text(&out)); /* main checks stdout at its end */
        return 0;
    }
    (void)fputs(buf_text(&script), stdout);
    return 0;
}

static void ignore_end(void *state, const run_outcome *outcome, const char *document)
{
    (void)state, (void)outcome, (void)document; /* there are no runs here */
}

int cli_ready(cli *c, int argc, char **argv)
{
    lb_error err;
    supervisor *s = NULL;
    char byte;
    bool hold = argc == 2 && strcmp(argv[1], "--hold") == 0;
    int code = cli_load(c, CLI_STRICT);
    if (code)
        return code;
    struct ev_loop *loop = child_loop();
    const supervisor_options options = {.manifest = c->manifest,
                                        .registry = c->registry,
                                        .loop = loop,
                                        .log_level = c->log_level,
                                        .hooks = {.ended = ignore_end}};
    if (supervisor_new(&options, &s, &err) < 0)
        return cli_fail(c, &err);
    double give_up = ev_time() + 30;
    while (pool_ready(supervisor_pool(s)) < (size_t)c->manifest->limits.workers && ev_time() < give_up)
        (void)ev_run(loop, EVRUN_ONCE); /* says only whether watchers are left */
    if (ev_time() >= give_up) {
        (void)lb_fail(&err, LB_ERR_INTERNAL, NULL, "the workers do not get ready");
        (void)supervisor_free(s); /* gives NULL */
        return cli_fail(c, &err);
    }
    (void)puts("ready");
    (void)fflush(stdout); /* main checks stdout at its end */
    while (hold && read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    (void)supervisor_free(s); /* gives NULL */
    return 0;
}
