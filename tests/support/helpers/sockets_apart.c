/* Sockets in a network namespace, which one thing keeps: `sockets_apart KIND SOCKET...`
 *
 * process: this process is in a new one · thread: one of its threads is · descriptor: it is back where it was
 * and has an open file of the namespace · socket: it is back, only the sockets keep the namespace ·
 * here: in the namespace it was started in · at:PATH: it opens them in the namespace of this file and goes back.
 *
 * listen:PORT listen6:PORT udp:PORT udp6:PORT bound:PORT · pair:PORT: both ends of a connection to a listener
 * of before · waiting:PORT: one that ended, in TIME_WAIT · cable:NAME: a veth to the namespace of process 1 ·
 * called:NAME: nothing but a word of its command line.
 *
 * Prints `namespace INODE PID TID FD`, FD being that of the namespace's file or -1, and then a line for each
 * socket: `PROTOCOL STATE LOCAL PORT REMOTE PORT INODE`, with `- 0` for no remote end and inode 0 for none.
 * `ready` is the last line. Ends with its standard input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <signal.h>
#include <unistd.h>

static char **sockets;
static const char *kind;

static int checked(int result, const char *what)
{
    if (result < 0)
        err(1, "%s", what);
    return result;
}

static struct sockaddr_storage address_of(int family, int port)
{
    struct sockaddr_storage address = {.ss_family = family};
    /* The port is at the same place in both. */
    ((struct sockaddr_in *)&address)->sin_port = htons(port);
    return address;
}

static void print_end(const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN];
    const void *bytes = address->ss_family == AF_INET
                            ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                            : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
    inet_ntop(address->ss_family, bytes, text, sizeof text);
    printf(" %s %d", text, ntohs(((const struct sockaddr_in *)address)->sin_port));
}

/* With `inode` 0 the socket is closed, and its line is what it leaves. */
static void print_socket(int one, const char *protocol, const char *state, int has_inode)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    struct stat status;
    checked(fstat(one, &status), "fstat");
    checked(getsockname(one, (struct sockaddr *)&address, &size), "getsockname");
    printf("%s %s", protocol, state);
    print_end(&address);
    size = sizeof address;
    if (getpeername(one, (struct sockaddr *)&address, &size) == 0)
        print_end(&address);
    else
        printf(" - 0");
    printf(" %lu\n", has_inode ? (unsigned long)status.st_ino : 0);
}

static int bound(int family, int type, int port)
{
    int one = checked(socket(family, type | SOCK_CLOEXEC, 0), "socket"), on = 1;
    if (family == AF_INET6)
        setsockopt(one, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    struct sockaddr_storage address = address_of(family, port);
    socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    checked(bind(one, (struct sockaddr *)&address, size), "bind");
    return one;
}

/* Of IPv4. */
static int listener_on[65536];

static void listen_on(int family, int port)
{
    int one = bound(family, SOCK_STREAM, port);
    checked(listen(one, 16), "listen");
    if (family == AF_INET)
        listener_on[port] = one;
    print_socket(one, "tcp", "LISTEN", 1);
}

static void connect_to(int port, int is_closed)
{
    struct sockaddr_storage address = address_of(AF_INET, port);
    ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    checked(connect(client, (struct sockaddr *)&address, sizeof(struct sockaddr_in)), "connect");
    int server = checked(accept4(listener_on[port], NULL, NULL, SOCK_CLOEXEC), "accept");
    if (!is_closed) {
        print_socket(client, "tcp", "ESTABLISHED", 1);
        print_socket(server, "tcp", "ESTABLISHED", 1);
        return;
    }
    print_socket(client, "tcp", "TIME_WAIT", 0);
    close(client);
    char rest;
    while (read(server, &rest, 1) > 0)
        ;
    close(server);
}

static void lay_cable(const char *name)
{
    char line[256];
    snprintf(line, sizeof line, "ip link add inner type veth peer name %s netns 1", name);
    if (system(line) != 0)
        errx(1, "%s", line);
}

static void open_one(const char *what)
{
    char word[16] = "";
    const char *rest = strchr(what, ':');
    if (!rest || rest - what >= (long)sizeof word)
        errx(2, "%s", what);
    memcpy(word, what, rest - what);
    int port = atoi(++rest);
    if (!strcmp(word, "listen"))
        listen_on(AF_INET, port);
    else if (!strcmp(word, "listen6"))
        listen_on(AF_INET6, port);
    else if (!strcmp(word, "udp"))
        print_socket(bound(AF_INET, SOCK_DGRAM, port), "udp", "UNCONN", 1);
    else if (!strcmp(word, "udp6"))
        print_socket(bound(AF_INET6, SOCK_DGRAM, port), "udp", "UNCONN", 1);
    else if (!strcmp(word, "bound"))
        print_socket(bound(AF_INET, SOCK_STREAM, port), "tcp", "BOUND", 1);
    else if (!strcmp(word, "pair") || !strcmp(word, "waiting"))
        connect_to(port, word[0] == 'w');
    else if (!strcmp(word, "cable"))
        lay_cable(rest);
    else if (!strcmp(word, "called"))
        return;
    else
        errx(2, "%s", what);
}

static void raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int one = checked(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    checked(ioctl(one, SIOCGIFFLAGS, &request), "SIOCGIFFLAGS");
    request.ifr_flags |= IFF_UP;
    checked(ioctl(one, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
    close(one);
}

static int own_file(void)
{
    return checked(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "ns/net");
}

/* Opens all of them where this thread is, and keeps a file of the namespace if told so. */
static void open_all(int keeps_file)
{
    int file = own_file();
    struct stat status;
    checked(fstat(file, &status), "fstat");
    printf("namespace %lu %d %ld %d\n", (unsigned long)status.st_ino, getpid(), syscall(SYS_gettid),
           keeps_file ? file : -1);
    raise_loopback();
    for (char **one = sockets; *one; one++)
        open_one(*one);
    if (!keeps_file)
        close(file);
    printf("ready\n");
    fflush(stdout);
}

static void wait_for_end(void)
{
    char bytes[64];
    while (read(0, bytes, sizeof bytes) > 0)
        ;
    exit(0);
}

static void *in_thread(void *unused)
{
    checked(unshare(CLONE_NEWNET), "unshare");
    open_all(0);
    wait_for_end();
    return unused;
}

/* Goes there, opens all, and comes back. */
static void visit(int there, int keeps_file)
{
    int back = own_file();
    checked(there < 0 ? unshare(CLONE_NEWNET) : setns(there, CLONE_NEWNET), "another namespace");
    if (there >= 0)
        close(there);
    open_all(keeps_file);
    checked(setns(back, CLONE_NEWNET), "setns");
    close(back);
    wait_for_end();
}

int main(int count, char **words)
{
    if (count < 2)
        errx(2, "sockets_apart KIND SOCKET...");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    kind = words[1];
    sockets = words + 2;
    if (!strcmp(kind, "process"))
        checked(unshare(CLONE_NEWNET), "unshare");
    if (!strcmp(kind, "process") || !strcmp(kind, "here")) {
        open_all(0);
        wait_for_end();
    }
    if (!strcmp(kind, "thread")) {
        pthread_t thread;
        pthread_create(&thread, NULL, in_thread, NULL);
        pthread_join(thread, NULL);
    }
    if (!strcmp(kind, "descriptor") || !strcmp(kind, "socket"))
        visit(-1, kind[0] == 'd');
    if (!strncmp(kind, "at:", 3))
        visit(checked(open(kind + 3, O_RDONLY | O_CLOEXEC), kind + 3), 0);
    errx(2, "%s", kind);
}
