/* lbops jobs bundle: writes a Databricks Asset Bundle. */
#include "bundle.h"
#include "cli.h"
#include "fs.h"
#include "json.h"

typedef struct writing {
    cli *c;
    const bundle *b;
    const char *dir;
    buf json;
    size_t kept;
} writing;

static void tell(writing *w, const char *name, bundle_fate fate, const buf *diff)
{
    static const char *const fates[] = {"written", "updated", "same", "kept"};
    json_comma(&w->json);
    buf_putc(&w->json, '{');
    json_member_string(&w->json, "file", name);
    json_member_string(&w->json, "fate", fates[fate]);
    json_member_string(&w->json, "diff", fate == BUNDLE_KEPT ? buf_text(diff) : NULL);
    buf_putc(&w->json, '}');
    w->kept += fate == BUNDLE_KEPT;
    if (w->c->json)
        return;
    (void)printf("%-8s %s%s\n", fates[fate], name,
                 fate == BUNDLE_KEPT ? ", which somebody has edited; it would be:" : "");
    if (fate == BUNDLE_KEPT)
        (void)printf("--- %s/%s\n+++ as lbops would write it\n%s", w->dir, name, buf_text(diff));
}

static int keep(writing *w, const char *name, const buf *text, lb_error *err)
{
    bundle_fate fate;
    BUF_AUTO diff = BUF_INIT(2 * BUNDLE_TEXT_MAX);
    LB_AUTO_FREE char *path = base_printf("%s/%s", w->dir, name);
    if (text->overflow)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "%s would be too long", name);
    if (bundle_keep(path, buf_text(text), &fate, &diff, err) < 0)
        return err->code;
    tell(w, name, fate, &diff);
    return 0;
}

static int write_pair(writing *w, const char *name, const buf *resource, const buf *text, lb_error *err)
{
    LB_AUTO_FREE char *yml = base_printf("resources/%s.yml", name), *toml = base_printf("manifests/%s.toml", name);
    return keep(w, yml, resource, err) < 0 || keep(w, toml, text, err) < 0 ? err->code : 0;
}

static int write_job(writing *w, const manifest_job *job, lb_error *err)
{
    BUF_AUTO resource = BUF_INIT(BUNDLE_TEXT_MAX), text = BUF_INIT(BUNDLE_TEXT_MAX);
    if (strcmp(job->name, "serve") == 0)
        return lb_fail(err, LB_ERR_INVALID, "give it another name", "a job called serve is the bundle's own");
    if (bundle_job(w->b, job, &resource, err) < 0)
        return err->code;
    bundle_job_manifest(w->b, job, &text);
    return write_pair(w, job->name, &resource, &text, err);
}

static void find_served(void *state, const manifest_job *job, const char *tool)
{
    (void)job, (void)tool;
    *(bool *)state = true;
}

static int write_all(writing *w, lb_error *err)
{
    static const char *const folders[] = {"resources", "manifests", "dist"};
    bool serves = false;
    BUF_AUTO root = BUF_INIT(BUNDLE_TEXT_MAX), launcher = BUF_INIT(BUNDLE_TEXT_MAX);
    for (size_t i = 0; i < LB_COUNT(folders); i++) {
        LB_AUTO_FREE char *path = base_printf("%s/%s", w->dir, folders[i]);
        if (fs_make_dirs(path, err) < 0)
            return err->code;
    }
    bundle_root(w->b, &root);
    buf_puts(&launcher, bundle_launcher);
    if (keep(w, "databricks.yml", &root, err) < 0 || keep(w, "launch.py", &launcher, err) < 0)
        return err->code;
    for (size_t i = 0; i < jobs_count(w->b->jobs); i++)
        if (write_job(w, jobs_at(w->b->jobs, i), err) < 0)
            return err->code;
    bundle_each_served_tool(w->b, find_served, &serves);
    if (!serves)
        return 0;
    BUF_AUTO resource = BUF_INIT(BUNDLE_TEXT_MAX), text = BUF_INIT(BUNDLE_TEXT_MAX);
    bundle_serve(w->b, &resource);
    bundle_serve_manifest(w->b, &text);
    return write_pair(w, "serve", &resource, &text, err);
}

/* ---- what to do next ---- */

