/* Roles and databases live in the server; the branch's record says under which ids the control plane knows them. A call
 * changes the server first and the record after it; who dies between finds out at the next try, since the server says
 * that the name is taken, and the record then takes it over with replace_existing. */
#include "local_objects.h"

#include "clock.h"
#include "local_say.h"

#define MOST      500
#define SQL_LIMIT (30 * CLOCK_SECOND)

/* ---- the server ---- */

int local_say_and_run(local_call *call, const local_project *p, doc *entry, const char *database,
                      const lb_statement *statement, const char *const *params, lb_error *err)
{
    const local_cluster *c = call->cluster;
    const char *directory = doc_text(entry, "directory");
    int64_t deadline = c->host->now() + SQL_LIMIT;
    char conninfo[256];
    pg_session *session = NULL;
    LB_AUTO_FREE char *path = local_branch_path(c, p->id, directory, "server");
    /* "restore" starts a server without waking its compute: on the platform such a call is nobody's connection. */
    LB_AUTO_FD int claim = local_claim(c, p->id, directory, "restore", call->deadline, err);
    if (claim < 0)
        return claim;
    LB_AUTO_FD int dir = local_dir_open(path, err);
    if (dir < 0)
        return dir;
    (void)snprintf(conninfo, sizeof conninfo, "host=/proc/self/fd/%d port=%s user=%s", dir, LOCAL_PORT,
                   LOCAL_SUPERUSER); /* fits; all of it is ours */
    const pg_options options = {.conninfo = conninfo,
                                .database = database,
                                .connect_timeout_ms = 10000,
                                .lock_timeout_ms = 5000,
                                .proof_setting = "cluster_name",
                                .proof_value = directory};
    int r = pg_session_open(c->host, &options, "control", deadline, &session, err);
    if (r == 0)
        r = local_say(session, statement, params, deadline, err);
    pg_session_close(session);
    return r;
}

/* ---- the record ---- */

doc *local_find_object(doc *entry, const local_object *kind, const char *id)
{
    doc *list = doc_at(entry, kind->list);
    for (size_t i = 0; i < doc_length(list); i++)
        if (doc_is(doc_item(list, i), kind->id_name, id))
            return doc_item(list, i);
    return NULL;
}

doc *local_find_role(doc *entry, const char *name)
{
    doc *list = doc_at(entry, "roles");
    for (size_t i = 0; i < doc_length(list); i++)
        if (doc_is(doc_item(list, i), "name", name))
            return doc_item(list, i);
    return NULL;
}

static void forget(doc *entry, const local_object *kind, const char *id)
{
    doc *list = doc_at(entry, kind->list);
    for (size_t i = 0; i < doc_length(list); i++)
        if (doc_is(doc_item(list, i), kind->id_name, id)) {
            (void)json_object_array_del_idx(list, i, 1); /* the index is inside */
            return;
        }
}

static int answer(local_call *call, const local_object *kind, const char *name, doc *object, lb_error *err)
{
    char id[37];
    int r = local_new_operation(call->cluster, name, kind->kind, id, err);
    if (r >= 0)
        r = local_end_operation(call->cluster, id, object, NULL, err);
    return r < 0 ? r : local_answer_operation(call, id, err);
}

/* ---- calls ---- */

static doc *new_object(const local_object *kind, doc *entry, const char *id)
{
    LB_AUTO_FREE char *name = base_printf("%s/%s/%s", doc_text(entry, "branch.name"), kind->list, id);
    LB_AUTO_FREE char *inner = base_printf("status.%s", kind->id_name);
    doc *object = json_object_new_object();
    doc_set_text(object, "name", name);
    doc_set_text(object, kind->id_name, id);
    doc_set_text(object, "parent", doc_text(entry, "branch.name"));
    doc_set_text(object, inner, id);
    return object;
}

