/* Preloaded into a gateway: writes down, in the order in which they happened, what it received from
 * devices, what it wrote into its spool, when each sync of a spool file began and returned, and
 * what it sent to devices. A judge outside (acktrace.mjs) then says whether an acknowledgement left
 * before the sync of the commit that holds its samples.
 *
 *   XW_TRACE_FILE   where entries go; without it nothing is traced
 *   XW_TRACE_SPOOL  folder of the spool: writes to and syncs of files below it
 *   XW_TRACE_PORT   the device port: what goes over sockets of this local port
 *   XW_TRACE_PLANT  a lie for the judge to find: "nosync" (no sync happens, all return 0) or "late"
 *                   (a sync returns at once and happens 200 ms later)
 *
 * An entry is the head below (little-endian, packed), then the file's name, then the data. Times of
 * what is sent are taken before the call, times of what is received, written or synced after it: a
 * thread that was told of a sync can only send after that entry's time.
 * Threads: any. Errors: a trace that cannot be written ends the process; it would prove nothing. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { RECEIVED = 'R', SENT = 'A', WRITTEN = 'W', SYNC_RETURNED = 'S' };
enum { NAME_MAX_BYTES = 255, LATE_NS = 200 * 1000 * 1000 };

struct __attribute__((packed)) head {
    uint64_t ns; /* CLOCK_MONOTONIC */
    uint64_t inode;
    int64_t offset; /* of a write; -1 unknown. Of a sync: when it began (ns) */
    uint32_t thread;
    uint32_t data_n;
    uint8_t kind;
    uint8_t name_n;
};

struct what {
    bool device, spool;
    uint64_t inode;
    char name[NAME_MAX_BYTES + 1];
};

static int trace_fd = -1;
static uint16_t device_port;
static const char *spool;
static enum { HONEST, NOSYNC, LATE } plant;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_readv)(int, const struct iovec *, int);
static ssize_t (*real_recv)(int, void *, size_t, int);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_send)(int, const void *, size_t, int);
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);

/* ISO C has no cast from an object pointer to a function pointer; POSIX lets it be copied. */
static void resolve(const char *name, void *ret_function)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        _exit(112);
    memcpy(ret_function, &found, sizeof(found));
}

/* Other libraries' constructors may write before ours ran. */
static void resolve_all(void)
{
    static bool resolved;
    if (resolved)
        return;
    resolve("read", &real_read);
    resolve("readv", &real_readv);
    resolve("recv", &real_recv);
    resolve("recvmsg", &real_recvmsg);
    resolve("write", &real_write);
    resolve("writev", &real_writev);
    resolve("pwrite", &real_pwrite);
    resolve("pwritev", &real_pwritev);
    resolve("send", &real_send);
    resolve("sendmsg", &real_sendmsg);
    resolve("fdatasync", &real_fdatasync);
    resolve("fsync", &real_fsync);
    resolved = true;
}

__attribute__((constructor)) static void begin(void)
{
    resolve_all();
    const char *file = getenv("XW_TRACE_FILE");
    const char *port = getenv("XW_TRACE_PORT");
    const char *lie = getenv("XW_TRACE_PLANT");
    spool = getenv("XW_TRACE_SPOOL");
    if (!file || !port || !spool)
        return;
    device_port = (uint16_t)strtoul(port, NULL, 10);
    if (lie && strcmp(lie, "nosync") == 0)
        plant = NOSYNC;
    else if (lie && strcmp(lie, "late") == 0)
        plant = LATE;
    else if (lie && lie[0])
        _exit(112);
    trace_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace_fd < 0)
        _exit(112);
}

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static bool local_port_is(int fd, uint16_t port)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &n) < 0)
        return false;
    if (address.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address, sizeof(v4));
        return ntohs(v4.sin_port) == port;
    }
    if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &address, sizeof(v6));
        return ntohs(v6.sin6_port) == port;
    }
    return false;
}

