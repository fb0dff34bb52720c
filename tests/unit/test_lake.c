/* Parts of transport_lakebase that need no workspace: names, paths, and a resolver that hangs. */
#include "suite.h"

#include "harness/transport_probe.h"

#include "lake.h"

#include <netdb.h>
#include <poll.h>

static lb_error err;

/* ---- names ---- */

static void targets(void)
{
    static const char *const bad[] = {
        "",    "A",  "1a",  "a-",   "a_b",
        "a/b", "..", "a b", "a%2f", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    CU_ASSERT(lake_check_target(&(lb_target){.project = "shop", .branch = "ci-pr-1"}, &err) == 0);
    CU_ASSERT(lake_check_target(&(lb_target){.project = "shop"}, &err) == LB_ERR_INVALID);
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        CU_ASSERT(lake_check_target(&(lb_target){.project = bad[i], .branch = "b"}, &err) == LB_ERR_INVALID);
        CU_ASSERT(lake_check_target(&(lb_target){.project = "p", .branch = bad[i]}, &err) == LB_ERR_INVALID);
    }
}

static void paths(void)
{
    CU_ASSERT(lake_words("projects") == 1 && lake_words("projects/shop/branches") == 3 && lake_words("") == 0);
    ASSERT_TEXT(lake_last_word("projects/shop"), "shop");
    ASSERT_TEXT(lake_last_word("projects"), "projects");
    LB_AUTO_FREE char *id = lake_query("a=b&branch_id=x%2Fy+z&c", "branch_id");
    ASSERT_TEXT(id, "x/y z");
    CU_ASSERT(!lake_query("branch_idx=1", "branch_id") && !lake_query(NULL, "a") && !lake_query("", "a"));
}

/* ---- the resolver ---- */

int __real_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list);

static int hold[2]; /* a resolver that hangs does so until somebody writes */

int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
    struct pollfd p = {.fd = hold[0], .events = POLLIN};
    if (strcmp(name, "hangs.example") == 0) {
        (void)poll(&p, 1, -1);
        return EAI_AGAIN;
    }
    return __real_getaddrinfo(name, service, hints, list);
}

static void resolves(void)
{
    char *addresses = NULL;
    CU_ASSERT(lake_resolve(&probe_host, "127.0.0.7", probe_soon(5), &addresses, &err) == 0);
    ASSERT_TEXT(addresses, "127.0.0.7");
    free(addresses);
    CU_ASSERT(lake_resolve(&probe_host, "::1", probe_soon(5), &addresses, &err) == 0);
    ASSERT_TEXT(addresses, "::1");
    free(addresses);
    CU_ASSERT(lake_resolve(&probe_host, "no name at all", probe_soon(5), &addresses, &err) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.message, "nobody knows the address of no name at all");
}

static void leaves_a_resolver_behind(void)
{
    char *addresses = NULL;
    CU_ASSERT_FATAL(pipe(hold) == 0);
    int64_t began = clock_monotonic();
    CU_ASSERT(lake_resolve(&probe_host, "hangs.example", began + CLOCK_SECOND / 5, &addresses, &err) ==
              LB_ERR_UNREACHABLE);
    CU_ASSERT(clock_monotonic() - began < 20 * CLOCK_SECOND); /* it would hang for ever */
    ASSERT_CONTAINS(err.message, "nobody told the address of hangs.example in time");
    probe.cancelled = true;
    CU_ASSERT(lake_resolve(&probe_host, "hangs.example", probe_soon(5), &addresses, &err) == LB_ERR_CANCELLED);
    probe_reset();
    /* Both come to their ends, and free what they had. */
    CU_ASSERT(write(hold[1], "xx", 2) == 2);
    for (int threads = 2; threads > 1 && clock_monotonic() < began + 10 * CLOCK_SECOND;) {
        char line[100];
        FILE *f = fopen("/proc/self/status", "r");
        while (f && fgets(line, sizeof line, f))
            if (strncmp(line, "Threads:", 8) == 0)
                threads = (int)strtol(line + 8, NULL, 10);
        if (f)
            (void)fclose(f);
        (void)poll(NULL, 0, 1);
    }
}

SUITE(lake, TEST(targets), TEST(paths), TEST(resolves), TEST(leaves_a_resolver_behind))
