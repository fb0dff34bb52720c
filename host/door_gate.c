/* What the gate is told: facts that the door finds out itself. A tool says what it wants to change; which branch that
 * is, of what class, and whether its time is over is for the manifest and the control plane to say. */
#include "door.h"

#include "json.h"
#include "selftest_tool.h"
#include "session.h"

#define MOST_PAGES 1000 /* of a listing */

/* The branch that a call is about: "projects/P/branches/B" and what follows, or the one that it creates. */
typedef struct touched {
    const char *project, *branch; /* NULL: none that could be told */
    bool is_new;                  /* of a POST to the collection: may not be there yet */
} touched;

/* A branch as the control plane describes it. */
typedef struct branch_facts {
    bool is_read, exists, is_guarded, has_expired;
    const char *source; /* the branch it was made from, or NULL */
} branch_facts;

/* ---- names ---- */

/* The next segment of a path; NULL where there is none, or one that a server might read in another way. */
static const char *next_segment(run_state *run, const char **p)
{
    size_t length = strcspn(*p, "/:");
    if (!length || strcspn(*p, "?#%\\") < length || (length <= 2 && strncmp(*p, "..", length) == 0))
        return NULL;
    const char *segment = arena_strndup(run->memory, *p, length);
    *p += length;
    *p += **p == '/';
    return segment;
}

/* The value of the first member of a query whose name ends like that; NULL where there is none, or an escaped one. */
const char *door_query_member(run_state *run, const char *query, const char *name_end)
{
    size_t tail = strlen(name_end);
    for (const char *p = query ? query : ""; *p; p += strcspn(p, "&"), p += *p == '&') {
        size_t name = strcspn(p, "=&"), value = p[name] == '=' ? strcspn(p + name + 1, "&") : 0;
        if (name < tail || strncmp(p + name - tail, name_end, tail) != 0 || !value)
            continue;
        const char *text = arena_strndup(run->memory, p + name + 1, value);
        return text && strcspn(text, "%+/?#") == value ? text : NULL;
    }
    return NULL;
}

static touched find_touched(run_state *run, const lb_request *request)
{
    touched t = {0};
    const char *p = request->path, *root = next_segment(run, &p);
    if (!root || strcmp(root, "projects") != 0)
        return t;
    t.project = next_segment(run, &p);
    const char *collection = t.project ? next_segment(run, &p) : NULL;
    if (!collection || strcmp(collection, "branches") != 0)
        return t;
    if (*p && *p != ':') {
        t.branch = next_segment(run, &p);
    } else if (strcmp(request->method, "POST") == 0) {
        t.branch = door_query_member(run, request->query, "branch_id");
        t.is_new = true;
    }
    return t;
}

/* ---- the branch ---- */

static const char *text_member(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) && json_object_is_type(member, json_type_string)
               ? json_object_get_string(member)
               : NULL;
}

static bool is_set(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) && json_object_get_boolean(member);
}

static struct json_object *part_of(struct json_object *document, const char *name)
{
    struct json_object *part = NULL;
    return json_object_object_get_ex(document, name, &part) && json_object_is_type(part, json_type_object) ? part
                                                                                                           : NULL;
}

/* The first of status, spec and the document itself that says it. */
static const char *text_anywhere(struct json_object *document, const char *name)
{
    const char *text = text_member(part_of(document, "status"), name);
    text = text ? text : text_member(part_of(document, "spec"), name);
    return text ? text : text_member(document, name);
}

/* "14400s": seconds; a fraction is cut. 0 where it is none. */
static int64_t parse_duration(const char *text)
{
    char *end = NULL;
    long long seconds = text ? strtoll(text, &end, 10) : 0;
    bool is_duration =
        end && end != text && (*end == 's' || *end == '.') && seconds > 0 && seconds < INT64_C(10000000000);
    return is_duration ? seconds * CLOCK_SECOND : 0;
}

static bool is_past(struct json_object *document, int64_t now)
{
    int64_t expires = 0, created = 0;
    const char *expire_time = text_anywhere(document, "expire_time");
    if (expire_time)
        return clock_parse(expire_time, &expires) && expires <= now;
    const char *create_time = text_anywhere(document, "create_time");
    int64_t ttl = parse_duration(text_anywhere(document, "ttl"));
    return ttl && create_time && clock_parse(create_time, &created) && created + ttl <= now;
}

