/* json.h: JSON out (a writer onto a buf, from values) and JSON in (a strict check before json-c sees foreign text). */
#ifndef LBOPS_HOST_JSON_H
#define LBOPS_HOST_JSON_H

#include "buf.h"

#include <json-c/json.h>

/* True for well-formed UTF-8 (RFC 3629) without NUL. */
bool json_is_utf8(const char *text, size_t length);

/* A quoted, escaped string. Invalid UTF-8 bytes become U+FFFD each: check with json_is_utf8 where that matters. NULL:
 * null. */
void json_string(buf *b, const char *text);
void json_i64(buf *b, int64_t number);
void json_double(buf *b, double number); /* shortest that reads back; NaN and infinities as strings */
void json_time(buf *b, int64_t microseconds);

/* "name": with a comma before it unless the last byte opens an object or a list. */
void json_key(buf *b, const char *name);
void json_comma(buf *b);

void json_member_string(buf *b, const char *name, const char *text);
void json_member_i64(buf *b, const char *name, int64_t number);
void json_member_bool(buf *b, const char *name, bool flag);
void json_member_raw(buf *b, const char *name, const char *document); /* NULL: null */

/* A value, and named values (json_named) as {...}. Fails with LB_ERR_INVALID (the path to the bad member is in the
 * message) for invalid UTF-8 in a text, for a JSON value that is not one document, and for nesting deeper than 32.
 * LB_SECRET is never written. */
LB_MUST_CHECK int json_value(buf *b, const lb_value *value, lb_error *err);
LB_MUST_CHECK int json_named(buf *b, const lb_value *values, lb_error *err);
/* The members only, for an object that is open already. */
LB_MUST_CHECK int json_members(buf *b, const lb_value *values, lb_error *err);

/* Strict RFC 8259, one document, depth at most 64. Returns 0 or LB_ERR_INVALID with the byte offset in the message. */
LB_MUST_CHECK int json_check(const char *text, size_t length, lb_error *err);

/* The same for documents that we made ourselves, which may hold foreign ones: depth at most 128. */
LB_MUST_CHECK int json_check_own(const char *text, size_t length, lb_error *err);

/* json_check, then json-c. The caller puts the object. NULL after a failure, and `null` is one: json-c has no
 * object for it. */
struct json_object *json_parse(const char *text, size_t length, lb_error *err);

/* Members of an object, where they are there and of that type; else NULL or the fallback. Borrowed. */
const char *json_get_text(struct json_object *object, const char *name);
int64_t json_get_i64(struct json_object *object, const char *name, int64_t fallback);
bool json_get_bool(struct json_object *object, const char *name);
struct json_object *json_get_object(struct json_object *object, const char *name);
struct json_object *json_get_list(struct json_object *object, const char *name);

#define JSON_AUTO LB_CLEANUP(json_put_holder) struct json_object
void json_put_holder(struct json_object **holder);
#endif
