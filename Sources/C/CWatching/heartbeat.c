#define _GNU_SOURCE
#include "heartbeat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int new_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int qat_listen(int *port) {
  struct sockaddr_storage address;
  memset(&address, 0, sizeof address);
  socklen_t length;
  int listening = new_socket(AF_INET6);
  const int off = 0;
  if (listening >= 0 && setsockopt(listening, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) {
    address.ss_family = AF_INET6; // both protocols, any address, any port
    length = sizeof(struct sockaddr_in6);
  } else {
    if (listening >= 0) close(listening);
    listening = new_socket(AF_INET);
    if (listening < 0) return -1;
    address.ss_family = AF_INET;
    length = sizeof(struct sockaddr_in);
  }
  if (bind(listening, (struct sockaddr *)&address, length) != 0 || listen(listening, SOMAXCONN) != 0
      || getsockname(listening, (struct sockaddr *)&address, &length) != 0) {
    close(listening);
    return -1;
  }
  *port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
  return listening;
}

int qat_accept(int listening) { return accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

static void add_addresses(const struct ifaddrs *list, int family, int is_loopback, char *text, size_t capacity) {
  for (const struct ifaddrs *one = list; one; one = one->ifa_next) {
    if (!one->ifa_addr || one->ifa_addr->sa_family != family || !(one->ifa_flags & IFF_UP)) continue;
    if (!!(one->ifa_flags & IFF_LOOPBACK) != is_loopback) continue;
    // An address of one link only means nothing on another computer.
    if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)one->ifa_addr)->sin6_addr)) continue;
    char number[NI_MAXHOST];
    const socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (getnameinfo(one->ifa_addr, length, number, sizeof number, NULL, 0, NI_NUMERICHOST) != 0) continue;
    if (strlen(text) + strlen(number) + 2 > capacity) return;
    if (*text) strcat(text, " ");
    strcat(text, number);
  }
}

void qat_addresses(char *text, size_t capacity) {
  text[0] = 0;
  struct ifaddrs *list;
  if (getifaddrs(&list) != 0) return;
  add_addresses(list, AF_INET, 0, text, capacity);
  add_addresses(list, AF_INET6, 0, text, capacity);
  add_addresses(list, AF_INET, 1, text, capacity);
  add_addresses(list, AF_INET6, 1, text, capacity);
  freeifaddrs(list);
}

int qat_connect(const char *address, int port) {
  char service[16];
  snprintf(service, sizeof service, "%d", port);
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  struct addrinfo *found;
  if (getaddrinfo(address, service, &hints, &found) != 0) return -1;
  const int connection = new_socket(found->ai_family);
  if (connection >= 0 && connect(connection, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) {
    close(connection);
    freeaddrinfo(found);
    return -1;
  }
  freeaddrinfo(found);
  return connection;
}

int qat_connected(int connection) {
  struct pollfd poll_one = {.fd = connection, .events = POLLOUT};
  if (poll(&poll_one, 1, 0) <= 0) return 0;
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(connection, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return -1;
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return 1;
}

int qat_send_beat(int connection, const struct qat_beat *beat) {
  const ssize_t sent = send(connection, beat, sizeof *beat, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == (ssize_t)sizeof *beat) return 0;
  // The buffer holds thousands of messages: one cut short comes after minutes without a reader.
  return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

int qat_receive_beat(int connection, struct qat_beat *beat, size_t *filled) {
  while (*filled < sizeof *beat) {
    const ssize_t count = recv(connection, (char *)beat + *filled, sizeof *beat - *filled, MSG_DONTWAIT);
    if (count == 0) return -1;
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    }
    *filled += (size_t)count;
  }
  *filled = 0;
  return 1;
}

void qat_expect_connections(int count) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = limit.rlim_cur + (rlim_t)count;
  limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}
