/* The groups of tests that the main files of this folder run. */
#ifndef XW_TEST_BASE_TESTS_H
#define XW_TEST_BASE_TESTS_H

extern const struct CMUnitTest codec_tests[], block_tests[], loop_tests[], pool_tests[],
    config_tests[], cli_tests[], log_tests[], fault_tests[], system_tests[];
extern const size_t codec_tests_n, block_tests_n, loop_tests_n, pool_tests_n, config_tests_n,
    cli_tests_n, log_tests_n, fault_tests_n, system_tests_n;

/* cmocka's group macro wants an array whose size it can see; this takes the exported ones. */
#define RUN_GROUP(group) _cmocka_run_group_tests(#group, group, group##_n, NULL, NULL)

#endif
