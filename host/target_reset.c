/* A reset: delete with purge, create again. Between the two the name is missing, so that what is to be made is on disk
 * before anything goes, and is taken away only when it stands again, its compute's settings with it. */
#include "target_reset.h"

#include "door.h"
#include "fs.h"
#include "json.h"

#include <dirent.h>
#include <errno.h>

#define WISH_LIMIT   ((size_t)64 * 1024)
#define ONE_RESET_US INT64_C(3600000000) /* a reset that died longer ago than this is not the one that is asked for */
#define SETTLE_LOOKS 60

static char *resets_dir(lb_ctx *ctx)
{
    const char *outbox = run_of(ctx)->worker->setup->outbox_dir, *slash = strrchr(outbox, '/');
    return base_printf("%.*s/resets", slash ? (int)(slash - outbox) : 0, outbox);
}

char *target_wish_path(lb_ctx *ctx, const lb_target *t)
{
    LB_AUTO_FREE char *dir = resets_dir(ctx);
    return base_printf("%s/%s.%s.json", dir, t->project, t->branch);
}

struct json_object *target_read_wish(const char *path, lb_error *err)
{
    char *text = NULL;
    size_t length = 0;
    if (fs_read(path, WISH_LIMIT, &text, &length, err) < 0)
        return NULL;
    struct json_object *wish = json_parse(text, length, err);
    free(text);
    return wish;
}

/* ---- what is to be made again ---- */

static void copy_member(struct json_object *from, const char *name, struct json_object *into)
{
    struct json_object *value = NULL;
    if (json_object_object_get_ex(from, name, &value) && value)
        (void)json_object_object_add(into, name, json_object_get(value)); /* fails without memory alone */
}

static struct json_object *branch_spec(struct json_object *branch)
{
    struct json_object *spec = json_object_new_object(), *status = NULL;
    (void)json_object_object_get_ex(branch, "status", &status); /* then there is nothing to copy */
    copy_member(status, "source_branch", spec);
    copy_member(status, "expire_time", spec);
    if (!target_text(branch, "status", "expire_time"))
        (void)json_object_object_add(spec, "no_expiry", json_object_new_boolean(true)); /* as above */
    return spec;
}

static struct json_object *endpoint_spec(struct json_object *endpoint)
{
    static const char *const names[] = {"endpoint_type",
                                        "autoscaling_limit_min_cu",
                                        "autoscaling_limit_max_cu",
                                        "suspend_timeout_duration",
                                        "no_suspension",
                                        "settings"};
    struct json_object *spec = json_object_new_object(), *status = NULL;
    (void)json_object_object_get_ex(endpoint, "status", &status); /* then there is nothing to copy */
    for (size_t i = 0; i < LB_COUNT(names); i++)
        copy_member(status, names[i], spec);
    return spec;
}

static struct json_object *make_wish(struct json_object *branch, struct json_object *endpoint, int64_t now)
{
    struct json_object *wish = json_object_new_object();
    (void)json_object_object_add(wish, "branch", branch_spec(branch)); /* fails without memory alone */
    (void)json_object_object_add(wish, "endpoint", endpoint_spec(endpoint));
    (void)json_object_object_add(wish, "at", json_object_new_int64(now));
    copy_member(branch, "name", wish);
    copy_member(branch, "uid", wish);
    return wish;
}

int target_write_wish(lb_ctx *ctx, const char *path, struct json_object *wish, lb_error *err)
{
    LB_AUTO_FREE char *dir = resets_dir(ctx);
    const char *text = json_object_to_json_string_ext(wish, JSON_C_TO_STRING_PLAIN);
    int r = fs_make_dirs(dir, err);
    return r < 0 ? r : fs_write_durable(path, text, strlen(text), 0600, err);
}

/* ---- the two halves ---- */

static lb_request delete_request(lb_ctx *ctx, const lb_target *t)
{
    return (lb_request){.method = "DELETE",
                        .path = lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch),
                        .query = "purge=true"};
}

