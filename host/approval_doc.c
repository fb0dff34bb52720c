/* Writing the document, and its hash. Reading is approval_read.c. */
#include "approval_doc.h"

#include "approval_value.h"
#include "json.h"
#include "spec.h"

const char *change_kind_name(change_kind kind)
{
    static const char *const names[] = {"sql", "api", "file", "exec", "lake"};
    return names[kind];
}

/* ---- the hash ---- */

static void hash_sql(sha256 *s, const approval_change *c)
{
    approval_hash_text(s, c->sql.name);
    approval_hash_text(s, c->sql.text);
    for (uint32_t i = 0; i < c->sql.param_count; i++) {
        approval_hash_text(s, c->sql.param_types[i]);
        approval_hash_text(s, c->sql.params[i]);
    }
    approval_hash_values(s, c->sql.args);
    if (c->sql.rests)
        approval_hash_text(s, "rests");
}

static void hash_change(sha256 *s, const approval_change *c)
{
    approval_hash_text(s, change_kind_name(c->kind));
    switch (c->kind) {
    case CHANGE_SQL:
        hash_sql(s, c);
        break;
    case CHANGE_API:
        if (c->service)
            approval_hash_text(s, c->service);
        approval_hash_text(s, c->request.method);
        approval_hash_text(s, c->request.path);
        approval_hash_text(s, c->request.query);
        approval_hash_text(s, c->request.body);
        break;
    case CHANGE_FILE:
        approval_hash_text(s, c->path);
        approval_hash_text(s, c->content);
        break;
    case CHANGE_EXEC:
        for (const char *const *arg = c->argv; *arg; arg++)
            approval_hash_text(s, *arg);
        break;
    case CHANGE_LAKE:
        hash_sql(s, c);
        approval_hash_text(s, c->lake.catalog);
        approval_hash_text(s, c->lake.schema);
        approval_hash_text(s, c->lake.name);
        approval_hash_text(s, c->lake.expects);
        break;
    }
    approval_hash_text(s, NULL); /* the end of this change */
}

void approval_hash(const approval *a, char hash[SHA256_TEXT])
{
    sha256 s;
    sha256_init(&s);
    approval_hash_text(&s, "lbops approval 1");
    approval_hash_text(&s, a->target.project);
    approval_hash_text(&s, a->target.branch);
    approval_hash_text(&s, a->atomic ? "atomic" : "each");
    approval_hash_text(&s, a->bounded ? "bounded" : "free");
    for (size_t i = 0; i < a->change_count; i++)
        hash_change(&s, &a->changes[i]);
    for (size_t i = 0; i < a->note_count; i++) {
        approval_hash_text(&s, a->notes[i].is_event ? "event" : "record");
        approval_hash_text(&s, a->notes[i].name);
        approval_hash_values(&s, a->notes[i].values);
    }
    approval_hash_text(&s, a->fingerprint.hash);
    sha256_end_text(&s, hash);
}

/* ---- the document ---- */

static void put_sql(buf *into, const approval_change *c)
{
    json_member_string(into, "name", c->sql.name);
    json_member_string(into, "text", c->sql.text);
    json_key(into, "params");
    buf_putc(into, '[');
    for (uint32_t i = 0; i < c->sql.param_count; i++) {
        json_comma(into);
        buf_putc(into, '{');
        json_member_string(into, "type", c->sql.param_types[i]);
        json_member_string(into, "text", c->sql.params[i]);
        buf_putc(into, '}');
    }
    buf_putc(into, ']');
    json_key(into, "args");
    approval_put_values(into, c->sql.args);
    if (c->sql.rests)
        json_member_bool(into, "rests", true);
}

static void put_lake(buf *into, const approval_change *c)
{
    json_member_string(into, "name", c->sql.name);
    json_member_string(into, "text", c->sql.text);
    json_key(into, "args");
    approval_put_values(into, c->sql.args);
    json_key(into, "table");
    buf_putc(into, '{');
    json_member_string(into, "catalog", c->lake.catalog);
    json_member_string(into, "schema", c->lake.schema);
    json_member_string(into, "name", c->lake.name);
    buf_putc(into, '}');
    json_member_string(into, "expects", c->lake.expects);
}

static void put_argv(buf *into, const char *const *argv)
{
    json_key(into, "argv");
    buf_putc(into, '[');
    for (; *argv; argv++) {
        json_comma(into);
        json_string(into, *argv);
    }
    buf_putc(into, ']');
}

static void put_change(buf *into, const approval_change *c)
{
    json_comma(into);
    buf_putc(into, '{');
    json_member_string(into, "kind", change_kind_name(c->kind));
    json_member_string(into, "effect", effect_name(c->effect));
    json_member_string(into, "statement", c->statement);
    if (c->kind == CHANGE_SQL) {
        put_sql(into, c);
    } else if (c->kind == CHANGE_API) {
        if (c->service)
            json_member_string(into, "service", c->service);
        json_member_string(into, "method", c->request.method);
        json_member_string(into, "path", c->request.path);
        json_member_string(into, "query", c->request.query);
        json_member_string(into, "body", c->request.body);
    } else if (c->kind == CHANGE_FILE) {
        json_member_string(into, "path", c->path);
        json_member_string(into, "content", c->content);
    } else if (c->kind == CHANGE_LAKE) {
        put_lake(into, c);
    } else {
        put_argv(into, c->argv);
    }
    buf_putc(into, '}');
}

