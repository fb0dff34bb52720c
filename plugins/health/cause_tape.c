#include "cause_tape.h"

#include "health_hash.h"

#include <string.h>

/* The rows of a question while a tape is in, recorded or played. */
struct lb_rows {
    const lb_value *cells;
    size_t columns, count, at;
};

static void put_object(void *object)
{
    json_object_put(object);
}

static cause_tape *tape_of(const lb_ctx *ctx)
{
    return (cause_tape *)(uintptr_t)ctx->host; /* cause_tape_in has put it there */
}

/* ---- values as JSON, and back ---- */

static struct json_object *to_json(const lb_value *value);

static struct json_object *list_to_json(const lb_value *value)
{
    struct json_object *list = json_object_new_array();
    for (uint32_t i = 0; list && i < value->count; i++)
        (void)json_object_array_add(list, to_json(&value->v.items[i])); /* a lost one shows when it is played */
    return list;
}

static struct json_object *members_to_json(const lb_value *values)
{
    struct json_object *object = json_object_new_object();
    for (; object && values && values->type != LB_END; values++)
        (void)json_object_object_add(object, values->name, to_json(values));
    return object;
}

static struct json_object *to_json(const lb_value *value)
{
    if (value->type & LB_LIST)
        return list_to_json(value);
    switch (value->type) {
    case LB_I64:
    case LB_TIME:
        return json_object_new_int64(value->v.i64);
    case LB_F64:
        return json_object_new_double(value->v.f64);
    case LB_BOOL:
        return json_object_new_boolean(value->v.flag);
    case LB_OBJECT:
        return members_to_json(value->v.items);
    case LB_NULL:
    case LB_SQL: /* a diagnosis has none */
        return NULL;
    default:
        return json_object_new_string(value->v.text);
    }
}

/* Columns of lists are none of the catalogue's here. */
static int from_json(lb_ctx *ctx, struct json_object *json, const lb_column *column, lb_value *ret)
{
    *ret = (lb_value){.name = column->name, .type = json ? column->type : LB_NULL};
    switch (ret->type) {
    case LB_NULL:
        return 0;
    case LB_I64:
    case LB_TIME:
        ret->v.i64 = json_object_get_int64(json);
        return 0;
    case LB_F64:
        ret->v.f64 = json_object_get_double(json);
        return 0;
    case LB_BOOL:
        ret->v.flag = json_object_get_boolean(json);
        return 0;
    default:
        ret->v.text = lb_printf(ctx, "%s", json_object_get_string(json));
        return ret->v.text ? 0 : LB_ERR_NO_MEMORY;
    }
}

/* ---- the tape itself ---- */

static int record(cause_tape *tape, const char *question, struct json_object *answer, lb_error *err)
{
    struct json_object *pair = json_object_new_array();
    if (!pair || !answer || json_object_array_add(pair, json_object_new_string(question)) != 0 ||
        json_object_array_add(pair, answer) != 0 || json_object_array_add(tape->asked, pair) != 0)
        return lb_out_of_memory(err); /* which ends the run, and what it holds with it */
    return 0;
}

static struct json_object *play(cause_tape *tape, const char *question, lb_error *err)
{
    struct json_object *pair = json_object_array_get_idx(tape->asked, tape->at++);
    bool is_pair = json_object_is_type(pair, json_type_array) && json_object_array_length(pair) == 2;
    struct json_object *of = is_pair ? json_object_array_get_idx(pair, 0) : NULL;
    struct json_object *answer = is_pair ? json_object_array_get_idx(pair, 1) : NULL;
    if (of && answer && strcmp(json_object_get_string(of), question) == 0)
        return answer;
    (void)lb_fail(err, LB_ERR_CONFLICT, "replay it with the lbops that made it",
                  "this diagnosis was made by other questions: %s is asked now, and was %s then", question,
                  of ? json_object_get_string(of) : "not asked");
    return NULL;
}

/* ---- rows ---- */

static lb_rows *new_rows(lb_ctx *ctx, size_t columns, size_t count)
{
    lb_rows *rows = lb_alloc(ctx, sizeof *rows);
    lb_value *cells = lb_alloc(ctx, (columns * count + 1) * sizeof *cells);
    if (!rows || !cells)
        return NULL;
    *rows = (lb_rows){.cells = cells, .columns = columns, .count = count};
    return rows;
}

