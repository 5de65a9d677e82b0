// Binds as it is told, one line at a time: `tcp|udp ADDRESS PORT V6ONLY REUSEADDR REUSEPORT`. Prints `ok` or the name of
// the error; a TCP socket listens, too. The socket is closed at the next line.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int bound(const char *kind, const char *address, int port, int v6only, int reuse_address, int reuse_port) {
  int is_v6 = strchr(address, ':') != 0;
  int type = strcmp(kind, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
  int fd = socket(is_v6 ? AF_INET6 : AF_INET, type, 0);
  if (fd < 0) return -1;
  if (is_v6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse_address, sizeof reuse_address);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuse_port, sizeof reuse_port);
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  inet_pton(is_v6 ? AF_INET6 : AF_INET, address, is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr);
  struct sockaddr *to = is_v6 ? (void *)&v6 : (void *)&v4;
  if (bind(fd, to, is_v6 ? sizeof v6 : sizeof v4) || (type == SOCK_STREAM && listen(fd, 8))) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

int main(void) {
  char line[256], kind[8], address[64];
  int port, v6only, reuse_address, reuse_port, fd = -1;
  while (fgets(line, sizeof line, stdin)) {
    if (fd >= 0) close(fd);
    fd = -1;
    if (sscanf(line, "%7s %63s %d %d %d %d", kind, address, &port, &v6only, &reuse_address, &reuse_port) == 6) {
      fd = bound(kind, address, port, v6only, reuse_address, reuse_port);
      puts(fd >= 0 ? "ok" : strerrorname_np(errno));
    } else {
      puts("closed");
    }
    fflush(stdout);
  }
  return 0;
}
