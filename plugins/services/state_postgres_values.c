#include "state_postgres.h"

#include <stdlib.h>

const char *const batch_types[BATCH_VALUES] = {"text",   "int8",   "int4[]", "bool[]", "int4[]", "text[]", "text[]",
                                               "int8[]", "text[]", "text[]", "int8[]", "int8[]", "json[]"};

/* ---- arrays as text ---- */

typedef struct array {
    char *text;
    size_t length, capacity;
    bool failed; /* no memory: whatever comes is left out */
} array;

static bool reserve(array *a, size_t more)
{
    size_t capacity = a->capacity ? a->capacity : 256;
    if (a->failed)
        return false;
    while (capacity < a->length + more + 1)
        capacity *= 2;
    char *text = capacity == a->capacity ? a->text : realloc(a->text, capacity);
    if (!text) {
        a->failed = true;
        return false;
    }
    a->text = text;
    a->capacity = capacity;
    return true;
}

static void put(array *a, const char *bytes, size_t length)
{
    if (!reserve(a, length))
        return;
    memcpy(a->text + a->length, bytes, length);
    a->length += length;
    a->text[a->length] = '\0';
}

static void begin_element(array *a)
{
    put(a, a->length ? "," : "{", 1);
}

static void put_number(array *a, int64_t number)
{
    char text[24];
    begin_element(a);
    put(a, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)number)); /* fits */
}

/* Quoted, so that nothing in it means anything to the array. */
static void put_text(array *a, const char *text)
{
    begin_element(a);
    if (!text) {
        put(a, "NULL", 4);
        return;
    }
    put(a, "\"", 1);
    while (*text) {
        size_t plain = strcspn(text, "\"\\");
        put(a, text, plain);
        text += plain;
        if (*text) {
            put(a, "\\", 1);
            put(a, text++, 1);
        }
    }
    put(a, "\"", 1);
}

static char *finish(array *a)
{
    put(a, a->length ? "}" : "{}", a->length ? 1 : 2);
    if (a->failed) {
        free(a->text);
        return NULL;
    }
    return a->text;
}

/* ---- a batch ---- */

enum { CLIENT, NUMBER, SIZES, UNDOABLE, VERBS, SPACES, KEYS, VERSIONS, STATUSES, OWNERS, ATS, TTLS, BODIES };

static void put_op(array *arrays, const lb_state_op *op)
{
    put_number(&arrays[VERBS], (int64_t)op->verb);
    put_text(&arrays[SPACES], op->space);
    put_text(&arrays[KEYS], op->key);
    put_number(&arrays[VERSIONS], op->version);
    put_text(&arrays[STATUSES], op->status);
    put_text(&arrays[OWNERS], op->owner);
    put_number(&arrays[ATS], op->at);
    put_number(&arrays[TTLS], op->ttl_us);
    put_text(&arrays[BODIES], state_body(op));
}

int batch_values_init(batch_values *v, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                      lb_error *err)
{
    array arrays[BATCH_VALUES] = {{NULL, 0, 0, false}};
    bool failed = false;
    *v = (batch_values){{NULL}, {NULL}, ""};
    for (size_t i = 0; i < count; i++) {
        put_number(&arrays[SIZES], (int64_t)txns[i].count);
        put_text(&arrays[UNDOABLE], state_needs_undo(&txns[i]) ? "t" : "f");
        for (size_t j = 0; j < txns[i].count; j++)
            put_op(arrays, &txns[i].ops[j]);
    }
    (void)snprintf(v->number, sizeof v->number, "%lld", (long long)number); /* fits */
    v->values[CLIENT] = client;
    v->values[NUMBER] = v->number;
    for (int i = SIZES; i < BATCH_VALUES; i++) {
        v->values[i] = v->owned[i] = finish(&arrays[i]);
        failed = failed || !v->owned[i];
    }
    if (!failed)
        return 0;
    batch_values_done(v);
    return lb_out_of_memory(err);
}

void batch_values_done(batch_values *v)
{
    for (int i = 0; i < BATCH_VALUES; i++)
        free(v->owned[i]);
    *v = (batch_values){{NULL}, {NULL}, ""};
}

/* ---- verdicts ---- */

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

int batch_read_verdicts(const char *hex, const char *client, int64_t number, int64_t last,
                        lb_state_verdict *ret_verdicts, size_t count, lb_error *err)
{
    size_t length = strncmp(hex, "\\x", 2) == 0 ? strlen(hex + 2) / 2 : 0;
    unsigned char *bytes = malloc(length + 1);
    if (!bytes)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < length; i++) {
        int high = digit(hex[2 + 2 * i]), low = digit(hex[3 + 2 * i]);
        bytes[i] = (unsigned char)(high * 16 + low);
        if (high < 0 || low < 0)
            length = 0; /* no answer of ours: the count of verdicts will not fit */
    }
    int r = state_answer_again(client, number, last, bytes, length, ret_verdicts, count, err);
    free(bytes);
    return r;
}
