// Binds the port of the first line to 127.0.0.1 with SO_REUSEADDR, and listens at each further line.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(void) {
  char line[64];
  if (!fgets(line, sizeof line, stdin)) return 1;
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(line)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  puts(bind(fd, (void *)&to, sizeof to) == 0 ? "bound" : strerrorname_np(errno));
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    puts(listen(fd, 8) == 0 ? "ok" : strerrorname_np(errno));
    fflush(stdout);
  }
  return 0;
}
