/* fingerprint.h: the state of the objects that changes touch, so that what a person decided on can be told from what
 * stands there now: definitions, owners, permissions; not sizes, statistics, states and times.
 *
 * As JSON: {"objects":[{"kind","name","hash","parts":{"owner":"...", ...}}],"hash"}. Objects and parts are sorted; an
 * object that does not exist has no parts and "absent" for its hash. */
#ifndef LBOPS_HOST_FINGERPRINT_H
#define LBOPS_HOST_FINGERPRINT_H

#include "arena.h"
#include "buf.h"
#include "sha256.h"

#define FINGERPRINT_ABSENT "absent"

typedef struct fingerprint_part {
    const char *name, *text;
} fingerprint_part;

typedef struct fingerprint_object {
    const char *kind, *name; /* "relation" "public.orders"; "api" "projects/shop/branches/dev"; "file" "/srv/a.sql" */
    fingerprint_part *parts;
    size_t part_count, part_capacity;
    char hash[SHA256_TEXT];
} fingerprint_object;

typedef struct fingerprint {
    fingerprint_object *objects;
    size_t count, capacity;
    char hash[SHA256_TEXT];
} fingerprint;

/* Building: an object is added once however often it is named. NULL or LB_ERR_NO_MEMORY when the arena is full. */
fingerprint_object *fingerprint_add(fingerprint *f, arena *memory, const char *kind, const char *name);
LB_MUST_CHECK int fingerprint_add_part(fingerprint_object *object, arena *memory, const char *name, const char *text);
void fingerprint_seal(fingerprint *f); /* sorts and hashes; nothing may be added after it */

void fingerprint_write(buf *into, const fingerprint *f);
struct json_object;
LB_MUST_CHECK int fingerprint_read(struct json_object *document, arena *memory, fingerprint *ret_fingerprint,
                                   lb_error *err);

/* What moved, as [{"object","part","before","now"}]: an object that came or went has the part "object" and null on one
 * side. "[]" when nothing did. */
void fingerprint_difference(buf *into, const fingerprint *before, const fingerprint *now);

/* A control-plane document without what moves by itself: times but for the creation's and the expiry's, states, sizes,
 * counters. One part for each member, by its path. */
LB_MUST_CHECK int fingerprint_add_document(fingerprint_object *object, arena *memory, const char *json, lb_error *err);

#endif