static void read_branch(run_state *run, const touched *t, branch_facts *ret_facts)
{
    lb_error err;
    const char *reply = NULL, *path = arena_printf(run->memory, "projects/%s/branches/%s", t->project, t->branch);
    *ret_facts = (branch_facts){.is_guarded = true};
    if (!path)
        return;
    const lb_request get = {.method = "GET", .path = path};
    int r = session_control(run->worker->sessions, &get, run->deadline, run->memory, &reply, &err);
    ret_facts->is_read = r >= 0 || r == LB_ERR_NOT_FOUND;
    JSON_AUTO *document = r < 0 ? NULL : json_parse(reply, strlen(reply), &err);
    if (!document)
        return;
    struct json_object *status = part_of(document, "status"), *spec = part_of(document, "spec");
    const char *source = text_anywhere(document, "source_branch");
    ret_facts->exists = true;
    ret_facts->is_guarded = (!status && !spec) || is_set(status, "is_protected") || is_set(status, "default") ||
                            is_set(spec, "is_protected");
    ret_facts->has_expired = is_past(document, session_clock(run->worker->sessions));
    ret_facts->source = source ? arena_strdup(run->memory, source) : NULL;
}

/* True when some branch of the project was made from this one, or when nobody can tell. */
static bool may_have_children(run_state *run, const touched *t)
{
    lb_error err;
    const char *token = NULL, *reply = NULL;
    const char *path = arena_printf(run->memory, "projects/%s/branches", t->project);
    const char *name = arena_printf(run->memory, "projects/%s/branches/%s", t->project, t->branch);
    for (int pages = 0; path && name && pages < MOST_PAGES; pages++) {
        struct json_object *branches = NULL;
        const char *query = token ? arena_printf(run->memory, "page_size=100&page_token=%s", token) : NULL;
        const lb_request get = {.method = "GET", .path = path, .query = query};
        if ((token && !query) ||
            session_control(run->worker->sessions, &get, run->deadline, run->memory, &reply, &err) < 0)
            return true;
        JSON_AUTO *page = json_parse(reply, strlen(reply), &err);
        if (!page)
            return true;
        bool has_list =
            json_object_object_get_ex(page, "branches", &branches) && json_object_is_type(branches, json_type_array);
        for (size_t i = 0; has_list && i < json_object_array_length(branches); i++) {
            const char *source = text_anywhere(json_object_array_get_idx(branches, i), "source_branch");
            if (source && strcmp(source, name) == 0)
                return true;
        }
        token = text_member(page, "next_page_token");
        if (!token || !*token)
            return false;
        if (!(token = arena_strdup(run->memory, token)))
            return true;
    }
    return true;
}

/* Protected and default branches are production whatever a pattern of the manifest says. Where the control plane says
 * nothing else, the manifest's class counts; a branch that is neither in the manifest nor guarded is shared; one that
 * cannot be looked at is of no known class, which the gate takes for production. A branch that is yet to be made, and
 * that the manifest does not know, is judged as the run's own. */
static lb_branch_class class_of(const run_state *run, const touched *t, const branch_facts *facts)
{
    const worker_setup *setup = run->worker->setup;
    lb_branch_class said = gate_class_of(setup->classes, setup->class_count, t->project, t->branch);
    if (facts->exists)
        return facts->is_guarded ? LB_BRANCH_PRODUCTION : said ? said : LB_BRANCH_SHARED;
    if (said)
        return said;
    return t->is_new && facts->is_read ? run->request->target.branch_class : (lb_branch_class)0;
}

lb_branch_class door_class_of_branch(run_state *run, const char *project, const char *branch)
{
    branch_facts facts;
    const touched t = {.project = project, .branch = branch};
    const lb_target *own = &run->request->target;
    if (own->project && own->branch && strcmp(own->project, project) == 0 && strcmp(own->branch, branch) == 0)
        return own->branch_class;
    read_branch(run, &t, &facts);
    return class_of(run, &t, &facts);
}

/* What a self-test made, and nobody else can have: the branch of its run, or a project, by a name that is not used
 * twice. */
static bool is_trial(const run_state *run, const touched *t)
{
    const lb_target *own = &run->request->target;
    bool is_ours = !*run->request->path && strcmp(run->request->tool, SELFTEST_TOOL) == 0 && t->project &&
                   own->project && strcmp(t->project, own->project) == 0;
    if (!is_ours || selftest_owns(t->project))
        return is_ours;
    return t->branch && own->branch && selftest_owns(t->branch) && strcmp(t->branch, own->branch) == 0;
}

