/* What the actions of a log add up to. */
#include "delta_log.h"

#include <json-c/json.h>

#define REPLAY_DEPTH 64

void delta_data_file_done(delta_data_file *file)
{
    free(file->path);
    free(file->partition);
    free(file->stats);
}

void delta_data_files_done(delta_data_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        delta_data_file_done(&files->items[i]);
    free(files->items);
    *files = (delta_data_files){0};
}

static void tombstone_done(delta_tombstone *t)
{
    free(t->path);
    free(t->partition);
}

void delta_snapshot_done(delta_snapshot *snapshot)
{
    delta_data_files_done(&snapshot->files);
    for (size_t i = 0; i < snapshot->tombstone_count; i++)
        tombstone_done(&snapshot->tombstones[i]);
    for (size_t i = 0; i < snapshot->application_count; i++)
        free(snapshot->applications[i].id);
    free(snapshot->tombstones);
    free(snapshot->applications);
    char *const texts[] = {
        snapshot->id,           snapshot->name, snapshot->description, snapshot->schema, snapshot->partition_columns,
        snapshot->configuration};
    for (size_t i = 0; i < DELTA_COUNT(texts); i++)
        free(texts[i]);
    *snapshot = (delta_snapshot){.version = -1, .checkpoint = -1};
}

static uint64_t hash_of(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h;
}

static delta_data_file *find(const delta_snapshot *snapshot, const char *path)
{
    uint64_t hash = hash_of(path);
    for (size_t i = snapshot->files.count; i-- > 0;)
        if (snapshot->files.items[i].hash == hash && strcmp(snapshot->files.items[i].path, path) == 0)
            return &snapshot->files.items[i];
    return NULL;
}

const delta_data_file *delta_snapshot_find(const delta_snapshot *snapshot, const char *path)
{
    return find(snapshot, path);
}

int64_t delta_snapshot_application(const delta_snapshot *snapshot, const char *id)
{
    for (size_t i = 0; i < snapshot->application_count; i++)
        if (strcmp(snapshot->applications[i].id, id) == 0)
            return snapshot->applications[i].version;
    return -1;
}

/* ---- members ---- */

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    (void)json_object_object_get_ex(object, name, &value); /* NULL where it is not there */
    return value;
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *value = member(object, name);
    return value ? json_object_get_string(value) : NULL;
}

static int64_t number_of(struct json_object *object, const char *name)
{
    return json_object_get_int64(member(object, name));
}

