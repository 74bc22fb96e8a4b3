/* The device's TCP connection on the loop. */
#include "device.h"

#include <sodium.h>
#include <string.h>

#include "base/log.h"

/* Not more than this in the kernel's and libuv's hands: what a cut would let us send again. */
enum { IN_FLIGHT_MAX_BYTES = 256 * 1024, COALESCE_BYTES = 16 * 1024 };

struct write_job {
    uv_write_t request;
    struct xw_sim_device *device;
    uv_tcp_t *tcp;
    size_t n_bytes;
    uint8_t bytes[];
};

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void xw_sim_device_close(struct xw_sim_device *device, const char *why)
{
    if (device->tcp) {
        xw_log_debug("sim.close", XW_LOG_STR("device", device->spec->id), XW_LOG_STR("why", why));
        device->tcp->data = NULL; /* late callbacks of this handle are no longer ours */
        uv_close((uv_handle_t *)device->tcp, on_closed);
        device->tcp = NULL;
    }
    device->in_flight_bytes = 0;
    device->state = XW_SIM_OFFLINE;
    uint32_t jitter_ms = randombytes_uniform(device->retry_ms / 2 + 1);
    device->retry_at =
        xw_mono_add_us(xw_clock_mono(NULL), (int64_t)(device->retry_ms + jitter_ms) * 1000);
    device->retry_ms = XW_MIN(device->retry_ms * 2, 1000U);
}

static void on_written(uv_write_t *request, int status)
{
    struct write_job *job = XW_CONTAINER_OF(request, struct write_job, request);
    struct xw_sim_device *device = job->tcp->data;
    if (device && device->tcp == job->tcp) {
        device->in_flight_bytes -= job->n_bytes;
        if (status < 0)
            xw_sim_device_close(device, uv_strerror(status));
        else if (device->state == XW_SIM_SENDING)
            xw_sim_device_pump(device);
    }
    free(job);
}

/* Bytes straight to the kernel if it takes them, else through libuv's queue. */
static int write_bytes(struct xw_sim_device *device, const uint8_t *data, size_t n_bytes)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)n_bytes);
    int n = device->in_flight_bytes ? UV_EAGAIN : uv_try_write((uv_stream_t *)device->tcp, &buf, 1);
    if (n == UV_EAGAIN)
        n = 0;
    if (n < 0)
        return n;
    size_t left = n_bytes - (size_t)n;
    if (left == 0)
        return 0;
    struct write_job *job = malloc(sizeof(*job) + left);
    if (!job)
        return -ENOMEM;
    job->device = device;
    job->tcp = device->tcp;
    job->n_bytes = left;
    memcpy(job->bytes, data + n, left);
    buf = uv_buf_init((char *)job->bytes, (unsigned)left);
    int r = uv_write(&job->request, (uv_stream_t *)device->tcp, &buf, 1, on_written);
    if (r < 0) {
        free(job);
        return r;
    }
    device->in_flight_bytes += left;
    return 0;
}

int xw_sim_device_send(struct xw_sim_device *device, const Xw__DeviceMessage *message)
{
    uint8_t bytes[8192];
    size_t body_n = xw__device_message__get_packed_size(message);
    if (!device->tcp || body_n + XW_FRAME_HEADER_MAX_N_BYTES > sizeof(bytes))
        return -EMSGSIZE;
    size_t header_n = xw_frame_header(body_n, bytes);
    xw__device_message__pack(message, bytes + header_n);
    return write_bytes(device, bytes, header_n + body_n);
}

void xw_sim_device_pump(struct xw_sim_device *device)
{
    uint8_t batch[COALESCE_BYTES];
    if (device->state != XW_SIM_SENDING)
        return;
    while (device->retain.unsent && device->in_flight_bytes < IN_FLIGHT_MAX_BYTES) {
        struct xw_sim_entry *entry = device->retain.unsent;
        size_t n = 0;
        int r;
        if (entry->n_bytes > sizeof(batch)) {
            r = write_bytes(device, entry->bytes, entry->n_bytes);
            entry = entry->next;
        } else {
            for (; entry && n + entry->n_bytes <= sizeof(batch); entry = entry->next) {
                memcpy(batch + n, entry->bytes, entry->n_bytes);
                n += entry->n_bytes;
            }
            r = write_bytes(device, batch, n);
        }
        if (r < 0) {
            xw_sim_device_close(device, uv_strerror(r));
            return;
        }
        device->retain.unsent = entry;
    }
}

static void fill_channels(const struct xw_sim_device *device, Xw__Channel *channels,
                          Xw__Fraction *gains, Xw__Channel **ret_list)
{
    for (unsigned c = 0; c < device->channels_n; c++) {
        const struct xw_sim_channel *from = xw_sim_source_channel(device->source, c);
        xw__channel__init(&channels[c]);
        xw__fraction__init(&gains[c]);
        gains[c].num = from->gain_num;
        gains[c].den = from->gain_den;
        channels[c].code = (char *)(uintptr_t)from->code;
        channels[c].unit = (char *)(uintptr_t)from->unit;
        channels[c].gain = &gains[c];
        channels[c].baseline = from->baseline;
        channels[c].has_invalid = from->has_invalid;
        channels[c].invalid = from->invalid;
        channels[c].adc_min = from->adc_min;
        channels[c].adc_max = from->adc_max;
        ret_list[c] = &channels[c];
    }
}

