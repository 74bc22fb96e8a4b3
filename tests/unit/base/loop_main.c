/* Runs the groups of this executable. */
#include "support.h"
#include "tests.h"

int main(void)
{
    int failed = 0;
    failed += RUN_GROUP(loop_tests);
    failed += RUN_GROUP(pool_tests);
    return failed ? 1 : 0;
}
