/* The shapes of fixtures: elements of the lists in the files, checked and laid out for answering. */
#include "mock_fixtures.h"

#include <stdlib.h>

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))
#define KEY(shape, field, type, null)                                                                                  \
    {                                                                                                                  \
#field, offsetof(struct shape, field), (type), (null)                                                          \
    }
#define ANY json_type_null

static const struct {
    const char *name;
    int code;
} codes[] = {
    {"invalid", LB_ERR_INVALID},
    {"not_found", LB_ERR_NOT_FOUND},
    {"denied", LB_ERR_DENIED},
    {"unreachable", LB_ERR_UNREACHABLE},
    {"timeout", LB_ERR_TIMEOUT},
    {"cancelled", LB_ERR_CANCELLED},
    {"conflict", LB_ERR_CONFLICT},
    {"limit", LB_ERR_LIMIT},
    {"unsupported", LB_ERR_UNSUPPORTED},
    {"io", LB_ERR_IO},
    {"sql", LB_ERR_SQL},
    {"suspended", LB_ERR_SUSPENDED},
};

static const char *text_of(const mock_member *member)
{
    return member->value ? json_object_get_string(member->value) : NULL;
}

/* The shortest key that is asked for, and how often: absent means always. */
static int read_times(const mock_member *member, const mock_place *place, int64_t *ret_left, lb_error *err)
{
    int r = mock_json_count(member, "times", -1, place, ret_left, err);
    if (r == 0 && *ret_left == 0)
        return mock_bad(err, place, "leave the case out", "\"times\" is 0, so it never answers");
    return r;
}

struct error_keys {
    mock_member code, sqlstate, message, hint;
};

static bool is_sqlstate(const char *text)
{
    return strlen(text) == 5 && strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5;
}

static int read_error(const mock_member *member, const mock_place *place, lb_error *ret_error, lb_error *err)
{
    static const mock_key keys[] = {
        KEY(error_keys, code, json_type_string, false),
        KEY(error_keys, sqlstate, json_type_string, false),
        KEY(error_keys, message, json_type_string, false),
        KEY(error_keys, hint, json_type_string, false),
    };
    struct error_keys k = {0};
    mock_place inside = *place;
    size_t length = strlen(inside.where);
    (void)snprintf(inside.where + length, sizeof inside.where - length, ": error"); /* a deep place is cut */
    int r = mock_json_members(member->value, keys, COUNT(keys), &k, &inside, err);
    if (r < 0)
        return r;
    if (!k.code.given || !k.message.given)
        return mock_bad(err, &inside, NULL, "\"code\" or \"message\" is missing");
    const char *name = text_of(&k.code), *sqlstate = text_of(&k.sqlstate);
    size_t i = 0;
    while (i < COUNT(codes) && strcmp(codes[i].name, name) != 0)
        i++;
    if (i == COUNT(codes))
        return mock_bad(
            err, &inside,
            "invalid not_found denied unreachable timeout cancelled conflict limit unsupported io sql suspended",
            "\"%s\" is no error code", name);
    if (sqlstate && !is_sqlstate(sqlstate))
        return mock_bad(err, &inside, "five digits or capital letters, \"55P03\"", "\"%s\" is no sqlstate", sqlstate);
    (void)lb_fail(ret_error, codes[i].code, text_of(&k.hint), "%s", text_of(&k.message)); /* fills it */
    if (sqlstate)
        memcpy(ret_error->sqlstate, sqlstate, 6);
    return 0;
}

struct target_keys {
    mock_member project, branch;
};

static int read_target(const mock_member *member, const mock_place *place, const char **ret_project,
                       const char **ret_branch, lb_error *err)
{
    static const mock_key keys[] = {
        KEY(target_keys, project, json_type_string, false),
        KEY(target_keys, branch, json_type_string, false),
    };
    struct target_keys k = {0};
    if (!member->given)
        return 0;
    int r = mock_json_members(member->value, keys, COUNT(keys), &k, place, err);
    if (r < 0)
        return r;
    *ret_project = text_of(&k.project);
    *ret_branch = text_of(&k.branch);
    return 0;
}

/* ---- statements ---- */

struct case_keys {
    mock_member note, target, args, exact, text, columns, rows, affected, delay_ms, error, times;
};

static int read_columns(struct json_object *list, const mock_place *place, mock_case *c, lb_error *err)
{
    size_t count = json_object_array_length(list);
    c->columns = calloc(count + 1, sizeof *c->columns);
    if (!c->columns)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct json_object *name = json_object_array_get_idx(list, i);
        if (!json_object_is_type(name, json_type_string))
            return mock_bad(err, place, NULL, "columns[%zu] is not a text", i);
        c->columns[i] = json_object_get_string(name);
    }
    c->column_count = (uint32_t)count;
    return 0;
}