static lb_request create_request(lb_ctx *ctx, const lb_target *t, struct json_object *wish)
{
    struct json_object *spec = NULL;
    (void)json_object_object_get_ex(wish, "branch", &spec); /* we wrote it */
    return (lb_request){.method = "POST",
                        .path = lb_printf(ctx, "projects/%s/branches", t->project),
                        .query = lb_printf(ctx, "branch_id=%s", t->branch),
                        .body = lb_printf(ctx, "{\"spec\":%s}", json_object_to_json_string(spec))};
}

static lb_request endpoint_request(lb_ctx *ctx, const lb_target *t, struct json_object *wish)
{
    struct json_object *wanted = NULL;
    (void)json_object_object_get_ex(wish, "endpoint", &wanted); /* none: the project's are right */
    bool has_settings = json_object_object_get_ex(wanted, "settings", NULL);
    return (lb_request){
        .method = "PATCH",
        .path = lb_printf(ctx, "projects/%s/branches/%s/endpoints/primary", t->project, t->branch),
        .query = has_settings
                     ? "update_mask=spec.autoscaling_limit_min_cu,spec.autoscaling_limit_max_cu,spec.suspension,"
                       "spec.settings"
                     : "update_mask=spec.autoscaling_limit_min_cu,spec.autoscaling_limit_max_cu,spec.suspension",
        .body = lb_printf(ctx, "{\"spec\":%s}", json_object_to_json_string(wanted))};
}

/* ---- the compute, where a person decides ---- */

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    (void)json_object_object_get_ex(object, name, &value); /* NULL is fine */
    bool is_empty = json_object_is_type(value, json_type_object) && !json_object_object_length(value);
    return is_empty ? NULL : value;
}

/* What the project gives a new compute, the branch that is made again has by itself. False where nobody says. */
static bool is_as_project_gives(lb_ctx *ctx, const lb_target *t, struct json_object *wanted)
{
    static const char *const names[] = {"autoscaling_limit_min_cu", "autoscaling_limit_max_cu",
                                        "suspend_timeout_duration", "no_suspension"};
    lb_error ignored;
    struct json_object *project = target_read(ctx, lb_printf(ctx, "projects/%s", t->project), NULL, &ignored);
    struct json_object *given = project ? member(member(project, "status"), "default_endpoint_settings") : NULL;
    for (size_t i = 0; given && i < LB_COUNT(names); i++)
        if (!json_object_equal(member(given, names[i]), member(wanted, names[i])))
            return false;
    return given && json_object_equal(member(given, "pg_settings"), member(member(wanted, "settings"), "pg_settings"));
}

/* Once a person has decided, nobody is there to look what the new compute has: what it is to have is decided on with
 * the rest. Where nobody is asked, finish() sees to it. */
static int add_compute(lb_ctx *ctx, lb_group *group, const lb_target *t, struct json_object *wish, lb_error *err)
{
    door_ask_gate(group);
    if (group->answer.decision != GATE_ASK || is_as_project_gives(ctx, t, member(wish, "endpoint")))
        return 0;
    const lb_request compute = endpoint_request(ctx, t, wish);
    return compute.path && compute.body ? lb_change_control(ctx, group, &compute, err) : lb_out_of_memory(err);
}

/* All in one group: a person decides about the whole, and what makes the branch again from its own source is what the
 * manifest can declare routine. */
static int replace_branch(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const target_wish *w,
                          lb_outcome *ret_outcome, lb_error *err)
{
    lb_group *group = NULL;
    const lb_request deletion = delete_request(ctx, t), creation = create_request(ctx, t, wish);
    const char *title = lb_printf(ctx, "reset %s/%s", t->project, t->branch);
    if (!title || !deletion.path || !creation.path || !creation.query || !creation.body)
        return lb_out_of_memory(err);
    int r =
        lb_group_open(ctx,
                      LB_GROUP(.title = title,
                               .reason = "it is to hold its source's data again: it is deleted, and made anew at once",
                               .undo = "what it holds now cannot be brought back: make a branch of it first to keep it",
                               .asks = w->asks),
                      &group, err);
    if (r >= 0)
        r = lb_change_control(ctx, group, &deletion, err);
    if (r >= 0)
        r = lb_change_control(ctx, group, &creation, err);
    if (r >= 0)
        r = add_compute(ctx, group, t, wish, err);
    if (r >= 0)
        r = target_note_reset(ctx, group, t, wish, w, err);
    if (r >= 0)
        r = lb_apply(ctx, group, ret_outcome, err);
    return r < 0 || *ret_outcome != LB_APPLIED ? r : target_wait(ctx, lb_group_reply(ctx, group), err);
}

