/* The one door: changes are gathered into groups, classed, and decided upon as a group. */
#include "door.h"

#include "compose.h"
#include "fs.h"
#include "json.h"

#include <errno.h>
#include <sys/stat.h>

#define ANNOUNCED_REST 1500 /* of a change frame: names, the decision, an error */

void door_announce(const change *c)
{
    const run_state *run = c->group->run;
    BUF_AUTO text = BUF_INIT((size_t)16 * 1024 * 1024), frame = BUF_INIT((size_t)16 * 1024 * 1024 + 256);
    buf_putc(&text, '{');
    json_member_string(&text, "group", c->group->title);
    json_member_string(&text, "kind", change_kind_name(c->kind));
    json_member_string(&text, "effect", effect_name(c->verdict.effect));
    json_member_string(&text, "statement", c->statement);
    json_member_bool(&text, "executed", c->outcome == CHANGE_APPLIED);
    json_member_string(&text, "outcome", change_outcome_name(c->outcome));
    json_member_string(&text, "decision", c->group->answer.why);
    json_key(&text, "rows");
    if (c->rows >= 0)
        buf_printf(&text, "%lld", (long long)c->rows);
    else
        buf_puts(&text, "null");
    json_member_string(&text, "error", c->error.code ? c->error.message : NULL);
    json_member_string(&text, "run_id", run->request->id);
    buf_putc(&text, '}');
    size_t mark = wire_begin(&frame, WIRE_CHANGE);
    wire_put_str(&frame, run->root->id);
    wire_put_u32(&frame, c->index);
    wire_put_u32(&frame, c->outcome);
    wire_put_str(&frame, buf_text(&text));
    wire_end(&frame, mark);
    run->worker->channel.send(run->worker->channel.state, &frame);
}

static const char *keep_text(run_state *run, const char *text)
{
    return text ? arena_strdup(run->memory, text) : NULL;
}

int door_group_open(lb_ctx *ctx, const lb_group_spec *spec, lb_group **ret_group, lb_error *err)
{
    run_state *run = run_of(ctx);
    if (!spec->title || !spec->reason || !*spec->title || !*spec->reason)
        return lb_fail(err, LB_ERR_INVALID, "fill .title and .reason",
                       "a group of changes does not say what it is for");
    lb_group *group = arena_alloc(run->memory, sizeof *group);
    if (!group)
        return lb_out_of_memory(err);
    *group = (lb_group){.next = run->groups,
                        .run = run,
                        .title = keep_text(run, spec->title),
                        .reason = keep_text(run, spec->reason),
                        .undo = keep_text(run, spec->undo),
                        .atomic = spec->atomic,
                        .bounded = spec->bounded,
                        .asks = LB_HAS(spec, lb_group_spec, asks) && spec->asks};
    const char *undone_by = LB_HAS(spec, lb_group_spec, undone_by) ? spec->undone_by : NULL;
    group->undone_by = keep_text(run, undone_by);
    group->last = &group->first;
    group->last_note = &group->notes;
    group->evidence = arena_values(run->memory, spec->evidence ? spec->evidence : LB_NO_ARGS);
    if (!group->title || !group->reason || !group->evidence || (spec->undo && !group->undo) ||
        (undone_by && !group->undone_by))
        return lb_out_of_memory(err);
    run->groups = group;
    *ret_group = group;
    return 0;
}

change *door_new_change(lb_group *group, change_kind kind, lb_error *err)
{
    run_state *run = group->run;
    change *c = NULL;
    if (group->decided)
        (void)lb_fail(err, LB_ERR_INVALID, "open a new group", "the group \"%s\" is decided already", group->title);
    else if (*run->change_count >= DOOR_CHANGES)
        (void)lb_fail(err, LB_ERR_LIMIT, "do it in several runs", "more than %d changes in one run", DOOR_CHANGES);
    else if (!(c = arena_alloc(run->memory, sizeof *c)))
        (void)lb_out_of_memory(err); /* the NULL says it */
    else
        *c = (change){.group = group, .kind = kind, .rows = -1};
    return c;
}

/* How long the change's part of the run's document can get, with an error and all. */
static size_t announced_bytes(const change *c)
{
    BUF_AUTO text =
        BUF_INIT((size_t)16 * 1024 * 1024 - (size_t)2 * ANNOUNCED_REST); /* door_announce has 16 MB for all */
    json_string(&text, c->statement);
    json_string(&text, c->group->title);
    return text.overflow ? SIZE_MAX / 4 : text.length + ANNOUNCED_REST;
}