static void put_notes(buf *into, const approval *a)
{
    if (!a->note_count)
        return;
    json_key(into, "notes");
    buf_putc(into, '[');
    for (size_t i = 0; i < a->note_count; i++) {
        json_comma(into);
        buf_putc(into, '{');
        json_member_string(into, "kind", a->notes[i].is_event ? "event" : "record");
        json_member_string(into, "name", a->notes[i].name);
        json_key(into, "values");
        approval_put_values(into, a->notes[i].values);
        buf_putc(into, '}');
    }
    buf_putc(into, ']');
}

static void put_target(buf *into, const lb_target *target)
{
    json_key(into, "target");
    buf_putc(into, '{');
    json_member_string(into, "project", target->project);
    json_member_string(into, "branch", target->branch);
    json_member_string(into, "class", gate_class_name(target->branch_class));
    buf_putc(into, '}');
}

static void put_head(buf *into, const approval *a)
{
    json_member_string(into, "tool", a->tool);
    json_member_string(into, "agent", a->agent);
    json_member_string(into, "run_id", a->run_id);
    put_target(into, &a->target);
    json_member_string(into, "title", a->title);
    json_member_string(into, "reason", a->reason);
    json_member_string(into, "undo", a->undo);
    json_member_raw(into, "evidence", a->evidence);
    json_member_bool(into, "atomic", a->atomic);
    json_member_bool(into, "bounded", a->bounded);
    json_member_string(into, "decision_why", a->decision_why);
    json_member_string(into, "risk", spec_risk_name(a->risk));
    json_member_string(into, "effect", effect_name(a->effect));
    json_key(into, "requested_by");
    buf_putc(into, '{');
    json_member_string(into, "kind", gate_actor_name(a->actor_kind));
    json_member_string(into, "actor", a->actor);
    buf_putc(into, '}');
}

/* What cannot be written as it is would be executed as something else. */
static bool is_writable(const approval_change *c)
{
    const char *const texts[] = {c->service,       c->sql.name,     c->sql.text,    c->request.method, c->request.path,
                                 c->request.query, c->request.body, c->path,        c->content,        c->lake.catalog,
                                 c->lake.schema,   c->lake.name,    c->lake.expects};
    for (size_t i = 0; i < LB_COUNT(texts); i++)
        if (texts[i] && !json_is_utf8(texts[i], strlen(texts[i])))
            return false;
    for (uint32_t i = 0; i < c->sql.param_count; i++)
        if (c->sql.params[i] && !json_is_utf8(c->sql.params[i], strlen(c->sql.params[i])))
            return false;
    for (const char *const *arg = c->argv; arg && *arg; arg++)
        if (!json_is_utf8(*arg, strlen(*arg)))
            return false;
    return approval_values_are_writable(c->sql.args);
}

static int check_change(const approval_change *c, lb_error *err)
{
    const char *secret = approval_secret_in(c);
    if (secret)
        return lb_fail(err, LB_ERR_INVALID, "let the tool name where the secret lies, or make this change by hand",
                       "a change that carries a secret (%s) cannot wait for an approval", secret);
    return is_writable(c)
               ? 0
               : lb_fail(err, LB_ERR_INVALID, "make it of UTF-8 text",
                         "a change whose text is not UTF-8 cannot wait for an approval: %.100s", c->statement);
}

int approval_write(approval *a, buf *into, lb_error *err)
{
    size_t before = into->length;
    for (size_t i = 0; i < a->change_count; i++) {
        int r = check_change(&a->changes[i], err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < a->note_count; i++)
        if (!approval_values_are_writable(a->notes[i].values))
            return lb_fail(err, LB_ERR_INVALID, "make it of UTF-8 text", "a note for %s is not UTF-8",
                           a->notes[i].name);
    approval_hash(a, a->hash);
    approval_subject(a, a->subject);
    buf_putc(into, '{');
    put_head(into, a);
    json_key(into, "changes");
    buf_putc(into, '[');
    for (size_t i = 0; i < a->change_count; i++)
        put_change(into, &a->changes[i]);
    buf_putc(into, ']');
    put_notes(into, a);
    json_key(into, "fingerprint");
    fingerprint_write(into, &a->fingerprint);
    json_member_string(into, "subject", a->subject);
    json_member_string(into, "hash", a->hash);
    buf_putc(into, '}');
    if (into->overflow || into->length - before > APPROVAL_BYTES)
        return lb_fail(err, LB_ERR_LIMIT, "ask for it in smaller groups",
                       "the group \"%.100s\" is too large to wait for an approval (%zu KB at most)", a->title,
                       APPROVAL_BYTES >> 10);
    if (json_check(buf_text(into) + before, into->length - before, err) < 0) /* what cannot be read again */
        return lb_fail(err, LB_ERR_INVALID, "flatten it", "the evidence of \"%.100s\" is nested too deeply", a->title);
    return 0;
}
