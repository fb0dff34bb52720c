#include "fixture.h"

#include "fixture_file.h"

#define RESULT_LIMIT ((size_t)48 * 1024 * 1024)
#define HIDDEN       "[secret]"

typedef struct known_session {
    struct known_session *next;
    const void *session;
    char *project, *branch;
} known_session;

struct fixture_recording {
    char *dir;
    known_session *sessions;
    fixture_seen *seen;
    lb_error failure;
};

fixture_recording *fixture_recording_new(const char *dir)
{
    fixture_recording *recording = base_alloc(sizeof *recording);
    recording->dir = base_strdup(dir);
    return recording;
}

fixture_recording *fixture_recording_free(fixture_recording *recording)
{
    if (!recording)
        return NULL;
    while (recording->sessions) {
        known_session *next = recording->sessions->next;
        free(recording->sessions->project);
        free(recording->sessions->branch);
        free(recording->sessions);
        recording->sessions = next;
    }
    fixture_seen_free(recording->seen);
    free(recording->dir);
    free(recording);
    return NULL;
}

const lb_error *fixture_recording_failure(const fixture_recording *recording)
{
    return recording->failure.code ? &recording->failure : NULL;
}

static void note_failure(fixture_recording *recording, const lb_error *err)
{
    if (!recording->failure.code)
        recording->failure = *err;
}

static void add(fixture_recording *recording, const char *name, const char *const *keys, const buf *element)
{
    lb_error err;
    int r = element->overflow
                ? lb_fail(&err, LB_ERR_LIMIT, "record a smaller run", "%s: an answer is too large to record", name)
                : fixture_file_add(recording->dir, name, keys, element->data, element->length, &recording->seen, &err);
    if (r < 0)
        note_failure(recording, &err);
}

/* Those that somebody can meet in a run; the rest are our own, or a person's wish. */
static bool is_recordable(int code)
{
    switch (code) {
    case LB_ERR_NOT_FOUND:
    case LB_ERR_DENIED:
    case LB_ERR_UNREACHABLE:
    case LB_ERR_TIMEOUT:
    case LB_ERR_CONFLICT:
    case LB_ERR_LIMIT:
    case LB_ERR_UNSUPPORTED:
    case LB_ERR_SQL:
    case LB_ERR_SUSPENDED:
        return true;
    default:
        return false;
    }
}

/* ---- secrets ---- */

static bool repeats_secret(const lb_value *args, const char *text)
{
    for (const lb_value *v = args; v && v->type != LB_END; v++)
        if (v->type == LB_SECRET && v->v.text && v->v.text[0] && strstr(text, v->v.text))
            return true;
    return false;
}

static void put_text(buf *b, const lb_value *args, const char *text)
{
    json_string(b, text && repeats_secret(args, text) ? HIDDEN : text);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

static bool is_secret_name(const char *name)
{
    static const char *const names[] = {"token",    "access_token",  "refresh_token",
                                        "id_token", "authorization", "connection_uri"};
    static const char *const ends[] = {"password", "secret", "private_key", "api_key"};
    for (size_t i = 0; i < LB_COUNT(names); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    for (size_t i = 0; i < LB_COUNT(ends); i++)
        if (ends_with(name, ends[i]))
            return true;
    return false;
}

/* Whether something had to be hidden. json-c allows changing a member's value while its object is walked. */
static bool hide_secrets(struct json_object *value)
{
    bool hidden = false;
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            hidden = hide_secrets(json_object_array_get_idx(value, i)) || hidden;
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, name, member)
        {
            if (is_secret_name(name) && !json_object_is_type(member, json_type_null)) {
                (void)json_object_object_add(value, name, json_object_new_string(HIDDEN)); /* replaces */
                hidden = true;
            } else {
                hidden = hide_secrets(member) || hidden;
            }
        }
    }
    return hidden;
}

/* ---- errors and targets ---- */

