// Answers each datagram to a port with what its second argument says: a UDP server for an image without
// libraries.
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void leave(int signal) { _exit(signal == SIGTERM ? 0 : 1); }

int main(int count, char **words) {
  struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
  if (count != 3) return 2;
  signal(SIGTERM, leave);
  here.sin6_port = htons((unsigned short)atoi(words[1]));
  int server = socket(AF_INET6, SOCK_DGRAM, 0);
  if (server < 0 || bind(server, (struct sockaddr *)&here, sizeof here) < 0) return 1;
  for (;;) {
    char asked[512];
    struct sockaddr_in6 client;
    socklen_t size = sizeof client;
    if (recvfrom(server, asked, sizeof asked, 0, (struct sockaddr *)&client, &size) >= 0)
      sendto(server, words[2], strlen(words[2]), 0, (struct sockaddr *)&client, size);
  }
}
