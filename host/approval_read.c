/* Reading an approval document: it was stored by others, so nothing in it is believed before its hash agrees. */
#include "approval_value.h"
#include "json.h"

typedef struct reader {
    arena *memory;
    lb_error *err;
    int failed; /* the first failure; every getter after it gives nothing */
} reader;

static int fail(reader *r, const char *what)
{
    if (!r->failed)
        r->failed = lb_fail(r->err, LB_ERR_INVALID, "it is not a document that this program wrote",
                            "the approval document's %s is missing or of another kind", what);
    return r->failed;
}

static struct json_object *member(struct json_object *object, const char *name, json_type type)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, type) ? found : NULL;
}

/* A text or null; a NUL inside of one would cut it. */
static const char *get_text(reader *r, struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    if (r->failed || !json_object_object_get_ex(object, name, &found) || !found)
        return NULL;
    const char *text = json_object_get_string(found);
    if (!json_object_is_type(found, json_type_string) || strlen(text) != (size_t)json_object_get_string_len(found)) {
        (void)fail(r, name);
        return NULL;
    }
    const char *copy = arena_strdup(r->memory, text);
    if (!copy)
        r->failed = lb_out_of_memory(r->err);
    return copy;
}

static const char *get_required(reader *r, struct json_object *object, const char *name)
{
    const char *text = get_text(r, object, name);
    if (!text)
        (void)fail(r, name);
    return text ? text : "";
}

static bool get_flag(reader *r, struct json_object *object, const char *name)
{
    struct json_object *found = member(object, name, json_type_boolean);
    if (!found)
        (void)fail(r, name);
    return found && json_object_get_boolean(found);
}

static void get_params(reader *r, struct json_object *item, approval_change *c)
{
    struct json_object *params = member(item, "params", json_type_array), *args = member(item, "args", json_type_array);
    if (!params || !args) {
        (void)fail(r, "parameters");
        return;
    }
    size_t count = json_object_array_length(params);
    const char **texts = arena_alloc(r->memory, (count + 1) * sizeof *texts);
    const char **types = arena_alloc(r->memory, (count + 1) * sizeof *types);
    if (!texts || !types) {
        r->failed = lb_out_of_memory(r->err);
        return;
    }
    for (size_t i = 0; i < count && !r->failed; i++) {
        struct json_object *param = json_object_array_get_idx(params, i);
        types[i] = get_required(r, param, "type");
        texts[i] = get_text(r, param, "text");
    }
    c->sql.params = texts;
    c->sql.param_types = types;
    c->sql.param_count = (uint32_t)count;
    if (!r->failed)
        r->failed = approval_get_values(args, r->memory, &c->sql.args, r->err);
}

static void get_argv(reader *r, struct json_object *item, approval_change *c)
{
    struct json_object *list = member(item, "argv", json_type_array);
    size_t count = list ? json_object_array_length(list) : 0;
    const char **argv = arena_alloc(r->memory, (count + 1) * sizeof *argv);
    if (!argv || !count) {
        (void)fail(r, "argv");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_object *arg = json_object_array_get_idx(list, i);
        argv[i] =
            json_object_is_type(arg, json_type_string) ? arena_strdup(r->memory, json_object_get_string(arg)) : NULL;
        if (!argv[i]) {
            (void)fail(r, "argv");
            return;
        }
    }
    c->argv = argv;
}

static void get_lake(reader *r, struct json_object *item, approval_change *c)
{
    struct json_object *table = member(item, "table", json_type_object), *args = member(item, "args", json_type_array);
    if (!table || !args) {
        (void)fail(r, "table of the lakehouse");
        return;
    }
    c->sql.name = get_required(r, item, "name");
    c->sql.text = get_required(r, item, "text");
    c->lake.catalog = get_required(r, table, "catalog");
    c->lake.schema = get_required(r, table, "schema");
    c->lake.name = get_required(r, table, "name");
    c->lake.expects = get_text(r, item, "expects");
    if (!r->failed)
        r->failed = approval_get_values(args, r->memory, &c->sql.args, r->err);
}

static void get_change(reader *r, struct json_object *item, approval_change *c)
{
    const char *kind = get_required(r, item, "kind");
    if (!effect_parse(get_required(r, item, "effect"), &c->effect))
        (void)fail(r, "effect");
    c->statement = get_required(r, item, "statement");
    if (strcmp(kind, "sql") == 0) {
        c->kind = CHANGE_SQL;
        c->sql.name = get_required(r, item, "name");
        c->sql.text = get_required(r, item, "text");
        get_params(r, item, c);
        c->sql.rests = json_get_bool(item, "rests");
    } else if (strcmp(kind, "api") == 0) {
        c->kind = CHANGE_API;
        c->service = get_text(r, item, "service");
        c->request = (lb_request){.method = get_required(r, item, "method"),
                                  .path = get_required(r, item, "path"),
                                  .query = get_text(r, item, "query"),
                                  .body = get_text(r, item, "body")};
    } else if (strcmp(kind, "file") == 0) {
        c->kind = CHANGE_FILE;
        c->path = get_required(r, item, "path");
        c->content = get_required(r, item, "content");
    } else if (strcmp(kind, "exec") == 0) {
        c->kind = CHANGE_EXEC;
        get_argv(r, item, c);
    } else if (strcmp(kind, "lake") == 0) {
        c->kind = CHANGE_LAKE;
        get_lake(r, item, c);
    } else {
        (void)fail(r, "kind of change");
    }
}

