// A family of processes that do what they are told. All of them read orders of two bytes (what, which)
// from one pipe, so that whoever comes first obeys, and answer with one byte on another. A socket that is
// given away waits in the mailbox until somebody takes it.
//
// usage: actor ORDERS ANSWERS MAILBOX-IN MAILBOX-OUT (numbers of descriptors)

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_PORT = 20000, PORTS = 40, LAST_DESCRIPTOR = 256 };

static int orders, answers, mail_in, mail_out;

static int family_of(int fd)
{
	int family = 0;
	socklen_t size = sizeof family;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0)
		return -1;
	return family;
}

// The descriptor of one of our sockets, or -1 if there is none.
static int pick(unsigned which)
{
	int found[LAST_DESCRIPTOR], count = 0;
	for (int fd = 3; fd < LAST_DESCRIPTOR; fd++)
		if (family_of(fd) == AF_INET)
			found[count++] = fd;
	return count == 0 ? -1 : found[which % count];
}

static struct sockaddr_in address(unsigned which)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(FIRST_PORT + which % PORTS);
	return to;
}

static void begin_to_listen(unsigned which)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
	struct sockaddr_in at = address(which);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 8) != 0)
		close(fd);
}

static void bind_udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in at = { .sin_family = AF_INET };
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
		close(fd);
}

static void begin_to_connect(unsigned which)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in to = address(which);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		close(fd);
}

static void accept_all(void)
{
	for (int fd = 3; fd < LAST_DESCRIPTOR; fd++) {
		int listens = 0;
		socklen_t size = sizeof listens;
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens)
			while (accept(fd, NULL, NULL) >= 0)
				;
	}
}

static void give(int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	sendmsg(mail_in, &message, MSG_DONTWAIT);
}

// Whether there was something to take.
static int take(void)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control };
	return recvmsg(mail_out, &message, MSG_DONTWAIT) == 1;
}

static void execute(char **argv)
{
	char *again[] = { argv[0], argv[1], argv[2], argv[3], argv[4], NULL };
	execv("/proc/self/exe", again);
	_exit(1);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	orders = atoi(argv[1]), answers = atoi(argv[2]);
	mail_in = atoi(argv[3]), mail_out = atoi(argv[4]);
	signal(SIGCHLD, SIG_IGN);
	unsigned char order[2];
	while (read(orders, order, 2) == 2) {
		char answer = order[0];
		int fd = pick(order[1]);
		switch (order[0]) {
		case 'L': begin_to_listen(order[1]); break;
		case 'U': bind_udp(); break;
		case 'C': begin_to_connect(order[1]); break;
		case 'A': accept_all(); break;
		case 'X': if (fd >= 0) close(fd); break;
		case 'G': if (fd >= 0) give(fd); break;
		case 'T': if (!take()) answer = '-'; break;
		case 'F': if (fork() == 0) continue; break;
		case 'E': if (write(answers, &answer, 1) != 1) return 1; execute(argv);
		case 'Q': if (write(answers, &answer, 1) != 1) return 1; return 0;
		}
		if (write(answers, &answer, 1) != 1)
			return 1;
	}
	return 0;
}
