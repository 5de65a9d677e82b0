/* A server that takes the socket it is handed, as a service of systemd does: `taking WORDS...`
 *
 * Prints one line of what it was given: its pid, what LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES and PORT
 * say, its words, the type of descriptor 3 (SO_TYPE) and whether it listens (SO_ACCEPTCONN), and every
 * descriptor that is open. Then it serves one client, who is told hello, and ends with code 7.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "-";
}

static int option(int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(3, SOL_SOCKET, name, &value, &size) ? -1 : value;
}

int main(int count, char **words)
{
    printf("pid=%d listen_pid=%s listen_fds=%s names=%s port=%s words=", getpid(),
           variable("LISTEN_PID"), variable("LISTEN_FDS"), variable("LISTEN_FDNAMES"),
           variable("PORT"));
    for (int at = 1; at < count; at++)
        printf("%s%s", at > 1 ? "," : "", words[at]);
    printf(" type=%d listens=%d open=", option(SO_TYPE), option(SO_ACCEPTCONN));
    DIR *open = opendir("/proc/self/fd");
    for (struct dirent *one; (one = readdir(open));)
        if (one->d_name[0] != '.' && atoi(one->d_name) != dirfd(open))
            printf("%s ", one->d_name);
    closedir(open);
    printf("\n");
    fflush(stdout);
    if (option(SO_TYPE) == SOCK_DGRAM) {
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        char text[16];
        recvfrom(3, text, sizeof text, 0, (struct sockaddr *)&from, &size);
        sendto(3, "hello\n", 6, 0, (struct sockaddr *)&from, size);
    } else {
        int client = accept(3, NULL, NULL);
        if (write(client, "hello\n", 6) != 6)
            return 1;
        close(client);
    }
    return 7;
}