/* Looked up at every call: descriptors are used again, and a cache could be wrong. */
static bool traced(int fd, struct what *ret_what)
{
    struct stat st;
    if (trace_fd < 0 || fd == trace_fd || fstat(fd, &st) < 0)
        return false;
    *ret_what = (struct what){.inode = st.st_ino};
    if (S_ISSOCK(st.st_mode)) {
        ret_what->device = local_port_is(fd, device_port);
        return ret_what->device;
    }
    if (!S_ISREG(st.st_mode))
        return false;
    char link[32], path[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    size_t folder_n = strlen(spool);
    if (n < 0 || (size_t)n <= folder_n || memcmp(path, spool, folder_n) != 0)
        return false;
    path[n] = 0;
    const char *slash = strrchr(path, '/');
    snprintf(ret_what->name, sizeof(ret_what->name), "%.*s", NAME_MAX_BYTES, slash + 1);
    ret_what->spool = true;
    return true;
}

static void must_write(const void *data, size_t n)
{
    const uint8_t *at = data;
    while (n > 0) {
        ssize_t w = real_write(trace_fd, at, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            _exit(112);
        at += w;
        n -= (size_t)w;
    }
}

static void note(const struct what *what, enum kind kind, uint64_t ns, int64_t offset,
                 const struct iovec *parts, size_t parts_n, size_t data_n)
{
    int kept = errno;
    struct head head = {.ns = ns,
                        .inode = what->inode,
                        .offset = offset,
                        .thread = (uint32_t)syscall(SYS_gettid),
                        .data_n = (uint32_t)data_n,
                        .kind = (uint8_t)kind,
                        .name_n = (uint8_t)strlen(what->name)};
    pthread_mutex_lock(&lock);
    must_write(&head, sizeof(head));
    must_write(what->name, head.name_n);
    for (size_t i = 0; i < parts_n && data_n > 0; i++) {
        size_t n = parts[i].iov_len < data_n ? parts[i].iov_len : data_n;
        must_write(parts[i].iov_base, n);
        data_n -= n;
    }
    pthread_mutex_unlock(&lock);
    errno = kept;
}

static void note_received(int fd, const struct iovec *parts, size_t parts_n, ssize_t n)
{
    struct what what;
    if (n > 0 && traced(fd, &what) && what.device)
        note(&what, RECEIVED, now_ns(), -1, parts, parts_n, (size_t)n);
}

/* A write went out: to a device at `before`, or into the spool by now. */
static void note_written(int fd, uint64_t before, int64_t offset, const struct iovec *parts,
                         size_t parts_n, ssize_t n)
{
    struct what what;
    if (n <= 0 || !traced(fd, &what))
        return;
    note(&what, what.device ? SENT : WRITTEN, what.device ? before : now_ns(), offset, parts,
         parts_n, (size_t)n);
}

ssize_t read(int fd, void *data, size_t n)
{
    resolve_all();
    ssize_t r = real_read(fd, data, n);
    note_received(fd, &(struct iovec){data, n}, 1, r);
    return r;
}

ssize_t readv(int fd, const struct iovec *parts, int parts_n)
{
    resolve_all();
    ssize_t r = real_readv(fd, parts, parts_n);
    note_received(fd, parts, (size_t)parts_n, r);
    return r;
}

ssize_t recv(int fd, void *data, size_t n, int flags)
{
    resolve_all();
    ssize_t r = real_recv(fd, data, n, flags);
    if (!(flags & MSG_PEEK))
        note_received(fd, &(struct iovec){data, n}, 1, r);
    return r;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    resolve_all();
    ssize_t r = real_recvmsg(fd, message, flags);
    if (!(flags & MSG_PEEK))
        note_received(fd, message->msg_iov, message->msg_iovlen, r);
    return r;
}

ssize_t write(int fd, const void *data, size_t n)
{
    resolve_all();
    uint64_t before = now_ns();
    ssize_t r = real_write(fd, data, n);
    struct iovec part = {.iov_len = n};
    memcpy(&part.iov_base, &data, sizeof(data));
    note_written(fd, before, -1, &part, 1, r);
    return r;
}

ssize_t writev(int fd, const struct iovec *parts, int parts_n)
{
    resolve_all();
    uint64_t before = now_ns();
    ssize_t r = real_writev(fd, parts, parts_n);
    note_written(fd, before, -1, parts, (size_t)parts_n, r);
    return r;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    resolve_all();
    ssize_t r = real_pwrite(fd, data, n, offset);
    struct iovec part = {.iov_len = n};
    memcpy(&part.iov_base, &data, sizeof(data));
    note_written(fd, 0, offset, &part, 1, r);
    return r;
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset)
{
    return pwrite(fd, data, n, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int parts_n, off_t offset)
{
    resolve_all();
    ssize_t r = real_pwritev(fd, parts, parts_n, offset);
    note_written(fd, 0, offset, parts, (size_t)parts_n, r);
    return r;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int parts_n, off64_t offset)
{
    return pwritev(fd, parts, parts_n, offset);
}

ssize_t send(int fd, const void *data, size_t n, int flags)
{
    resolve_all();
    uint64_t before = now_ns();
    ssize_t r = real_send(fd, data, n, flags);
    struct iovec part = {.iov_len = n};
    memcpy(&part.iov_base, &data, sizeof(data));
    note_written(fd, before, -1, &part, 1, r);
    return r;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    resolve_all();
    uint64_t before = now_ns();
    ssize_t r = real_sendmsg(fd, message, flags);
    note_written(fd, before, -1, message->msg_iov, message->msg_iovlen, r);
    return r;
}

/* ---- syncs, honest and planted ---- */

struct later {
    struct what what;
    uint64_t began;
    int fd;
};

static void *sync_later(void *arg)
{
    struct later *later = arg;
    const struct timespec wait = {.tv_nsec = LATE_NS};
    nanosleep(&wait, NULL);
    if (real_fdatasync(later->fd) == 0)
        note(&later->what, SYNC_RETURNED, now_ns(), (int64_t)later->began, NULL, 0, 0);
    close(later->fd);
    free(later);
    return NULL;
}

static int lie_about(int fd, const struct what *what)
{
    if (plant == NOSYNC)
        return 0;
    struct later *later = malloc(sizeof(*later));
    pthread_t thread;
    if (!later)
        return 0;
    *later = (struct later){*what, now_ns(), fcntl(fd, F_DUPFD_CLOEXEC, 3)};
    if (later->fd < 0 || pthread_create(&thread, NULL, sync_later, later) != 0) {
        free(later);
        return 0;
    }
    pthread_detach(thread);
    return 0;
}

static int synced(int fd, int (*real)(int))
{
    struct what what;
    if (!traced(fd, &what) || !what.spool)
        return real(fd);
    if (plant != HONEST)
        return lie_about(fd, &what);
    uint64_t began = now_ns();
    int r = real(fd);
    if (r == 0)
        note(&what, SYNC_RETURNED, now_ns(), (int64_t)began, NULL, 0, 0);
    return r;
}

int fdatasync(int fd)
{
    resolve_all();
    return synced(fd, real_fdatasync);
}

int fsync(int fd)
{
    resolve_all();
    return synced(fd, real_fsync);
}
