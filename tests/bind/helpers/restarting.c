/* A server that restarts as fast as it can: `restarting PORT STARTS`
 *
 * Each time it makes a socket with SO_REUSEADDR, binds it to every IPv4 address, listens, and closes
 * it; every eighth time it serves a client first, whose leftover stays in TIME_WAIT. Prints how many
 * starts failed. A process of its own, since a child that is started inherits all sockets for a moment.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(int listener, struct sockaddr_in to)
{
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (!connect(client, (struct sockaddr *)&to, sizeof to)) {
        int server = accept(listener, NULL, NULL);
        close(server);
    }
    close(client);
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 125;
    struct sockaddr_in every = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
    int starts = atoi(arguments[2]), failed = 0, yes = 1;
    for (int start = 0; start < starts; start++) {
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind(listener, (struct sockaddr *)&every, sizeof every) || listen(listener, 8)) {
            fprintf(stderr, "start %d: %s\n", start, strerror(errno));
            failed++;
        } else if (start % 8 == 7) {
            serve(listener, every);
        }
        close(listener);
    }
    printf("%d\n", failed);
    return 0;
}
