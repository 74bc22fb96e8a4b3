/* xinwang-admin: the county's authority, its gateways and users, and copies of its archive.
 *
 * Gateways and users: with a center running it asks over the admin socket; without one it works on
 * the store itself. A backup reads the store beside a running center, which goes on. */
#include "admin.h"

#include "base/cli.h"
#include "base/log.h"
#include "center/secret.h"
#include "store/store.h"
#include "vault/vault.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static int load_config(const struct xw_admin_options *o, struct xw_center_config *ret_config)
{
    struct xw_config_error error = {{0}};
    int r = xw_config_init(&xw_center_schema, ret_config, &error);
    bool named = o->config != NULL;
    const char *path = named ? o->config : "/etc/xinwang/center.conf";
    if (r == 0 && (named || access(path, F_OK) == 0))
        r = xw_config_load(&xw_center_schema, path, ret_config, &error);
    for (size_t i = 0; r == 0 && i < o->sets.n; i++)
        r = xw_config_set(&xw_center_schema, o->sets.v[i], ret_config, &error);
    if (r < 0)
        fprintf(stderr, "xinwang-admin: %s\n", error.text);
    return r;
}

/* NULL after a message on stderr. */
static json_t *make_request(const struct xw_admin_options *o, const char *verb, const char *user)
{
    char password[300] = "";
    bool wants_password = strcmp(verb, "add") == 0 || strcmp(verb, "passwd") == 0;
    if (wants_password) {
        int r = xw_admin_password(password, sizeof(password));
        if (r < 0) {
            fprintf(stderr, "xinwang-admin: %s\n",
                    r == -EKEYREJECTED ? "the two are not the same" : "no password");
            return NULL;
        }
    }
    json_t *request = json_object();
    const char *const members[][2] = {
        {"do", verb},      {"user", user},    {"name", o->name},
        {"role", o->role}, {"site", o->site}, {"password", password[0] ? password : NULL}};
    for (size_t i = 0; i < XW_ARRAY_N(members); i++)
        if (members[i][1])
            json_object_set_new(request, members[i][0], json_string(members[i][1]));
    sodium_memzero(password, sizeof(password));
    return request;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static void print_users(const json_t *answer)
{
    const json_t *users = json_object_get(answer, "users");
    for (size_t i = 0; i < json_array_size(users); i++) {
        const json_t *user = json_array_get(users, i);
        bool disabled = json_is_true(json_object_get(user, "disabled"));
        printf("%-32s %-10s %-8s %s%s%s\n", text_of(user, "user"), text_of(user, "role"),
               disabled ? "disabled" : "active", text_of(user, "name"),
               text_of(user, "site")[0] ? "  @ " : "", text_of(user, "site"));
    }
}

static int print_answer(const struct xw_admin_options *o, const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (o->json) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    }
    if (error) {
        fprintf(stderr, "xinwang-admin: %s\n", error);
        return 1;
    }
    if (!o->json) {
        print_users(answer);
        xw_admin_print_gateways(answer);
    }
    return 0;
}

/* Takes request; NULL: nothing to ask. */
static int run(const struct xw_admin_options *o, json_t *request)
{
    struct xw_center_config config;
    char path[256] = "";
    json_t *answer = NULL;
    if (!request)
        return 2;
    if (load_config(o, &config) < 0) {
        json_decref(request);
        return 2;
    }
    int r = xw_center_admin_path(&config, path, sizeof(path));
    r = r == 0 && path[0] ? xw_admin_ask_running(path, request, &answer) : -ENOENT;
    if (r == -ENOENT || r == -ECONNREFUSED)
        r = xw_admin_ask_store(&config, request, &answer);
    if (r < 0)
        fprintf(stderr, "xinwang-admin: %s\n",
                xw_vault_explain(r) ? xw_vault_explain(r) : strerror(-r));
    int status = r < 0 ? 1 : print_answer(o, answer);
    json_decref(answer);
    json_decref(request);
    xw_config_done(&xw_center_schema, &config);
    return status;
}

static int backup(const struct xw_admin_options *o, const char *to)
{
    struct xw_center_config config;
    if (load_config(o, &config) < 0)
        return 2;
    int r = xw_store_backup_dir(config.store_dir, config.store_key_file, to);
    if (r < 0)
        fprintf(stderr, "xinwang-admin: backup: %s\n",
                r == -ENOENT          ? "there is no archive in the configured folder"
                : xw_vault_explain(r) ? xw_vault_explain(r)
                                      : strerror(-r));
    else if (o->json)
        printf("{\"ok\":true}\n");
    xw_config_done(&xw_center_schema, &config);
    return r < 0 ? 1 : 0;
}

