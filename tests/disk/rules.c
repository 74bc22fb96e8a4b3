/* The layer's rules of XW_FAULT: power, disk.CALL, alloc. */
#include "disk_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 16, NAME_N = 64, PARTS_MAX = 12 };

struct rule {
    bool calls[CALLS_N];
    bool cut_short, seed_given, by_sector;
    int error;
    uint64_t after, times, sector, passes_n, acted_n;
    double prob; /* below 0: always */
    struct draw draw;
    char name[NAME_N];
};

struct disk_rules disk_rules;
atomic_bool disk_on;
static struct rule rules[RULES_MAX];
static size_t rules_n;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf: counters and draws of rules */
static const char *const call_names[CALLS_N] = {"open",   "read", "write",  "truncate", "sync",
                                                "rename", "link", "unlink", "mkdir",    ""};

/* splitmix64: the same seed gives the same run. */
uint64_t draw_next(struct draw *draw)
{
    uint64_t z = draw->state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

uint32_t draw_below(struct draw *draw, uint32_t n)
{
    return n ? (uint32_t)((draw_next(draw) >> 32) * n >> 32) : 0;
}

bool draw_chance(struct draw *draw, double p)
{
    return (double)(draw_next(draw) >> 11) * 0x1p-53 < p;
}

/* ---- reading them ---- */

static bool number(const char *text, uint64_t *ret_n)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return false;
    *ret_n = n;
    return true;
}

static int error_by_name(const char *name)
{
    for (int e = 1; e < 200; e++) {
        const char *known = strerrorname_np(e);
        if (known && strcmp(known, name) == 0)
            return e;
    }
    return 0;
}

static bool text_into(const char *value, char *ret, size_t n)
{
    if (!*value || strlen(value) >= n)
        return false;
    memcpy(ret, value, strlen(value) + 1);
    return true;
}

static bool power_part(const char *key, const char *value, struct disk_power *power)
{
    if (strcmp(key, "after") == 0)
        return number(value, &power->after);
    if (strcmp(key, "ms") == 0)
        return number(value, &power->ms);
    if (strcmp(key, "under") == 0)
        return text_into(value, power->under, sizeof(power->under));
    if (strcmp(key, "lie") != 0)
        return false;
    power->lie_data = strcmp(value, "data") == 0 || strcmp(value, "all") == 0;
    power->lie_names = strcmp(value, "names") == 0 || strcmp(value, "all") == 0;
    return power->lie_data || power->lie_names;
}

static bool rule_part(const char *key, const char *value, struct rule *rule)
{
    if (strcmp(key, "short") == 0 && !*value)
        return rule->cut_short = true;
    if (strcmp(key, "after") == 0)
        return number(value, &rule->after);
    if (strcmp(key, "times") == 0)
        return number(value, &rule->times);
    if (strcmp(key, "sector") == 0)
        return rule->by_sector = number(value, &rule->sector);
    if (strcmp(key, "seed") == 0)
        return rule->seed_given = number(value, &rule->draw.state);
    if (strcmp(key, "name") == 0)
        return text_into(value, rule->name, sizeof(rule->name));
    if (strcmp(key, "error") == 0)
        return (rule->error = error_by_name(value)) > 0;
    if (strcmp(key, "prob") == 0) {
        char *end;
        rule->prob = strtod(value, &end);
        return end != value && !*end && rule->prob >= 0 && rule->prob <= 1;
    }
    return false;
}

bool xw_disk_claims(const char *name)
{
    return strcmp(name, "power") == 0 || strcmp(name, "alloc") == 0 ||
           strncmp(name, "disk.", 5) == 0;
}

/* "key=value" or "key"; the value is "" then. */
static char *split(char *part)
{
    char *value = strchr(part, '=');
    if (!value)
        return part + strlen(part);
    *value = '\0';
    return value + 1;
}

static bool parse_power(char *const *parts, size_t n, const char **ret_bad)
{
    struct disk_power *power = &disk_rules.power;
    *power = (struct disk_power){.on = true};
    *ret_bad = "no seed";
    if (n < 1 || !number(parts[0], &power->seed))
        return false;
    for (size_t i = 1; i < n; i++) {
        char *value = split(parts[i]);
        *ret_bad = parts[i];
        if (!power_part(parts[i], value, power))
            return false;
    }
    return true;
}

static bool parse_full(char *const *parts, size_t n, const char **ret_bad)
{
    *ret_bad = "no file";
    if (n != 1)
        return false;
    char *value = split(parts[0]);
    *ret_bad = parts[0];
    return strcmp(parts[0], "while") == 0 &&
           text_into(value, disk_rules.full_while, sizeof(disk_rules.full_while));
}

