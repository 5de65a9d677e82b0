/* A server that answers each connection with its name, the first argument: on the socket that it is
 * handed as descriptor 3, or else on the port in PORT, which it binds with SO_REUSEADDR. Prints its port
 * once it listens. It closes first, so that leftovers stay on its port. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int own_listener(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT")))};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 64)) {
        perror(getenv("PORT"));
        exit(1);
    }
    return fd;
}

int main(int count, char **words)
{
    (void)count;
    int listener = getenv("LISTEN_FDS") ? 3 : own_listener();
    printf("%s\n", getenv("PORT"));
    fflush(stdout);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0 || write(client, words[1], strlen(words[1])) < 0)
            return 1;
        close(client);
    }
}
