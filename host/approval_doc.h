/* approval_doc.h: the approval document: a group of changes that waits for a person, with everything that is needed to
 * decide on it and to execute exactly it later, and nothing else.
 *
 * {"tool","agent","run_id","target":{"project","branch","class"},"title","reason","undo","evidence":{},"atomic",
 *  "bounded","decision_why","risk","effect","requested_by":{"kind","actor"},
 *  "changes":[{"kind","effect","statement", and by its kind
 *      sql:  "name","text","params":[{"type","text"}],"args":[{"name","type","text"|"items"|"members"}], and "rests"
 *            where it is a rest between others
 *      api:  "method","path","query","body", and "service" where it is a web service's
 *      file: "path","content"
 *      exec: "argv":[]
 *      lake: "name","text","args":[as sql's],"table":{"catalog","schema","name"},"expects"}],
 *  "notes":[{"kind":"record"|"event","name","values":[as args]}], where there are any,
 *  "fingerprint":{},"subject","hash"}
 *
 * The hash is over what is executed (kinds, texts, parameters, arguments, requests, files, programs, the target, atomic
 * and bounded, and what is noted of it afterwards) and the fingerprint of what it touches; it is made of the values and
 * not of this text, so that a store may order members and print white space as it likes. Values stand as text with
 * their type beside them for the same reason. Secrets never get in: a change that carries one cannot be asked for. */
#ifndef LBOPS_HOST_APPROVAL_DOC_H
#define LBOPS_HOST_APPROVAL_DOC_H

#include "fingerprint.h"
#include "gate.h"

#define APPROVAL_BYTES   ((size_t)4 * 1024 * 1024 - 65536) /* of a document: it travels as one argument of a run */
#define APPROVAL_CHANGES 10000

typedef enum change_kind { CHANGE_SQL, CHANGE_API, CHANGE_FILE, CHANGE_EXEC, CHANGE_LAKE } change_kind;

const char *change_kind_name(change_kind kind); /* "sql" "api" "file" "exec" "lake" */

typedef struct approval_change {
    change_kind kind;
    effect effect;
    const char *statement; /* for people */
    struct {
        const char *name, *text;        /* of the catalogue; as the server gets it */
        const char *const *params;      /* a NULL entry is null */
        const char *const *param_types; /* "int8" */
        uint32_t param_count;
        const lb_value *args; /* as they were given, without composed pieces */
        bool rests;           /* it says how long to rest */
    } sql;
    const char *service; /* the web service that the request goes to; NULL: the control plane */
    lb_request request;
    const char *path, *content;
    const char *const *argv;
    struct {
        const char *catalog, *schema, *name;
        const char *expects; /* what the question has to be answered with; NULL: it is a MERGE */
    } lake;                  /* its text and values are in sql */
} approval_change;

/* What is written down when the changes have been made: a row of history, or an event. */
typedef struct approval_note {
    bool is_event;
    const char *name; /* the table's, or the event's */
    const lb_value *values;
} approval_note;

#define APPROVAL_NOTES 1000

typedef struct approval {
    const char *tool, *agent, *run_id;
    lb_target target;
    const char *title, *reason, *undo; /* undo may be NULL */
    const char *evidence;              /* a JSON object */
    const char *decision_why;
    bool atomic, bounded;
    lb_risk risk;
    effect effect; /* the strongest of the group */
    gate_actor actor_kind;
    const char *actor;
    const approval_change *changes;
    size_t change_count;
    const approval_note *notes;
    size_t note_count;
    fingerprint fingerprint;
    char subject[SHA256_TEXT], hash[SHA256_TEXT];
} approval;

/* Fills subject and hash and writes the document. A change with a secret: LB_ERR_INVALID; too large: LB_ERR_LIMIT. */
LB_MUST_CHECK int approval_write(approval *a, buf *into, lb_error *err);

/* Reads a document and trusts nothing of it. Malformed: LB_ERR_INVALID; its hash is not that of its content:
 * LB_ERR_CONFLICT. */
LB_MUST_CHECK int approval_read(const char *json, size_t length, arena *memory, approval *ret_approval, lb_error *err);

/* Hexadecimal, of SHA256_TEXT bytes. */
void approval_hash(const approval *a, char hash[SHA256_TEXT]);

/* Two documents with the same subject propose the same thing: the same tool on the same branch with the same changes,
 * but for the values that differ from run to run. Denials are remembered by it. (approval_subject.c says which.) */
void approval_subject(const approval *a, char subject[SHA256_TEXT]);

/* Does the evidence (JSON objects) say the same as it did? Texts and flags must be equal, numbers within a fifth of the
 * larger one; of a point in time only counts whether there is one; what came or went makes a difference, and so does
 * what is no JSON. */
bool approval_evidence_same(const char *before, const char *now);

/* The reason why this change must not be written down, or NULL: it carries what looks like a secret. */
const char *approval_secret_in(const approval_change *c);

#endif
