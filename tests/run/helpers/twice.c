// Binds 127.0.0.1:3000 twice, TCP or with an argument UDP, and says what came of the second time.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int bound(int type) {
  int fd = socket(AF_INET, type, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(3000), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int result = bind(fd, (void *)&to, sizeof to);
  return result == 0 && type == SOCK_STREAM ? listen(fd, 8) : result;
}

int main(int count, char **arguments) {
  (void)arguments;
  int type = count > 1 ? SOCK_DGRAM : SOCK_STREAM;
  if (bound(type) != 0) return 1;
  puts(bound(type) == 0 ? "ok" : strerrorname_np(errno));
  return 0;
}
