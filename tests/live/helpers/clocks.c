/* Preloaded: shifts the wall clock and the clock that counts from boot, as a clock that is set and a
   machine that is suspended do. The file in SOCKEYE_TEST_CLOCKS holds both shifts, in seconds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real(id, at);
    if (answer != 0 || (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME))
        return answer;
    long wall = 0, boot = 0;
    const char *path = getenv("SOCKEYE_TEST_CLOCKS");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
        if (fscanf(file, "%ld %ld", &wall, &boot) != 2)
            wall = boot = 0;
        fclose(file);
    }
    at->tv_sec += id == CLOCK_REALTIME ? wall : boot;
    return answer;
}
