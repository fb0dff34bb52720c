/* Calls to the control plane. What may have been carried out although nobody heard of it is looked up by its name. */
#include "lake.h"

#include <stdlib.h>

#define CLOCK_SLACK (2 * REST_SECOND) /* Date has whole seconds */

LB_PRINTF(3, 4) void lake_log(const lake *l, lb_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    l->host->vlog(level, fmt, args);
    va_end(args);
}

static const char *root_of(const char *path)
{
    if (strcmp(path, LAKE_ME) == 0)
        return LAKE_ME_ROOT;
    return strncmp(path, LAKE_UNITY, strlen(LAKE_UNITY)) == 0 ? LAKE_UNITY_ROOT : LAKE_ROOT;
}

/* ---- reading ---- */

int lake_get(lake *l, const char *name, int64_t deadline, struct json_object **ret_resource, lb_error *err)
{
    char *path = rest_printf(LAKE_ROOT "%s", name);
    if (!path)
        return lb_out_of_memory(err);
    const rest_call call = {.method = "GET", .path = path, .what = name, .deadline = deadline};
    int r = rest_document(l->client, &call, NULL, ret_resource, err);
    free(path);
    return r;
}

typedef struct collected {
    struct json_object *items;
    size_t bytes;
} collected;

static int collect(void *arg, struct json_object *item, lb_error *err)
{
    collected *c = arg;
    if (json_object_array_add(c->items, json_object_get(item)) == 0)
        return 0;
    (void)json_object_put(item); /* the reference that we took */
    return lb_out_of_memory(err);
}

/* "cdf-configs" is "cdf_configs" in the answer. */
static void list_member(const char *path, char into[LAKE_NAME])
{
    (void)snprintf(into, LAKE_NAME, "%s", lake_last_word(path)); /* the lists that there are have short names */
    for (char *p = into; *p; p++)
        *p = *p == '-' ? '_' : *p;
}

int lake_list(lake *l, const char *list_path, const char *query, int64_t deadline, struct json_object **ret_document,
              lb_error *err)
{
    char member[LAKE_NAME];
    collected c = {.items = json_object_new_array()};
    struct json_object *document = json_object_new_object();
    char *path = rest_printf(LAKE_ROOT "%s", list_path);
    list_member(list_path, member);
    const rest_call call = {.method = "GET", .path = path, .query = query, .what = list_path, .deadline = deadline};
    int r =
        path && document && c.items ? rest_pages(l->client, &call, member, collect, &c, err) : lb_out_of_memory(err);
    if (!document || !rest_json_add(document, member, c.items))
        r = r < 0 ? r : lb_out_of_memory(err);
    free(path);
    if (r < 0) {
        (void)json_object_put(document); /* ours alone */
        return r;
    }
    *ret_document = document;
    return 0;
}

static bool is_list(const char *path)
{
    static const char *const lists[] = {"projects", "branches",  "endpoints",   "databases",
                                        "roles",    "snapshots", "cdf-configs", "cdf-statuses"};
    if (lake_words(path) % 2 == 0)
        return false;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (strcmp(lake_last_word(path), lists[i]) == 0)
            return true;
    return false;
}

/* `page_size=100` for projects is what the platform documents; of other lists the largest page is not known. */
static int read(lake *l, const lb_request *request, int64_t deadline, struct json_object **ret_reply, lb_error *err)
{
    const char *query = request->query && *request->query ? request->query : NULL;
    bool asks_page = query && (strstr(query, "page_size=") || strstr(query, "page_token="));
    if (is_list(request->path) && !asks_page) {
        bool projects = !query && strcmp(request->path, "projects") == 0;
        return lake_list(l, request->path, projects ? "page_size=100" : query, deadline, ret_reply, err);
    }
    char *path = rest_printf("%s%s", root_of(request->path), request->path);
    if (!path)
        return lb_out_of_memory(err);
    const rest_call call = {.method = "GET", .path = path, .query = query, .what = request->path, .deadline = deadline};
    int r = rest_document(l->client, &call, NULL, ret_reply, err);
    free(path);
    return r;
}

/* ---- changing ---- */

/* A 409 that is not about a name says that something else is under way, and that this was not accepted. */
static bool is_busy(void *arg, const rest_problem *p)
{
    (void)arg; /* nothing of ours matters */
    return p->status == 409 && !strstr(p->error_code, "ALREADY_EXISTS") && strcmp(p->reason, "RESOURCE_CONFLICT") != 0;
}

/* The name of what a POST would make, by the id in its query; NULL where none says. */
static char *created_name(const lb_request *request)
{
    static const char *const ids[] = {"project_id",  "branch_id",     "endpoint_id", "database_id",    "role_id",
                                      "snapshot_id", "cdf_config_id", "catalog_id",  "synced_table_id"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char *id = lake_query(request->query, ids[i]);
        char *name = id ? rest_printf("%s/%s", request->path, id) : NULL;
        free(id);
        if (name)
            return name;
    }
    return NULL;
}

