/* Files in the volume: names follow from outbox ids, and what is written again is written over. */
#include "delta_databricks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES       "/api/2.0/fs/files"
#define DIRECTORIES "/api/2.0/fs/directories"
#define SUFFIX      ".parquet"

/* Each segment is escaped, the slashes are kept. */
static char *url_of(const char *root, const char *path)
{
    rest_buf url = {.limit = 8192};
    rest_buf_text(&url, root);
    for (const char *p = path; *p;) {
        char segment[BRICKS_NAME_MOST + 1];
        size_t length = strcspn(p + 1, "/");
        (void)snprintf(segment, sizeof segment, "%.*s", (int)length, p + 1); /* names were measured */
        rest_buf_text(&url, "/");
        rest_buf_escaped(&url, segment);
        p += length + 1;
    }
    char *copy = url.failed ? NULL : delta_strdup(url.data);
    rest_buf_done(&url);
    return copy;
}

static char *file_of(const bricks *b, const char *table, const char *id)
{
    DELTA_AUTO_FREE char *folder = bricks_folder(b, table);
    return delta_printf("%s/%s" SUFFIX, folder, id);
}

static int name_volume_grant(const bricks *b, lb_error *err)
{
    return bricks_name_grant(b, err, "READ VOLUME, WRITE VOLUME ON VOLUME `%s`.`%s`.`%s`", b->catalog, b->schema,
                             b->volume);
}

static int perform(bricks *b, const rest_call *call, lb_error *err)
{
    rest_reply reply = {.status = 0};
    if (!call->path)
        return lb_out_of_memory(err);
    int r = rest_perform(b->client, call, &reply, err);
    rest_reply_done(&reply);
    return r < 0 ? name_volume_grant(b, err) : 0;
}

int bricks_make_path(bricks *b, const char *folder, int64_t deadline, lb_error *err)
{
    DELTA_AUTO_FREE char *url = url_of(DIRECTORIES, folder);
    const rest_call call = {.method = "PUT", .path = url, .what = folder, .deadline = deadline};
    return perform(b, &call, err);
}

int bricks_make_folder(bricks *b, const char *table, int64_t deadline, lb_error *err)
{
    DELTA_AUTO_FREE char *folder = bricks_folder(b, table);
    return bricks_make_path(b, folder, deadline, err);
}

/* Writing over what is there is right: it is the same file, whole or cut. */
int bricks_upload(bricks *b, const char *table, const char *id, const char *path, int64_t deadline, int64_t *ret_bytes,
                  lb_error *err)
{
    DELTA_AUTO_FREE char *file = file_of(b, table, id);
    return bricks_put(b, file, path, deadline, ret_bytes, err);
}

int bricks_put(bricks *b, const char *file, const char *path, int64_t deadline, int64_t *ret_bytes, lb_error *err)
{
    struct stat st;
    DELTA_AUTO_FREE char *url = url_of(FILES, file);
    DELTA_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return lb_fail(err, LB_ERR_IO, NULL, "%s cannot be read", path);
    const rest_call call = {.method = "PUT",
                            .path = url,
                            .query = "overwrite=true",
                            .content_type = "application/octet-stream",
                            .body_fd = fd,
                            .body_length = (size_t)st.st_size,
                            .what = file,
                            .deadline = deadline};
    *ret_bytes = st.st_size;
    return perform(b, &call, err);
}

int bricks_put_once(bricks *b, const char *file, const char *text, int64_t deadline, lb_error *err)
{
    DELTA_AUTO_FREE char *url = url_of(FILES, file);
    const rest_call call = {.method = "PUT",
                            .path = url,
                            .query = "overwrite=false",
                            .content_type = "application/octet-stream",
                            .body = text,
                            .body_length = strlen(text),
                            .what = file,
                            .deadline = deadline};
    return perform(b, &call, err);
}

int bricks_get(bricks *b, const char *file, int64_t deadline, char **ret_text, lb_error *err)
{
    rest_reply reply = {.status = 0};
    DELTA_AUTO_FREE char *url = url_of(FILES, file);
    const rest_call call = {.method = "GET", .path = url, .what = file, .deadline = deadline};
    *ret_text = NULL;
    if (!url)
        return lb_out_of_memory(err);
    int r = rest_perform(b->client, &call, &reply, err);
    if (r == 0)
        *ret_text = delta_strndup(reply.body.data ? reply.body.data : "", reply.body.length);
    rest_reply_done(&reply);
    return r == LB_ERR_NOT_FOUND ? 0 : r < 0 ? name_volume_grant(b, err) : 0;
}

int bricks_remove(bricks *b, const char *table, const char *id, int64_t deadline, lb_error *err)
{
    DELTA_AUTO_FREE char *file = file_of(b, table, id);
    return bricks_delete(b, file, deadline, err);
}

int bricks_delete(bricks *b, const char *file, int64_t deadline, lb_error *err)
{
    DELTA_AUTO_FREE char *url = url_of(FILES, file);
    const rest_call call = {.method = "DELETE", .path = url, .what = file, .deadline = deadline};
    int r = perform(b, &call, err);
    return r == LB_ERR_NOT_FOUND ? 0 : r;
}

typedef struct listing {
    int (*each)(void *arg, const char *id, lb_error *err);
    void *arg;
} listing;

/* Only names that are outbox ids are ours. */
static int take_entry(void *arg, struct json_object *entry, lb_error *err)
{
    const listing *l = arg;
    const char *name = rest_json_text(entry, "name");
    size_t length = name ? strlen(name) : 0, suffix = sizeof SUFFIX - 1;
    if (length <= suffix || strcmp(name + length - suffix, SUFFIX) != 0)
        return 0;
    DELTA_AUTO_FREE char *id = delta_strndup(name, length - suffix);
    return delta_id_is_sound(id) ? l->each(l->arg, id, err) : 0;
}

int bricks_list(bricks *b, const char *table, int64_t deadline, int (*each)(void *arg, const char *id, lb_error *err),
                void *arg, lb_error *err)
{
    listing l = {each, arg};
    DELTA_AUTO_FREE char *folder = bricks_folder(b, table);
    DELTA_AUTO_FREE char *url = url_of(DIRECTORIES, folder);
    if (!url)
        return lb_out_of_memory(err);
    const rest_call call = {.method = "GET", .path = url, .what = folder, .deadline = deadline};
    int r = rest_pages(b->client, &call, "contents", take_entry, &l, err);
    return r < 0 ? name_volume_grant(b, err) : 0;
}