static int read_row(struct json_object *row, size_t index, const mock_place *place, mock_case *c, lb_error *err)
{
    if (!json_object_is_type(row, json_type_array))
        return mock_bad(err, place, "a row is a list of cells", "rows[%zu] is not a list", index);
    size_t count = json_object_array_length(row);
    if (count != c->column_count)
        return mock_bad(err, place, NULL, "rows[%zu] has %zu cells for %u columns", index, count, c->column_count);
    for (size_t i = 0; i < count; i++) {
        struct json_object *cell = json_object_array_get_idx(row, i);
        if (cell && !json_object_is_type(cell, json_type_string))
            return mock_bad(err, place, "cells are what the server prints: \"42\", \"t\", or null",
                            "rows[%zu][%zu] is not a text", index, i);
        c->cells[index * count + i] = cell ? json_object_get_string(cell) : NULL;
    }
    return 0;
}

static int read_rows(struct json_object *list, const mock_place *place, mock_case *c, lb_error *err)
{
    size_t count = json_object_array_length(list);
    c->cells = calloc(count * c->column_count + 1, sizeof *c->cells);
    if (!c->cells)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        int r = read_row(json_object_array_get_idx(list, i), i, place, c, err);
        if (r < 0)
            return r;
    }
    c->row_count = count;
    return 0;
}

static int read_answer(const struct case_keys *k, const mock_place *place, mock_case *c, lb_error *err)
{
    int r = 0;
    if (k->rows.given && !k->columns.given)
        return mock_bad(err, place, "add \"columns\"", "rows without columns");
    if (k->error.given && (k->columns.given || k->affected.given))
        return mock_bad(err, place, NULL, "an error and a result at once");
    if (!k->error.given && !k->columns.given && !k->affected.given)
        return mock_bad(err, place, "add columns and rows for a read, affected for a change, or an error",
                        "it has no answer");
    c->fails = k->error.given;
    if (k->error.given)
        r = read_error(&k->error, place, &c->error, err);
    if (r == 0 && k->columns.given)
        r = read_columns(k->columns.value, place, c, err);
    if (r == 0 && k->rows.given)
        r = read_rows(k->rows.value, place, c, err);
    c->changes = k->affected.given;
    return r < 0 ? r : mock_json_count(&k->affected, "affected", -1, place, &c->affected, err);
}

int mock_case_read(struct json_object *element, const mock_place *place, mock_case *ret_case, lb_error *err)
{
    static const mock_key keys[] = {
        KEY(case_keys, note, json_type_string, false),  KEY(case_keys, target, json_type_object, false),
        KEY(case_keys, args, json_type_object, false),  KEY(case_keys, exact, json_type_boolean, false),
        KEY(case_keys, text, json_type_string, false),  KEY(case_keys, columns, json_type_array, false),
        KEY(case_keys, rows, json_type_array, false),   KEY(case_keys, affected, json_type_int, true),
        KEY(case_keys, delay_ms, json_type_int, false), KEY(case_keys, error, json_type_object, false),
        KEY(case_keys, times, json_type_int, false),
    };
    struct case_keys k = {0};
    int r = mock_json_members(element, keys, COUNT(keys), &k, place, err);
    if (r == 0)
        r = read_target(&k.target, place, &ret_case->project, &ret_case->branch, err);
    if (r == 0)
        r = mock_json_count(&k.delay_ms, "delay_ms", 0, place, &ret_case->delay_ms, err);
    if (r == 0)
        r = read_times(&k.times, place, &ret_case->left, err);
    if (r == 0)
        r = read_answer(&k, place, ret_case, err);
    ret_case->args = k.args.value;
    ret_case->exact = k.exact.value && json_object_get_boolean(k.exact.value);
    ret_case->text = text_of(&k.text);
    return r;
}

void mock_case_done(mock_case *c)
{
    free(c->columns);
    free(c->cells);
    *c = (mock_case){0};
}

/* ---- the control plane ---- */

struct call_keys {
    mock_member note, method, path, query, body, exact, status, reply, delay_ms, error, times;
};

static int code_of_status(int64_t status)
{
    switch (status) {
    case 401:
    case 403:
        return LB_ERR_DENIED;
    case 404:
        return LB_ERR_NOT_FOUND;
    case 408:
    case 504:
        return LB_ERR_TIMEOUT;
    case 409:
        return LB_ERR_CONFLICT;
    case 429:
        return LB_ERR_LIMIT;
    case 501:
        return LB_ERR_UNSUPPORTED;
    default:
        return status < 500 ? LB_ERR_INVALID : LB_ERR_UNREACHABLE;
    }
}

