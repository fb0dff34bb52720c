#include "delta_log.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTS_MAX 1000

char *delta_log_path(const char *directory, int64_t version, const char *suffix)
{
    return delta_printf("%s/_delta_log/%020lld%s", directory, (long long)version, suffix);
}

/* ---- commits ---- */

/* LB_ERR_NOT_FOUND: there is no such version. A commit appears whole, by link. */
static int read_commit(const char *directory, int64_t version, delta_snapshot *snapshot, lb_error *err)
{
    DELTA_AUTO_FREE char *path = delta_log_path(directory, version, ".json");
    DELTA_AUTO_FREE char *content = NULL;
    size_t length = 0;
    int r = delta_read(path, &content, &length, err);
    if (!content)
        return r;
    for (char *line = content, *end = content + length, *feed; r == 0 && line < end; line = feed + 1) {
        feed = memchr(line, '\n', (size_t)(end - line));
        feed = feed ? feed : end;
        if (feed > line)
            r = delta_replay(snapshot, line, (size_t)(feed - line), err);
    }
    if (r < 0)
        return lb_wrap(err, path);
    snapshot->version = version;
    return 0;
}

/* ---- checkpoints ---- */

typedef struct checkpoint {
    int64_t version;
    int64_t parts; /* 0: one file without a number */
} checkpoint;

static char *part_path(const char *directory, const checkpoint *point, int64_t part)
{
    if (point->parts == 0)
        return delta_log_path(directory, point->version, ".checkpoint.parquet");
    DELTA_AUTO_FREE char *suffix =
        delta_printf(".checkpoint.%010lld.%010lld.parquet", (long long)part, (long long)point->parts);
    return delta_log_path(directory, point->version, suffix);
}

static bool is_complete(const char *directory, const checkpoint *point)
{
    for (int64_t part = 1; part <= (point->parts ? point->parts : 1); part++) {
        DELTA_AUTO_FREE char *path = part_path(directory, point, part);
        if (access(path, R_OK) != 0)
            return false;
    }
    return true;
}

/* What _last_checkpoint says, if it can be believed. */
static bool pointed_checkpoint(const char *directory, checkpoint *ret)
{
    lb_error ignored;
    size_t length;
    DELTA_AUTO_FREE char *path = delta_printf("%s/_delta_log/_last_checkpoint", directory);
    DELTA_AUTO_FREE char *content = NULL;
    struct json_object *version, *parts;
    if (delta_read(path, &content, &length, &ignored) < 0)
        return false;
    struct json_object *pointer = json_tokener_parse(content);
    checkpoint found = {.version = -1};
    if (json_object_object_get_ex(pointer, "version", &version))
        found.version = json_object_get_int64(version);
    if (json_object_object_get_ex(pointer, "parts", &parts))
        found.parts = json_object_get_int64(parts);
    (void)json_object_put(pointer); /* says whether it was the last */
    if (found.version < 0 || found.parts < 0 || found.parts > PARTS_MAX || !is_complete(directory, &found))
        return false;
    *ret = found;
    return true;
}

/* Digits of that many places, then `after`. */
static bool take_number(const char **p, size_t places, const char *after, int64_t *ret)
{
    size_t length = strlen(after);
    if (strspn(*p, "0123456789") != places || strncmp(*p + places, after, length) != 0)
        return false;
    *ret = strtoll(*p, NULL, 10);
    *p += places + length;
    return true;
}

/* VERSION.checkpoint.parquet, or VERSION.checkpoint.PART.PARTS.parquet */
static bool parse_checkpoint_name(const char *name, checkpoint *ret)
{
    checkpoint found = {.version = -1};
    int64_t part;
    const char *p = name;
    if (!take_number(&p, 20, ".checkpoint.", &found.version))
        return false;
    if (strcmp(p, "parquet") != 0 &&
        (!take_number(&p, 10, ".", &part) || !take_number(&p, 10, ".parquet", &found.parts) || *p || found.parts < 1 ||
         found.parts > PARTS_MAX))
        return false;
    *ret = found;
    return true;
}

/* The newest complete one that lies there. */
static bool listed_checkpoint(const char *directory, checkpoint *ret)
{
    DELTA_AUTO_FREE char *path = delta_printf("%s/_delta_log", directory);
    checkpoint best = {.version = -1}, found;
    DIR *d = opendir(path);
    if (!d)
        return false;
    for (struct dirent *e; (e = readdir(d));)
        if (parse_checkpoint_name(e->d_name, &found) && found.version > best.version && is_complete(directory, &found))
            best = found;
    (void)closedir(d); /* read only */
    *ret = best;
    return best.version >= 0;
}

