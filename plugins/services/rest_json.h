/* rest_json.h: answers of servers as JSON: strictly parsed, and read by dotted paths ("status.hosts.host"). A member
 * that is absent reads as null does: as nothing. [any] */
#ifndef LBOPS_SERVICES_REST_JSON_H
#define LBOPS_SERVICES_REST_JSON_H

#include <lbops/lbops.h>

#include <json-c/json.h>

/* NULL after a failure. The caller puts it. An empty text is an empty object: void calls may answer so. */
struct json_object *rest_json_parse(const char *text, size_t length, const char *what, lb_error *err);

struct json_object *rest_json_at(struct json_object *object, const char *path);
const char *rest_json_text(struct json_object *object, const char *path); /* NULL: absent, or no text */
bool rest_json_flag(struct json_object *object, const char *path);

/* Whole numbers may come as numbers or as texts of digits. */
int64_t rest_json_number(struct json_object *object, const char *path, int64_t fallback);

/* The list's length; 0 where there is none. */
size_t rest_json_count(struct json_object *list);

/* For making documents: false when there is no memory. The value is taken over, whatever comes of it. */
bool rest_json_add(struct json_object *object, const char *name, struct json_object *value);
bool rest_json_add_text(struct json_object *object, const char *name, const char *text);

#define REST_JSON_AUTO __attribute__((cleanup(rest_json_put_holder))) struct json_object
void rest_json_put_holder(struct json_object **holder);

#endif