static int create(local_call *call, local_project *p, doc *entry, const local_object *kind, lb_error *err)
{
    LB_AUTO_FREE char *given = local_query(call, kind->id_name);
    LB_AUTO_FREE char *id = given && *given ? base_strdup(given) : local_uid(kind->what);
    if (!local_is_id(id))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "Field %s must match pattern ^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$, got '%s'.", kind->id_name,
                            id);
    if (local_find_object(entry, kind, id))
        return local_refuse(err, 400, "BAD_REQUEST", "%s with that name already exists", kind->what);
    if (doc_length(doc_at(entry, kind->list)) >= MOST)
        return local_refuse(err, 429, "RESOURCE_LIMIT_EXCEEDED", "a branch has at most %d %s", MOST, kind->list);
    doc *object = new_object(kind, entry, id);
    int r = kind->create(call, p, entry, object, err);
    if (r < 0) {
        (void)json_object_put(object); /* says only whether it was the last reference */
        return r;
    }
    if (!doc_at(entry, kind->list))
        doc_set(entry, kind->list, json_object_new_array());
    (void)json_object_array_add(doc_at(entry, kind->list), object); /* fails without memory alone */
    r = local_save(p, err);
    return r < 0 ? r : answer(call, kind, doc_text(object, "name"), object, err);
}

static int update(local_call *call, local_project *p, doc *entry, const local_object *kind, doc *object, lb_error *err)
{
    LB_AUTO_FREE char *mask = local_query(call, "update_mask");
    if (!mask || !*mask || !doc_at(call->body, "spec"))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "update_mask and a body with a spec are required");
    int r = kind->update(call, p, entry, object, mask, err);
    if (r >= 0)
        r = local_save(p, err);
    return r < 0 ? r : answer(call, kind, doc_text(object, "name"), object, err);
}

static int delete (local_call *call, local_project *p, doc *entry, const local_object *kind, doc *object, lb_error *err)
{
    LB_AUTO_FREE char *name = base_strdup(doc_text(object, "name")), *id = base_strdup(doc_text(object, kind->id_name));
    int r = kind->remove(call, p, entry, object, err);
    if (r < 0)
        return r;
    forget(entry, kind, id);
    r = local_save(p, err);
    return r < 0 ? r : answer(call, kind, name, NULL, err);
}

static int on_one(local_call *call, local_project *p, doc *entry, const local_object *kind, lb_error *err)
{
    const char *method = call->request->method;
    doc *object = local_find_object(entry, kind, call->words[5]);
    if (!object)
        return local_missing(err, kind->what);
    if (strcmp(method, "GET") == 0) {
        call->reply = json_object_get(object);
        return 0;
    }
    if (strcmp(method, "PATCH") == 0)
        return update(call, p, entry, kind, object, err);
    if (strcmp(method, "DELETE") == 0)
        return delete (call, p, entry, kind, object, err);
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s %s'", method, call->request->path);
}

int local_objects(local_call *call, const local_object *kind, lb_error *err)
{
    const char *method = call->request->method;
    bool reads = strcmp(method, "GET") == 0;
    LOCAL_PROJECT p = {.lock = -1};
    int r =
        reads ? local_look(call->cluster, call->words[1], &p, err) : local_open(call->cluster, call->words[1], &p, err);
    if (r < 0)
        return r;
    if (!p.d || doc_text(p.d, "removal"))
        return local_missing(err, "project");
    doc *entry = local_branch(&p, call->words[3]);
    if (!entry || doc_text(entry, "branch.status.delete_time"))
        return local_missing(err, "branch");
    if (!reads && doc_text(entry, "branch.status.pending_state"))
        return local_refuse(err, 409, "ABORTED", "the branch has a reconciliation in progress");
    if (call->count == 6)
        return on_one(call, &p, entry, kind, err);
    if (reads) {
        JSON_AUTO *none = json_object_new_array();
        doc *list = doc_at(entry, kind->list);
        return local_page(call, kind->list, list ? list : none, 0, err);
    }
    if (strcmp(method, "POST") == 0)
        return create(call, &p, entry, kind, err);
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s %s'", method, call->request->path);
}
