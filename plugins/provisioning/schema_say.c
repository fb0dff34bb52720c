/* schema_say.c: a difference as text for people, and as a script. */
#include "schema_kinds.h"

#define SHORT_TEXT 100

typedef struct text {
    lb_ctx *ctx;
    char *data;
    size_t length, capacity;
    bool failed;
} text;

static void put_bytes(text *t, const char *bytes, size_t length)
{
    if (t->length + length + 1 > t->capacity) {
        size_t capacity = (t->capacity + length + 64) * 2;
        char *grown = t->failed ? NULL : lb_alloc(t->ctx, capacity);
        if (!grown) {
            t->failed = true;
            return;
        }
        if (t->length)
            memcpy(grown, t->data, t->length);
        t->data = grown;
        t->capacity = capacity;
    }
    memcpy(t->data + t->length, bytes, length);
    t->length += length;
    t->data[t->length] = '\0';
}

static void put(text *t, const char *string)
{
    put_bytes(t, string, strlen(string));
}

/* A name stands in one line, also where it holds a line's end: a comment of the script ends there. */
static void put_line(text *t, const char *name)
{
    for (; *name; name++) {
        char byte = (unsigned char)*name < ' ' || *name == 0x7f ? ' ' : *name;
        put_bytes(t, &byte, 1);
    }
}

static int finish(text *t, const char **ret_text, lb_error *err)
{
    if (t->failed)
        return lb_out_of_memory(err);
    *ret_text = t->data ? t->data : "";
    return 0;
}

/* ---- for people ---- */

static const schema_object *object_of(const schema_diff *d, const schema_change *c, const schema_model **ret_model)
{
    *ret_model = c->to == SCHEMA_NONE ? d->from : d->to;
    return c->to == SCHEMA_NONE ? &d->from->objects[c->from] : &d->to->objects[c->to];
}

/* What comes or goes with its whole is not told apart. */
static bool is_told_with_whole(const schema_model *m, const schema_object *o)
{
    return o->up != SCHEMA_NONE && m->objects[o->up].twin == SCHEMA_NONE;
}

static bool is_short(const char *value)
{
    return !value || (strlen(value) <= SHORT_TEXT && !strchr(value, '\n'));
}

static void put_attr(text *t, const char *attr)
{
    for (; *attr; attr++)
        put_bytes(t, *attr == '_' ? " " : attr, 1);
}

static void put_value(text *t, const char *value)
{
    if (value)
        put_line(t, value);
    else
        put(t, "none");
}

static void put_object(text *t, const char *sign, const schema_object *o)
{
    put(t, sign);
    put(t, o->kind->says);
    put(t, " ");
    put_line(t, schema_identity(o));
}

static void put_change(text *t, const schema_diff *d, const schema_change *c)
{
    const schema_model *m = NULL;
    const schema_object *o = object_of(d, c, &m);
    if (!c->attr && is_told_with_whole(m, o))
        return;
    put_object(t, c->attr ? "~ " : c->to == SCHEMA_NONE ? "- " : "+ ", o);
    if (c->attr) {
        put(t, ": ");
        put_attr(t, c->attr);
        if (is_short(c->before) && is_short(c->after)) {
            put(t, " ");
            put_value(t, c->before);
            put(t, " -> ");
            put_value(t, c->after);
        } else {
            put(t, " differs");
        }
    } else if (c->to != SCHEMA_NONE && schema_is_kind(o, "column")) {
        put(t, " ");
        put_value(t, schema_get(o, "type"));
    }
    put(t, "\n");
}

/* What no SQL ends would stand there for ever; it is told beside them. */
static bool is_in_texts(const schema_note *note)
{
    return strcmp(note->text, SCHEMA_OTHER_ORDER) != 0;
}

int schema_say(const schema_diff *d, const char *from, const char *to, const char **ret_text, lb_error *err)
{
    text t = {.ctx = d->ctx};
    put(&t, "schema of ");
    put_line(&t, from);
    put(&t, " compared with ");
    put_line(&t, to);
    put(&t, d->change_count ? ":\n" : ": no difference\n");
    for (uint32_t i = 0; i < d->change_count; i++)
        put_change(&t, d, &d->changes[i]);
    for (uint32_t i = 0; i < d->note_count; i++) {
        if (!is_in_texts(&d->notes[i]))
            continue;
        put(&t, "! ");
        put_line(&t, d->notes[i].object);
        put(&t, " ");
        put_line(&t, d->notes[i].text);
        put(&t, "\n");
    }
    return finish(&t, ret_text, err);
}

/* ---- for a server ---- */

static void put_hazard(text *t, const schema_step *step)
{
    if (!step->lock && !step->risk)
        return;
    put(t, "-- ");
    put(t, step->lock ? step->lock : "");
    put(t, step->lock && step->risk ? "; " : "");
    put(t, step->risk ? step->risk : "");
    put(t, "\n");
}

int schema_script(const schema_diff *d, const char *from, const char *to, const char **ret_text, lb_error *err)
{
    text t = {.ctx = d->ctx};
    if (d->step_count) {
        put(&t, "-- From the schema of ");
        put_line(&t, from);
        put(&t, " to that of ");
        put_line(&t, to);
        put(&t, ". Comments name the lock that a statement takes and what it costs or loses.\n");
        put(&t,
            d->to->filter && d->to->filter->online
                ? "-- It cannot be one transaction, and what was done of it fails a second time: where it breaks off, "
                  "compare anew.\n"
                : "-- What was done of it fails a second time: execute it as one transaction (psql "
                  "--single-transaction), or compare anew where it breaks off.\n");
    }
    for (uint32_t i = 0; i < d->note_count; i++) {
        if (!is_in_texts(&d->notes[i]))
            continue;
        put(&t, "-- By hand: ");
        put_line(&t, d->notes[i].object);
        put(&t, " ");
        put_line(&t, d->notes[i].text);
        put(&t, "\n");
    }
    for (uint32_t i = 0; i < d->step_count; i++) {
        put_hazard(&t, &d->steps[i]);
        put(&t, lb_sql_text(d->ctx, d->steps[i].sql));
        put(&t, ";\n");
    }
    return finish(&t, ret_text, err);
}