static int exchange(lake *l, const lb_request *request, int64_t deadline, rest_problem *problem,
                    struct json_object **ret_reply, lb_error *err)
{
    char what[160];
    char *path = rest_printf("%s%s", root_of(request->path), request->path);
    if (!path)
        return lb_out_of_memory(err);
    (void)snprintf(what, sizeof what, "%s %s", request->method, request->path); /* cut */
    bool creates = strcmp(request->method, "POST") == 0, has_body = request->body && *request->body;
    rest_call call = {.method = request->method,
                      .path = path,
                      .query = request->query,
                      .body = has_body  ? request->body
                              : creates ? "{}"
                                        : NULL,
                      .flags = creates ? 0 : REST_REPEATABLE,
                      .what = what,
                      .deadline = deadline,
                      .again = is_busy,
                      .problem = problem};
    call.body_length = call.body ? strlen(call.body) : 0;
    int r = rest_document(l->client, &call, NULL, ret_reply, err);
    free(path);
    return r;
}

/* When something of ours began, on the platform's clock. */
static int64_t platform_time(const lake *l, const rest_reply *reply, int64_t began_at)
{
    int64_t now = reply->server_time == REST_NO_TIME ? rest_wall_clock() : reply->server_time;
    return now - (l->host->now() - began_at);
}

/* The creation's answer got lost. Is what stands under its name ours? ret_resource stays NULL when there is nothing. */
static int look_for(lake *l, const char *name, int64_t began_at, int64_t deadline, struct json_object **ret_resource,
                    lb_error *err)
{
    char *path = rest_printf(LAKE_ROOT "%s", name);
    rest_reply reply = {.status = 0};
    if (!path)
        return lb_out_of_memory(err);
    const rest_call call = {.method = "GET", .path = path, .what = name, .deadline = deadline};
    int r = rest_perform(l->client, &call, &reply, err);
    free(path);
    if (r < 0)
        return r == LB_ERR_NOT_FOUND ? 0 : r;
    struct json_object *found = rest_json_parse(reply.body.data, reply.body.length, name, err);
    int64_t made_at = rest_time(rest_json_text(found, "create_time")), since = platform_time(l, &reply, began_at);
    rest_reply_done(&reply);
    if (!found)
        return err->code;
    if (made_at != REST_NO_TIME && made_at + CLOCK_SLACK < since) {
        (void)json_object_put(found); /* ours alone */
        return lb_fail(err, LB_ERR_CONFLICT, "look at its state, and try again", "%s exists already", name);
    }
    *ret_resource = found;
    return 0;
}

/* A POST. Nobody's answer may be lost on the way, so that the same name is not made twice, nor its making forgotten. */
static int create(lake *l, const lb_request *request, int64_t deadline, struct json_object **ret_reply, lb_error *err)
{
    rest_problem problem = {.status = 0};
    int64_t began_at = l->host->now();
    int r = exchange(l, request, deadline, &problem, ret_reply, err);
    char *name = r < 0 && rest_is_ambiguous(&problem) ? created_name(request) : NULL;
    for (int looks = 0; name; looks++) {
        struct json_object *found = NULL;
        lb_error looking;
        if (lake_next_look(l, looks, deadline, name, &looking) < 0 ||
            look_for(l, name, began_at, deadline, &found, &looking) < 0) {
            *err = looking.code == LB_ERR_CONFLICT ? looking : *err;
            r = err->code;
            break;
        }
        if (found) {
            lake_log(l, LB_LOG_INFO, "%s: the answer to its creation was lost, but it was made", name);
            *ret_reply = found;
            r = 0;
            break;
        }
        r = exchange(l, request, deadline, &problem, ret_reply, err);
        if (r == 0 || !rest_is_ambiguous(&problem))
            break;
    }
    free(name);
    return r;
}

int lake_change(lake *l, const lb_request *request, int64_t deadline, struct json_object **ret_reply, lb_error *err)
{
    struct json_object *reply = NULL;
    rest_problem problem = {.status = 0};
    bool removes = strcmp(request->method, "DELETE") == 0;
    int r = strcmp(request->method, "POST") == 0 ? create(l, request, deadline, &reply, err)
                                                 : exchange(l, request, deadline, &problem, &reply, err);
    if (r == LB_ERR_NOT_FOUND && removes && problem.doubt) {
        reply = json_object_new_object(); /* gone: an attempt before this one did it */
        r = reply ? 0 : lb_out_of_memory(err);
    }
    return r < 0 ? r : lake_finish(l, request, reply, deadline, ret_reply, err);
}

/* ---- the one call ---- */

static int check_body(const lb_request *request, lb_error *err)
{
    if (!request->body || !*request->body)
        return 0;
    REST_JSON_AUTO *body = rest_json_parse(request->body, strlen(request->body), request->path, err);
    if (!body || !json_object_is_type(body, json_type_object))
        return lb_fail(err, LB_ERR_INVALID, "the body is the resource itself: {\"spec\": {...}}",
                       "%s %s: the body is no JSON object", request->method, request->path);
    return 0;
}

int lake_control(lake *l, const lb_request *request, int64_t deadline, struct json_object **ret_reply, lb_error *err)
{
    int r = lake_check_path(request, err);
    if (r == 0)
        r = check_body(request, err);
    if (r < 0)
        return r;
    if (strcmp(request->method, "GET") == 0)
        return read(l, request, deadline, ret_reply, err);
    return lake_change(l, request, deadline, ret_reply, err);
}