static bool calls_of(const char *name, struct rule *rule)
{
    bool any = false;
    rule->calls[CALL_ALLOC] = strcmp(name, "alloc") == 0;
    for (size_t i = 0; i < CALL_ALLOC && name[0] == 'd'; i++) {
        rule->calls[i] = strcmp(name + 5, "*") == 0 || strcmp(name + 5, call_names[i]) == 0;
        any = any || rule->calls[i];
    }
    return any || rule->calls[CALL_ALLOC];
}

static bool parse_rule(const char *name, char *const *parts, size_t n, const char **ret_bad)
{
    struct rule *rule = &rules[rules_n];
    *rule = (struct rule){.prob = -1, .draw = {disk_rules.power.seed}};
    *ret_bad = name;
    if (rules_n == RULES_MAX || !calls_of(name, rule))
        return false;
    for (size_t i = 0; i < n; i++) {
        char *value = split(parts[i]);
        *ret_bad = parts[i];
        if (!rule_part(parts[i], value, rule))
            return false;
    }
    *ret_bad = "neither error= nor short";
    if (!rule->calls[CALL_ALLOC] && !rule->error && !rule->cut_short)
        return false;
    rules_n++;
    disk_rules.alloc = disk_rules.alloc || rule->calls[CALL_ALLOC];
    disk_rules.calls = disk_rules.calls || !rule->calls[CALL_ALLOC];
    return true;
}

static int parse_one(char *text, char *ret_error, size_t n_bytes)
{
    char *parts[PARTS_MAX];
    size_t n = 0;
    char *rest = text;
    const char *name = strsep(&rest, ":");
    const char *bad = "too many parts";
    if (!xw_disk_claims(name))
        return 0;
    while (n < PARTS_MAX && (parts[n] = strsep(&rest, ":")))
        n++;
    bool understood = n < PARTS_MAX;
    if (understood && strcmp(name, "power") == 0)
        understood = parse_power(parts, n, &bad);
    else if (understood && strcmp(name, "disk.full") == 0)
        understood = parse_full(parts, n, &bad);
    else if (understood)
        understood = parse_rule(name, parts, n, &bad);
    if (understood)
        return 0;
    snprintf(ret_error, n_bytes, "XW_FAULT: %s: '%s' is not understood", name, bad);
    return -EINVAL;
}

int rules_parse(const char *text, char *ret_error, size_t n_bytes)
{
    char *copy = disk_copy_text(text ? text : ""), *rest = copy;
    int r = 0;
    pthread_mutex_lock(&lock);
    disk_rules = (struct disk_rules){.calls = false};
    rules_n = 0;
    for (char *one; r == 0 && (one = strsep(&rest, ";"));)
        r = parse_one(one, ret_error, n_bytes);
    pthread_mutex_unlock(&lock);
    disk_free(copy);
    return r;
}

/* ---- asking them ---- */

static bool fits(const struct rule *rule, enum disk_call call, const char *path, uint64_t offset,
                 size_t n)
{
    if (!rule->calls[call] || (rule->name[0] && (!path || !strstr(path, rule->name))))
        return false;
    uint64_t begin = rule->sector * SECTOR;
    return !rule->by_sector || (offset < begin + SECTOR && offset + n > begin);
}

static bool acts(struct rule *rule)
{
    bool act = ++rule->passes_n > rule->after && (!rule->times || rule->acted_n < rule->times) &&
               (rule->prob < 0 || draw_chance(&rule->draw, rule->prob));
    rule->acted_n += act;
    return act;
}

int rules_ask(enum disk_call call, const char *path, uint64_t offset, size_t n)
{
    int r = RULE_PASS;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < rules_n; i++)
        if (fits(&rules[i], call, path, offset, n) && acts(&rules[i]))
            r = call == CALL_ALLOC || !rules[i].cut_short ? -(rules[i].error ?: ENOMEM)
                                                          : RULE_SHORT;
    pthread_mutex_unlock(&lock);
    return r;
}

uint64_t rules_acted_n(void)
{
    uint64_t n = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < rules_n; i++)
        n += rules[i].acted_n;
    pthread_mutex_unlock(&lock);
    return n;
}

uint64_t rules_allocs_n(void)
{
    uint64_t n = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < rules_n; i++)
        n += rules[i].calls[CALL_ALLOC] ? rules[i].passes_n : 0;
    pthread_mutex_unlock(&lock);
    return n;
}
