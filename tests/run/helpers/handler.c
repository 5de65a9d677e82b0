// Binds 127.0.0.1:3000 with a handler for SIGINT and SIGALRM, and says what came of both. With an argument SIGALRM comes
// after a second.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t handled;
static void handle(int number) { (void)number; handled = 1; }

int main(int count, char **arguments) {
  (void)arguments;
  signal(SIGINT, handle);
  signal(SIGALRM, handle);
  if (count > 1) alarm(1);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(3000), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  puts(bind(fd, (void *)&to, sizeof to) == 0 ? "ok" : strerrorname_np(errno));
  puts(handled ? "handled" : "not handled");
  return 0;
}