static int replay_row(void *arg, uint32_t count, const char *const *cells, lb_error *err)
{
    (void)count; /* one column */
    return cells[0] ? delta_replay(arg, cells[0], strlen(cells[0]), err) : 0;
}

static int read_checkpoint(const delta_log *log, const checkpoint *point, delta_snapshot *snapshot, lb_error *err)
{
    static const char sql[] = "SELECT CAST(to_json(c) AS VARCHAR) FROM read_parquet($1) AS c";
    duckdb_result result;
    char *paths[PARTS_MAX];
    size_t count = point->parts ? (size_t)point->parts : 1;
    delta_engine *engine = log->engine(log->arg, err);
    if (!engine)
        return err->code;
    for (size_t i = 0; i < count; i++)
        paths[i] = part_path(log->directory, point, (int64_t)i + 1);
    duckdb_value values[] = {delta_value_texts((const char *const *)paths, count)};
    int r = delta_run(engine, sql, values, 1, 0, &result, err);
    if (r == 0) {
        r = delta_each_row(&result, replay_row, snapshot, err);
        duckdb_destroy_result(&result);
    }
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    if (r == 0)
        snapshot->version = snapshot->checkpoint = point->version;
    return r;
}

/* ---- the whole log ---- */

static int read_newer(const delta_log *log, delta_snapshot *snapshot, lb_error *err)
{
    lb_error error;
    int r = 0;
    while (r == 0)
        r = read_commit(log->directory, snapshot->version + 1, snapshot, &error);
    if (r == LB_ERR_NOT_FOUND)
        return 0;
    *err = error;
    return r;
}

int delta_log_read(const delta_log *log, delta_snapshot *snapshot, lb_error *err)
{
    checkpoint point;
    int r = read_newer(log, snapshot, err);
    if (r < 0)
        return r;
    /* Commits that a newer checkpoint covers may have been cleaned away under us, or before we came. */
    if (!pointed_checkpoint(log->directory, &point) &&
        (snapshot->version >= 0 || !listed_checkpoint(log->directory, &point)))
        return 0;
    if (point.version > snapshot->checkpoint && point.version <= snapshot->version)
        snapshot->checkpoint = point.version;
    if (point.version <= snapshot->version)
        return 0;
    delta_snapshot_done(snapshot);
    r = read_checkpoint(log, &point, snapshot, err);
    return r < 0 ? r : read_newer(log, snapshot, err);
}

int delta_log_put(const char *directory, int64_t version, const delta_text *actions, bool *ret_stands, lb_error *err)
{
    char id[DELTA_UUID_TEXT];
    delta_uuid(id);
    DELTA_AUTO_FREE char *temporary = delta_printf("%s/_delta_log/.%s.tmp", directory, id);
    DELTA_AUTO_FREE char *final = delta_log_path(directory, version, ".json");
    DELTA_AUTO_FREE char *log = delta_printf("%s/_delta_log", directory);
    int r = delta_write(temporary, actions->data, actions->length, err);
    if (r < 0)
        return r;
    int problem = link(temporary, final) == 0 ? 0 : errno;
    (void)unlink(temporary); /* what stays is swept later */
    if (problem == EEXIST)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "version %lld of %s is there already", (long long)version,
                       directory);
    if (problem)
        return delta_fail_errno(err, problem, "commit", final);
    *ret_stands = true;
    return delta_sync(log, err);
}

int delta_log_point(const char *directory, int64_t version, int64_t actions, int64_t size, lb_error *err)
{
    char id[DELTA_UUID_TEXT];
    delta_uuid(id);
    DELTA_AUTO_FREE char *temporary = delta_printf("%s/_delta_log/.%s.tmp", directory, id);
    DELTA_AUTO_FREE char *final = delta_printf("%s/_delta_log/_last_checkpoint", directory);
    DELTA_TEXT text = {0};
    delta_text_printf(&text, "{\"version\":%lld,\"size\":%lld,\"sizeInBytes\":%lld}", (long long)version,
                      (long long)actions, (long long)size);
    int r = delta_write(temporary, text.data, text.length, err);
    if (r == 0 && rename(temporary, final) != 0)
        r = delta_fail_errno(err, errno, "rename into", final);
    return r;
}
