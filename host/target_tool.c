#include "target_tool.h"

#include "fs.h"
#include "json.h"
#include "run_state.h"
#include "target_reset.h"

#include <sql/host/whoami.h>

#include <sys/un.h>
#include <time.h>

#define MOST_PAGES    1000
#define LAST_PAUSE_US 2000000
#define SOURCE_LOOKS  30

struct args {
    const char *action, *source, *time, *lsn, *ttl, *expire_time, *kind, *creator_type, *reason;
    bool no_expiry, is_protected, asks, last_snapshot;
    int64_t version;
};

static const lb_param params[] = {
    LB_PARAM(struct args, action, LB_TEXT, NULL, "what to do", .required = true,
             .choices = "list|create|delete|reset|dsn|keep"),
    LB_PARAM(struct args, source, LB_TEXT, NULL,
             "the branch to make it from; without it, the project's default branch"),
    LB_PARAM(struct args, time, LB_TEXT, NULL, "as the source was then"),
    LB_PARAM(struct args, lsn, LB_TEXT, NULL, "as the source was at that place of its log"),
    LB_PARAM(struct args, ttl, LB_TEXT, NULL, "lives so long"),
    LB_PARAM(struct args, expire_time, LB_TEXT, NULL, "lives until then"),
    LB_PARAM(struct args, no_expiry, LB_BOOL, "false", "lives until it is deleted"),
    LB_PARAM(struct args, is_protected, LB_BOOL, "false", "cannot be deleted"),
    LB_PARAM(struct args, last_snapshot, LB_BOOL, "false",
             "of a branch that is deleted or reset: first keep what its server has counted of statements"),
    LB_PARAM(struct args, asks, LB_BOOL, "false", "a person decides about a reset, whatever the branch's class"),
    LB_PARAM(struct args, kind, LB_TEXT, NULL, "of a reset: which naming rule the branch falls under, for history"),
    LB_PARAM(struct args, creator_type, LB_TEXT, "human", "of a reset: who asked for it, for history",
             .choices = "human|agent|ci"),
    LB_PARAM(struct args, reason, LB_TEXT, "asked for by hand", "of a reset: why, for history"),
    LB_PARAM(struct args, version, LB_I64, "0", "Postgres version of a new project"),
    LB_PARAMS_END,
};

/* ---- the control plane ---- */

static void put_object(void *object)
{
    (void)json_object_put(object); /* says only whether it was the last reference */
}

/* It lives as long as the run; NULL after a failure. */
static struct json_object *keep_parsed(lb_ctx *ctx, const char *text, lb_error *err)
{
    struct json_object *object = json_parse(text, strlen(text), err);
    if (object && lb_defer(ctx, put_object, object) < 0) {
        put_object(object);
        (void)lb_out_of_memory(err); /* the NULL says it */
        return NULL;
    }
    return object;
}

struct json_object *target_read(lb_ctx *ctx, const char *path, const char *query, lb_error *err)
{
    const char *reply = NULL;
    if (!path) {
        (void)lb_out_of_memory(err); /* the NULL says it */
        return NULL;
    }
    if (lb_control(ctx, &(lb_request){.method = "GET", .path = path, .query = query}, &reply, err) < 0)
        return NULL;
    return keep_parsed(ctx, reply, err);
}

const char *target_text(struct json_object *object, const char *outer, const char *name)
{
    struct json_object *member = object;
    if (outer && !json_object_object_get_ex(object, outer, &member))
        return NULL;
    return json_object_object_get_ex(member, name, &member) && json_object_is_type(member, json_type_string)
               ? json_object_get_string(member)
               : NULL;
}

static bool is_true(struct json_object *object, const char *outer, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, outer, &member) && json_object_object_get_ex(member, name, &member) &&
           json_object_get_boolean(member);
}

/* An operation that failed is an error of ours. */
static int judge_operation(struct json_object *operation, lb_error *err)
{
    struct json_object *failure = NULL;
    if (!json_object_object_get_ex(operation, "error", &failure) || !failure)
        return 0;
    const char *code = target_text(failure, NULL, "error_code"), *message = target_text(failure, NULL, "message");
    return lb_fail(err, LB_ERR_TOOL, NULL, "%s: %s: %s", target_text(operation, NULL, "name"), code ? code : "failed",
                   message ? message : "no reason given");
}

