/* Runs a command that may do less: `cage MODE PROGRAM [ARG]...`
 *
 *   landlock    may bind no TCP port (Landlock, ABI 4): bind gives EACCES
 *   no-bind     bind gives EPERM, as a BPF program of a control group makes it (seccomp)
 *   no-netlink  netlink sockets give EPERM (seccomp), as in some containers
 *   no-diag     netlink sockets give EPROTONOSUPPORT, as a kernel without sock_diag answers
 *   no-memory   nothing can be sent (ENOBUFS), as where the kernel is short of memory
 *   no-walk     netlink takes no request of 76 bytes (EOPNOTSUPP): TCPDIAG_GETSOCK, as an older kernel answers it
 *   no-threads  no thread can be started (EAGAIN), as where a limit of processes is reached
 *   no-setns    setns gives EPERM, as the profile of a sandbox may have it
 *
 * A test helper: one file, no library, no privilege. Ends with 125 where the kernel can't do it.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int deny(struct sock_filter *filter, unsigned short length)
{
    struct sock_fprog program = {.len = length, .filter = filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define FAIL(number) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (number))
#define REFUSE FAIL(EPERM)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int no_bind(void)
{
    struct sock_filter filter[] = {LOAD(nr), UNLESS(SYS_bind, 1), REFUSE, ALLOW};
    return deny(filter, sizeof filter / sizeof *filter);
}

static int no_setns(void)
{
    struct sock_filter filter[] = {LOAD(nr), UNLESS(SYS_setns, 1), REFUSE, ALLOW};
    return deny(filter, sizeof filter / sizeof *filter);
}

static int no_netlink(unsigned int error)
{
    struct sock_filter filter[] = {
        LOAD(nr), UNLESS(SYS_socket, 3), LOAD(args[0]), UNLESS(AF_NETLINK, 1), FAIL(error), ALLOW,
    };
    return deny(filter, sizeof filter / sizeof *filter);
}

static int no_memory(void)
{
    struct sock_filter filter[] = {LOAD(nr), UNLESS(SYS_sendto, 1), FAIL(ENOBUFS), ALLOW};
    return deny(filter, sizeof filter / sizeof *filter);
}

/* What is sent a filter can't see, but how long it is: a request by family has 72 bytes. */
static int no_walk(void)
{
    struct sock_filter filter[] = {
        LOAD(nr), UNLESS(SYS_sendto, 3), LOAD(args[2]), UNLESS(76, 1), FAIL(EOPNOTSUPP), ALLOW,
    };
    return deny(filter, sizeof filter / sizeof *filter);
}

/* What clone3 is asked for a filter can't see; without it the C library takes clone. */
static int no_threads(void)
{
    struct sock_filter filter[] = {
        LOAD(nr), UNLESS(SYS_clone3, 1), FAIL(ENOSYS), UNLESS(SYS_clone, 3), LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1), FAIL(EAGAIN), ALLOW,
    };
    return deny(filter, sizeof filter / sizeof *filter);
}

/* linux/landlock.h may be older than the kernel. */
static int landlock(void)
{
    struct { uint64_t handled_fs, handled_net; } rules = {0, 1 /* BIND_TCP */};
    long ruleset = syscall(444, &rules, sizeof rules, 0);
    return ruleset < 0 ? -1 : (int)syscall(446, ruleset, 0);
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 125;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const char *mode = arguments[1];
    int done = !strcmp(mode, "landlock") ? landlock()
             : !strcmp(mode, "no-bind") ? no_bind()
             : !strcmp(mode, "no-netlink") ? no_netlink(EPERM)
             : !strcmp(mode, "no-diag") ? no_netlink(EPROTONOSUPPORT)
             : !strcmp(mode, "no-memory") ? no_memory()
             : !strcmp(mode, "no-setns") ? no_setns()
             : !strcmp(mode, "no-walk") ? no_walk()
             : !strcmp(mode, "no-threads") ? no_threads() : -1;
    if (done) {
        perror(mode);
        return 125;
    }
    execvp(arguments[2], arguments + 2);
    perror(arguments[2]);
    return 125;
}
