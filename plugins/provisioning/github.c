#include "github.h"

#include <ctype.h>

int github_check_repository(const char *repository, lb_error *err)
{
    static const char more[] = "-_.";
    const char *slash = strchr(repository, '/'), *name = slash ? slash + 1 : "";
    bool good = slash && slash != repository && slash - repository <= 39 && *name && strlen(name) <= 100 &&
                strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    for (const char *p = repository; good && *p; p++)
        good =
            isalnum((unsigned char)*p) || p == slash || (p < slash ? *p == '-' || *p == '_' : strchr(more, *p) != NULL);
    return good
               ? 0
               : lb_fail(err, LB_ERR_INVALID, "owner/name, as in its address", "'%.100s' is no repository", repository);
}

int github_explain(lb_ctx *ctx, const char *service, const char *right, const char *what, lb_error *err)
{
    bool is_unnamed = strncmp(err->hint, "write [http.", 12) == 0;
    const char *hint = NULL;
    if (err->code == LB_ERR_DENIED || (err->code == LB_ERR_NOT_FOUND && !is_unnamed))
        hint = lb_printf(ctx, "the token of [http.%.40s] needs %s", service, right);
    if (hint)
        (void)snprintf(err->hint, sizeof err->hint, "%.255s", hint);
    return lb_wrap(err, what);
}
