/* SPDX-License-Identifier: MIT */
/* One client after the other: request, reply, then bytes both ways until both sides have ended. */
#include "connect_proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback.h"

struct connect_proxy {
  const char *refusal;
  unsigned port;
  int listener;
  int stop[2];
  pthread_t thread;
  char target[256];
};

/* \return whether there is something to read before the test wants to stop */
static bool wait_for(const struct connect_proxy *proxy, int descriptor) {
  struct pollfd polls[] = {{.fd = descriptor, .events = POLLIN}, {.fd = proxy->stop[0], .events = POLLIN}};

  while (poll(polls, 2, -1) < 0 && errno == EINTR) {
  }
  return polls[1].revents == 0;
}

/* As careless as proxies are: what comes after the empty line would be lost. */
static bool read_request(const struct connect_proxy *proxy, int client, char *request, size_t size) {
  size_t length = 0;

  request[0] = '\0';
  while (strstr(request, "\r\n\r\n") == NULL) {
    ssize_t count;

    if (!wait_for(proxy, client) || (count = recv(client, request + length, size - length - 1, 0)) <= 0) {
      return false;
    }
    length += (size_t)count;
    request[length] = '\0';
  }
  return true;
}

static void say(int client, const char *status) {
  char reply[256];
  const int length = snprintf(reply, sizeof(reply), "HTTP/1.1 %s\r\nProxy-Agent: test\r\n\r\n", status);

  (void)loopback_send_all(client, (const unsigned char *)reply, (size_t)length);
}

/* \return the connection asked for, or -1 */
static int reach_target(struct connect_proxy *proxy, const char *request) {
  const char *port;

  if (sscanf(request, "CONNECT %255s HTTP/1.1\r\n", proxy->target) != 1) {
    return -1;
  }
  port = strrchr(proxy->target, ':');
  return port == NULL ? -1 : loopback_connect((uint16_t)atoi(port + 1));
}

/* \return false at the end of what \a from says, or of the test */
static bool pass_on(int from, int to) {
  unsigned char bytes[16384];
  const ssize_t count = recv(from, bytes, sizeof(bytes), 0);

  return count > 0 && loopback_send_all(to, bytes, (size_t)count);
}

static void relay(const struct connect_proxy *proxy, int client, int server) {
  struct pollfd polls[] = {
      {.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}, {.fd = proxy->stop[0], .events = POLLIN}};

  while (polls[0].fd != -1 || polls[1].fd != -1) {
    if (poll(polls, 3, -1) < 0 && errno != EINTR) {
      return;
    }
    if (polls[2].revents != 0) {
      return;
    }
    if (polls[0].revents != 0 && !pass_on(client, server)) {
      (void)shutdown(server, SHUT_WR);
      polls[0].fd = -1;
    }
    if (polls[1].revents != 0 && !pass_on(server, client)) {
      (void)shutdown(client, SHUT_WR);
      polls[1].fd = -1;
    }
  }
}

static void serve(struct connect_proxy *proxy, int client) {
  char request[4096];
  int server;

  if (!read_request(proxy, client, request, sizeof(request))) {
    return;
  }
  server = reach_target(proxy, request);
  if (proxy->refusal != NULL || server < 0) {
    say(client, proxy->refusal != NULL ? proxy->refusal : "502 Bad Gateway");
  } else {
    say(client, "200 Connection established");
    relay(proxy, client, server);
  }
  if (server >= 0) {
    (void)close(server);
  }
}

static void *run_proxy(void *argument) {
  struct connect_proxy *proxy = argument;

  while (wait_for(proxy, proxy->listener)) {
    const int client = accept(proxy->listener, NULL, NULL);

    if (client < 0) {
      break;
    }
    serve(proxy, client);
    (void)close(client);
  }
  return NULL;
}

struct connect_proxy *connect_proxy_start(const char *refusal) {
  struct connect_proxy *proxy = calloc(1, sizeof(*proxy));

  assert_non_null(proxy);
  proxy->refusal = refusal;
  proxy->listener = loopback_listen(&proxy->port);
  assert_true(proxy->listener >= 0);
  assert_int_equal(pipe(proxy->stop), 0);
  assert_int_equal(pthread_create(&proxy->thread, NULL, run_proxy, proxy), 0);
  return proxy;
}

int connect_proxy_port(const struct connect_proxy *proxy) { return (int)proxy->port; }

const char *connect_proxy_stop(struct connect_proxy *proxy) {
  static char target[sizeof(proxy->target)];

  (void)close(proxy->stop[1]); /* poll() sees the end of that pipe */
  assert_int_equal(pthread_join(proxy->thread, NULL), 0);
  (void)close(proxy->stop[0]);
  (void)close(proxy->listener);
  memcpy(target, proxy->target, sizeof(target));
  free(proxy);
  return target;
}
