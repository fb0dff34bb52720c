/* Projects and operations on disk. */
#include "local.h"

#include "clock.h"
#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define LOCK_WAIT          (30 * CLOCK_SECOND)
#define OPERATIONS_KEPT_US (INT64_C(24) * 3600 * CLOCK_SECOND)

static char *project_path(const local_cluster *c, const char *project, const char *ending)
{
    return base_printf("%s/projects/%s.%s", c->path, project, ending);
}

static int load(local_project *p, lb_error *err)
{
    LB_AUTO_FREE char *path = project_path(p->cluster, p->id, "json");
    int r = local_read_document(path, &p->d, err);
    return r == LB_ERR_NOT_FOUND ? 0 : r;
}

int local_look(const local_cluster *c, const char *project, local_project *ret_project, lb_error *err)
{
    local_project p = {.cluster = c, .id = base_strdup(project), .lock = -1};
    int r = load(&p, err);
    if (r < 0)
        local_close(&p);
    else
        *ret_project = p;
    return r;
}

int local_open(const local_cluster *c, const char *project, local_project *ret_project, lb_error *err)
{
    return local_open_within(c, project, LOCK_WAIT, ret_project, err);
}

int local_open_within(const local_cluster *c, const char *project, int64_t wait_us, local_project *ret_project,
                      lb_error *err)
{
    local_project p = {.cluster = c, .id = base_strdup(project), .lock = -1};
    LB_AUTO_FREE char *folder = base_printf("%s/projects", c->path), *path = project_path(c, project, "lock");
    int r = fs_make_dirs(folder, err);
    if (r >= 0)
        r = p.lock = local_lock(c->host, path, wait_us, err);
    if (r >= 0)
        r = load(&p, err);
    if (r < 0)
        local_close(&p);
    else
        *ret_project = p;
    return r < 0 ? r : 0;
}

int local_save(const local_project *p, lb_error *err)
{
    LB_AUTO_FREE char *path = project_path(p->cluster, p->id, "json");
    if (p->d)
        return local_write_document(path, p->d, err);
    return unlink(path) == 0 || errno == ENOENT ? 0 : fs_fail(err, errno, "remove", path);
}

void local_close(local_project *p)
{
    if (p->d)
        (void)json_object_put(p->d); /* says only whether it was the last reference */
    if (p->lock >= 0)
        (void)close(p->lock); /* gives the lock back */
    free(p->id);
    *p = (local_project){.lock = -1};
}

/* ---- branches ---- */

static doc *find_branch(const local_project *p, const char *path, const char *value)
{
    doc *list = p->d ? doc_at(p->d, "branches") : NULL;
    for (size_t i = 0; i < doc_length(list); i++)
        if (doc_is(doc_item(list, i), path, value))
            return doc_item(list, i);
    return NULL;
}

doc *local_branch(const local_project *p, const char *branch)
{
    return find_branch(p, "branch.branch_id", branch);
}

doc *local_branch_by_name(const local_project *p, const char *name)
{
    return find_branch(p, "branch.name", name);
}

doc *local_branch_by_directory(const local_project *p, const char *directory)
{
    return find_branch(p, "directory", directory);
}

doc *local_primary(doc *entry)
{
    doc *list = doc_at(entry, "endpoints");
    for (size_t i = 0; i < doc_length(list); i++)
        if (doc_is(doc_item(list, i), "status.endpoint_type", "ENDPOINT_TYPE_READ_WRITE"))
            return doc_item(list, i);
    return NULL;
}

void local_remove_branch(const local_project *p, const char *directory)
{
    doc *list = doc_at(p->d, "branches");
    for (size_t i = 0; i < doc_length(list); i++)
        if (doc_is(doc_item(list, i), "directory", directory)) {
            (void)json_object_array_del_idx(list, i, 1); /* the index is inside */
            return;
        }
}