/* Of the folder and key file that are named, or of the configured archive; -EINVAL: not understood.
 */
static int keys(const struct xw_admin_options *o, int argc, char **argv)
{
    struct xw_center_config config;
    if (argc == 3)
        return xw_admin_keys(o, argv[0], argv[1], argv[2]);
    if (argc != 1)
        return -EINVAL;
    if (load_config(o, &config) < 0)
        return 2;
    int r = xw_admin_keys(o, argv[0], config.store_dir, config.store_key_file);
    xw_config_done(&xw_center_schema, &config);
    return r;
}

int main(int argc, char **argv)
{
    static struct xw_admin_options o;
    const struct xw_cli_option options[] = {
        {"config", 'c', "FILE", XW_CLI_TEXT, &o.config, "the center's configuration"},
        {"set", 0, "SECTION.NAME=VALUE", XW_CLI_TEXTS, &o.sets, "one value of it"},
        {"name", 'n', "TEXT", XW_CLI_TEXT, &o.name,
         "user add: the name that pages show; authority init: of the county"},
        {"role", 'r', "ROLE", XW_CLI_TEXT, &o.role, "add: reader, technician, village or admin"},
        {"site", 's', "SITE", XW_CLI_TEXT, &o.site,
         "user add: the site of a technician or village doctor; gateway code: of the gateway"},
        {"replace", 0, NULL, XW_CLI_FLAG, &o.replace,
         "gateway code: it takes the place of the gateway that has this id"},
        {"for", 0, "TIME", XW_CLI_DURATION, &o.life_us,
         "gateway code: good for so long; authority server, gateway: life of the certificate"},
        {"out", 'o', "FOLDER", XW_CLI_TEXT, &o.out,
         "authority server, gateway: where NAME.pem, NAME.key and ca.pem are written"},
        {"hosts", 0, "A,B,…", XW_CLI_TEXT, &o.hosts, "authority server: more names and addresses"},
        {"forget", 0, NULL, XW_CLI_FLAG, &o.forget,
         "keys rotate: old keys go out of the key file; copies made before need a copy of it"},
        {"rewrite", 0, NULL, XW_CLI_FLAG, &o.rewrite, "keys rotate: keys rewrite after it"},
        {"json", 'j', NULL, XW_CLI_FLAG, &o.json, "print the answer as JSON"},
    };
    const struct xw_cli cli = {
        .program = "xinwang-admin",
        .args =
            "authority init|show FOLDER | authority server|gateway FOLDER NAME | "
            "gateway list|codes | gateway code ID --site SITE | gateway withdraw CODE-ID | "
            "revoke GATEWAY | user list | user add|passwd|disable|enable NAME | backup FOLDER | "
            "keys show|rotate|rewrite [FOLDER KEYFILE]",
        .summary =
            "The county's authority; its gateways (codes to enrol one, revoking one); its users "
            "(passwords are asked for, or read from a pipe, one line); copies of its archive; the "
            "keys of its archive or of the "
            "data FOLDER that KEYFILE opens (rotate and rewrite: while no daemon has it open).",
        .options = options,
        .options_n = XW_ARRAY_N(options),
    };
    int first;
    int r = xw_cli_parse(&cli, argc, argv, &first);
    if (r != 0)
        return r > 0 ? 0 : 2;
    xw_log_set_level(XW_LOG_WARNING);
    int left = argc - first;
    char **words = argv + first;
    if (left == 2 && strcmp(words[0], "backup") == 0)
        return backup(&o, words[1]);
    if (left < 2 || xw_secret_init() < 0) {
        xw_cli_help(&cli, stderr);
        return 2;
    }
    if (strcmp(words[0], "keys") == 0) {
        r = keys(&o, left - 1, words + 1);
        if (r >= 0)
            return r;
    } else if (strcmp(words[0], "authority") == 0) {
        r = xw_admin_authority(&o, left - 1, words + 1);
        if (r >= 0)
            return r;
    } else if (strcmp(words[0], "gateway") == 0 || strcmp(words[0], "revoke") == 0) {
        json_t *request = xw_admin_gateway_request(&o, left, words);
        if (request)
            return run(&o, request);
    } else if (strcmp(words[0], "user") == 0) {
        bool list = left == 2 && strcmp(words[1], "list") == 0;
        if (list || left == 3)
            return run(&o, make_request(&o, words[1], list ? NULL : words[2]));
    }
    xw_cli_help(&cli, stderr);
    return 2;
}