static void replace(char **slot, const char *text)
{
    free(*slot);
    *slot = delta_strdup(text);
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Paths in a log are URIs. */
static char *decode_path(const char *path)
{
    char *decoded = delta_strdup(path), *to = decoded;
    for (const char *p = path; *p; p++) {
        if (*p == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
            *to++ = (char)(hex(p[1]) << 4 | hex(p[2]));
            p += 2;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
    return decoded;
}

static int64_t rows_in(const char *stats)
{
    struct json_object *parsed = stats ? json_tokener_parse(stats) : NULL;
    struct json_object *rows = parsed ? member(parsed, "numRecords") : NULL;
    int64_t n = rows ? json_object_get_int64(rows) : -1;
    (void)json_object_put(parsed); /* says whether it was the last */
    return n;
}

/* ---- actions ---- */

static void forget_tombstone(delta_snapshot *snapshot, const char *path)
{
    for (size_t i = 0; i < snapshot->tombstone_count; i++) {
        if (strcmp(snapshot->tombstones[i].path, path) != 0)
            continue;
        tombstone_done(&snapshot->tombstones[i]);
        snapshot->tombstones[i] = snapshot->tombstones[--snapshot->tombstone_count];
        return;
    }
}

static int replay_add(delta_snapshot *snapshot, struct json_object *add, lb_error *err)
{
    const char *path = text_of(add, "path");
    if (!path || strstr(path, "://") || *path == '/')
        return lb_fail(err, LB_ERR_UNSUPPORTED, "this history reads only files inside the table's folder",
                       "a file in the log of a table has the path %.200s", path ? path : "(none)");
    if (member(add, "deletionVector"))
        return lb_fail(err, LB_ERR_UNSUPPORTED, "rewrite the table without deletion vectors (REORG ... APPLY (PURGE))",
                       "%.200s has a deletion vector", path);
    char *decoded = decode_path(path);
    const char *stats = text_of(add, "stats");
    delta_data_file *file = find(snapshot, decoded);
    if (file) {
        delta_data_file_done(file);
    } else {
        DELTA_PUSH(snapshot->files.items, snapshot->files.count, snapshot->files.capacity);
        file = &snapshot->files.items[snapshot->files.count++];
        if (snapshot->tombstone_count)
            forget_tombstone(snapshot, decoded);
    }
    *file = (delta_data_file){.path = decoded,
                              .partition = delta_strdup(text_of(member(add, "partitionValues"), DELTA_PARTITION)),
                              .stats = delta_strdup(stats),
                              .size = number_of(add, "size"),
                              .modified_ms = number_of(add, "modificationTime"),
                              .rows = rows_in(stats),
                              .hash = hash_of(decoded)};
    return 0;
}

static void replay_remove(delta_snapshot *snapshot, struct json_object *remove)
{
    const char *path = text_of(remove, "path");
    if (!path)
        return;
    char *decoded = decode_path(path);
    delta_data_file *file = find(snapshot, decoded);
    int64_t size = number_of(remove, "size");
    if (file) {
        size = size ? size : file->size;
        delta_data_file_done(file);
        *file = snapshot->files.items[--snapshot->files.count];
    } else {
        forget_tombstone(snapshot, decoded);
    }
    DELTA_PUSH(snapshot->tombstones, snapshot->tombstone_count, snapshot->tombstone_capacity);
    snapshot->tombstones[snapshot->tombstone_count++] =
        (delta_tombstone){.path = decoded,
                          .partition = delta_strdup(text_of(member(remove, "partitionValues"), DELTA_PARTITION)),
                          .deleted_ms = number_of(remove, "deletionTimestamp"),
                          .size = size};
}

static void replay_metadata(delta_snapshot *snapshot, struct json_object *metadata)
{
    struct json_object *partitions = member(metadata, "partitionColumns"),
                       *configuration = member(metadata, "configuration");
    replace(&snapshot->id, text_of(metadata, "id"));
    replace(&snapshot->name, text_of(metadata, "name"));
    replace(&snapshot->description, text_of(metadata, "description"));
    replace(&snapshot->schema, text_of(metadata, "schemaString"));
    replace(&snapshot->partition_columns,
            partitions ? json_object_to_json_string_ext(partitions, JSON_C_TO_STRING_PLAIN) : "[]");
    replace(&snapshot->configuration,
            configuration ? json_object_to_json_string_ext(configuration, JSON_C_TO_STRING_PLAIN) : "{}");
    snapshot->created_ms = number_of(metadata, "createdTime");
}

static void replay_application(delta_snapshot *snapshot, struct json_object *txn)
{
    const char *id = text_of(txn, "appId");
    size_t i = 0;
    if (!id)
        return;
    while (i < snapshot->application_count && strcmp(snapshot->applications[i].id, id) != 0)
        i++;
    if (i == snapshot->application_count) {
        DELTA_PUSH(snapshot->applications, snapshot->application_count, snapshot->application_capacity);
        snapshot->applications[snapshot->application_count++] = (delta_application){.id = delta_strdup(id)};
    }
    snapshot->applications[i].version = number_of(txn, "version");
    snapshot->applications[i].updated_ms = number_of(txn, "lastUpdated");
}

static int replay_protocol(delta_snapshot *snapshot, struct json_object *protocol, lb_error *err)
{
    snapshot->reader = json_object_get_int(member(protocol, "minReaderVersion"));
    snapshot->writer = json_object_get_int(member(protocol, "minWriterVersion"));
    if (snapshot->reader > DELTA_READER_VERSION)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "drop the table feature that another writer has switched on",
                       "a table of the history asks for reader version %d, and this one speaks %d", snapshot->reader,
                       DELTA_READER_VERSION);
    return 0;
}

static int replay_object(delta_snapshot *snapshot, struct json_object *line, lb_error *err)
{
    struct json_object *action;
    int r = 0;
    if ((action = member(line, "protocol")))
        r = replay_protocol(snapshot, action, err);
    if (r == 0 && (action = member(line, "metaData")))
        replay_metadata(snapshot, action);
    if (r == 0 && (action = member(line, "txn")))
        replay_application(snapshot, action);
    if (r == 0 && (action = member(line, "add")))
        r = replay_add(snapshot, action, err);
    if (r == 0 && (action = member(line, "remove")))
        replay_remove(snapshot, action);
    if (r == 0 && (action = member(line, "commitInfo")) && member(action, "timestamp"))
        snapshot->timestamp_ms = number_of(action, "timestamp");
    return r;
}

int delta_replay(delta_snapshot *snapshot, const char *json, size_t length, lb_error *err)
{
    struct json_tokener *tokener = json_tokener_new_ex(REPLAY_DEPTH);
    if (!tokener)
        return lb_out_of_memory(err);
    struct json_object *line = length < INT32_MAX ? json_tokener_parse_ex(tokener, json, (int)length) : NULL;
    int r = line && json_object_is_type(line, json_type_object)
                ? replay_object(snapshot, line, err)
                : lb_fail(err, LB_ERR_INVALID, NULL, "a line of a table's log is no JSON object");
    (void)json_object_put(line); /* says whether it was the last */
    json_tokener_free(tokener);
    return r;
}

int delta_check_protocol(const delta_snapshot *snapshot, const char *table, lb_error *err)
{
    if (snapshot->version >= 0 && snapshot->writer > DELTA_WRITER_VERSION)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "drop the table feature that another writer has switched on",
                       "table %s asks for writer version %d, and this one speaks %d", table, snapshot->writer,
                       DELTA_WRITER_VERSION);
    return 0;
}
