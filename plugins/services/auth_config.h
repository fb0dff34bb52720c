/* auth_config.h: which workspace, and as whom: what the manifest and the environment say, else a profile of
 * ~/.databrickscfg, in the order in which the platform's own tools look.
 *
 * 1. The manifest's parameters; 2. the DATABRICKS_* variables (the host merges both: a parameter that is not in the
 * manifest takes its variable); 3. the profile file. If 1 and 2 give a host or any credential and no profile is named,
 * the file is not read. What comes first wins, member by member. More than one way to authenticate is an error unless
 * auth_type chooses. [any] */
#ifndef LBOPS_SERVICES_AUTH_CONFIG_H
#define LBOPS_SERVICES_AUTH_CONFIG_H

#include <lbops/lbops.h>

/* What 1 and 2 say; NULL: nothing. Borrowed. */
typedef struct auth_settings {
    const char *host, *token, *client_id, *client_secret, *auth_type, *workspace_id;
    const char *profile;     /* a section of the profile file */
    const char *config_file; /* NULL: ~/.databrickscfg */
} auth_settings;

/* The parameters that fill one: rows of a service's table, where `member` is the auth_settings of its settings. */
#define AUTH_PARAM(args, member, field, kind, variable, text)                                                          \
    {                                                                                                                  \
        .name = #field, .type = (kind), .doc = (text),                                                                 \
        .offset = offsetof(args, member) + offsetof(auth_settings, field),                                             \
        .width = sizeof(((auth_settings *)0)->field), .env = (variable)                                                \
    }
#define AUTH_PARAMS(args, member)                                                                                      \
    AUTH_PARAM(args, member, host, LB_TEXT, "DATABRICKS_HOST", "the workspace, https://NAME"),                         \
        AUTH_PARAM(args, member, client_id, LB_TEXT, "DATABRICKS_CLIENT_ID",                                           \
                   "application id of the service principal"),                                                         \
        AUTH_PARAM(args, member, client_secret, LB_SECRET, "DATABRICKS_CLIENT_SECRET", "its OAuth secret"),            \
        AUTH_PARAM(args, member, token, LB_SECRET, "DATABRICKS_TOKEN",                                                 \
                   "a personal access token, instead of a service principal"),                                         \
        AUTH_PARAM(args, member, auth_type, LB_TEXT, "DATABRICKS_AUTH_TYPE",                                           \
                   "oauth-m2m or pat, where both could be meant"),                                                     \
        AUTH_PARAM(args, member, workspace_id, LB_TEXT, "DATABRICKS_WORKSPACE_ID",                                     \
                   "for hosts that serve several workspaces"),                                                         \
        AUTH_PARAM(args, member, profile, LB_TEXT, "DATABRICKS_CONFIG_PROFILE", "section of the profile file"),        \
        AUTH_PARAM(args, member, config_file, LB_TEXT, "DATABRICKS_CONFIG_FILE",                                       \
                   "the profile file, instead of ~/.databrickscfg")

typedef enum auth_method { AUTH_M2M = 1, AUTH_PAT = 2 } auth_method;

typedef struct auth_config {
    auth_method method;
    char *host; /* "https://name", no slash at its end */
    char *token, *client_id, *client_secret, *workspace_id;
    char source[300]; /* for messages: where it was found */
} auth_config;

LB_MUST_CHECK int auth_config_load(const auth_settings *settings, auth_config *ret_config, lb_error *err);
void auth_config_done(auth_config *config); /* secrets are wiped; a zeroed one is fine */

/* One section of a profile file; the members that matter here. Zeroed: none of them is there. */
typedef struct auth_profile {
    char *host, *token, *client_id, *client_secret, *auth_type, *workspace_id;
    bool has_password; /* it has `username` or `password`, which no workspace takes any more */
} auth_profile;

/* LB_ERR_NOT_FOUND: there is no such file, or no such section. A file that others can read is refused. */
LB_MUST_CHECK int auth_profile_read(const char *path, const char *section, auth_profile *ret_profile, lb_error *err);
void auth_profile_done(auth_profile *profile);

#endif