/* ---- routine ---- */

static bool same_branch(const touched *a, const touched *b)
{
    return a->project && a->branch && b->project && b->branch && strcmp(a->project, b->project) == 0 &&
           strcmp(a->branch, b->branch) == 0;
}

/* Does the call make a branch from that source? */
static bool has_source(const lb_request *request, const char *source)
{
    lb_error err;
    JSON_AUTO *body = request->body ? json_parse(request->body, strlen(request->body), &err) : NULL;
    const char *wanted = body ? text_anywhere(body, "source_branch") : NULL;
    return wanted && source && strcmp(wanted, source) == 0;
}

/* A later change of the group that makes the same branch again, from what it was made from before. */
static bool is_made_again(const change *c, const touched *t, const branch_facts *facts)
{
    for (const change *later = c->next; later; later = later->next) {
        if (later->kind != CHANGE_API || later->service || strcmp(later->request->method, "POST") != 0)
            continue;
        touched made = find_touched(c->group->run, later->request);
        if (made.is_new && same_branch(t, &made) && has_source(later->request, facts->source))
            return true;
    }
    return false;
}

static bool is_deletion_of_branch(const lb_request *request)
{
    size_t slashes = 0;
    for (const char *p = request->path; *p; p++)
        slashes += *p == '/';
    return strcmp(request->method, "DELETE") == 0 && slashes == 3 && !strchr(request->path, ':');
}

static bool is_routine(const change *c, const touched *t, const branch_facts *facts)
{
    run_state *run = c->group->run;
    const worker_setup *setup = run->worker->setup;
    if (!is_deletion_of_branch(c->request) || !facts->exists || facts->is_guarded)
        return false;
    const char *purge = door_query_member(run, c->request->query, "purge");
    bool expires = gate_is_routine(setup->routines, setup->routine_count, GATE_ROUTINE_EXPIRY, t->project, t->branch) &&
                   facts->has_expired;
    bool resets = gate_is_routine(setup->routines, setup->routine_count, GATE_ROUTINE_RESET, t->project, t->branch) &&
                  purge && strcmp(purge, "true") == 0 && is_made_again(c, t, facts);
    return (expires || resets) && !may_have_children(run, t);
}

/* ---- the question ---- */

/* A call that is about no branch that could be told (a project, a job, a name in escapes, a web service) is about no
 * class. */
static void add_facts(const change *c, gate_question *question)
{
    run_state *run = c->group->run;
    branch_facts facts;
    touched t = c->service ? (touched){0} : find_touched(run, c->request);
    question->target = (lb_target){.project = t.project, .branch = t.branch};
    if (is_trial(run, &t)) {
        question->target.branch_class = LB_BRANCH_THROWAWAY;
        return;
    }
    if (!t.branch)
        return;
    read_branch(run, &t, &facts);
    question->target.branch_class = class_of(run, &t, &facts);
    question->routine = is_routine(c, &t, &facts);
}

static void ask_for_change(const change *c, gate_answer *ret_answer)
{
    const run_state *run = c->group->run;
    const worker_setup *setup = run->worker->setup;
    gate_question question = {
        .verdict = &c->verdict,
        .target = run->request->target,
        .tool = run->request->tool,
        .risk = run->request->risk,
        .needs_approval = run->request->needs_approval,
        .bounded = c->group->bounded,
        .asks = c->group->asks,
        .actor = run->request->actor_kind,
        .rules = setup->rules,
        .rule_count = setup->rule_count,
    };
    if (c->kind == CHANGE_API && c->verdict.effect != EFFECT_READ)
        add_facts(c, &question);
    gate_decide(&question, ret_answer);
}

/* Of what is decided alike the worst is the reason that people read. */
void door_ask_gate(lb_group *group)
{
    const change *worst = NULL;
    group->answer = (gate_answer){.decision = GATE_EXECUTE};
    for (const change *c = group->first; c; c = c->next) {
        gate_answer answer;
        ask_for_change(c, &answer);
        if (!worst || answer.decision > group->answer.decision ||
            (answer.decision == group->answer.decision && c->verdict.effect > worst->verdict.effect)) {
            group->answer = answer;
            worst = c;
        }
    }
}
