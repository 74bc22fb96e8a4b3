/* Runs the groups of this executable. */
#include "support.h"
#include "tests.h"

int main(void)
{
    int failed = 0;
    failed += RUN_GROUP(config_tests);
    failed += RUN_GROUP(cli_tests);
    return failed ? 1 : 0;
}
