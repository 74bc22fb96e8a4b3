/* Fault points: the rules of XW_FAULT and what happens at an armed point. */
#include "base/fault.h"

#include "base/file.h"
#include "base/log.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { RULES_MAX = 32, NAME_N_BYTES = 64 };

enum action { ACTION_KILL, ACTION_ERROR, ACTION_DELAY };

struct xw_fault_rule {
    char name[NAME_N_BYTES];
    enum action action;
    int error;
    uint64_t delay_ms;
    uint64_t after;
    uint64_t times; /* 0 = no limit */
    double prob;    /* below 0 = always */
    bool seed_given;
    uint64_t random;
    uint64_t passes_n;
    uint64_t acted_n;
};

/* The linker collects the places of this binary (executable or shared library) in one section. */
extern struct xw_fault_site *__start_xw_faults[] __attribute__((weak, visibility("hidden")));
extern struct xw_fault_site *__stop_xw_faults[] __attribute__((weak, visibility("hidden")));

atomic_bool xw_fault_armed;

/* By addresses: to the language the two symbols are different objects. */
static size_t sites_n(void)
{
    return ((uintptr_t)__stop_xw_faults - (uintptr_t)__start_xw_faults) /
           sizeof(struct xw_fault_site *);
}

static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;
static struct xw_fault_rule rules[RULES_MAX];
static size_t rules_n;

static double next_random(struct xw_fault_rule *rule)
{
    /* splitmix64: the same seed gives the same run. */
    uint64_t z = rule->random += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static bool acts_now(struct xw_fault_rule *rule)
{
    pthread_mutex_lock(&fault_lock);
    bool acts = ++rule->passes_n > rule->after;
    if (acts && rule->times && rule->acted_n >= rule->times)
        acts = false;
    if (acts && rule->prob >= 0)
        acts = next_random(rule) < rule->prob;
    rule->acted_n += acts;
    pthread_mutex_unlock(&fault_lock);
    return acts;
}

int xw_fault_hit(struct xw_fault_site *site)
{
    struct xw_fault_rule *rule = site->rule;
    if (!rule || !acts_now(rule))
        return 0;
    switch (rule->action) {
    case ACTION_ERROR:
        return -rule->error;
    case ACTION_DELAY: {
        struct timespec left = {.tv_sec = (time_t)(rule->delay_ms / 1000),
                                .tv_nsec = (long)(rule->delay_ms % 1000) * 1000000};
        while (nanosleep(&left, &left) < 0 && errno == EINTR)
            ;
        return 0;
    }
    case ACTION_KILL:
        break;
    }
    /* No clean-up of any kind: this stands for the power failing right here. */
    for (;;) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

static int errno_by_name(const char *name)
{
    for (int e = 1; e < 200; e++) {
        const char *known = strerrorname_np(e);
        if (known && strcmp(known, name) == 0)
            return e;
    }
    return -EINVAL;
}

static int parse_count(const char *text, uint64_t *ret_n)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return -EINVAL;
    *ret_n = n;
    return 0;
}

/* One "key=value" (or "kill") of a rule. */
static int parse_part(char *part, struct xw_fault_rule *rule)
{
    char *value = strchr(part, '=');
    if (!value) {
        rule->action = ACTION_KILL;
        return strcmp(part, "kill") == 0 ? 0 : -EINVAL;
    }
    *value++ = '\0';
    if (strcmp(part, "after") == 0)
        return parse_count(value, &rule->after);
    if (strcmp(part, "times") == 0)
        return parse_count(value, &rule->times);
    if (strcmp(part, "seed") == 0) {
        rule->seed_given = true;
        return parse_count(value, &rule->random);
    }
    if (strcmp(part, "delay") == 0) {
        rule->action = ACTION_DELAY;
        return parse_count(value, &rule->delay_ms);
    }
    if (strcmp(part, "error") == 0) {
        rule->action = ACTION_ERROR;
        rule->error = errno_by_name(value);
        return rule->error < 0 ? -EINVAL : 0;
    }
    if (strcmp(part, "prob") == 0) {
        char *end;
        rule->prob = strtod(value, &end);
        return end != value && !*end && rule->prob >= 0 && rule->prob <= 1 ? 0 : -EINVAL;
    }
    return -EINVAL;
}

static bool matches(const struct xw_fault_rule *rule, const char *name)
{
    size_t n = strlen(rule->name);
    if (n && rule->name[n - 1] == '*')
        return strncmp(rule->name, name, n - 1) == 0;
    return strcmp(rule->name, name) == 0;
}

/* Points every place with a fitting name at the rule; how many there are. */
static size_t bind_rule(struct xw_fault_rule *rule)
{
    size_t n = 0;
    for (size_t i = 0; i < sites_n(); i++) {
        if (matches(rule, __start_xw_faults[i]->name)) {
            __start_xw_faults[i]->rule = rule;
            n++;
        }
    }
    return n;
}

/* ---- the fault file layer (tests/disk): rules that it reads itself ---- */

static const char layer_name[] = "libxwdisk.so";

static bool of_layer(const char *name)
{
    return strcmp(name, "power") == 0 || strcmp(name, "alloc") == 0 ||
           strncmp(name, "disk.", 5) == 0;
}

static bool layer_is_there(void)
{
    return dlsym(RTLD_DEFAULT, "xw_disk_claims") != NULL;
}

static bool wants_layer(const char *text)
{
    xw_autofree char *copy = strdup(text);
    char *rest = copy;
    bool wanted = false;
    for (char *one; rest && (one = strsep(&rest, ";"));)
        wanted = wanted || of_layer(strsep(&one, ":"));
    return wanted;
}

/* The layer takes the place of libc's calls, so it must be there before the program: this process
 * begins anew with it. Only a build folder has it (bin/ and tests/ side by side); where it is not,
 * this comes back and the rule is refused. */
static void begin_with_layer(void)
{
    enum { ARGUMENTS_MAX = 64, LINE_MAX_N = 1 << 16 };
    char self[PATH_MAX], layer[PATH_MAX + sizeof(layer_name) + 16];
    char *arguments[ARGUMENTS_MAX + 1];
    xw_autofree uint8_t *line = NULL;
    size_t line_n = 0, n = 0;
    const char *preloaded = getenv("LD_PRELOAD");
    ssize_t self_n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (self_n <= 0 || (preloaded && strstr(preloaded, layer_name)) ||
        xw_file_read("/proc/self/cmdline", LINE_MAX_N, &line, &line_n) < 0)
        return;
    self[self_n] = '\0';
    int folder_n = (int)(strrchr(self, '/') - self);
    snprintf(layer, sizeof(layer), "%.*s/../tests/%s", folder_n, self, layer_name);
    for (size_t at = 0; at < line_n && n < ARGUMENTS_MAX; at += strlen((char *)line + at) + 1)
        arguments[n++] = (char *)line + at;
    arguments[n] = NULL;
    if (n == ARGUMENTS_MAX || access(layer, R_OK) < 0 || setenv("LD_PRELOAD", layer, 1) < 0)
        return;
    (void)execv(self, arguments);
    (void)unsetenv("LD_PRELOAD");
}

static int parse_rule(char *text, char *ret_error, size_t n_bytes)
{
    size_t name_n = strcspn(text, ":");
    char first[NAME_N_BYTES];
    snprintf(first, sizeof(first), "%.*s", (int)XW_MIN(name_n, sizeof(first) - 1), text);
    if (of_layer(first)) {
        if (layer_is_there())
            return 0;
        snprintf(ret_error, n_bytes,
                 "XW_FAULT: '%s' needs the fault file layer %s, which only a build with tests has",
                 first, layer_name);
        return -EINVAL;
    }
    if (rules_n == RULES_MAX) {
        snprintf(ret_error, n_bytes, "XW_FAULT: more than %d rules", RULES_MAX);
        return -EINVAL;
    }
    struct xw_fault_rule *rule = &rules[rules_n];
    *rule = (struct xw_fault_rule){.action = ACTION_KILL, .prob = -1};
    char *rest = text;
    const char *name = strsep(&rest, ":");
    snprintf(rule->name, sizeof(rule->name), "%s", name);
    for (char *part; (part = strsep(&rest, ":"));) {
        if (parse_part(part, rule) < 0) {
            snprintf(ret_error, n_bytes, "XW_FAULT: %s: '%s' is not understood", name, part);
            return -EINVAL;
        }
    }
    if (bind_rule(rule) == 0) {
        snprintf(ret_error, n_bytes, "XW_FAULT: no fault point is called '%s'", name);
        return -EINVAL;
    }
    if (rule->prob >= 0) {
        if (!rule->seed_given) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            rule->random = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uint64_t)getpid();
        }
        xw_log_notice("fault.seed", XW_LOG_STR("point", rule->name),
                      XW_LOG_UINT("seed", rule->random));
    }
    rules_n++;
    return 0;
}