int door_join(change *c, lb_error *err)
{
    run_state *run = c->group->run;
    size_t room = (size_t)run->worker->setup->result_mb * 1024 * 1024, bytes = announced_bytes(c);
    if (bytes > room - run->worker->change_bytes)
        return lb_fail(err, LB_ERR_LIMIT, "do it in several runs, or raise [limits] result_mb",
                       "the changes of one run take more than %u MB to tell of", run->worker->setup->result_mb);
    run->worker->change_bytes += bytes;
    c->index = (*run->change_count)++;
    *c->group->last = c;
    c->group->last = &c->next;
    c->group->count++;
    return 0;
}

int door_change_sql(lb_group *group, const lb_statement *statement, const lb_value *args, lb_error *err)
{
    run_state *run = group->run;
    if (statement->kind != LB_STATEMENT_CHANGE && statement->kind != LB_STATEMENT_REST)
        return lb_fail(err, LB_ERR_INVALID, "reads go through lb_query", "%s is not a change", statement->name);
    change *c = door_new_change(group, CHANGE_SQL, err);
    if (!c)
        return err->code;
    int r = run_compose(&run->ctx, statement, args, &c->sql, err);
    if (r < 0)
        return r;
    c->statement = c->sql->display;
    c->args = arena_values(run->memory, args);
    if (!c->args)
        return lb_out_of_memory(err);
    r = effect_of_sql(c->sql->text, &c->verdict, err);
    if (r < 0)
        return lb_wrap(err, statement->name);
    if (statement->kind == LB_STATEMENT_REST && door_add_rest(c, err) < 0)
        return err->code;
    if (group->atomic && !c->verdict.in_transaction)
        return lb_fail(err, LB_ERR_INVALID, "leave .atomic out", "%s cannot run inside a transaction", statement->name);
    return door_join(c, err);
}

/* A copy of the request, with what people are shown of it. */
static int keep_request(change *c, const lb_request *request, lb_error *err)
{
    run_state *run = c->group->run;
    lb_request *copy = arena_alloc(run->memory, sizeof *copy);
    if (!copy)
        return lb_out_of_memory(err);
    *copy = (lb_request){.method = keep_text(run, request->method),
                         .path = keep_text(run, request->path),
                         .query = keep_text(run, request->query),
                         .body = keep_text(run, request->body)};
    c->request = copy;
    c->statement = arena_printf(run->memory, "%s %s%s%s%s%s%s%s", copy->method, c->service ? c->service : "",
                                c->service ? ":" : "", copy->path, copy->query ? "?" : "",
                                copy->query ? copy->query : "", copy->body ? " " : "", copy->body ? copy->body : "");
    return copy->method && copy->path && c->statement ? 0 : lb_out_of_memory(err);
}

int door_change_control(lb_group *group, const lb_request *request, lb_error *err)
{
    if (strcmp(request->method, "GET") == 0)
        return lb_fail(err, LB_ERR_INVALID, "reads go through lb_control", "GET %s is not a change", request->path);
    change *c = door_new_change(group, CHANGE_API, err);
    if (!c || keep_request(c, request, err) < 0)
        return err->code;
    effect_of_control(c->request, &c->verdict);
    return door_join(c, err);
}

int door_change_http(lb_group *group, const char *service, const lb_request *request, lb_error *err)
{
    run_state *run = group->run;
    int r = web_check(request, err);
    if (r < 0)
        return r;
    if (strcmp(request->method, "GET") == 0)
        return lb_fail(err, LB_ERR_INVALID, "reads go through lb_http", "GET %s is not a change", request->path);
    const worker_site *site = web_find(run->worker->setup, service, err);
    change *c = site ? door_new_change(group, CHANGE_API, err) : NULL;
    if (!c)
        return err->code;
    c->service = site->name;
    r = keep_request(c, request, err);
    if (r < 0)
        return r;
    effect_of_http(c->service, c->request, &c->verdict);
    return door_join(c, err);
}

/* Will it be as it is now when this change's turn comes? Programs may write anywhere. */
static bool is_written_before(const change *c)
{
    for (const lb_group *group = c->group->run->groups; group; group = group->next)
        for (const change *before = group->first; before; before = before->next)
            if (before->kind == CHANGE_EXEC || (before->kind == CHANGE_FILE && strcmp(before->path, c->path) == 0))
                return true;
    return false;
}

/* Then it is no change, and nobody needs to be asked. What cannot be read is not known to be there. */
static bool is_there_already(const change *c, const struct stat *st)
{
    LB_AUTO_FREE char *text = NULL;
    size_t length = strlen(c->content), found = 0;
    lb_error ignored;
    return S_ISREG(st->st_mode) && (uintmax_t)st->st_size == length &&
           fs_read(c->path, length + 1, &text, &found, &ignored) >= 0 && found == length &&
           memcmp(text, c->content, length) == 0 && !is_written_before(c);
}