static int create_branch(lb_ctx *ctx, const lb_target *t, struct json_object *wish, bool *ret_done, lb_error *err)
{
    const lb_request request = create_request(ctx, t, wish);
    return target_change(ctx, lb_printf(ctx, "reset %s/%s: create it", t->project, t->branch),
                         "the second half of a reset", &request, ret_done, err);
}

static bool is_settled(struct json_object *object)
{
    const char *state = target_text(object, "status", "current_state");
    return object && !target_text(object, "status", "pending_state") && (!state || strcmp(state, "INIT") != 0);
}

/* An operation that is done does not mean that all of it has come to rest, and what a run that died began has no
 * operation that we know. What does not settle, the change that follows says. */
static void wait_settled(lb_ctx *ctx, const lb_target *t)
{
    lb_error ignored;
    int64_t pause_us = TARGET_FIRST_PAUSE_US;
    const char *branch = lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch),
               *endpoint = lb_printf(ctx, "projects/%s/branches/%s/endpoints/primary", t->project, t->branch);
    for (int i = 0; i < SETTLE_LOOKS && !lb_cancelled(ctx); i++) {
        if (is_settled(target_read(ctx, branch, NULL, &ignored)) &&
            is_settled(target_read(ctx, endpoint, NULL, &ignored)))
            return;
        target_pause(ctx, &pause_us);
    }
}

static bool is_told(struct json_object *wish)
{
    return json_object_get_boolean(member(wish, "told")); /* false for NULL */
}