void target_pause(lb_ctx *ctx, int64_t *pause_us)
{
    const struct timespec pause = {.tv_sec = *pause_us / 1000000, .tv_nsec = *pause_us % 1000000 * 1000};
    (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    *pause_us = *pause_us < LAST_PAUSE_US ? *pause_us * 3 / 2 : *pause_us;
    lb_progress(ctx, 0, 0, "waiting for the control plane");
}

int target_wait(lb_ctx *ctx, const char *reply, lb_error *err)
{
    int64_t pause_us = TARGET_FIRST_PAUSE_US;
    struct json_object *operation = keep_parsed(ctx, reply, err), *done = NULL;
    const char *name = operation ? target_text(operation, NULL, "name") : NULL;
    while (operation && name &&
           !(json_object_object_get_ex(operation, "done", &done) && json_object_get_boolean(done))) {
        if (lb_cancelled(ctx))
            return lb_fail(err, LB_ERR_TIMEOUT, "lbops target ls shows how far it is", "%s is not done yet", name);
        target_pause(ctx, &pause_us);
        operation = target_read(ctx, name, NULL, err);
    }
    if (!operation)
        return err->code;
    return name ? judge_operation(operation, err)
                : lb_fail(err, LB_ERR_TOOL, NULL, "the control plane answers with no operation");
}

int target_change(lb_ctx *ctx, const char *title, const char *reason, const lb_request *request, bool *ret_done,
                  lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    if (!title || !request->path)
        return lb_out_of_memory(err);
    int r = lb_group_open(ctx, LB_GROUP(.title = title, .reason = reason), &group, err);
    if (r >= 0)
        r = lb_change_control(ctx, group, request, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    *ret_done = r >= 0 && outcome == LB_APPLIED;
    return *ret_done ? target_wait(ctx, lb_group_reply(ctx, group), err) : r;
}

/* ---- list ---- */

typedef int (*take_item)(lb_ctx *ctx, struct json_object *item, lb_error *err);

static int each_item(lb_ctx *ctx, const char *path, const char *list, take_item take, lb_error *err)
{
    const char *token = NULL;
    for (int pages = 0; pages < MOST_PAGES; pages++) {
        struct json_object *items = NULL;
        const char *query = token ? lb_printf(ctx, "page_size=100&page_token=%s", token) : "page_size=100";
        struct json_object *page = query ? target_read(ctx, path, query, err) : NULL;
        if (!page)
            return query ? err->code : lb_out_of_memory(err);
        bool has = json_object_object_get_ex(page, list, &items) && json_object_is_type(items, json_type_array);
        for (size_t i = 0; has && i < json_object_array_length(items); i++) {
            int r = take(ctx, json_object_array_get_idx(items, i), err);
            if (r < 0)
                return r;
        }
        token = target_text(page, NULL, "next_page_token");
        if (!token || !*token)
            return 0;
    }
    return lb_fail(err, LB_ERR_LIMIT, NULL, "the list of %s does not end within %d pages", path, MOST_PAGES);
}

/* "projects/p/branches/b": the part after that word, up to the next slash. */
static const char *part_of(lb_ctx *ctx, const char *name, const char *word)
{
    const char *at = name ? strstr(name, word) : NULL;
    return at ? lb_printf(ctx, "%.*s", (int)strcspn(at + strlen(word), "/"), at + strlen(word)) : NULL;
}

static int take_branch(lb_ctx *ctx, struct json_object *item, lb_error *err)
{
    const char *name = target_text(item, NULL, "name"), *compute = NULL;
    struct json_object *size = NULL;
    struct json_object *endpoint =
        target_read(ctx, lb_printf(ctx, "%s/endpoints/primary", name ? name : ""), NULL, err);
    if (endpoint)
        compute = target_text(endpoint, "status", "current_state");
    else if (err->code != LB_ERR_NOT_FOUND)
        return err->code;
    if (json_object_object_get_ex(item, "status", &size))
        (void)json_object_object_get_ex(size, "logical_size_bytes", &size); /* absent counts as none */
    const char *source = target_text(item, "status", "source_branch");
    int r = lb_append(
        ctx, "targets",
        LB_ARGS(lb_text("project", part_of(ctx, name, "projects/")), lb_text("branch", part_of(ctx, name, "branches/")),
                lb_text("state", target_text(item, "status", "current_state")),
                lb_text("pending", target_text(item, "status", "pending_state")), lb_text("compute", compute),
                lb_bool("protected", is_true(item, "status", "is_protected")),
                lb_bool("default", is_true(item, "status", "default")),
                lb_text("source", part_of(ctx, source, "branches/")),
                lb_text("expire_time", target_text(item, "status", "expire_time")),
                json_object_is_type(size, json_type_int) ? lb_i64("bytes", json_object_get_int64(size))
                                                         : lb_null("bytes")),
        err);
    return r < 0 ? r : lb_examined(ctx, "branches", 1, err);
}

static int take_project(lb_ctx *ctx, struct json_object *item, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const char *project = target_text(item, NULL, "project_id");
    if (!project)
        return lb_skipped(ctx, "a project", "it has no project_id", err);
    if (target->project && strcmp(target->project, project) != 0)
        return 0;
    const char *path = lb_printf(ctx, "projects/%s/branches", project);
    return path ? each_item(ctx, path, "branches", take_branch, err) : lb_out_of_memory(err);
}

static int list(lb_ctx *ctx, lb_error *err)
{
    int r = lb_examined(ctx, "branches", 0, err);
    if (r >= 0)
        r = each_item(ctx, "projects", "projects", take_project, err);
    return r < 0 ? r : target_list_resets(ctx, err);
}

/* ---- create and delete ---- */

static void put_expiry(buf *body, const struct args *args)
{
    if (args->ttl)
        json_member_string(body, "ttl", args->ttl);
    if (args->expire_time)
        json_member_string(body, "expire_time", args->expire_time);
    if (args->no_expiry)
        json_member_bool(body, "no_expiry", true);
}

/* A branch that is being made is no source yet, and is one in a moment. What else is wrong, the creation says. */
static void wait_for_source(lb_ctx *ctx, const struct args *args, const lb_target *t)
{
    lb_error ignored;
    int64_t pause_us = TARGET_FIRST_PAUSE_US;
    const char *path =
        lb_printf(ctx, "projects/%s/branches/%s", t->project, args->source ? args->source : "production");
    struct json_object *source = target_read(ctx, path, NULL, &ignored);
    for (int i = 0; i < SOURCE_LOOKS && source && target_text(source, "status", "pending_state"); i++) {
        if (lb_cancelled(ctx))
            return;
        target_pause(ctx, &pause_us);
        source = target_read(ctx, path, NULL, &ignored);
    }
}

static int create_branch(lb_ctx *ctx, const struct args *args, const lb_target *t, lb_error *err)
{
    wait_for_source(ctx, args, t);
    BUF_AUTO body = BUF_INIT(4096);
    buf_puts(&body, "{\"spec\":{");
    if (args->source)
        json_member_string(&body, "source_branch", lb_printf(ctx, "projects/%s/branches/%s", t->project, args->source));
    if (args->time)
        json_member_string(&body, "source_branch_time", args->time);
    if (args->lsn)
        json_member_string(&body, "source_branch_lsn", args->lsn);
    put_expiry(&body, args);
    if (args->is_protected)
        json_member_bool(&body, "is_protected", true);
    buf_puts(&body, "}}");
    const lb_request request = {.method = "POST",
                                .path = lb_printf(ctx, "projects/%s/branches", t->project),
                                .query = lb_printf(ctx, "branch_id=%s", t->branch),
                                .body = buf_text(&body)};
    const target_life life = {
        .type = TARGET_MADE, .title = lb_printf(ctx, "create branch %s/%s", t->project, t->branch), .target = t};
    return target_live(ctx, &life, &request, err);
}

static int create_project(lb_ctx *ctx, const struct args *args, const lb_target *t, lb_error *err)
{
    bool done = false;
    const char *version = args->version ? lb_printf(ctx, ",\"pg_version\":%lld", (long long)args->version) : "";
    const lb_request request = {.method = "POST",
                                .path = "projects",
                                .query = lb_printf(ctx, "project_id=%s", t->project),
                                .body = lb_printf(ctx, "{\"spec\":{\"display_name\":\"%s\"%s}}", t->project, version)};
    return target_change(ctx, lb_printf(ctx, "create project %s", t->project), "asked for by hand", &request, &done,
                         err);
}

static int delete_it(lb_ctx *ctx, const struct args *args, const lb_target *t, lb_error *err)
{
    bool done = false;
    if (t->branch && args->last_snapshot && target_keep_statements(ctx, t, err) < 0)
        return err->code;
    const char *path = t->branch ? lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch)
                                 : lb_printf(ctx, "projects/%s", t->project);
    const lb_request request = {.method = "DELETE", .path = path, .query = "purge=true"};
    const char *title = lb_printf(ctx, "delete %s", path ? path : "");
    return t->branch
               ? target_live(ctx, &(target_life){.type = TARGET_DELETED, .title = title, .target = t}, &request, err)
               : target_change(ctx, title, "asked for by hand", &request, &done, err);
}

/* ---- dsn ---- */

/* Each byte that means something in a URL as %XX. */
static const char *escape(lb_ctx *ctx, const char *text)
{
    BUF_AUTO b = BUF_INIT(8192);
    for (; *text; text++) {
        bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", *text) != NULL;
        buf_printf(&b, plain ? "%c" : "%%%02X", plain ? *text : (unsigned char)*text);
    }
    return lb_printf(ctx, "%s", buf_text(&b));
}

/* Who the transport's own session is, and where: what a person who takes its place has to say too. */
static int ask_who(lb_ctx *ctx, host_whoami_row *who, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = host_whoami(ctx, &rows, err);
    if (r < 0)
        return r;
    return host_whoami_next(ctx, rows, who) ? 0 : lb_fail(err, LB_ERR_SQL, NULL, "the server does not say who we are");
}

/* A transport whose servers are not as the platform's are says itself how to reach them. NULL: there is no host yet.
 * It never has a password: on the platform that is a token, which whoever logs in asks for. */
static const char *dsn_of(lb_ctx *ctx, struct json_object *endpoint, const host_whoami_row *who)
{
    struct json_object *status = NULL, *hosts = NULL;
    const char *given = target_text(endpoint, "status", "dsn");
    (void)json_object_object_get_ex(endpoint, "status", &status); /* then there is no host */
    (void)json_object_object_get_ex(status, "hosts", &hosts);
    const char *host = target_text(hosts, NULL, "host");
    if (given || !host)
        return given;
    if (*host == '/' && strlen(host) + strlen("/.s.PGSQL.5432") >= sizeof((struct sockaddr_un *)0)->sun_path)
        lb_log(ctx, LB_LOG_WARN, "the path of the socket is longer than programs can use: choose a shorter state_dir");
    const char *role = who->role ? escape(ctx, who->role) : NULL,
               *database = who->database ? escape(ctx, who->database) : NULL;
    if (!role || !database)
        return NULL;
    return *host == '/' ? lb_printf(ctx, "postgresql://%s@/%s?host=%s", role, database, escape(ctx, host))
                        : lb_printf(ctx, "postgresql://%s@%s:5432/%s?sslmode=verify-full", role, host, database);
}

/* Asking for the version starts the server where that is ours to do, so that the string works for a while. */
static int tell_dsn(lb_ctx *ctx, const lb_target *t, lb_error *err)
{
    int major = 0;
    host_whoami_row who = {0};
    int r = lb_server_version(ctx, &major, err);
    if (r >= 0)
        r = ask_who(ctx, &who, err);
    if (r < 0)
        return r;
    struct json_object *endpoint =
        target_read(ctx, lb_printf(ctx, "projects/%s/branches/%s/endpoints/primary", t->project, t->branch), NULL, err);
    if (!endpoint)
        return err->code;
    const char *dsn = dsn_of(ctx, endpoint, &who);
    if (!dsn)
        return lb_fail(err, LB_ERR_NOT_FOUND, "try again when it has settled", "the endpoint of %s/%s has no host",
                       t->project, t->branch);
    return lb_result(ctx, LB_ARGS(lb_text("dsn", dsn), lb_text("role", who.role), lb_i64("server_version", major)),
                     err);
}

/* ---- the tool ---- */

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const lb_target *t = lb_run_target(ctx);
    bool creates = strcmp(args->action, "create") == 0;
    if (strcmp(args->action, "list") == 0)
        return list(ctx, err);
    if (!t->project)
        return lb_fail(err, LB_ERR_INVALID, "give --project", "%s needs a project", args->action);
    if (!t->branch)
        return creates ? create_project(ctx, args, t, err) : delete_it(ctx, args, t, err);
    if (creates)
        return create_branch(ctx, args, t, err);
    if (strcmp(args->action, "delete") == 0)
        return delete_it(ctx, args, t, err);
    if (strcmp(args->action, "keep") == 0) /* for who deletes it in another way */
        return target_keep_statements(ctx, t, err);
    if (strcmp(args->action, "reset") == 0)
        return target_reset(ctx, t,
                            &(target_wish){.kind = args->kind,
                                           .creator_type = args->creator_type,
                                           .reason = args->reason,
                                           .asks = args->asks,
                                           .keeps = args->last_snapshot},
                            err);
    return tell_dsn(ctx, t, err);
}

static const lb_tool target_tool = {
    .size = sizeof target_tool,
    .risk = LB_RISK_LOW,
    LB_TOOL_ARGS(struct args, params),
    .writes = LB_NAMES("branch_lifecycle"),
    .emits = LB_NAMES("branch.created", "branch.deleted", "branch.reset"),
    .calls = LB_NAMES(TARGET_KEEPER),
    .run = run,
};

const lb_plugin target_plugin = {
    .magic = LB_ABI_MAGIC,
    .abi_major = LB_ABI_MAJOR,
    .abi_minor = LB_ABI_MINOR,
    .size = sizeof target_plugin,
    .kind = LB_KIND_TOOL,
    .name = TARGET_TOOL,
    .version = LB_PLUGIN_VERSION,
    .summary = "projects and branches by hand",
    .ops = &target_tool,
};
