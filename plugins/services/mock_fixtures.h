/* mock_fixtures.h: what the mock transport answers: cases of statements, calls of the control plane, and servers, read
 * from a directory when they are first asked for. sdk/fixtures.md has the format. */
#ifndef LBOPS_SERVICES_MOCK_FIXTURES_H
#define LBOPS_SERVICES_MOCK_FIXTURES_H

#include "mock_json.h"

#include <lbops/transport.h>

/* Texts belong to the document that the case was read from. */
typedef struct mock_case {
    const char *project, *branch; /* patterns; NULL: any */
    const char *text;             /* the statement's text; NULL: any */
    struct json_object *args;     /* NULL: any */
    bool exact;                   /* no other arguments than those */
    uint32_t column_count;
    const char **columns; /* NULL: no result set */
    size_t row_count;
    const char **cells; /* row after row */
    bool changes;       /* it says how many rows it touched, so it is a change's */
    int64_t affected, delay_ms;
    bool fails;
    lb_error error;
    int64_t left; /* how often it still answers; -1: always */
} mock_case;

typedef struct mock_call {
    const char *method, *path, *query; /* path is a pattern; NULL query: any */
    struct json_object *body;          /* NULL: any */
    bool exact;                        /* no more in query and body than that */
    const char *reply;                 /* a JSON document */
    int64_t delay_ms;
    bool fails;
    lb_error error;
    int64_t left;
} mock_call;

typedef struct mock_server {
    const char *project, *branch;
    int version; /* 0: the transport's own */
    bool fails;  /* connecting does */
    lb_error error;
    int64_t left;
} mock_server;

/* Fill a zeroed shape from one element of a list. done frees what it allocated. */
LB_MUST_CHECK int mock_case_read(struct json_object *element, const mock_place *place, mock_case *ret_case,
                                 lb_error *err);
void mock_case_done(mock_case *c);
LB_MUST_CHECK int mock_call_read(struct json_object *element, const mock_place *place, mock_call *ret_call,
                                 lb_error *err);
LB_MUST_CHECK int mock_server_read(struct json_object *element, const mock_place *place, mock_server *ret_server,
                                   lb_error *err);

/* mock_calls.c: the lists that were read so far, by name: that of NAME.json and of every NAME/FILE.json. */
typedef struct mock_calls mock_calls;
LB_MUST_CHECK int mock_calls_find(mock_calls **lists, const mock_dir *dir, const char *name, const lb_request *request,
                                  const mock_call **ret_call, lb_error *err);
mock_calls *mock_calls_free(mock_calls *lists);

typedef struct mock_store mock_store;

LB_MUST_CHECK int mock_store_open(const char *path, mock_store **ret_store, lb_error *err);
mock_store *mock_store_free(mock_store *store);

/* The first match that is not used up; finding uses it. LB_ERR_NOT_FOUND says which file to write. */
LB_MUST_CHECK int mock_find_case(mock_store *store, const lb_command *command, const char *project, const char *branch,
                                 const mock_case **ret_case, lb_error *err);
/* The same for a question to the history; *ret_case is NULL where there is no file for it. */
LB_MUST_CHECK int mock_find_history(mock_store *store, const lb_command *command, const char *project,
                                    const char *branch, const mock_case **ret_case, lb_error *err);
LB_MUST_CHECK int mock_find_call(mock_store *store, const lb_request *request, const mock_call **ret_call,
                                 lb_error *err);
/* The same for a call to a web service. */
LB_MUST_CHECK int mock_find_http(mock_store *store, const char *service, const lb_request *request,
                                 const mock_call **ret_call, lb_error *err);

/* *ret_server is NULL when targets.json says nothing about that target. */
LB_MUST_CHECK int mock_find_server(mock_store *store, const char *project, const char *branch,
                                   const mock_server **ret_server, lb_error *err);

#endif
