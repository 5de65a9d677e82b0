// Calls of bind(2) and listen(2) that are not about a port, or malformed, with what the kernel says to each.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void say(const char *what, int answer) {
  printf("%s %s\n", what, answer == 0 ? "ok" : strerrorname_np(errno));
}

int main(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0sockeye-odd"};
  int un = socket(AF_UNIX, SOCK_STREAM, 0);
  say("unix", bind(un, (void *)&name, sizeof name));
  say("unix listen", listen(un, 1));
  int other = socket(AF_UNIX, SOCK_STREAM, 0);
  say("unix again", bind(other, (void *)&name, sizeof name));
  struct sockaddr_nl none = {.nl_family = AF_NETLINK};
  int nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  say("netlink", bind(nl, (void *)&none, sizeof none));
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(4000), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  say("short", bind(tcp, (void *)&v4, 8));
  say("tiny", bind(tcp, (void *)&v4, 1));
  say("long", bind(tcp, (void *)&v4, 4096));
  say("nowhere", bind(tcp, (void *)8, sizeof v4));
  say("negative", bind(tcp, (void *)&v4, -1));
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(4000)};
  say("other family", bind(tcp, (void *)&v6, sizeof v6));
  struct sockaddr_in any = {.sin_family = AF_UNSPEC, .sin_port = htons(4000)};
  say("no family", bind(tcp, (void *)&any, sizeof any));
  say("again", bind(tcp, (void *)&v4, sizeof v4));
  say("listen", listen(tcp, -1));
  say("listen again", listen(tcp, 5));
  say("no descriptor", bind(-1, (void *)&v4, sizeof v4));
  say("closed descriptor", bind(999, (void *)&v4, sizeof v4));
  say("no socket", bind(0, (void *)&v4, sizeof v4));
  say("no socket listens", listen(0, 1));
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  say("udp listen", listen(udp, 1));
  return 0;
}
