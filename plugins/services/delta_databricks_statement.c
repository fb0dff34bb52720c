/* Statements on the warehouse. Each is sent without waiting for its end, so that its id is known before anything can
 * take long: what has no id cannot be cancelled. Then it is looked at until it is over. A warehouse that sleeps is
 * woken by the statement, which is PENDING meanwhile. */
#include "delta_databricks.h"

#define STATEMENTS      "/api/2.0/sql/statements"
#define LONGEST_LOOK_MS INT64_C(5000)
#define MEANWHILE_MS    INT64_C(200)      /* how often there is other work while one is waited for */
#define PARTING_TIME    (2 * REST_SECOND) /* for the cancel of a statement that took too long */

int64_t bricks_left(const bricks *b, int64_t deadline)
{
    int64_t left = deadline - b->host->now();
    return left > 0 ? left : 0;
}

/* ---- sending ---- */

static bool add_values(struct json_object *body, const bricks_statement *s)
{
    struct json_object *list = json_object_new_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < s->value_count; i++) {
        struct json_object *one = json_object_new_object();
        ok = one && rest_json_add_text(one, "name", s->values[i].name) &&
             (!s->values[i].value || rest_json_add_text(one, "value", s->values[i].value)) && /* none is null */
             rest_json_add_text(one, "type", s->values[i].type);
        if (!ok || json_object_array_add(list, one) != 0) {
            (void)json_object_put(one); /* ours alone */
            ok = false;
        }
    }
    return rest_json_add(body, "parameters", list) && ok;
}

static struct json_object *make_body(const bricks *b, const bricks_statement *s)
{
    struct json_object *body = json_object_new_object();
    bool ok = body && rest_json_add_text(body, "warehouse_id", b->warehouse) &&
              rest_json_add_text(body, "statement", s->text) &&
              (s->anywhere ||
               (rest_json_add_text(body, "catalog", b->catalog) && rest_json_add_text(body, "schema", b->schema))) &&
              rest_json_add_text(body, "wait_timeout", "0s") &&
              rest_json_add_text(body, "on_wait_timeout", "CONTINUE") &&
              rest_json_add_text(body, "disposition", "INLINE") && rest_json_add_text(body, "format", "JSON_ARRAY");
    if (ok && s->value_count)
        ok = add_values(body, s);
    if (ok && s->row_limit)
        ok = rest_json_add(body, "row_limit", json_object_new_int64(s->row_limit));
    if (ok && s->byte_limit)
        ok = rest_json_add(body, "byte_limit", json_object_new_int64(s->byte_limit));
    if (!ok) {
        (void)json_object_put(body); /* ours alone */
        return NULL;
    }
    return body;
}

static int explain_refusal(const bricks *b, lb_error *err)
{
    if (err->code == LB_ERR_DENIED)
        (void)snprintf(err->hint, sizeof err->hint, "the principal needs CAN USE on the SQL warehouse %.60s",
                       b->warehouse); /* cut */
    else if (err->code == LB_ERR_INVALID || err->code == LB_ERR_NOT_FOUND)
        (void)snprintf(err->hint, sizeof err->hint, "check warehouse_id of delta_databricks: %.60s",
                       b->warehouse); /* cut */
    return err->code;
}

static int send_statement(bricks *b, const bricks_statement *s, struct json_object **ret_answer, bool *ret_doubt,
                          lb_error *err)
{
    rest_problem problem = {.status = 0};
    REST_JSON_AUTO *body = make_body(b, s);
    if (!body)
        return lb_out_of_memory(err);
    const rest_call call = {
        .method = "POST", .path = STATEMENTS, .what = s->what, .deadline = s->deadline, .problem = &problem};
    int r = rest_document(b->client, &call, body, ret_answer, err);
    *ret_doubt = r < 0 && (rest_is_ambiguous(&problem) || problem.doubt);
    return r < 0 ? explain_refusal(b, err) : 0;
}

/* ---- following ---- */

static bool is_over(struct json_object *answer)
{
    const char *state = rest_json_text(answer, "status.state");
    return !state || (strcmp(state, "PENDING") != 0 && strcmp(state, "RUNNING") != 0);
}

static int look(bricks *b, const char *id, const char *what, int64_t deadline, struct json_object **ret_answer,
                lb_error *err)
{
    char *path = rest_printf(STATEMENTS "/%s", id);
    if (!path)
        return lb_out_of_memory(err);
    const rest_call call = {.method = "GET", .path = path, .what = what, .deadline = deadline};
    int r = rest_document(b->client, &call, NULL, ret_answer, err);
    free(path);
    return r;
}

