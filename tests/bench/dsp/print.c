/* JSON lines with provenance. */
#include "bench/dsp/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_commit(char *text, int size)
{
    const char *given = getenv("XW_COMMIT");
    text[0] = 0;
    if (given) {
        snprintf(text, (size_t)size, "%s", given);
    } else {
        FILE *git = popen("git rev-parse --short=12 HEAD 2>/dev/null", "r");
        if (git && !fgets(text, size, git))
            text[0] = 0;
        if (git)
            pclose(git);
    }
    for (char *p = text; *p; p++)
        if (*p == '\n' || *p == '"' || *p == '\\')
            *p = 0;
    if (!text[0])
        snprintf(text, (size_t)size, "unknown");
}

static void read_cpu(char *text, int size)
{
    char line[256];
    const char *given = getenv("XW_CPU");
    if (given) {
        snprintf(text, (size_t)size, "%s", given);
        text[strcspn(text, "\n\"\\")] = 0;
        return;
    }
    FILE *info = fopen("/proc/cpuinfo", "r");
    snprintf(text, (size_t)size, "unknown");
    while (info && fgets(line, sizeof(line), info)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        snprintf(text, (size_t)size, "%s", colon + 2);
        text[strcspn(text, "\n\"\\")] = 0;
        break;
    }
    if (info)
        fclose(info);
}

void xw_bench_print(const char *name, double value, const char *unit, const char *baseline_name,
                    double baseline)
{
    char commit[64], cpu[128];
    read_commit(commit, sizeof(commit));
    read_cpu(cpu, sizeof(cpu));
    printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",", name, value, unit);
    if (baseline_name)
        printf("\"baseline\":%.6g,\"baseline_name\":\"%s\",", baseline, baseline_name);
    printf("\"commit\":\"%s\",\"cpu\":\"%s\"}\n", commit, cpu);
    fflush(stdout);
}