static void put_error(buf *b, const lb_value *args, const lb_error *error)
{
    json_key(b, "error");
    buf_putc(b, '{');
    json_member_string(b, "code", error_name(error->code));
    if (error->sqlstate[0])
        json_member_string(b, "sqlstate", error->sqlstate);
    json_key(b, "message");
    put_text(b, args, error->message);
    if (error->hint[0]) {
        json_key(b, "hint");
        put_text(b, args, error->hint);
    }
    buf_putc(b, '}');
}

static void put_target(buf *b, const char *project, const char *branch)
{
    if (project)
        json_member_string(b, "project", project);
    if (branch)
        json_member_string(b, "branch", branch);
}

static bool is_named(const char *name)
{
    return name && name[0];
}

static void record_version(fixture_recording *recording, const lb_target *target, int version)
{
    static const char *const keys[] = {"project", "branch", NULL};
    BUF_AUTO b = BUF_INIT(RESULT_LIMIT);
    buf_putc(&b, '{');
    put_target(&b, target->project, target->branch);
    json_member_i64(&b, "version", version);
    buf_putc(&b, '}');
    add(recording, "targets.json", keys, &b);
}

void fixture_record_target(fixture_recording *recording, const void *session, const lb_target *target, int version)
{
    known_session *known = recording->sessions;
    while (known && known->session != session)
        known = known->next;
    if (!known) {
        known = base_alloc(sizeof *known);
        known->next = recording->sessions;
        known->session = session;
        recording->sessions = known;
    }
    free(known->project); /* the address may have been another session's */
    free(known->branch);
    known->project = base_strdup(target->project);
    known->branch = base_strdup(target->branch);
    if (version)
        record_version(recording, target, version);
}

/* ---- statements ---- */

/* Passes rows on, and keeps a copy as JSON. */
typedef struct tee {
    const lb_sink *inner; /* or NULL */
    const lb_value *args;
    bool has_columns, refused;
    buf columns, rows;
} tee;

static void put_list(buf *b, const lb_value *args, uint32_t count, const char *const *texts)
{
    buf_putc(b, '[');
    for (uint32_t i = 0; i < count; i++) {
        json_comma(b);
        put_text(b, args, texts[i]);
    }
    buf_putc(b, ']');
}

static int tee_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    tee *t = state;
    int r = t->inner ? t->inner->columns(t->inner->state, count, names, err) : 0;
    t->refused = r < 0;
    t->has_columns = true;
    buf_clear(&t->columns); /* an answer of the history may begin anew */
    buf_clear(&t->rows);
    put_list(&t->columns, t->args, count, names);
    return r;
}

static int tee_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    tee *t = state;
    int r = t->inner ? t->inner->row(t->inner->state, count, cells, err) : 0;
    t->refused = r < 0;
    if (t->rows.length)
        buf_putc(&t->rows, ',');
    put_list(&t->rows, t->args, count, cells);
    return r;
}

/* Writes what can be written; false when something a fixture could match on is left out. */
static bool put_args(buf *b, const lb_value *args, bool *ret_composes)
{
    bool complete = true;
    json_key(b, "args");
    buf_putc(b, '{');
    for (const lb_value *v = args; v && v->type != LB_END; v++) {
        lb_error ignored;
        BUF_AUTO one = BUF_INIT(RESULT_LIMIT);
        if (v->type == LB_SECRET)
            continue;
        if (v->type == LB_SQL || v->type == LB_LIST_OF(LB_SQL)) {
            *ret_composes = true;
        } else if (!v->name || json_value(&one, v, &ignored) < 0 || repeats_secret(args, buf_text(&one))) {
            complete = false;
        } else {
            json_member_raw(b, v->name, buf_text(&one));
        }
    }
    buf_putc(b, '}');
    return complete;
}

static lb_target target_of(const fixture_recording *recording, const void *session)
{
    const known_session *known = recording->sessions;
    while (known && known->session != session)
        known = known->next;
    return (lb_target){.project = known ? known->project : NULL, .branch = known ? known->branch : NULL};
}