/* What history already calls a reset without its settings gets its end there, whoever decides about them. */
static int give_settings(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const target_wish *w,
                         bool *ret_given, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    const lb_request request = endpoint_request(ctx, t, wish);
    const char *title = lb_printf(ctx, "reset %s/%s: its compute's settings", t->project, t->branch);
    if (!title || !request.path || !request.body)
        return lb_out_of_memory(err);
    int r = lb_group_open(ctx, LB_GROUP(.title = title, .reason = "as they were before"), &group, err);
    if (r >= 0)
        r = lb_change_control(ctx, group, &request, err);
    if (r >= 0 && is_told(wish))
        r = target_note_given(ctx, group, t, wish, w, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    *ret_given = r >= 0 && outcome == LB_APPLIED;
    return *ret_given ? target_wait(ctx, lb_group_reply(ctx, group), err) : r;
}

/* What the new endpoint has by itself needs no change. */
static int restore_endpoint(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const target_wish *w,
                            bool *ret_given, lb_error *err)
{
    struct json_object *wanted = member(wish, "endpoint");
    const lb_request request = endpoint_request(ctx, t, wish);
    *ret_given = true;
    if (!wanted)
        return 0;
    struct json_object *endpoint = target_read(ctx, request.path, NULL, err);
    if (!endpoint)
        return err->code;
    JSON_AUTO *has = endpoint_spec(endpoint);
    return json_object_equal(has, wanted) ? 0 : give_settings(ctx, t, wish, w, ret_given, err);
}

/* It holds its source's data, and nobody may come back to finish it: history has it now, with what is missing. */
static int tell_unset(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const target_wish *w, const char *path,
                      lb_error *err)
{
    lb_error other;
    if (lb_plans(ctx))
        return err->code;
    int r = is_told(wish) ? 0 : target_note_unset(ctx, t, wish, w, err, &other);
    if (r >= 0) {
        (void)json_object_object_add(wish, "told", json_object_new_boolean(true)); /* fails without memory alone */
        r = target_write_wish(ctx, path, wish, &other);
    }
    if (r < 0)
        lb_log(ctx, LB_LOG_WARN, "history has not all of the reset of %s/%s: %s", t->project, t->branch, other.message);
    return target_unset_fail(err);
}

/* The branch stands again: what is left is its compute, and then there is nothing left to remember. */
static int finish(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const target_wish *w, const char *path,
                  lb_error *err)
{
    bool given = false;
    wait_settled(ctx, t);
    int r = restore_endpoint(ctx, t, wish, w, &given, err);
    if (r < 0)
        return tell_unset(ctx, t, wish, w, path, err);
    if (given && is_told(wish))
        r = target_note_given(ctx, NULL, t, wish, w, err);
    if (r >= 0 && given && !lb_plans(ctx) && unlink(path) != 0 && errno != ENOENT)
        r = fs_fail(err, errno, "remove", path);
    return r;
}

static int create_again(lb_ctx *ctx, const lb_target *t, const target_wish *w, const char *path, bool *ret_done,
                        lb_error *err)
{
    JSON_AUTO *wish = target_read_wish(path, err);
    if (!wish)
        return err->code;
    int r = create_branch(ctx, t, wish, ret_done, err);
    return r < 0 || !*ret_done ? r : finish(ctx, t, wish, w, path, err);
}

/* ---- what a run that died has left ---- */

/* Another branch stands there than the one that was to go, made from the same source: what is left to do is its
 * compute. */
static bool is_made_again(struct json_object *wish, struct json_object *branch)
{
    const char *uid = target_text(branch, NULL, "uid"), *old = target_text(wish, NULL, "uid"),
               *source = target_text(branch, "status", "source_branch"),
               *wanted = target_text(wish, "branch", "source_branch");
    return uid && old && source && wanted && strcmp(uid, old) != 0 && strcmp(source, wanted) == 0;
}

/* NULL: there is nothing that was begun and is half done at this branch, or nobody can read what it was. */
static struct json_object *half_done(struct json_object *branch, const char *path)
{
    lb_error ignored;
    struct json_object *wish = access(path, F_OK) == 0 ? target_read_wish(path, &ignored) : NULL;
    if (wish && is_made_again(wish, branch))
        return wish;
    (void)json_object_put(wish); /* NULL is fine */
    return NULL;
}

/* ret_done: that was the reset which is asked for. One of another day is finished as well, so that what the compute
 * was set to is not lost, but the data is that of its day. */
static int finish_half(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const target_wish *w,
                       const char *path, bool *ret_done, lb_error *err)
{
    lb_log(ctx, LB_LOG_WARN, "an earlier reset of %s/%s died after making it again: finishing that", t->project,
           t->branch);
    *ret_done = lb_now(ctx) - json_get_i64(wish, "at", 0) < ONE_RESET_US;
    int r = finish(ctx, t, wish, w, path, err);
    if (r >= 0 && !*ret_done)
        wait_settled(ctx, t); /* what changes cannot be deleted */
    return r;
}

void target_forget_if_whole(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const char *path)
{
    lb_error ignored;
    const char *old = target_text(wish, NULL, "uid");
    struct json_object *branch =
        target_read(ctx, lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch), NULL, &ignored);
    const char *uid = branch ? target_text(branch, NULL, "uid") : NULL;
    if (uid && old && strcmp(uid, old) == 0 && !target_text(branch, "status", "delete_time") &&
        !target_text(branch, "status", "pending_state"))
        (void)unlink(path); /* nothing went; the file is looked through again otherwise */
}

/* ---- all of it ---- */

/* Can the branch be made again, as far as its parent says? Asked before anything is deleted. */
static int check_parent(lb_ctx *ctx, struct json_object *branch, lb_error *err)
{
    const char *name = target_text(branch, "status", "source_branch");
    struct json_object *parent = target_read(ctx, name, NULL, err);
    if (!parent)
        return lb_wrap(err, "nothing was deleted");
    const char *users = target_text(parent, "status", "in_use_by"), *end = target_text(parent, "status", "expire_time");
    const char *gone = target_text(parent, "status", "delete_time"), *last = strrchr(name, '/');
    const char *branch_id = last ? last + 1 : name;
    if (users)
        return lb_fail(err, LB_ERR_CONFLICT, "nobody's session is ended for this: try again when they have gone",
                       "nothing was deleted: the parent %s cannot be copied while it is in use by %s", branch_id,
                       users);
    if (end || gone)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "nothing was deleted: the parent %s %s, and cannot have children",
                       branch_id, gone ? "is deleted" : "expires");
    return 0;
}

