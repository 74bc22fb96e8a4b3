/* A race planted where the gateway's pipeline hands over, to prove that the thread sanitizer finds
 * one there; and the same run without it, which must be clean.
 *
 * usage: xw-planted-race plant|none
 * With `plant`, the streaming thread counts in a plain variable that the loop thread reads while
 * blocks are under way: just what on_output of edge/pipeline.h forbids. */
#include "base/block.h"
#include "edge/pipeline.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS_N = 500, COUNT = 20, CHANNELS = 1 };

static bool plant;
static unsigned planted;      /* the race */
static _Atomic unsigned told; /* what it should be */

static void on_output(void *user)
{
    (void)user;
    if (plant)
        planted++;
    else
        atomic_fetch_add(&told, 1);
}

static int open_pipeline(struct xw_pipeline **ret_pipeline)
{
    static uint8_t id[16] = {1};
    uint8_t bytes[512];
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channel = XW__CHANNEL__INIT, *channels[CHANNELS] = {&channel};
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    rate.num = 500;
    gain.num = 1000;
    rate.den = gain.den = 1;
    channel.code = "II";
    channel.unit = "mV";
    channel.gain = &gain;
    channel.adc_min = -32768;
    channel.adc_max = 32767;
    header.stream_id = header.attachment_id = (ProtobufCBinaryData){sizeof(id), id};
    header.modality = XW__MODALITY__MODALITY_ECG;
    header.rate = &rate;
    header.channels = channels;
    header.n_channels = CHANNELS;
    header.device_id = "dev-1";
    header.gateway_id = "town-a";
    const struct xw_pipeline_config config = {.header = &header,
                                              .header_bytes = bytes,
                                              .header_size =
                                                  xw__stream_header__pack(&header, bytes),
                                              .mains_hz = 50,
                                              .on_output = on_output};
    return xw_pipeline_new(&config, ret_pipeline);
}

/* Takes out what is there; true at the end of the stream. */
static bool drain(struct xw_pipeline *pipeline, unsigned *blocks_n)
{
    const struct xw_pipeline_out *out;
    bool end = false;
    while (!end && xw_pipeline_take(pipeline, &out) >= 0) {
        *blocks_n += out->what == XW_PIPELINE_BLOCK;
        end = out->what == XW_PIPELINE_END;
        xw_pipeline_consume(pipeline);
    }
    return end;
}

static unsigned run(struct xw_pipeline *pipeline)
{
    unsigned blocks_n = 0, seen = 0;
    for (unsigned i = 0; i < BLOCKS_N; i++) {
        int32_t *x = xw_pipeline_room(pipeline, COUNT * CHANNELS);
        if (!x)
            return 0;
        for (int k = 0; k < COUNT; k++) /* a spike a second, so that beats are found, too */
            x[k] = i % 25 == 0 && k < 10 ? 100 * k : k % 3;
        xw_pipeline_push(pipeline, (uint64_t)i * COUNT, COUNT);
        seen += plant ? planted : atomic_load(&told);
        /* Taking out of the ring puts the threads in order, and most of the race with it. */
        if (!plant)
            (void)drain(pipeline, &blocks_n);
    }
    /* Looked at now and then until it has happened: the sanitizer tells of an access only as long
     * as it remembers where that was. */
    for (unsigned i = 0; plant && !planted && i < 2000; i++)
        usleep(1000);
    xw_pipeline_end(pipeline);
    while (!drain(pipeline, &blocks_n))
        sched_yield();
    printf("%u blocks, told %u\n", blocks_n, seen);
    return blocks_n;
}

int main(int argc, char **argv)
{
    struct xw_pipeline *pipeline;
    if (argc != 2 || (strcmp(argv[1], "plant") != 0 && strcmp(argv[1], "none") != 0)) {
        fprintf(stderr, "usage: %s plant|none\n", argv[0]);
        return 2;
    }
    plant = strcmp(argv[1], "plant") == 0;
    if (xw_pipeline_setup(NULL) < 0 || open_pipeline(&pipeline) < 0)
        return 1;
    unsigned blocks_n = run(pipeline);
    xw_pipeline_free(pipeline);
    return blocks_n == BLOCKS_N ? 0 : 1;
}