static void add_with(void *state, const char *plugin)
{
    buf_printf(state, " --with %s", plugin);
}

static void add_tool(void *state, const manifest_job *job, const char *tool)
{
    buf *out = state;
    (void)job;
    buf_printf(out, "%s%s", out->length ? "," : "", tool);
}

static void add_command(writing *w, buf *list, const char *name, const char *tools, const char *with)
{
    LB_AUTO_FREE char *line =
        base_printf("scripts/build-job %s --tools %s%s --output %s/dist", name, tools, with, w->dir);
    json_comma(list);
    json_string(list, line);
    if (!w->c->json)
        (void)printf("  %s\n", line);
}

static void say_next(writing *w, buf *list)
{
    BUF_AUTO with = BUF_INIT(4096), served = BUF_INIT(BUNDLE_TEXT_MAX);
    bundle_each_service(w->b, add_with, &with);
    if (!w->c->json)
        (void)printf("\nnext, the archives, which are uploaded with the bundle:\n");
    for (size_t i = 0; i < jobs_count(w->b->jobs); i++) {
        BUF_AUTO tools = BUF_INIT(BUNDLE_TEXT_MAX);
        const manifest_job *job = jobs_at(w->b->jobs, i);
        for (char *const *tool = job->tools; *tool; tool++)
            add_tool(&tools, job, *tool);
        add_command(w, list, job->name, buf_text(&tools), buf_text(&with));
    }
    bundle_each_served_tool(w->b, add_tool, &served);
    if (served.length)
        add_command(w, list, "serve", buf_text(&served), buf_text(&with));
    if (!w->c->json)
        (void)printf("then, in %s: databricks bundle validate -t prod, databricks bundle deploy -t prod\n", w->dir);
}

static int parse_words(cli *c, int argc, char **argv, bundle *b, const char **ret_dir)
{
    *ret_dir = NULL;
    for (int i = 2; i < argc; i++) {
        char *end = NULL;
        long minutes = strcmp(argv[i], "--serve-below") == 0 && i + 1 < argc ? strtol(argv[i + 1], &end, 10) : -1;
        if (end && end != argv[i + 1] && !*end && minutes >= 0 && minutes <= 1440) {
            b->serve_below_s = minutes * 60;
            i++;
        } else if (argv[i][0] != '-' && !*ret_dir) {
            *ret_dir = argv[i];
        } else {
            return cli_usage(c, cli_find_verb("jobs"), "--serve-below takes minutes, 0 to 1440",
                             "jobs bundle does not take %s", argv[i]);
        }
    }
    return *ret_dir ? 0 : cli_usage(c, cli_find_verb("jobs"), NULL, "jobs bundle needs a directory");
}

int cli_jobs_bundle(cli *c, int argc, char **argv)
{
    lb_error err;
    bundle b = {.serve_below_s = BUNDLE_SERVE_BELOW_S};
    const char *dir;
    size_t length;
    LB_AUTO_FREE char *text = NULL;
    int code = parse_words(c, argc, argv, &b, &dir);
    if (code == 0)
        code = cli_load(c, CLI_STRICT);
    if (code)
        return code;
    jobs *all = jobs_new(c->manifest);
    BUF_AUTO commands = BUF_INIT(BUNDLE_TEXT_MAX);
    b.m = c->manifest;
    b.r = c->registry;
    b.jobs = all;
    writing w = {.c = c, .b = &b, .dir = dir, .json = BUF_INIT(4 * BUNDLE_TEXT_MAX)};
    if (fs_read(c->manifest->path, BUNDLE_TEXT_MAX, &text, &length, &err) < 0 ||
        (b.text = text, bundle_check(&b, &err)) < 0 || write_all(&w, &err) < 0) {
        code = cli_fail(c, &err);
    } else {
        say_next(&w, &commands);
        BUF_AUTO name = BUF_INIT(BUNDLE_TEXT_MAX);
        json_string(&name, dir);
        if (c->json)
            (void)printf("{\"directory\":%s,\"files\":[%s],\"kept\":%zu,\"commands\":[%s]}\n", buf_text(&name),
                         buf_text(&w.json), w.kept, buf_text(&commands));
    }
    buf_done(&w.json);
    (void)jobs_free(all); /* gives NULL */
    return code;
}
