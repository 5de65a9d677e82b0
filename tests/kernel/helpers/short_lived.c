/* Processes that live for a moment, each with TCP sockets whose cookies it prints.
 *
 *     short_lived NAME COUNT PORT MILLISECONDS
 *
 * A server accepts at PORT; it ends when it has accepted COUNT connections. Each child has a listener and a connection
 * to itself, both at ports that PORT and its number give, a connection to the server, one that is refused, and one that
 * it resets. Lines: `KIND PID NAME COOKIE`. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char name[16];

static void fail(const char *what)
{
	perror(what);
	_exit(1);
}

static void print(const char *kind, int fd)
{
	uint64_t cookie;
	socklen_t length = sizeof cookie;
	char line[128];
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length))
		fail("SO_COOKIE");
	int end = snprintf(line, sizeof line, "%s %d %s %llu\n", kind, getpid(), name, (unsigned long long)cookie);
	if (write(1, line, end) != end)
		fail("write");
}

static struct sockaddr_in at(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static int opened(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_in address = at(port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || (port && bind(fd, (struct sockaddr *)&address, sizeof address)))
		fail("bind");
	return fd;
}

static int listener(int port)
{
	int fd = opened(port);
	if (listen(fd, 4096))
		fail("listen");
	print("listen", fd);
	return fd;
}

static int client(int from, int to, const char *kind)
{
	int fd = opened(from);
	struct sockaddr_in address = at(to);
	int failed = connect(fd, (struct sockaddr *)&address, sizeof address);
	if (failed && strcmp(kind, "refused"))
		fail("connect");
	print(kind, fd);
	return fd;
}

static void child(const char *prefix, int number, int port, int milliseconds)
{
	snprintf(name, sizeof name, "%s%d", prefix, number);
	prctl(PR_SET_NAME, name);
	int own = port + 1 + number;
	int listening = listener(own);
	int connected = client(own + 1000, own, "connect");
	int accepted = accept(listening, NULL, NULL);
	print("accept", accepted);
	int to_server = client(0, port, "connect");
	close(client(0, 1, "refused"));
	int reset = client(0, own, "reset");
	struct linger now = { 1, 0 };
	setsockopt(reset, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(reset);
	usleep(milliseconds * 1000);
	if (number % 2) {
		close(connected);
		close(accepted);
		close(listening);
		close(to_server);
	}
	_exit(0);
}

static void serve(int listening, int count)
{
	for (; count > 0; count--) {
		int fd = accept(listening, NULL, NULL);
		char byte;
		print("accept", fd);
		while (read(fd, &byte, 1) > 0)
			;
		close(fd);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	int count = atoi(argv[2]), port = atoi(argv[3]);
	snprintf(name, sizeof name, "%ss", argv[1]);
	prctl(PR_SET_NAME, name);
	int listening = listener(port);
	if (fork() == 0)
		serve(listening, count);
	close(listening);
	for (int number = 0; number < count; number++) {
		if (fork() == 0)
			child(argv[1], number, port, atoi(argv[4]));
		usleep(1000);
	}
	int status, failures = 0;
	while (wait(&status) > 0)
		failures += status != 0;
	return failures != 0;
}