static int send_hello(struct xw_sim_device *device, struct xw_mono_us now)
{
    Xw__Channel channels[XW_SIM_CHANNELS_MAX], *list[XW_SIM_CHANNELS_MAX];
    Xw__Fraction gains[XW_SIM_CHANNELS_MAX], rate = XW__FRACTION__INIT;
    Xw__DeviceSignal signal = XW__DEVICE_SIGNAL__INIT, *signals[] = {&signal};
    Xw__DeviceHello hello = XW__DEVICE_HELLO__INIT;
    Xw__DeviceMessage message = XW__DEVICE_MESSAGE__INIT;
    fill_channels(device, channels, gains, list);
    rate.num = device->rate_num;
    rate.den = device->rate_den;
    signal.modality = xw_sim_source_modality(device->source);
    signal.rate = &rate;
    signal.n_channels = device->channels_n;
    signal.channels = list;
    hello.version = 1;
    hello.device_id = (char *)(uintptr_t)device->spec->id;
    hello.model = (char *)(uintptr_t) "Xinwang simulator";
    hello.firmware = (char *)(uintptr_t) "1";
    hello.epoch = device->epoch;
    hello.can_resume = true;
    hello.n_signals = 1;
    hello.signals = signals;
    hello.demo = device->demo;
    hello.clock_us = (uint64_t)now.us;
    message.body_case = XW__DEVICE_MESSAGE__BODY_HELLO;
    message.hello = &hello;
    return xw_sim_device_send(device, &message);
}

static int take_messages(struct xw_sim_device *device)
{
    const uint8_t *data;
    size_t n_bytes;
    int r;
    while ((r = xw_framer_next(&device->framer, &data, &n_bytes)) > 0) {
        Xw__GatewayMessage *message = xw__gateway_message__unpack(NULL, n_bytes, data);
        if (!message)
            return -EBADMSG;
        r = xw_sim_device_heard(device, message);
        xw__gateway_message__free_unpacked(message, NULL);
        if (r < 0 || !device->tcp)
            return r < 0 ? r : -ECONNRESET;
    }
    return r;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    static char bytes[XW_FRAME_PUSH_MAX_N_BYTES]; /* one loop, used up within the read callback */
    (void)handle;
    (void)suggested;
    *ret_buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct xw_sim_device *device = stream->data;
    if (!device || n == 0)
        return;
    int r = n < 0 ? (int)n : xw_framer_push(&device->framer, buf->base, (size_t)n);
    if (r >= 0) {
        device->heard_at = xw_clock_mono(NULL);
        r = take_messages(device);
    }
    if (r < 0 && device->tcp)
        xw_sim_device_close(device, n < 0 ? uv_strerror((int)n) : "refused");
}

static void on_connected(uv_connect_t *request, int status)
{
    struct xw_sim_device *device = request->handle->data;
    free(request);
    if (!device || status == UV_ECANCELED)
        return;
    struct xw_mono_us now = xw_clock_mono(NULL);
    if (status < 0) {
        xw_sim_device_close(device, uv_strerror(status));
        return;
    }
    device->heard_at = device->pinged_at = now;
    device->state = XW_SIM_GREETING;
    device->connects_n++;
    uv_tcp_nodelay(device->tcp, 1);
    int r = uv_read_start((uv_stream_t *)device->tcp, on_alloc, on_read);
    if (r >= 0)
        r = send_hello(device, now);
    if (r < 0)
        xw_sim_device_close(device, "hello not sent");
}

void xw_sim_device_connect(struct xw_sim_device *device, struct xw_mono_us now)
{
    struct sockaddr_in address;
    uv_connect_t *request = malloc(sizeof(*request));
    uv_tcp_t *tcp = malloc(sizeof(*tcp));
    if (!request || !tcp || uv_tcp_init(xw_loop_uv(device->loop), tcp) < 0) {
        free(request);
        free(tcp);
        return;
    }
    tcp->data = device;
    device->tcp = tcp;
    device->state = XW_SIM_CONNECTING;
    device->heard_at = now;
    xw_framer_done(&device->framer);
    xw_framer_init(&device->framer, XW_FRAME_MAX_N_BYTES);
    int r = uv_ip4_addr(device->spec->host, device->spec->port, &address);
    if (r >= 0)
        r = uv_tcp_connect(request, tcp, (const struct sockaddr *)&address, on_connected);
    if (r < 0) {
        free(request);
        xw_sim_device_close(device, uv_strerror(r));
    }
}
