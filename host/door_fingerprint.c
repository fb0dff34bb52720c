/* What the objects that a group touches look like now. */
#include "door.h"

#include "compose.h"
#include "effect_objects.h"
#include "json.h"

#include <errno.h>
#include <sql/host/fingerprint.h>
#include <sys/stat.h>

/* ---- SQL ---- */

static int gather_objects(const lb_group *group, effect_objects *objects, lb_error *err)
{
    for (const change *c = group->first; c; c = c->next) {
        int r = c->kind == CHANGE_SQL ? effect_objects_of_sql(c->sql->text, group->run->memory, objects, err) : 0;
        if (r < 0)
            return lb_wrap(err, c->sql->statement->name);
    }
    return 0;
}

static const char *object_name(run_state *run, const char *schema, const char *name)
{
    return *schema ? arena_printf(run->memory, "%s.%s", schema, name) : name;
}

static int add_rows(run_state *run, lb_rows *rows, fingerprint *print, lb_error *err)
{
    host_fingerprint_row row;
    while (host_fingerprint_next(&run->ctx, rows, &row)) {
        const char *name = object_name(run, row.schema, row.name);
        fingerprint_object *object = name ? fingerprint_add(print, run->memory, row.kind, name) : NULL;
        if (!object || fingerprint_add_part(object, run->memory, row.part, row.value) < 0)
            return lb_out_of_memory(err);
    }
    return 0;
}

/* All objects in one query. What comes back without parts is not there. */
static int look_up(run_state *run, const effect_objects *objects, fingerprint *print, lb_error *err)
{
    size_t bytes = (objects->count + 1) * sizeof(const char *);
    const char **kinds = arena_alloc(run->memory, bytes), **schemas = arena_alloc(run->memory, bytes),
               **names = arena_alloc(run->memory, bytes);
    if (!kinds || !schemas || !names)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < objects->count; i++) {
        kinds[i] = objects->items[i].kind;
        schemas[i] = objects->items[i].schema;
        names[i] = objects->items[i].name;
        const char *name = object_name(run, schemas[i], names[i]);
        if (!name || !fingerprint_add(print, run->memory, kinds[i], name))
            return lb_out_of_memory(err);
    }
    lb_rows *rows = NULL;
    const host_fingerprint_args args = {
        .kinds = {kinds, objects->count}, .schemas = {schemas, objects->count}, .names = {names, objects->count}};
    int r = host_fingerprint(&run->ctx, &args, &rows, err);
    return r < 0 ? r : add_rows(run, rows, print, err);
}

/* The text was composed for this version; another one may need another text. */
static int add_version(run_state *run, fingerprint *print, lb_error *err)
{
    int major = 0;
    int r = run_server_version(&run->ctx, &major, err);
    if (r < 0)
        return r;
    fingerprint_object *server = fingerprint_add(print, run->memory, "server", "version");
    const char *text = arena_printf(run->memory, "%d", major);
    return server && text && fingerprint_add_part(server, run->memory, "major", text) == 0 ? 0 : lb_out_of_memory(err);
}

static int add_sql(const lb_group *group, fingerprint *print, lb_error *err)
{
    bool has_sql = false;
    effect_objects objects = {0};
    for (const change *c = group->first; c; c = c->next)
        has_sql = has_sql || c->kind == CHANGE_SQL;
    if (!has_sql)
        return 0;
    int r = gather_objects(group, &objects, err);
    if (r >= 0)
        r = add_version(group->run, print, err);
    return r < 0 || !objects.count ? r : look_up(group->run, &objects, print, err);
}

/* ---- the control plane, and web services ---- */

static int add_document(run_state *run, const char *service, const char *path, fingerprint *print, lb_error *err)
{
    const char *reply = NULL;
    size_t before = print->count;
    const char *name = service ? arena_printf(run->memory, "%s:%s", service, path) : path;
    fingerprint_object *object = name ? fingerprint_add(print, run->memory, "api", name) : NULL;
    if (!object)
        return lb_out_of_memory(err);
    if (print->count == before)
        return 0; /* has been looked at */
    const lb_request get = {.method = "GET", .path = path};
    int r = service ? run_http(&run->ctx, service, &get, &reply, err) : run_control(&run->ctx, &get, &reply, err);
    if (r == LB_ERR_NOT_FOUND)
        return 0; /* absent */
    return r < 0 ? r : fingerprint_add_document(object, run->memory, reply, err);
}

/* Collections and objects take turns in a path. A change of an object is about it; one that adds to a collection is
 * about what it stands in and, where the query names it, what is to be made. A verb at the end is no part of the name.
 */
static int add_api(run_state *run, const lb_request *request, fingerprint *print, lb_error *err)
{
    char *path = arena_strdup(run->memory, request->path);
    const char *made = NULL, *id = door_query_member(run, request->query, "_id");
    size_t segments = 1;
    if (!path)
        return lb_out_of_memory(err);
    path[strcspn(path, ":")] = '\0';
    for (const char *p = path; *p; p++)
        segments += *p == '/' && p[1];
    if (segments % 2 == 1) {
        if (strcmp(request->method, "POST") == 0 && id && !(made = arena_printf(run->memory, "%s/%s", path, id)))
            return lb_out_of_memory(err);
        char *slash = strrchr(path, '/');
        *(slash ? slash : path) = '\0';
    }
    int r = *path ? add_document(run, NULL, path, print, err) : 0;
    return r < 0 || !made ? r : add_document(run, NULL, made, print, err);
}

/* What a web service's collection holds is its own affair; what is edited or deleted stands at its own path. */
static int add_http(run_state *run, const change *c, fingerprint *print, lb_error *err)
{
    return strcmp(c->request->method, "POST") == 0 ? 0 : add_document(run, c->service, c->request->path, print, err);
}

/* ---- files ---- */

static int add_file(run_state *run, const char *path, fingerprint *print, lb_error *err)
{
    struct stat st;
    char hash[SHA256_TEXT], mode[16];
    fingerprint_object *object = fingerprint_add(print, run->memory, "file", path);
    if (!object)
        return lb_out_of_memory(err);
    if (object->part_count || (stat(path, &st) != 0 && errno == ENOENT))
        return 0;
    int r = sha256_file(path, hash, err);
    if (r < 0)
        return r;
    (void)snprintf(mode, sizeof mode, "%o", (unsigned)st.st_mode); /* fits */
    bool added = fingerprint_add_part(object, run->memory, "content", hash) == 0 &&
                 fingerprint_add_part(object, run->memory, "mode", mode) == 0;
    return added ? 0 : lb_out_of_memory(err);
}

int door_fingerprint(const lb_group *group, fingerprint *ret_print, lb_error *err)
{
    fingerprint print = {0};
    run_state *run = group->run;
    int r = add_sql(group, &print, err);
    for (const change *c = group->first; c && r >= 0; c = c->next) {
        if (c->kind == CHANGE_API && c->service)
            r = add_http(run, c, &print, err);
        else if (c->kind == CHANGE_API)
            r = add_api(run, c->request, &print, err);
        else if (c->kind == CHANGE_FILE)
            r = add_file(run, c->path, &print, err);
    }
    if (r < 0)
        return lb_wrap(err, "the objects that an approval rests on cannot be looked at");
    fingerprint_seal(&print);
    *ret_print = print;
    return 0;
}