static int copy_rows(lb_ctx *ctx, const lb_statement *statement, lb_rows *from, lb_rows **ret_rows,
                     struct json_object **ret_json, lb_error *err)
{
    cause_tape *tape = tape_of(ctx);
    size_t columns = statement->column_count, count = (size_t)tape->real->row_count(from), n = 0;
    struct json_object *all = *ret_json = json_object_new_array();
    lb_rows *rows = new_rows(ctx, columns, count);
    if (!rows || !all)
        return lb_out_of_memory(err);
    for (const lb_value *cells; n < count && (cells = tape->real->next(from)); n++) {
        struct json_object *row = json_object_new_array();
        if (!row || json_object_array_add(all, row) != 0)
            return lb_out_of_memory(err);
        memcpy((lb_value *)(uintptr_t)rows->cells + n * columns, cells, columns * sizeof *cells); /* ours */
        for (size_t i = 0; i < columns; i++)
            if (json_object_array_add(row, to_json(&cells[i])) != 0)
                return lb_out_of_memory(err);
    }
    rows->count = n;
    *ret_rows = rows;
    return 0;
}

static int played_rows(lb_ctx *ctx, const lb_statement *statement, struct json_object *all, lb_rows **ret_rows,
                       lb_error *err)
{
    bool is_list = json_object_is_type(all, json_type_array);
    size_t columns = statement->column_count, count = is_list ? json_object_array_length(all) : 0;
    lb_rows *rows = new_rows(ctx, columns, count);
    if (!rows)
        return lb_out_of_memory(err);
    for (size_t n = 0; n < count; n++) {
        struct json_object *row = json_object_array_get_idx(all, n);
        if (!json_object_is_type(row, json_type_array) || json_object_array_length(row) != columns)
            return lb_fail(err, LB_ERR_CONFLICT, "replay it with the lbops that made it",
                           "%s has other columns now than when this diagnosis was made", statement->name);
        for (size_t i = 0; i < columns; i++)
            if (from_json(ctx, json_object_array_get_idx(row, i), &statement->columns[i],
                          (lb_value *)(uintptr_t)rows->cells + n * columns + i) < 0) /* ours */
                return lb_out_of_memory(err);
    }
    *ret_rows = rows;
    return 0;
}

static const lb_value *next_row(lb_rows *rows)
{
    return rows->at < rows->count ? rows->cells + rows->columns * rows->at++ : NULL;
}

static int64_t count_rows(const lb_rows *rows)
{
    return (int64_t)rows->count;
}

/* ---- questions ---- */

/* A refusal is an answer, too: {"code", "sqlstate", "message", "hint"}. */
static struct json_object *refusal(const lb_error *why)
{
    return members_to_json(LB_ARGS(lb_i64("code", why->code), lb_text("sqlstate", why->sqlstate),
                                   lb_text("message", why->message), lb_text("hint", why->hint)));
}

static const char *said_of(struct json_object *refused, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(refused, name, &value) ? json_object_get_string(value) : "";
}

static int refuse(struct json_object *refused, lb_error *err)
{
    struct json_object *code = NULL;
    (void)json_object_object_get_ex(refused, "code", &code);
    int number = code && json_object_get_int(code) < 0 ? json_object_get_int(code) : LB_ERR_INTERNAL;
    (void)lb_fail(err, number, said_of(refused, "hint"), "%s", said_of(refused, "message"));
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", said_of(refused, "sqlstate"));
    return number;
}

typedef int asking(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows, lb_error *err);

static int ask(lb_ctx *ctx, asking *real, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows,
               lb_error *err)
{
    cause_tape *tape = tape_of(ctx);
    struct json_object *answer = NULL;
    lb_rows *rows = NULL;
    if (tape->plays) {
        answer = play(tape, statement->name, err);
        return !answer                                         ? err->code
               : json_object_is_type(answer, json_type_object) ? refuse(answer, err)
                                                               : played_rows(ctx, statement, answer, ret_rows, err);
    }
    int asked = real(ctx, statement, args, &rows, err);
    int r = asked < 0 ? 0 : copy_rows(ctx, statement, rows, ret_rows, &answer, err);
    if (r < 0) {
        json_object_put(answer);
        return r;
    }
    lb_error lost;
    if (record(tape, statement->name, asked < 0 ? refusal(err) : answer, &lost) < 0)
        return lb_out_of_memory(err);
    return asked < 0 ? asked : 0;
}

