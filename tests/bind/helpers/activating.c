/* Holds a listener as systemd does, and runs a command beside it: `activating PORT PROGRAM [ARG]...`
 *
 * It calls itself "systemd" and is to be run as process 1 of a pid namespace. The command does not
 * inherit the listener; its exit code is ours.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    if (count < 3)
        return 125;
    prctl(PR_SET_NAME, "systemd");
    struct sockaddr_in every = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&every, sizeof every) || listen(listener, 8))
        return 125;
    if (!fork()) {
        execvp(arguments[2], arguments + 2);
        _exit(125);
    }
    int status = 125 << 8;
    wait(&status);
    return WEXITSTATUS(status);
}