/* An answer of 400 and above is an error, with the platform's own message where the reply has one. */
static void fail_by_status(int64_t status, struct json_object *reply, mock_call *c)
{
    struct json_object *message = NULL;
    if (json_object_is_type(reply, json_type_object))
        (void)json_object_object_get_ex(reply, "message", &message); /* stays NULL without one */
    c->fails = true;
    (void)lb_fail(&c->error, code_of_status(status), NULL, "%s %s: status %lld%s%s", c->method, c->path,
                  (long long)status, message ? ": " : "",
                  message ? json_object_get_string(message) : ""); /* fills it */
}

static int read_reply(const struct call_keys *k, const mock_place *place, mock_call *c, lb_error *err)
{
    int64_t status;
    int r = mock_json_count(&k->status, "status", 200, place, &status, err);
    if (r < 0)
        return r;
    if (status < 200 || status > 599 || (status >= 300 && status < 400))
        return mock_bad(err, place, "200 to 299, or 400 to 599", "status %lld is no final answer", (long long)status);
    if (k->error.given && (k->reply.given || k->status.given))
        return mock_bad(err, place, NULL, "an error and a reply at once");
    c->fails = k->error.given;
    if (k->error.given)
        return read_error(&k->error, place, &c->error, err);
    if (status >= 400)
        fail_by_status(status, k->reply.value, c);
    c->reply = k->reply.given ? json_object_to_json_string_ext(k->reply.value,
                                                               JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
                              : "{}";
    return c->reply ? 0 : lb_out_of_memory(err);
}

int mock_call_read(struct json_object *element, const mock_place *place, mock_call *ret_call, lb_error *err)
{
    static const mock_key keys[] = {
        KEY(call_keys, note, json_type_string, false),
        KEY(call_keys, method, json_type_string, false),
        KEY(call_keys, path, json_type_string, false),
        KEY(call_keys, query, json_type_string, false),
        KEY(call_keys, body, ANY, true),
        KEY(call_keys, exact, json_type_boolean, false),
        KEY(call_keys, status, json_type_int, false),
        KEY(call_keys, reply, ANY, true),
        KEY(call_keys, delay_ms, json_type_int, false),
        KEY(call_keys, error, json_type_object, false),
        KEY(call_keys, times, json_type_int, false),
    };
    struct call_keys k = {0};
    int r = mock_json_members(element, keys, COUNT(keys), &k, place, err);
    if (r < 0)
        return r;
    if (!k.method.given || !k.path.given)
        return mock_bad(err, place, NULL, "\"method\" or \"path\" is missing");
    *ret_call = (mock_call){.method = text_of(&k.method),
                            .path = text_of(&k.path),
                            .query = text_of(&k.query),
                            .body = k.body.value,
                            .exact = k.exact.value && json_object_get_boolean(k.exact.value)};
    r = mock_json_count(&k.delay_ms, "delay_ms", 0, place, &ret_call->delay_ms, err);
    if (r == 0)
        r = read_times(&k.times, place, &ret_call->left, err);
    return r < 0 ? r : read_reply(&k, place, ret_call, err);
}

/* ---- servers ---- */

struct server_keys {
    mock_member note, project, branch, version, suspended, error, times;
};

int mock_server_read(struct json_object *element, const mock_place *place, mock_server *ret_server, lb_error *err)
{
    static const mock_key keys[] = {
        KEY(server_keys, note, json_type_string, false),       KEY(server_keys, project, json_type_string, false),
        KEY(server_keys, branch, json_type_string, false),     KEY(server_keys, version, json_type_int, false),
        KEY(server_keys, suspended, json_type_boolean, false), KEY(server_keys, error, json_type_object, false),
        KEY(server_keys, times, json_type_int, false),
    };
    struct server_keys k = {0};
    int64_t version = 0;
    int r = mock_json_members(element, keys, COUNT(keys), &k, place, err);
    if (r == 0)
        r = mock_json_count(&k.version, "version", 0, place, &version, err);
    if (r == 0)
        r = read_times(&k.times, place, &ret_server->left, err);
    if (r < 0)
        return r;
    if (version > 99)
        return mock_bad(err, place, "the major version, 17", "version %lld is none", (long long)version);
    ret_server->project = text_of(&k.project);
    ret_server->branch = text_of(&k.branch);
    ret_server->version = (int)version;
    ret_server->fails = k.error.given;
    if (k.error.given)
        return read_error(&k.error, place, &ret_server->error, err);
    if (k.suspended.value && json_object_get_boolean(k.suspended.value)) {
        ret_server->fails = true;
        (void)lb_fail(&ret_server->error, LB_ERR_SUSPENDED, "start it, or wait until somebody uses it",
                      "its compute is suspended");
    }
    return 0;
}