static int ask_server(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows,
                      lb_error *err)
{
    return ask(ctx, tape_of(ctx)->real->query, statement, args, ret_rows, err);
}

static int ask_history(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows,
                       lb_error *err)
{
    return ask(ctx, tape_of(ctx)->real->history, statement, args, ret_rows, err);
}

/* A clock cannot fail: a tape that has no time for it shows that at its next question. */
static int64_t tell_time(const lb_ctx *ctx)
{
    cause_tape *tape = tape_of(ctx);
    lb_error err;
    if (tape->plays)
        return json_object_get_int64(play(tape, "now", &err));
    int64_t now = tape->real->now(ctx);
    (void)record(tape, "now", json_object_new_int64(now), &err);
    return now;
}

static int tell_version(lb_ctx *ctx, int *ret_major, lb_error *err)
{
    cause_tape *tape = tape_of(ctx);
    if (tape->plays) {
        struct json_object *major = play(tape, "server_version", err);
        *ret_major = json_object_get_int(major);
        return major ? 0 : err->code;
    }
    int r = tape->real->server_version(ctx, ret_major, err);
    return r < 0 ? r : record(tape, "server_version", json_object_new_int(*ret_major), err);
}

/* ---- what is said ---- */

static void note(cause_tape *tape, const char *what, struct json_object *document)
{
    tape->said =
        health_hash(health_hash(tape->said, what), json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN));
    json_object_put(document);
}

static int say_result(lb_ctx *ctx, const lb_value *values, lb_error *err)
{
    note(tape_of(ctx), "result", members_to_json(values));
    return tape_of(ctx)->real->result(ctx, values, err);
}

static int say_item(lb_ctx *ctx, const char *list, const lb_value *values, lb_error *err)
{
    note(tape_of(ctx), list, members_to_json(values));
    return tape_of(ctx)->real->append(ctx, list, values, err);
}

static int say_finding(lb_ctx *ctx, const lb_finding *f, lb_error *err)
{
    const lb_value *none = LB_NO_ARGS;
    note(tape_of(ctx), "finding",
         members_to_json(LB_ARGS(lb_text("object", f->object), lb_text("kind", f->kind), lb_text("reason", f->reason),
                                 lb_object("evidence", f->evidence),
                                 lb_object("impact", f->impact ? f->impact : none))));
    for (const lb_term *term = f->terms; term && term->name; term++)
        note(tape_of(ctx), term->name, json_object_new_double(term->points));
    return tape_of(ctx)->real->finding(ctx, f, err);
}

static int say_examined(lb_ctx *ctx, const char *what, int64_t count, lb_error *err)
{
    note(tape_of(ctx), what, json_object_new_int64(count));
    return tape_of(ctx)->real->examined(ctx, what, count, err);
}

static int say_skipped(lb_ctx *ctx, const char *object, const char *reason, lb_error *err)
{
    note(tape_of(ctx), object, reason ? json_object_new_string(reason) : NULL);
    return tape_of(ctx)->real->skipped(ctx, object, reason, err);
}

/* ---- in and out ---- */

int cause_tape_in(lb_ctx *ctx, struct json_object *asked, cause_tape *ret_tape, lb_error *err)
{
    const lb_host *real = ctx->host;
    *ret_tape = (cause_tape){.real = real, .asked = asked, .plays = asked != NULL, .said = HEALTH_HASH_BASIS};
    if (!asked) {
        ret_tape->asked = json_object_new_array();
        if (!ret_tape->asked || lb_defer(ctx, put_object, ret_tape->asked) < 0)
            return lb_out_of_memory(err);
    }
    lb_host *host = &ret_tape->host;
    memcpy(host, real, real->size < sizeof *host ? real->size : sizeof *host);
    host->size = real->size < sizeof *host ? real->size : (uint32_t)sizeof *host;
    host->query = ask_server;
    if (LB_HAS(real, lb_host, history))
        host->history = ask_history;
    host->next = next_row;
    host->row_count = count_rows;
    host->now = tell_time;
    host->server_version = tell_version;
    host->result = say_result;
    host->append = say_item;
    host->finding = say_finding;
    host->examined = say_examined;
    host->skipped = say_skipped;
    ctx->host = host;
    return 0;
}

void cause_tape_out(lb_ctx *ctx, const cause_tape *tape)
{
    ctx->host = tape->real;
}
