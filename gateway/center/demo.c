/* Demo mode: steps that tick themselves off, and the demo's users. */
#include "center/demo.h"

#include "base/log.h"
#include "center/demo_ask.h"
#include "center/gateways.h"
#include "center/hub.h"
#include "center/journal.h"

#include <stdio.h>
#include <string.h>

enum step { DEVICE_LIVE, OPENED, ALARM, ACKED, CUT_SEEN, HEALED, STEPS };

static const char *const step_ids[STEPS] = {"device_live", "opened",   "alarm",
                                            "acked",       "cut_seen", "healed"};

static const struct {
    enum xw_role role;
    const char *user, *name;
} people[] = {
    {XW_ROLE_VILLAGE, "demo-village", "东村村医"},
    {XW_ROLE_TECHNICIAN, "demo-technician", "乡镇技师"},
    {XW_ROLE_READER, "demo-reader", "县诊断医师"},
    {XW_ROLE_ADMIN, "demo-admin", "管理员"},
};

struct xw_demo {
    struct xw_center *center;
    int64_t done_wall_us[STEPS];
    char healing[XW_GATEWAY_ID_N]; /* came back last */
    double healed_s;
    struct xw_demo_asks *asks;
};

int xw_demo_new(struct xw_center *center, struct xw_demo **ret_demo)
{
    struct xw_demo *demo = calloc(1, sizeof(*demo));
    if (!demo)
        return -ENOMEM;
    demo->center = center;
    int r = xw_demo_asks_new(center->loop, center->config.demo_control,
                             center->config.demo_timeout_us, &demo->asks);
    if (r < 0) {
        free(demo);
        return r;
    }
    *ret_demo = demo;
    return 0;
}

void xw_demo_free(struct xw_demo *demo)
{
    if (!demo)
        return;
    xw_demo_asks_free(demo->asks);
    free(demo);
}

int xw_demo_ask(struct xw_demo *demo, const char *action, const char *target, xw_demo_fn done,
                void *user)
{
    return xw_demo_asks_begin(demo->asks, action, target, done, user);
}

static void tick_off(struct xw_demo *demo, enum step step)
{
    if (!demo || demo->done_wall_us[step])
        return;
    demo->done_wall_us[step] = xw_clock_wall(NULL).us;
    xw_log_info("demo.step", XW_LOG_STR("id", step_ids[step]));
}

void xw_demo_watched(struct xw_demo *demo, enum xw_role role)
{
    if (role == XW_ROLE_READER)
        tick_off(demo, OPENED);
}

void xw_demo_alarm(struct xw_demo *demo, uint32_t priority)
{
    if (priority == XW__PRIORITY__PRIORITY_HIGH)
        tick_off(demo, ALARM);
}

void xw_demo_acked(struct xw_demo *demo)
{
    tick_off(demo, ACKED);
}

void xw_demo_linked(struct xw_demo *demo, const char *gateway_id, bool linked)
{
    if (!demo)
        return;
    if (!linked) {
        tick_off(demo, CUT_SEEN);
    } else if (demo->done_wall_us[CUT_SEEN]) {
        snprintf(demo->healing, sizeof(demo->healing), "%s", gateway_id);
        demo->healed_s = 0;
    }
}

void xw_demo_healed(struct xw_demo *demo, const char *gateway_id, double seconds)
{
    if (demo && strcmp(demo->healing, gateway_id) == 0)
        demo->healed_s += seconds;
}

void xw_demo_second(struct xw_demo *demo)
{
    struct xw_hub_stats stats;
    if (!demo)
        return;
    xw_hub_stats(demo->center->hub, &stats);
    if (stats.live_n)
        tick_off(demo, DEVICE_LIVE);
    const struct xw_gateway *g = xw_gateways_find(demo->center->gateways, demo->healing);
    if (g && g->linked && demo->healed_s >= 1 && g->backlog_samples == 0)
        tick_off(demo, HEALED);
}

json_t *xw_demo_steps(const struct xw_demo *demo)
{
    json_t *array = json_array();
    for (int i = 0; demo && i < STEPS; i++) {
        int64_t us = demo->done_wall_us[i];
        json_array_append_new(array,
                              json_pack("{s:s, s:b, s:o}", "id", step_ids[i], "done", us != 0,
                                        "wall_us", us ? json_integer(us) : json_null()));
    }
    return array;
}

json_t *xw_demo_roles(void)
{
    json_t *array = json_array();
    for (size_t i = 0; i < XW_ARRAY_N(people); i++)
        json_array_append_new(array, json_pack("{s:s, s:s}", "role", xw_role_word(people[i].role),
                                               "user", people[i].user));
    return array;
}

/* From the configuration; otherwise the technician is of the first gateway, the village of the
 * last. */
static const char *site_of(const struct xw_demo *demo, enum xw_role role)
{
    const struct xw_center_config *config = &demo->center->config;
    size_t n = xw_gateways_n(demo->center->gateways);
    if (!(role & XW_ROLE_SITE))
        return "";
    const char *named =
        role == XW_ROLE_TECHNICIAN ? config->demo_technician_site : config->demo_village_site;
    if (named[0] || n == 0)
        return named;
    return xw_gateways_at(demo->center->gateways, role == XW_ROLE_TECHNICIAN ? 0 : n - 1)->site;
}

static int put_user(struct xw_demo *demo, const struct xw_user *user)
{
    char key[64];
    struct xw_buf body;
    struct xw_store_record record;
    xw_buf_init(&body, 2048);
    int r = xw_user_pack(user, key, &body, &record);
    if (r == 0)
        r = xw_journal_append(demo->center->journal, &record, 1, NULL, NULL, NULL);
    if (r < 0)
        xw_log_warning("demo.user_not_kept", XW_LOG_ERR(r));
    xw_buf_done(&body);
    return xw_users_put(demo->center->users, user);
}

int xw_demo_user(struct xw_demo *demo, enum xw_role role, struct xw_user *ret_user)
{
    size_t i = 0;
    while (i < XW_ARRAY_N(people) && people[i].role != role)
        i++;
    if (i == XW_ARRAY_N(people))
        return -ENOENT;
    const char *site = site_of(demo, role);
    const struct xw_user *known = xw_users_find(demo->center->users, people[i].user);
    if (known && strcmp(known->site, site) == 0 && !known->disabled) {
        *ret_user = *known;
        return 0;
    }
    struct xw_user user = {.role = role, .revision = known ? known->revision + 1 : 1};
    snprintf(user.user, sizeof(user.user), "%s", people[i].user);
    snprintf(user.name, sizeof(user.name), "%s", people[i].name);
    snprintf(user.site, sizeof(user.site), "%s", site);
    int r = put_user(demo, &user);
    if (r == 0)
        *ret_user = user;
    return r;
}
