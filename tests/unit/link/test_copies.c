/* A spool that is a copy: set back to an earlier state, or on two machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/link/rig.h"

static void link_up(struct rig *rig)
{
    rig_connect(rig, 0);
    rig_run(rig, 20000);
    rig_connect(rig, 1);
    rig_run(rig, 50000);
    assert_true(rig->linked);
}

/* Its numbers were given out before: without another id its next records would be taken for those
 * that the county has, acknowledged, and lost. */
static void a_spool_set_back_to_an_earlier_copy_loses_no_record(void **state)
{
    (void)state;
    struct rig *rig = rig_new(81);
    struct rig_stream *s = rig_add_stream(rig);
    link_up(rig);
    rig_record(rig, s, false);
    rig_record(rig, s, false);
    rig_block(rig, s, 20);
    rig_run(rig, 1000000);
    struct xw_store *copy = model_new(); /* an image, taken before anything */
    model_set_id(copy, "spool", 81);
    for (unsigned i = 0; i < 10; i++)
        rig_record(rig, s, true);
    rig_run(rig, 1000000);
    assert_int_equal(rig->records_told, 12);
    rig_cut(rig, 0, 0);
    rig_cut(rig, 1, 0);
    struct xw_store *gone = rig->spool;
    rig->spool = copy;
    model_put_stream(copy, &s->id, s->header, s->header_size);
    rig_restart_gateway(rig);
    for (unsigned i = 0; i < 5; i++)
        rig_record(rig, s, true);
    rig_connect(rig, 0);
    rig_run(rig, 500000); /* it finds out, and ends */
    rig_cut(rig, 0, 0);
    link_up(rig);
    rig_run(rig, 3000000);
    assert_int_equal(rig->records_told, 17);
    rig_block(rig, s, 20);
    rig_record(rig, s, true);
    rig_run(rig, 1000000);
    assert_int_equal(rig->records_told, 18);
    model_free(gone);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spool_set_back_to_an_earlier_copy_loses_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