int xw_fault_configure(const char *text, char *ret_error, size_t n_bytes)
{
    atomic_store(&xw_fault_armed, false);
    for (size_t i = 0; i < sites_n(); i++)
        __start_xw_faults[i]->rule = NULL;
    rules_n = 0;
    if (!text || !*text)
        return 0;
    xw_autofree char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    char *rest = copy;
    for (char *one; (one = strsep(&rest, ";"));) {
        int r = *one ? parse_rule(one, ret_error, n_bytes) : 0;
        if (r < 0)
            return r;
    }
    atomic_store(&xw_fault_armed, rules_n > 0);
    return 0;
}

int xw_fault_init(char *ret_error, size_t n_bytes)
{
    const char *text = getenv("XW_FAULT");
    if (text && wants_layer(text) && !layer_is_there())
        begin_with_layer();
    return xw_fault_configure(text, ret_error, n_bytes);
}

uint64_t xw_fault_acted_n(const char *name)
{
    uint64_t n = 0;
    pthread_mutex_lock(&fault_lock);
    for (size_t i = 0; i < rules_n; i++)
        n += matches(&rules[i], name) ? rules[i].acted_n : 0;
    pthread_mutex_unlock(&fault_lock);
    return n;
}

static int compare_sites(const void *a, const void *b)
{
    const struct xw_fault_site *x = *(struct xw_fault_site *const *)a;
    const struct xw_fault_site *y = *(struct xw_fault_site *const *)b;
    int order = strcmp(x->name, y->name);
    order = order ? order : strcmp(x->file, y->file);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

void xw_fault_list(FILE *out)
{
    size_t n = sites_n();
    xw_autofree struct xw_fault_site **sorted = calloc(n + 1, sizeof(struct xw_fault_site *));
    if (!sorted)
        return;
    for (size_t i = 0; i < n; i++)
        sorted[i] = __start_xw_faults[i];
    qsort(sorted, n, sizeof(struct xw_fault_site *), compare_sites);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%-32s %s:%d\n", sorted[i]->name, sorted[i]->file, sorted[i]->line);
}
