/* Holds a listener where the usual tools don't look: `hiding MODE PORT`
 *
 *   ring      registered with an io_uring, no descriptor of its own
 *   thread    in the descriptor table of a single thread
 *   zombie    in a process whose first thread has ended
 *   flight    in a message that waits on a unix socket
 *   sent      the same, and only a child has the socket on which it waits
 *   child     inherited by a child, in the table of both
 *   crowd     nowhere: closed, by a process of more threads than are looked at
 *
 * Says "ready", and ends when its input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int listener;
static pthread_barrier_t both;

static int listening(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 8))
        exit(125);
    return fd;
}

static void wait_for_the_end(void)
{
    char byte;
    puts("ready");
    fflush(stdout);
    while (read(0, &byte, 1) > 0) {}
    exit(0);
}

static void *own_table(void *unused)
{
    unshare(CLONE_FILES);
    pthread_barrier_wait(&both); /* the table is ours */
    pthread_barrier_wait(&both); /* the other one has closed it */
    wait_for_the_end();
    return unused;
}

/* Whether the first thread has ended: its files are gone before it is a zombie. */
static int has_ended(void)
{
    char stat[512] = {0};
    FILE *file = fopen("/proc/self/stat", "r");
    size_t length = fread(stat, 1, sizeof stat - 1, file);
    fclose(file);
    char *name_end = strrchr(stat, ')');
    return length && name_end && name_end[2] == 'Z';
}

static void *outlive(void *unused)
{
    for (int waited = 0; !has_ended(); waited++) {
        if (waited == 20000)
            exit(125);
        usleep(1000);
    }
    wait_for_the_end();
    return unused;
}

/* Says which child it is, and ends it at the end. */
static void stay_with(int child)
{
    char byte;
    printf("%d\nready\n", child);
    fflush(stdout);
    while (read(0, &byte, 1) > 0) {}
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    exit(0);
}

static int fork_or_fail(void)
{
    int child = fork();
    if (child < 0)
        exit(125);
    return child;
}

/* What a child does that only has something; it does not outlive its parent. */
static void keep(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
}

static void into_a_ring(void)
{
    unsigned char params[120] = {0};
    long ring = syscall(425 /* io_uring_setup */, 4, params);
    if (ring < 0 || syscall(427 /* io_uring_register */, ring, 2 /* FILES */, &listener, 1))
        exit(126);
    close(listener);
    wait_for_the_end();
}

static void send_listener(int over)
{
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec text = {&byte, 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &listener, sizeof(int));
    if (sendmsg(over, &message, 0) < 0)
        exit(125);
    close(listener);
}

static void into_a_message(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends))
        exit(125);
    send_listener(ends[0]);
    wait_for_the_end();
}

static void into_a_message_to_a_child(void)
{
    int ends[2], closed[2];
    char byte;
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) || pipe(closed))
        exit(125);
    int child = fork_or_fail();
    if (!child) {
        close(listener);
        close(ends[0]);
        close(closed[0]);
        close(closed[1]);
        keep();
    }
    close(ends[1]);
    close(closed[1]);
    read(closed[0], &byte, 1); /* ends when the child has closed its listener */
    send_listener(ends[0]);
    stay_with(child);
}

static void *stay(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void in_a_crowd(void)
{
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    for (int threads = 0; threads < 4300; threads++)
        if (pthread_create(&thread, &small, stay, NULL))
            exit(126);
    close(listener);
    wait_for_the_end();
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 125;
    const char *mode = arguments[1];
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    listener = listening(atoi(arguments[2]));
    if (!strcmp(mode, "ring"))
        into_a_ring();
    if (!strcmp(mode, "flight"))
        into_a_message();
    if (!strcmp(mode, "sent"))
        into_a_message_to_a_child();
    if (!strcmp(mode, "crowd"))
        in_a_crowd();
    if (!strcmp(mode, "child")) {
        int child = fork_or_fail();
        if (!child)
            keep();
        stay_with(child);
    }
    if (!strcmp(mode, "thread")) {
        pthread_barrier_init(&both, NULL, 2);
        pthread_create(&thread, NULL, own_table, NULL);
        pthread_barrier_wait(&both);
        close(listener);
        pthread_barrier_wait(&both);
        pthread_join(thread, NULL);
    }
    if (!strcmp(mode, "zombie")) {
        pthread_create(&thread, NULL, outlive, NULL);
        pthread_exit(NULL);
    }
    return 125;
}
