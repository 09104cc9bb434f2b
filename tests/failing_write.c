/* Preloaded into a process: of its writes to regular files, counted from `fail_write` on, the n-th fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long seen, failing, lasts;
static int reason;

/* Count from here on; `lasting` lets all later writes fail as well, as on a full disk. Nothing fails if `number` is 0. */
void fail_write(long number, int error, int lasting)
{
    seen = 0;
    failing = number;
    reason = error;
    lasts = lasting;
}

long count_writes(void)
{
    return seen;
}

static int fails(int file)
{
    struct stat about;
    if (fstat(file, &about) || !S_ISREG(about.st_mode))
        return 0;
    seen++;
    if (!failing || !(seen == failing || (lasts && seen > failing)))
        return 0;
    errno = reason;
    return 1;
}

#define REPLACE(name, parameters, arguments)                                                                           \
    ssize_t name parameters                                                                                            \
    {                                                                                                                  \
        ssize_t(*next) parameters = dlsym(RTLD_NEXT, #name);                                                           \
        return fails(file) ? -1 : next arguments;                                                                      \
    }

REPLACE(write, (int file, const void *data, size_t size), (file, data, size))
REPLACE(pwrite, (int file, const void *data, size_t size, off_t offset), (file, data, size, offset))
REPLACE(pwrite64, (int file, const void *data, size_t size, off64_t offset), (file, data, size, offset))
REPLACE(writev, (int file, const struct iovec *parts, int count), (file, parts, count))
REPLACE(pwritev, (int file, const struct iovec *parts, int count, off_t offset), (file, parts, count, offset))
REPLACE(pwritev64, (int file, const struct iovec *parts, int count, off64_t offset), (file, parts, count, offset))
