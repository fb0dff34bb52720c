/* catalogue_server.h: composed statements on real servers. LBOPS_TEST_PG15 to LBOPS_TEST_PG18 hold their URLs; a
 * server that is not named is left out, and the output says so. */
#ifndef LBOPS_TESTS_CATALOGUE_SERVER_H
#define LBOPS_TESTS_CATALOGUE_SERVER_H

#include "unit/compose_host.h"

#include "decode.h"

#include <libpq-fe.h>

static PGconn *db;
static LB_UNUSED int major;

static inline void clear(PGresult **result)
{
    PQclear(*result);
}

#define RESULT LB_CLEANUP(clear) PGresult

static inline PGresult *expect_good(PGresult *result, const char *sql)
{
    ExecStatusType status = PQresultStatus(result);
    bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    if (!good)
        printf("\n    %s    in: %s\n", PQresultErrorMessage(result), sql);
    CU_ASSERT_TRUE(good);
    return result;
}

static inline PGresult *execute(const char *sql)
{
    return expect_good(PQexec(db, sql), sql);
}

static inline PGresult *execute_with(const char *sql, const char *argument)
{
    return expect_good(PQexecParams(db, sql, 1, NULL, &argument, NULL, NULL, 0), sql);
}

static inline void run_sql(const char *sql)
{
    PQclear(execute(sql));
}

static inline Oid type_oid(const char *name)
{
    RESULT *result = execute_with("SELECT $1::text::regtype::oid", name);
    return PQntuples(result) == 1 ? (Oid)strtoul(PQgetvalue(result, 0, 0), NULL, 10) : InvalidOid;
}

/* The composed statement, with its values bound as the transport binds them. */
static inline PGresult *run_composed(const lb_sql *sql)
{
    Oid types[32];
    CU_ASSERT_FATAL(sql->param_count <= LB_COUNT(types));
    for (uint32_t i = 0; i < sql->param_count; i++)
        types[i] = type_oid(sql->param_types[i]);
    return expect_good(PQexecParams(db, sql->text, (int)sql->param_count, types, sql->params, NULL, NULL, 0),
                       sql->text);
}

static inline void run_change(int composed, const lb_sql *const *sql)
{
    if (composed < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL_FATAL(composed, 0);
    PQclear(run_composed(*sql));
}

static inline lb_value decoded(const lb_column *column, PGresult *result, int row, int i)
{
    lb_value value = {.type = LB_END};
    const char *cell = PQgetisnull(result, row, i) ? NULL : PQgetvalue(result, row, i);
    if (decode_cell(column, cell, &memory, &value, &err) < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_NOT_EQUAL_FATAL(value.type, LB_END);
    return value;
}

static inline void ignore_notice(void *arg, const char *message)
{
    (void)arg, (void)message; /* DROP IF EXISTS has its say */
}

static inline int connect_to(const char *variable)
{
    const char *url = getenv(variable);
    if (!url || !*url)
        return 1;
    db = PQconnectdb(url);
    CU_ASSERT_EQUAL_FATAL(PQstatus(db), CONNECTION_OK);
    (void)PQsetNoticeProcessor(db, ignore_notice, NULL); /* returns the former one */
    run_sql("SET timezone = 'Asia/Kolkata'; SET client_encoding = 'UTF8'");
    major = PQserverVersion(db) / 10000;
    return 0;
}

static inline void on_each_server(void (*test)(void))
{
    static const char *const variables[] = {"LBOPS_TEST_PG15", "LBOPS_TEST_PG16", "LBOPS_TEST_PG17", "LBOPS_TEST_PG18"};
    bool connected = false;
    for (size_t i = 0; i < LB_COUNT(variables); i++) {
        if (connect_to(variables[i]) != 0)
            continue;
        connected = true;
        test();
        PQfinish(db);
        arena_done(&memory);
    }
    if (!connected) {
        printf("skipped: LBOPS_TEST_PG15 to LBOPS_TEST_PG18 name no server\n");
        exit(77); /* what ctest takes for a test that could not run */
    }
}

#define ON_EACH(name)                                                                                                  \
    static void test_##name(void)                                                                                      \
    {                                                                                                                  \
        on_each_server(name);                                                                                          \
    }

#endif
