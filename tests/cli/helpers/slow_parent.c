/* Preloaded: whoever starts a program goes on only when that program has run for a while, as a loaded
   machine may have it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <spawn.h>
#include <time.h>

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
    __typeof__(&posix_spawnp) real = dlsym(RTLD_NEXT, "posix_spawnp");
    int answer = real(pid, file, actions, attributes, argv, envp);
    struct timespec left = {.tv_nsec = 700 * 1000 * 1000};
    /* A key would wake it too early. */
    while (nanosleep(&left, &left) != 0)
        ;
    return answer;
}
