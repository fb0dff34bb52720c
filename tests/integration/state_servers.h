/* state_servers.h: a service on each real server that LBOPS_TEST_PG15 and LBOPS_TEST_PG17 name, as superuser, in a
 * database of the program's own. Without any, the program is skipped (exit code 77). */
#ifndef LBOPS_TESTS_STATE_SERVERS_H
#define LBOPS_TESTS_STATE_SERVERS_H

#include "state_stage.h"

#include <libpq-fe.h>

static const char *url; /* of the server that is tested now */
static char *dsn;       /* the same with our own database */

/* Statements of somebody else. Returns the first cell; the caller frees. */
static char *aside_in(const char *connection, const char *sql)
{
    const char *names[] = {"dbname", "options", NULL};
    const char *values[] = {connection, "-c client_min_messages=warning", NULL};
    PGconn *conn = PQconnectdbParams(names, values, 1);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    char *cell = NULL;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        cell = base_strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    else
        printf("\n    %s: %s%s", sql, PQerrorMessage(conn), PQresultErrorMessage(result));
    PQclear(result);
    PQfinish(conn);
    return cell;
}

static LB_UNUSED bool alter(const char *sql)
{
    LB_AUTO_FREE char *cell = aside_in(dsn, sql);
    return cell != NULL;
}

/* The URL that the harness gives ends with /postgres. */
static char *with_database(const char *server, const char *database)
{
    return base_printf("%.*s/%s", (int)(strrchr(server, '/') - server), server, database);
}

static bool prepare_database(const char *name, bool makes)
{
    LB_AUTO_FREE char *drop = base_printf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
    LB_AUTO_FREE char *create = base_printf("CREATE DATABASE %s", name);
    LB_AUTO_FREE char *dropped = aside_in(url, drop);
    LB_AUTO_FREE char *created = makes && dropped ? aside_in(url, create) : NULL;
    return dropped && (!makes || created);
}

/* The exit code. */
static int on_each_server(const char *database, unsigned (*test)(const char *server))
{
    static const char *const servers[] = {"LBOPS_TEST_PG15", "LBOPS_TEST_PG17"};
    unsigned failed = 0, tested = 0;
    for (size_t i = 0; i < LB_COUNT(servers); i++) {
        url = getenv(servers[i]);
        if (!url || !*url)
            continue;
        tested++;
        dsn = with_database(url, database);
        failed += prepare_database(database, true) ? test(servers[i]) : 1;
        failed += !prepare_database(database, false);
        free(dsn);
    }
    if (!tested)
        printf("skipped: LBOPS_TEST_PG15 and LBOPS_TEST_PG17 name no server\n");
    return failed ? 1 : tested ? 0 : 77;
}

#endif
