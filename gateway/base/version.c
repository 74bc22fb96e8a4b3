/* What this binary is made of. */
#include "base/version.h"

#include "xw_version_gen.h"

#include <pthread.h>
#include <stdio.h>

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static char isa[64];
static pthread_once_t isa_once = PTHREAD_ONCE_INIT;

static void find_isa(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    snprintf(isa, sizeof(isa), "x86-64%s%s%s%s", __builtin_cpu_supports("sse4.2") ? " sse4.2" : "",
             __builtin_cpu_supports("avx2") ? " avx2" : "",
             __builtin_cpu_supports("fma") ? " fma" : "",
             __builtin_cpu_supports("avx512f") ? " avx512f" : "");
#elif defined(__aarch64__)
    snprintf(isa, sizeof(isa), "aarch64");
#else
    snprintf(isa, sizeof(isa), "generic");
#endif
}

const char *xw_version(void)
{
    return XW_VERSION_TEXT;
}

const char *xw_version_git(void)
{
    return XW_GIT_HASH;
}

const char *xw_version_compiler(void)
{
    return COMPILER;
}

const char *xw_version_isa(void)
{
    pthread_once(&isa_once, find_isa);
    return isa;
}

char *xw_version_line(const char *program, char *ret_text, size_t n_bytes)
{
    snprintf(ret_text, n_bytes, "%s %s (%s, %s, %s)", program, xw_version(), xw_version_git(),
             xw_version_compiler(), xw_version_isa());
    return ret_text;
}