/* ---- lists ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int local_project_ids(const local_cluster *c, char ***ret_ids, size_t *ret_count, lb_error *err)
{
    LB_AUTO_FREE char *folder = base_printf("%s/projects", c->path);
    char **ids = NULL;
    size_t count = 0, capacity = 0;
    struct dirent *entry;
    DIR *dir = opendir(folder);
    if (!dir && errno != ENOENT)
        return fs_fail(err, errno, "read directory", folder);
    while (dir && (entry = readdir(dir))) {
        size_t length = strlen(entry->d_name);
        if (length <= 5 || strcmp(entry->d_name + length - 5, ".json") != 0)
            continue;
        char *id = base_printf("%.*s", (int)length - 5, entry->d_name);
        if (!local_is_id(id)) {
            free(id);
            continue;
        }
        BASE_PUSH(ids, count, capacity);
        ids[count++] = id;
    }
    if (dir)
        (void)closedir(dir); /* was only read */
    if (count)
        qsort(ids, count, sizeof *ids, compare_texts);
    *ret_ids = ids;
    *ret_count = count;
    return 0;
}

void local_free_ids(char **ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(ids[i]);
    free(ids);
}

/* ---- operations ---- */

static char *operation_path(const local_cluster *c, const char *id)
{
    return base_printf("%s/operations/%s.json", c->path, id);
}

/* Old ones are forgotten when new ones come. */
static void forget_operations(const char *folder)
{
    struct dirent *entry;
    struct stat st;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (clock_now() / CLOCK_SECOND - st.st_mtime) * CLOCK_SECOND > OPERATIONS_KEPT_US)
            (void)unlinkat(dirfd(dir), entry->d_name, 0); /* else another time */
    if (dir)
        (void)closedir(dir); /* was only read */
}

int local_new_operation(const local_cluster *c, const char *resource, const char *kind, char ret_id[37], lb_error *err)
{
    LB_AUTO_FREE char *folder = base_printf("%s/operations", c->path);
    int r = fs_make_dirs(folder, err);
    if (r < 0)
        return r;
    forget_operations(folder);
    local_uuid(ret_id);
    LB_AUTO_FREE char *path = operation_path(c, ret_id), *name = base_printf("%s/operations/%s", resource, ret_id);
    LB_AUTO_FREE char *type = base_printf("type.googleapis.com/databricks.postgres.v1.%sOperationMetadata", kind);
    JSON_AUTO *operation = json_object_new_object();
    doc_set_text(operation, "name", name);
    doc_set_flag(operation, "done", false);
    doc *metadata = json_object_new_object();
    (void)json_object_object_add(metadata, "@type", json_object_new_string(type)); /* fails without memory alone */
    doc_set(operation, "metadata", metadata);
    return local_write_document(path, operation, err);
}

int local_read_operation(const local_cluster *c, const char *id, doc **ret_operation, lb_error *err)
{
    LB_AUTO_FREE char *path = operation_path(c, id);
    return local_read_document(path, ret_operation, err);
}

static const char *code_name(int code)
{
    return code == LB_ERR_LIMIT     ? "RESOURCE_EXHAUSTED"
           : code == LB_ERR_INVALID ? "INVALID_PARAMETER_VALUE"
                                    : "INTERNAL_ERROR";
}

int local_end_operation(const local_cluster *c, const char *id, doc *response, const lb_error *failure, lb_error *err)
{
    doc *operation = NULL;
    int r = local_read_operation(c, id, &operation, err);
    if (r == LB_ERR_NOT_FOUND)
        return 0; /* forgotten: nobody asks any more */
    if (r < 0)
        return r;
    LB_AUTO_FREE char *path = operation_path(c, id);
    doc_set_flag(operation, "done", true);
    if (failure) {
        doc_set_text(operation, "error.error_code", code_name(failure->code));
        doc_set_text(operation, "error.message", failure->message);
        doc_set(operation, "error.details", json_object_new_array());
    } else if (response) {
        doc_set(operation, "response", doc_copy(response));
    } else {
        doc *empty = json_object_new_object();
        (void)json_object_object_add(
            empty, "@type", json_object_new_string("type.googleapis.com/google.protobuf.Empty")); /* as above */
        doc_set(operation, "response", empty);
    }
    r = local_write_document(path, operation, err);
    (void)json_object_put(operation); /* says only whether it was the last reference */
    return r;
}
