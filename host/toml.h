/* toml.h: TOML 1.0 text as a plain tree. The parser behind it is C++ (toml.cpp); nothing of that, least of all an
 * exception, comes out of here. Meaning is not judged: that is the manifest's part. */
#ifndef LBOPS_HOST_TOML_H
#define LBOPS_HOST_TOML_H

#include <lbops/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOML_LONGEST ((size_t)4 << 20) /* bytes of a document */
#define TOML_DEEPEST 32                /* values inside values, and parts of one dotted key */

typedef enum toml_kind {
    TOML_TABLE = 1,
    TOML_ARRAY,
    TOML_STRING,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOLEAN,
    TOML_TIME /* date, time or both, as RFC 3339 text */
} toml_kind;

typedef struct toml_node {
    toml_kind kind;
    const char *key;          /* NULL for the root and for items of an array */
    int key_line, key_column; /* where the key stands; for what has none, the same as the value */
    int line, column;         /* where the value stands, from 1 */
    union {
        struct {
            const char *data; /* NUL-terminated; may hold a NUL inside as well (a key may not) */
            size_t length;
        } text; /* TOML_STRING, TOML_TIME */
        struct {
            const struct toml_node *items;
            size_t count;
        } list; /* TOML_TABLE (in the order of the text) and TOML_ARRAY */
        int64_t i64;
        double f64;
        bool flag;
    } v;
} toml_node;

/* What stopped the parser, and where (0: nowhere in particular). */
typedef struct toml_fault {
    lb_error error;
    int line, column;
} toml_fault;

/* Parses `length` bytes. The tree is one piece of memory: free it with toml_free. */
LB_MUST_CHECK int toml_parse(const char *text, size_t length, toml_node **ret_root, toml_fault *ret_fault);
void toml_free(toml_node *root);

const char *toml_kind_name(toml_kind kind); /* "a table", "a string" */

#ifdef __cplusplus
}
#endif
#endif