int door_change_file(lb_group *group, const char *path, const char *content, lb_error *err)
{
    run_state *run = group->run;
    struct stat st;
    change *c = door_new_change(group, CHANGE_FILE, err);
    if (!c)
        return err->code;
    c->path = *path == '/' ? arena_strdup(run->memory, path)
                           : arena_printf(run->memory, "%s/%s", run->worker->setup->work_dir, path);
    c->content = arena_strdup(run->memory, content);
    c->statement = c->path ? arena_printf(run->memory, "write %s (%zu bytes)", c->path, strlen(content)) : NULL;
    if (!c->path || !c->content || !c->statement)
        return lb_out_of_memory(err);
    bool exists = stat(c->path, &st) == 0;
    if (!exists && errno != ENOENT)
        return lb_fail(err, LB_ERR_IO, "choose another path", "cannot look at %s: %s", c->path, strerror(errno));
    if (exists && is_there_already(c, &st))
        return 0;
    effect_of_file(exists, &c->verdict);
    return door_join(c, err);
}

int door_take_argv(change *c, const char *const *argv, lb_error *err)
{
    run_state *run = c->group->run;
    size_t count = 0;
    if (!argv || !argv[0])
        return lb_fail(err, LB_ERR_INVALID, NULL, "there is no program to run");
    while (argv[count])
        count++;
    const char **copy = arena_alloc(run->memory, (count + 1) * sizeof *copy);
    BUF_AUTO line = BUF_INIT((size_t)1024 * 1024);
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = keep_text(run, argv[i]);
        if (!copy[i])
            return lb_out_of_memory(err);
        buf_printf(&line, "%s%s", i ? " " : "", argv[i]);
    }
    c->statement = keep_text(run, buf_text(&line));
    if (!copy || !c->statement)
        return lb_out_of_memory(err);
    c->argv = copy;
    effect_of_exec(copy, &c->verdict);
    return 0;
}

int door_change_exec(lb_group *group, const char *const *argv, lb_error *err)
{
    change *c = door_new_change(group, CHANGE_EXEC, err);
    int r = c ? door_take_argv(c, argv, err) : err->code;
    return r < 0 ? r : door_join(c, err);
}

static void settle(lb_group *group, change_outcome outcome)
{
    for (change *c = group->first; c; c = c->next) {
        c->outcome = outcome;
        door_announce(c);
    }
}

/* By the time that somebody approves, other rows would be there to be read. */
static int check_can_wait(const lb_group *group, lb_error *err)
{
    for (const change *c = group->first; c; c = c->next)
        if (c->kind == CHANGE_LAKE && !c->lake->is_merge && !c->lake->expects)
            return lb_fail(err, LB_ERR_UNSUPPORTED, "have a rule of the manifest loosen it, or ask for what follows",
                           "a change of the lakehouse cannot wait for a person (%s)", group->answer.why);
    return 0;
}

int door_apply(lb_group *group, lb_outcome *ret_outcome, lb_error *err)
{
    run_state *run = group->run;
    if (group->decided)
        return lb_fail(err, LB_ERR_INVALID, "apply a group once", "the group \"%s\" is decided already", group->title);
    group->decided = true;
    int r = run_check_stop(run, err);
    if (r < 0)
        return r;
    door_ask_gate(group);
    if (run->request->plan) {
        settle(group, CHANGE_PLANNED);
        run->changes += group->count;
        *ret_outcome = LB_PLANNED;
        return 0;
    }
    if (group->answer.decision == GATE_ASK && run->worker->setup->can_ask) {
        r = check_can_wait(group, err);
        if (r >= 0)
            r = door_ask(group, err);
        if (r < 0)
            return r;
        settle(group, CHANGE_WAITING);
        *ret_outcome = LB_WAITING;
        return 0;
    }
    if (group->answer.decision != GATE_EXECUTE) {
        settle(group, CHANGE_REFUSED);
        run->refused++;
        (void)snprintf(run->refused_why, sizeof run->refused_why, "%s", group->answer.why);
        *ret_outcome = LB_REFUSED;
        return 0;
    }
    r = door_execute(group, err);
    if (r < 0)
        return r;
    *ret_outcome = LB_APPLIED;
    return 0;
}

int64_t door_rows(const lb_group *group)
{
    return group->rows;
}

const char *door_reply(const lb_group *group)
{
    return group->reply ? group->reply : "";
}

int door_check_closed(const run_state *run, lb_error *err)
{
    for (const lb_group *group = run->groups; group; group = group->next)
        if (!group->decided)
            return lb_fail(err, LB_ERR_TOOL, "call lb_apply for each group", "%s left the group \"%s\" open",
                           run->request->tool, group->title);
    return 0;
}
