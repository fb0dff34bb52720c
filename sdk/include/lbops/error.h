/* lbops/error.h: errors are values.
 *
 * A call that can fail returns 0 or a count on success and a negative LB_ERR_… on failure, and then has filled its
 * lb_error. Whoever gets a failure passes it up unchanged, or with one prefix (lb_wrap). Out parameters stay untouched
 * on failure. Messages are lower case, without a full stop, and name the object; a hint is something that a person can
 * do. */
#ifndef LBOPS_ERROR_H
#define LBOPS_ERROR_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LB_MUST_CHECK        __attribute__((warn_unused_result))
#define LB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LB_MUST_CHECK
#define LB_PRINTF(fmt, args)
#endif

/* The numbers are the ABI; the names that people see ("not_found") are the constants in lower case. */
enum {
    LB_ERR_INVALID = -1,     /* an argument, a value or a configuration is wrong */
    LB_ERR_NOT_FOUND = -2,   /* what was named does not exist */
    LB_ERR_DENIED = -3,      /* the server or the platform refuses permission */
    LB_ERR_UNREACHABLE = -4, /* nobody answers there */
    LB_ERR_TIMEOUT = -5,     /* the deadline passed */
    LB_ERR_CANCELLED = -6,   /* somebody asked to stop */
    LB_ERR_CONFLICT = -7,    /* the object is in another state than the call needs */
    LB_ERR_LIMIT = -8,       /* a stated limit would be exceeded */
    LB_ERR_UNSUPPORTED = -9, /* this server, transport or version cannot do that */
    LB_ERR_NO_MEMORY = -10,  /* */
    LB_ERR_IO = -11,         /* a file or a disk */
    LB_ERR_SQL = -12,        /* the server refused the statement; sqlstate says why */
    LB_ERR_APPROVAL = -13,   /* the gate asks a person first */
    LB_ERR_SUSPENDED = -14,  /* the compute sleeps, or the tool was suspended */
    LB_ERR_TOOL = -15,       /* the tool's own failure */
    LB_ERR_INTERNAL = -16    /* a defect in the host */
};

typedef struct lb_error {
    int code;
    char sqlstate[6];
    char message[512];
    char hint[256];
} lb_error;

/* Fills err and returns code, so that `return lb_fail(...)` is the whole error path. hint may be NULL. */
LB_PRINTF(4, 5)
static inline int lb_fail(lb_error *err, int code, const char *hint, const char *fmt, ...)
{
    va_list args;
    err->code = code;
    err->sqlstate[0] = '\0';
    va_start(args, fmt);
    (void)vsnprintf(err->message, sizeof err->message, fmt, args); /* a long message is cut, not lost */
    va_end(args);
    (void)snprintf(err->hint, sizeof err->hint, "%s", hint ? hint : "");
    return code;
}

static inline int lb_out_of_memory(lb_error *err)
{
    return lb_fail(err, LB_ERR_NO_MEMORY, "raise [limits] run_memory_mb, or give the tool less to do", "out of memory");
}

/* Puts "what: " before the message and returns the code that is already there. */
static inline int lb_wrap(lb_error *err, const char *what)
{
    char inner[sizeof err->message];
    memcpy(inner, err->message, sizeof inner);
    (void)snprintf(err->message, sizeof err->message, "%.120s: %.380s", what, inner);
    return err->code;
}

#ifdef __cplusplus
}
#endif
#endif