static int explain_wait(const char *state, lb_error *err)
{
    if (err->code == LB_ERR_TIMEOUT)
        (void)snprintf(err->hint, sizeof err->hint, "%s",
                       strcmp(state, "PENDING") == 0
                           ? "the warehouse was still starting, or busy with others: give it more time"
                           : "give it more time, or a larger warehouse"); /* short */
    return err->code;
}

/* Its own statements are waited for without any other. */
static void work_meanwhile(bricks *b)
{
    void (*work)(void *arg) = b->meanwhile;
    b->meanwhile = NULL;
    if (work)
        work(b->meanwhile_arg);
    b->meanwhile = work;
}

static int wait_for(bricks *b, int64_t wait_ms, int64_t until, const char *what, lb_error *err)
{
    int64_t end = b->host->now() + wait_ms * REST_MILLISECOND;
    for (;;) {
        int64_t step = b->host->now() + MEANWHILE_MS * REST_MILLISECOND;
        int r = rest_wait(b->host, b->meanwhile && step < end ? step : end, until, what, err);
        if (r < 0)
            return r;
        work_meanwhile(b);
        if (b->host->now() >= end)
            return 0;
    }
}

/* Looks with growing pauses until it is over. *answer is the newest one throughout. */
static int follow(bricks *b, const char *id, const bricks_statement *s, int64_t until, struct json_object **answer,
                  lb_error *err)
{
    int64_t pause_ms = b->settings.poll_ms;
    while (!is_over(*answer)) {
        struct json_object *next = NULL;
        int r = wait_for(b, rest_jitter(pause_ms), until, s->what, err);
        if (r == 0)
            r = look(b, id, s->what, until, &next, err);
        if (r < 0) {
            const char *state = rest_json_text(*answer, "status.state");
            return explain_wait(state ? state : "", err);
        }
        (void)json_object_put(*answer); /* ours alone */
        *answer = next;
        pause_ms += pause_ms / 2 + 1;
        pause_ms = pause_ms < LONGEST_LOOK_MS ? pause_ms : LONGEST_LOOK_MS;
    }
    return 0;
}

/* Best effort: whether it took hold nobody waits to see. */
static void cancel(bricks *b, const char *id, const char *what, int64_t deadline)
{
    int64_t soon = b->host->now() + PARTING_TIME;
    lb_error late;
    rest_reply reply = {.status = 0};
    char *path = rest_printf(STATEMENTS "/%s/cancel", id);
    const rest_call call = {.method = "POST",
                            .path = path,
                            .body = "{}",
                            .body_length = 2,
                            .flags = REST_REPEATABLE,
                            .what = "to cancel a statement",
                            .deadline = soon < deadline ? soon : deadline};
    int r = path ? rest_perform(b->parting, &call, &reply, &late) : lb_out_of_memory(&late);
    if (r < 0)
        delta_say(b->host, LB_LOG_WARN, "%s goes on without us on the warehouse as %s: %s", what, id, late.message);
    rest_reply_done(&reply);
    free(path);
}

/* ---- how it ended ---- */

static int code_of_state(const char *sql_state, const char *message)
{
    if (strcmp(sql_state, "42501") == 0 || strstr(message, "INSUFFICIENT_PERMISSIONS") ||
        strstr(message, "PERMISSION_DENIED"))
        return LB_ERR_DENIED;
    if (strcmp(sql_state, "42P01") == 0 || strcmp(sql_state, "42704") == 0)
        return LB_ERR_NOT_FOUND;
    return strcmp(sql_state, "54000") == 0 ? LB_ERR_LIMIT : LB_ERR_SQL;
}

static int judge(struct json_object *answer, const char *what, bool *ret_doubt, lb_error *err)
{
    char line[400];
    const char *state = rest_json_text(answer, "status.state");
    const char *sql_state = rest_json_text(answer, "status.sql_state");
    const char *message = rest_json_text(answer, "status.error.message");
    *ret_doubt = false;
    if (state && strcmp(state, "SUCCEEDED") == 0)
        return 0;
    if (state && strcmp(state, "CANCELED") == 0)
        return lb_fail(err, LB_ERR_CANCELLED, "try again", "%s: somebody cancelled it on the warehouse", what);
    if (!state || strcmp(state, "FAILED") != 0) {
        *ret_doubt = true; /* CLOSED: it succeeded, and its result is gone */
        return lb_fail(err, LB_ERR_UNREACHABLE, "try again", "%s: its result is gone (%.40s)", what,
                       state ? state : "no state");
    }
    message = message ? message : "the warehouse gives no reason";
    rest_line(line, sizeof line, message, strlen(message));
    return lb_fail(err, code_of_state(sql_state ? sql_state : "", line), NULL, "%s: %s", what, line);
}