/* The branch is there: all of it. */
static int reset_whole(lb_ctx *ctx, const lb_target *t, struct json_object *branch, const char *path,
                       const target_wish *w, bool *ret_done, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    if (!target_text(branch, "status", "source_branch"))
        return lb_fail(err, LB_ERR_INVALID, NULL, "%s/%s has no parent to be reset from", t->project, t->branch);
    if (check_parent(ctx, branch, err) < 0)
        return err->code;
    struct json_object *endpoint =
        target_read(ctx, lb_printf(ctx, "projects/%s/branches/%s/endpoints/primary", t->project, t->branch), NULL, err);
    if (!endpoint)
        return err->code;
    JSON_AUTO *wish = make_wish(branch, endpoint, lb_now(ctx));
    if (w->keeps && target_keep_statements(ctx, t, err) < 0)
        return lb_wrap(err, "nothing was deleted");
    if (!lb_plans(ctx) && target_write_wish(ctx, path, wish, err) < 0)
        return lb_wrap(err, "nothing was deleted");
    int r = replace_branch(ctx, t, wish, w, &outcome, err);
    *ret_done = r >= 0 && outcome == LB_APPLIED;
    if (*ret_done)
        return finish(ctx, t, wish, w, path, err);
    if (r < 0)
        target_forget_if_whole(ctx, t, wish, path);
    else if (!lb_plans(ctx))
        (void)unlink(path); /* nothing went */
    return r;
}

int target_reset(lb_ctx *ctx, const lb_target *t, const target_wish *w, lb_error *err)
{
    bool done = false;
    int r = 0;
    LB_AUTO_FREE char *path = target_wish_path(ctx, t);
    struct json_object *branch =
        target_read(ctx, lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch), NULL, err);
    bool resumes = !branch && err->code == LB_ERR_NOT_FOUND && access(path, F_OK) == 0;
    if (!branch && !resumes)
        return err->code;
    JSON_AUTO *half = branch ? half_done(branch, path) : NULL;
    if (half) {
        r = finish_half(ctx, t, half, w, path, &resumes, err);
        done = resumes && !lb_plans(ctx);
    } else if (resumes) {
        lb_log(ctx, LB_LOG_WARN, "an earlier reset of %s/%s died after deleting it: going on from there", t->project,
               t->branch);
        r = create_again(ctx, t, w, path, &done, err);
    }
    if (r >= 0 && !resumes)
        r = reset_whole(ctx, t, branch, path, w, &done, err);
    bool is_history = half && resumes && is_told(half);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_bool("reset", done), lb_bool("resumed", resumes), lb_bool("told", is_history)),
                             err);
}

/* NULL: nothing is half done there, or nobody knows. */
static const char *what_is_left(lb_ctx *ctx, const char *name, struct json_object *wish)
{
    lb_error err;
    struct json_object *branch = target_read(ctx, lb_printf(ctx, "%s", name), NULL, &err);
    if (!branch)
        return err.code == LB_ERR_NOT_FOUND
                   ? "is missing: a reset deleted it and died before making it again: reset it once more"
                   : NULL;
    return is_made_again(wish, branch)
               ? "has not the compute that it had: a reset died before setting it: reset it once more"
               : NULL;
}

int target_list_resets(lb_ctx *ctx, lb_error *err)
{
    LB_AUTO_FREE char *dir_path = resets_dir(ctx);
    DIR *dir = opendir(dir_path);
    struct dirent *entry;
    int r = 0;
    while (r >= 0 && dir && (entry = readdir(dir))) {
        lb_error ignored;
        LB_AUTO_FREE char *path = base_printf("%s/%s", dir_path, entry->d_name);
        JSON_AUTO *wish = entry->d_name[0] != '.' ? target_read_wish(path, &ignored) : NULL;
        const char *name = wish ? target_text(wish, NULL, "name") : NULL;
        const char *left = name ? what_is_left(ctx, name, wish) : NULL;
        if (left)
            r = lb_append(ctx, "unfinished", LB_ARGS(lb_text("name", name), lb_text("reason", left)), err);
    }
    if (dir)
        (void)closedir(dir); /* was only read */
    return r;
}