static void put_question(buf *b, const lb_target *target, const lb_command *command)
{
    bool composes = false;
    if (is_named(target->project) || is_named(target->branch)) {
        json_key(b, "target");
        buf_putc(b, '{');
        put_target(b, target->project, target->branch);
        buf_putc(b, '}');
    }
    if (put_args(b, command->args, &composes))
        json_member_bool(b, "exact", true);
    /* Composed pieces are not among the arguments, so that only the text tells such statements apart. */
    if (composes && !repeats_secret(command->args, command->text))
        json_member_string(b, "text", command->text);
}

static void put_result(buf *b, const tee *t, const lb_command *command, int64_t affected)
{
    if (t->has_columns || command->read_only) {
        json_key(b, "columns");
        buf_puts(b, t->has_columns ? buf_text(&t->columns) : "[]");
        json_key(b, "rows");
        buf_printf(b, "[%s]", buf_text(&t->rows));
    }
    if (!command->read_only) {
        json_key(b, "affected");
        if (affected >= 0)
            buf_printf(b, "%lld", (long long)affected);
        else
            buf_puts(b, "null");
    }
    b->overflow = b->overflow || t->rows.overflow || t->columns.overflow;
}

/* The same names as transport_mock takes. */
static bool is_statement_name(const char *name)
{
    size_t length = strlen(name);
    return length && length <= 200 && name[0] != '/' && name[length - 1] != '/' && !strstr(name, "//") &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_/") == length;
}

static void record_case(fixture_recording *recording, const char *folder, const lb_target *target,
                        const lb_command *command, const tee *t, int64_t affected, const lb_error *error)
{
    static const char *const keys[] = {"target", "args", "exact", "text", NULL};
    lb_error err;
    if (!is_statement_name(command->name)) {
        (void)lb_fail(&err, LB_ERR_INVALID, NULL, "\"%s\" is no statement's name: not recorded", command->name);
        note_failure(recording, &err);
        return;
    }
    LB_AUTO_FREE char *name = base_printf("%s/%s.json", folder, command->name);
    BUF_AUTO b = BUF_INIT(RESULT_LIMIT);
    buf_putc(&b, '{');
    put_question(&b, target, command);
    if (error)
        put_error(&b, command->args, error);
    else
        put_result(&b, t, command, affected);
    buf_putc(&b, '}');
    add(recording, name, keys, &b);
}

int fixture_record_execute(fixture_recording *recording, const lb_transport *transport, void *session,
                           const lb_command *command, const lb_sink *sink, int64_t *ret_affected, lb_error *err)
{
    const lb_target target = target_of(recording, session);
    tee t = {.inner = sink, .args = command->args, .columns = BUF_INIT(RESULT_LIMIT), .rows = BUF_INIT(RESULT_LIMIT)};
    const lb_sink copying = {.size = sizeof copying, .state = &t, .columns = tee_columns, .row = tee_row};
    int64_t affected = -1;
    int r = transport->execute(session, command, &copying, &affected, err);
    if (r >= 0)
        record_case(recording, "sql", &target, command, &t, affected, NULL);
    else if (!t.refused && is_recordable(r))
        record_case(recording, "sql", &target, command, &t, affected, err);
    if (r >= 0)
        *ret_affected = affected;
    buf_done(&t.columns);
    buf_done(&t.rows);
    return r;
}

int fixture_record_history(fixture_recording *recording, const lb_target *target, const lb_command *command,
                           fixture_answer answer, void *arg, const lb_sink *sink, lb_error *err)
{
    tee t = {.inner = sink, .args = command->args, .columns = BUF_INIT(RESULT_LIMIT), .rows = BUF_INIT(RESULT_LIMIT)};
    const lb_sink copying = {.size = sizeof copying, .state = &t, .columns = tee_columns, .row = tee_row};
    int r = answer(arg, command, &copying, err);
    if (r >= 0)
        record_case(recording, "history", target, command, &t, -1, NULL);
    else if (!t.refused && is_recordable(r))
        record_case(recording, "history", target, command, &t, -1, err);
    buf_done(&t.columns);
    buf_done(&t.rows);
    return r;
}