static void get_changes(reader *r, struct json_object *document, approval *a)
{
    struct json_object *list = member(document, "changes", json_type_array);
    size_t count = list ? json_object_array_length(list) : 0;
    if (!count || count > APPROVAL_CHANGES) {
        (void)fail(r, "list of changes");
        return;
    }
    approval_change *changes = arena_alloc(r->memory, count * sizeof *changes);
    if (!changes) {
        r->failed = lb_out_of_memory(r->err);
        return;
    }
    for (size_t i = 0; i < count && !r->failed; i++)
        get_change(r, json_object_array_get_idx(list, i), &changes[i]);
    a->changes = changes;
    a->change_count = count;
}

/* Documents of before had none. */
static void get_notes(reader *r, struct json_object *document, approval *a)
{
    if (r->failed || !json_object_object_get_ex(document, "notes", NULL))
        return;
    struct json_object *list = member(document, "notes", json_type_array);
    size_t count = list ? json_object_array_length(list) : 0;
    approval_note *notes = count && count <= APPROVAL_NOTES ? arena_alloc(r->memory, count * sizeof *notes) : NULL;
    if (!notes) {
        (void)fail(r, "list of notes");
        return;
    }
    for (size_t i = 0; i < count && !r->failed; i++) {
        struct json_object *item = json_object_array_get_idx(list, i),
                           *values = member(item, "values", json_type_array);
        const char *kind = get_required(r, item, "kind");
        notes[i].is_event = strcmp(kind, "event") == 0;
        notes[i].name = get_required(r, item, "name");
        if (!values || (!notes[i].is_event && strcmp(kind, "record") != 0))
            (void)fail(r, "kind of note");
        if (!r->failed)
            r->failed = approval_get_values(values, r->memory, &notes[i].values, r->err);
    }
    a->notes = notes;
    a->note_count = count;
}

static lb_risk risk_of(const char *name)
{
    return strcmp(name, "low") == 0 ? LB_RISK_LOW : strcmp(name, "medium") == 0 ? LB_RISK_MEDIUM : LB_RISK_HIGH;
}

static void get_head(reader *r, struct json_object *document, approval *a)
{
    struct json_object *target = member(document, "target", json_type_object),
                       *by = member(document, "requested_by", json_type_object),
                       *evidence = member(document, "evidence", json_type_object);
    a->tool = get_required(r, document, "tool");
    a->agent = get_text(r, document, "agent");
    a->run_id = get_required(r, document, "run_id");
    a->title = get_required(r, document, "title");
    a->reason = get_required(r, document, "reason");
    a->undo = get_text(r, document, "undo");
    a->decision_why = get_required(r, document, "decision_why");
    a->atomic = get_flag(r, document, "atomic");
    a->bounded = get_flag(r, document, "bounded");
    a->risk = risk_of(get_required(r, document, "risk"));
    if (!effect_parse(get_required(r, document, "effect"), &a->effect))
        (void)fail(r, "effect");
    a->target.project = get_text(r, target, "project");
    a->target.branch = get_text(r, target, "branch");
    if (!target || !gate_class_parse(get_required(r, target, "class"), &a->target.branch_class))
        (void)fail(r, "target");
    if (!by || !gate_actor_parse(get_required(r, by, "kind"), &a->actor_kind))
        (void)fail(r, "requested_by");
    a->actor = get_required(r, by, "actor");
    a->evidence =
        evidence ? arena_strdup(r->memory, json_object_to_json_string_ext(evidence, JSON_C_TO_STRING_PLAIN)) : NULL;
    if (!a->evidence)
        (void)fail(r, "evidence");
}

int approval_read(const char *json, size_t length, arena *memory, approval *ret_approval, lb_error *err)
{
    approval a = {0};
    char hash[SHA256_TEXT];
    reader r = {.memory = memory, .err = err};
    JSON_AUTO *document = json_parse(json, length, err);
    if (!document)
        return err->code;
    get_head(&r, document, &a);
    if (!r.failed)
        get_changes(&r, document, &a);
    get_notes(&r, document, &a);
    if (r.failed)
        return r.failed;
    struct json_object *print = member(document, "fingerprint", json_type_object);
    if (!print)
        return fail(&r, "fingerprint");
    int code = fingerprint_read(print, memory, &a.fingerprint, err);
    if (code < 0)
        return code;
    const char *stored = get_required(&r, document, "hash");
    approval_hash(&a, a.hash);
    approval_subject(&a, a.subject);
    (void)snprintf(hash, sizeof hash, "%s", stored); /* a longer one is another one */
    if (r.failed)
        return r.failed;
    if (strlen(stored) != strlen(a.hash) || strcmp(hash, a.hash) != 0)
        return lb_fail(err, LB_ERR_CONFLICT, "do not execute it: ask for the change anew",
                       "the approval document is not what was decided on: its hash is not that of its content");
    *ret_approval = a;
    return 0;
}
