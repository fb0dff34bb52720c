/* mock_json.h: JSON documents below one directory, read so that every complaint names the file and the place in it.
 * Nothing outside the directory is ever opened, and no symbolic link is followed. */
#ifndef LBOPS_SERVICES_MOCK_JSON_H
#define LBOPS_SERVICES_MOCK_JSON_H

#include <lbops/lbops.h>

#include <json-c/json.h>

typedef struct mock_dir {
    int fd;
    const char *path; /* for messages */
} mock_dir;

/* Where a complaint belongs: "case 2", with the file before it. */
typedef struct mock_place {
    const char *file;
    char where[160];
} mock_place;

/* One member that an object may have. Missing ones leave their mock_member zeroed. */
typedef struct mock_member {
    bool given;
    struct json_object *value; /* NULL: JSON's null */
} mock_member;

typedef struct mock_key {
    const char *name;
    size_t offset;       /* of the mock_member */
    enum json_type type; /* json_type_null: any */
    bool nullable;
} mock_key;

/* "FILE: case 2: message", LB_ERR_INVALID. */
LB_PRINTF(4, 5) int mock_bad(lb_error *err, const mock_place *place, const char *hint, const char *fmt, ...);

/* Opens a file below the directory; LB_ERR_NOT_FOUND when there is none. */
LB_MUST_CHECK int mock_open_below(const mock_dir *dir, const char *name, int flags, lb_error *err);

/* The caller puts the document. */
LB_MUST_CHECK int mock_json_read(const mock_dir *dir, const char *name, struct json_object **ret_document,
                                 lb_error *err);

/* Sorts an object's members into the mock_members of a struct; unknown keys and wrong types are refused. */
LB_MUST_CHECK int mock_json_members(struct json_object *object, const mock_key *keys, size_t count, void *into,
                                    const mock_place *place, lb_error *err);

/* A whole number that is not negative. */
LB_MUST_CHECK int mock_json_count(const mock_member *member, const char *name, int64_t fallback,
                                  const mock_place *place, int64_t *ret_count, lb_error *err);

/* Does `have` hold all that `want` says? Objects may have more members; lists must agree item by item. */
bool mock_json_matches(struct json_object *want, struct json_object *have);

/* Named values as an object, to match against: timestamps as RFC 3339, exact decimals as text, SQL and secrets left
 * out. */
struct json_object *mock_json_values(const lb_value *values);

#endif