int bricks_run(bricks *b, const bricks_statement *s, struct json_object **ret_answer, bool *ret_doubt, lb_error *err)
{
    bool doubt = false;
    struct json_object *answer = NULL;
    int64_t left = bricks_left(b, s->deadline), parting = left / 5 < PARTING_TIME ? left / 5 : PARTING_TIME;
    int r = send_statement(b, s, &answer, &doubt, err);
    if (r == 0) {
        const char *found = rest_json_text(answer, "statement_id");
        DELTA_AUTO_FREE char *id = delta_strdup(found ? found : "");
        bool sound = *id && id[strspn(id, "0123456789abcdefABCDEF-")] == '\0';
        r = sound ? follow(b, id, s, s->deadline - parting, &answer, err)
                  : lb_fail(err, LB_ERR_UNREACHABLE, NULL, "%s: the warehouse's answer names no statement", s->what);
        doubt = r < 0;
        if (r < 0 && sound)
            cancel(b, id, s->what, s->deadline);
    }
    if (r == 0)
        r = judge(answer, s->what, &doubt, err);
    if (ret_doubt)
        *ret_doubt = doubt;
    if (r < 0) {
        (void)json_object_put(answer); /* ours alone */
        return r;
    }
    *ret_answer = answer;
    return 0;
}

int bricks_do(bricks *b, const char *text, const char *what, int64_t deadline, lb_error *err)
{
    REST_JSON_AUTO *answer = NULL;
    const bricks_statement statement = {.text = text, .what = what, .deadline = deadline};
    return bricks_run(b, &statement, &answer, NULL, err);
}

/* ---- results ---- */

static int64_t column_at(struct json_object *answer, const char *name)
{
    struct json_object *columns = rest_json_at(answer, "manifest.schema.columns");
    for (size_t i = 0; i < rest_json_count(columns); i++) {
        const char *found = rest_json_text(json_object_array_get_idx(columns, i), "name");
        if (found && strcmp(found, name) == 0)
            return (int64_t)i;
    }
    return -1;
}

const char *bricks_cell_of(struct json_object *answer, const char *column)
{
    int64_t at = column_at(answer, column);
    struct json_object *rows = rest_json_at(answer, "result.data_array");
    struct json_object *row = rest_json_count(rows) ? json_object_array_get_idx(rows, 0) : NULL;
    struct json_object *cell =
        at >= 0 && (size_t)at < rest_json_count(row) ? json_object_array_get_idx(row, (size_t)at) : NULL;
    return cell ? json_object_get_string(cell) : NULL;
}

int64_t bricks_count_of(struct json_object *answer, const char *column, int64_t fallback)
{
    const char *cell = bricks_cell_of(answer, column);
    char *end = NULL;
    long long n = cell ? strtoll(cell, &end, 10) : 0;
    return cell && end != cell && !*end ? n : fallback;
}

static int fetch_part(bricks *b, const char *id, int64_t index, int64_t deadline, struct json_object **ret_part,
                      lb_error *err)
{
    char *path = rest_printf(STATEMENTS "/%s/result/chunks/%lld", id, (long long)index);
    if (!path)
        return lb_out_of_memory(err);
    const rest_call call = {.method = "GET", .path = path, .what = "a part of the answer", .deadline = deadline};
    int r = rest_document(b->client, &call, NULL, ret_part, err);
    free(path);
    return r;
}

int bricks_each_part(bricks *b, struct json_object *answer, int64_t deadline, bricks_rows_fn rows, void *arg,
                     lb_error *err)
{
    const char *id = rest_json_text(answer, "statement_id");
    struct json_object *part = json_object_get(rest_json_at(answer, "result"));
    int r = 0;
    for (int64_t index = 0; r == 0 && part;) {
        struct json_object *next = NULL;
        int64_t following = rest_json_number(part, "next_chunk_index", -1);
        r = rows(arg, rest_json_at(part, "data_array"), err);
        if (r == 0 && following > index)
            r = fetch_part(b, id ? id : "", following, deadline, &next, err);
        (void)json_object_put(part); /* ours alone */
        part = next;
        index = following;
        work_meanwhile(b);
    }
    (void)json_object_put(part); /* left where a call failed */
    return r;
}