/* ---- the control plane, and web services ---- */

typedef struct reply_tee {
    int (*reply)(void *arg, const char *json, lb_error *err);
    void *arg;
    char *json;
    bool refused;
} reply_tee;

static int tee_reply(void *arg, const char *json, lb_error *err)
{
    reply_tee *t = arg;
    int r = t->reply(t->arg, json, err);
    t->refused = r < 0;
    if (!t->json)
        t->json = base_strdup(json);
    return r;
}

/* A document with its secrets hidden. False when it had some. */
static bool put_document(buf *b, const char *name, const char *json, lb_error *err)
{
    JSON_AUTO *document = json_parse(json, strlen(json), err);
    bool whole = !hide_secrets(document);
    json_member_raw(b, name, document ? json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN) : NULL);
    return whole;
}

static void record_call(fixture_recording *recording, const char *file, const lb_request *request, const char *reply,
                        const lb_error *error)
{
    static const char *const keys[] = {"method", "path", "query", "body", "exact", NULL};
    lb_error err = {0};
    BUF_AUTO b = BUF_INIT(RESULT_LIMIT);
    buf_putc(&b, '{');
    json_member_string(&b, "method", request->method);
    json_member_string(&b, "path", request->path);
    if (request->query)
        json_member_string(&b, "query", request->query);
    /* A body that had a secret is left out: what is hidden cannot be compared. */
    size_t before = b.length;
    bool exact = !request->body || put_document(&b, "body", request->body, &err);
    if (exact) {
        json_member_bool(&b, "exact", true);
    } else {
        b.length = before;
        b.data[before] = '\0';
    }
    if (error)
        put_error(&b, NULL, error);
    else
        (void)put_document(&b, "reply", reply ? reply : "null", &err); /* hidden or not: it is written */
    buf_putc(&b, '}');
    if (err.code)
        note_failure(recording, &err);
    else
        add(recording, file, keys, &b);
}

static int record_answer(fixture_recording *recording, const char *file, const lb_request *request, int64_t deadline,
                         fixture_call call, void *arg, int (*reply)(void *arg, const char *json, lb_error *err),
                         void *reply_arg, lb_error *err)
{
    reply_tee t = {.reply = reply, .arg = reply_arg};
    int r = call(arg, request, deadline, tee_reply, &t, err);
    if (r >= 0)
        record_call(recording, file, request, t.json, NULL);
    else if (!t.refused && is_recordable(r))
        record_call(recording, file, request, NULL, err);
    free(t.json);
    return r;
}

typedef struct transport_call {
    const lb_transport *transport;
    void *state;
} transport_call;

static int call_transport(void *arg, const lb_request *request, int64_t deadline,
                          int (*reply)(void *arg, const char *json, lb_error *err), void *reply_arg, lb_error *err)
{
    const transport_call *c = arg;
    return c->transport->control(c->state, request, deadline, reply, reply_arg, err);
}

int fixture_record_control(fixture_recording *recording, const lb_transport *transport, void *state,
                           const lb_request *request, int64_t deadline,
                           int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    transport_call call = {transport, state};
    return record_answer(recording, "control.json", request, deadline, call_transport, &call, reply, arg, err);
}

int fixture_record_http(fixture_recording *recording, const char *service, const lb_request *request, int64_t deadline,
                        fixture_call call, void *arg, int (*reply)(void *arg, const char *json, lb_error *err),
                        void *reply_arg, lb_error *err)
{
    LB_AUTO_FREE char *file = base_printf("http/%s.json", service);
    return record_answer(recording, file, request, deadline, call, arg, reply, reply_arg, err);
}
