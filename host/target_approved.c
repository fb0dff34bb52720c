/* A reset that a person has approved is carried out without the tool that asked for it. What it is to make is on disk
 * meanwhile as well, so that one which breaks off, between its halves or before its compute is set, is gone on with. */
#include "door.h"
#include "json.h"
#include "target_reset.h"

/* What a group that is a reset consists of, or the compute alone; NULL for what it has not. */
typedef struct reset_parts {
    const lb_target *target;
    const change *deletion, *creation, *compute;
} reset_parts;

static bool asks_for(const change *c, const char *method, const char *path)
{
    return c && c->kind == CHANGE_API && !c->service && strcmp(c->request->method, method) == 0 && path &&
           strcmp(c->request->path, path) == 0;
}

static reset_parts parts_of(lb_ctx *ctx, const lb_group *group)
{
    const lb_target *t = &group->run->request->target;
    reset_parts parts = {.target = t};
    const change *c = group->first;
    if (!t->project || !t->branch)
        return parts;
    if (asks_for(c, "DELETE", lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch)) &&
        asks_for(c->next, "POST", lb_printf(ctx, "projects/%s/branches", t->project))) {
        parts.deletion = c;
        parts.creation = c->next;
        c = c->next->next;
    }
    if (asks_for(c, "PATCH", lb_printf(ctx, "projects/%s/branches/%s/endpoints/primary", t->project, t->branch)))
        parts.compute = c;
    return parts;
}

/* What the request's body asks for becomes a member of the wish. */
static void add_spec(struct json_object *wish, const char *name, const change *c)
{
    lb_error ignored;
    JSON_AUTO *body = c ? json_parse(c->request->body, strlen(c->request->body), &ignored) : NULL;
    struct json_object *spec = json_get_object(body, "spec");
    if (spec)
        (void)json_object_object_add(wish, name, json_object_get(spec)); /* fails without memory alone */
}

/* NULL after a failure. */
static struct json_object *wish_of(lb_ctx *ctx, const reset_parts *parts, lb_error *err)
{
    struct json_object *branch = target_read(ctx, parts->deletion->request->path, NULL, err);
    struct json_object *wish = branch ? json_object_new_object() : NULL;
    static const char *const names[] = {"name", "uid"};
    if (!wish)
        return NULL;
    add_spec(wish, "branch", parts->creation);
    add_spec(wish, "endpoint", parts->compute);
    (void)json_object_object_add(wish, "at", json_object_new_int64(lb_now(ctx))); /* as above */
    for (size_t i = 0; i < LB_COUNT(names); i++) {
        const char *text = target_text(branch, NULL, names[i]);
        (void)json_object_object_add(wish, names[i], text ? json_object_new_string(text) : NULL);
    }
    return wish;
}

static bool add_detail(arena *memory, approval_note *note, const char *detail)
{
    size_t count = 0, kept = 0;
    while (note->values[count].type != LB_END)
        count++;
    lb_value *row = detail ? arena_alloc(memory, (count + 2) * sizeof *row) : NULL;
    if (!row)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(note->values[i].name, "detail") != 0)
            row[kept++] = note->values[i];
    row[kept++] = lb_json("detail", detail);
    row[kept] = (lb_value){.type = LB_END};
    note->values = row;
    return true;
}

/* The branch stands, and its compute has not what it had: that is what is written down, not that nothing was done. */
static int tell_unset(lb_ctx *ctx, lb_group *group, struct json_object *wish, const char *path, lb_error *err)
{
    lb_error other;
    int r = 0;
    const char *detail = target_unset_detail(ctx, err);
    for (door_note *n = group->notes; n && r >= 0; n = n->next)
        if (!n->note.is_event && !add_detail(group->run->memory, &n->note, detail))
            r = lb_out_of_memory(&other);
    if (r >= 0)
        r = door_write_notes(group, &other);
    if (r >= 0) {
        (void)json_object_object_add(wish, "told", json_object_new_boolean(true)); /* fails without memory alone */
        r = target_write_wish(ctx, path, wish, &other);
    }
    if (r < 0)
        lb_log(ctx, LB_LOG_WARN, "history has not all of this reset: %s", other.message);
    return target_unset_fail(err);
}

static int carry_out_reset(lb_ctx *ctx, lb_group *group, const reset_parts *parts, const char *path, lb_error *err)
{
    JSON_AUTO *wish = wish_of(ctx, parts, err);
    if (!wish || target_write_wish(ctx, path, wish, err) < 0)
        return lb_wrap(err, "nothing was deleted");
    int r = door_execute(group, err);
    if (r >= 0)
        return r;
    target_forget_if_whole(ctx, parts->target, wish, path);
    return parts->creation->outcome == CHANGE_APPLIED ? tell_unset(ctx, group, wish, path, err) : r;
}

/* Others set computes as well: what they approve says nothing about a reset that waits for its own. */
static bool gives_what_was_wished(const char *path, const change *compute)
{
    lb_error ignored;
    JSON_AUTO *wish = target_read_wish(path, &ignored), *given = json_object_new_object();
    if (given)
        add_spec(given, "endpoint", compute);
    struct json_object *wanted = json_get_object(wish, "endpoint");
    return wanted && json_object_equal(wanted, json_get_object(given, "endpoint"));
}

int target_carry_out(lb_group *group, lb_error *err)
{
    lb_ctx *ctx = &group->run->ctx;
    const reset_parts parts = parts_of(ctx, group);
    if (!parts.deletion && !parts.compute)
        return door_execute(group, err);
    LB_AUTO_FREE char *path = target_wish_path(ctx, parts.target);
    bool is_whole = parts.deletion || gives_what_was_wished(path, parts.compute);
    int r = parts.deletion ? carry_out_reset(ctx, group, &parts, path, err) : door_execute(group, err);
    if (r >= 0 && is_whole)
        (void)unlink(path); /* it is whole; one that stays is seen to be, and looked through again */
    return r;
}
