/* SPDX-License-Identifier: MIT */
/* Accepts; ends its children when it ends. */
#include "tls_proxy_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "tls_proxy_context.h"
#include "tls_proxy_io.h"
#include "tls_proxy_relay.h"
#include "tls_proxy_report.h"

#define MAX_CHILDREN 256

struct server {
  struct options *options;
  SSL_CTX *context;
  int listener;
  int signals;
  sigset_t caller_mask;
  pid_t children[MAX_CHILDREN];
  size_t child_count;
  bool stop;
  int status;
};

/* Port 0 of loopback; the receive buffer is inherited by accepted sockets, and has to be set before they exist. */
static int listen_on_loopback(const struct options *options) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) {
    complain("socket: %s", strerror(errno));
    return -1;
  }
  const int size = options->receive_buffer;
  if ((size > 0 && setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) != 0) ||
      bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
    complain("can't listen: %s", strerror(errno));
    close_descriptor(&listener);
    return -1;
  }
  report("PORT %u", (unsigned)ntohs(address.sin_port));
  return listener;
}

static void start_child(struct server *server, int client) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    complain("fork: %s", strerror(errno));
  } else if (child > 0) {
    server->children[server->child_count++] = child;
  } else {
    /* Dies with the parent, even if that is killed; unless it has gone already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
      exit(EXIT_FAILURE);
    }
    close_descriptor(&server->listener);
    close_descriptor(&server->signals);
    (void)sigprocmask(SIG_SETMASK, &server->caller_mask, NULL);
    const int status = run_connection(server->options, server->context, client);
    SSL_CTX_free(server->context);
    options_clear(server->options);
    exit(status);
  }
}

static void accept_client(struct server *server) {
  int client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
  if (client < 0) {
    return;
  }
  if (server->child_count < MAX_CHILDREN) {
    start_child(server, client);
  } else {
    complain("more than %d connections at once", MAX_CHILDREN);
  }
  close_descriptor(&client);
  if (server->options->once) {
    close_descriptor(&server->listener);
  }
}

static void reap_children(struct server *server) {
  size_t kept = 0;
  for (size_t i = 0; i < server->child_count; i++) {
    int status = 0;
    if (waitpid(server->children[i], &status, WNOHANG) != server->children[i]) {
      server->children[kept++] = server->children[i];
    } else if (status != 0) {
      complain("a connection's process ended with status 0x%x", (unsigned)status);
      server->status = EXIT_FAILURE;
    }
  }
  server->child_count = kept;
}

static void end_children(struct server *server) {
  for (size_t i = 0; i < server->child_count; i++) {
    (void)kill(server->children[i], SIGKILL);
    (void)waitpid(server->children[i], NULL, 0);
  }
  server->child_count = 0;
}

static void take_signal(struct server *server) {
  struct signalfd_siginfo signal_information;
  if (read(server->signals, &signal_information, sizeof signal_information) != (ssize_t)sizeof signal_information) {
    return;
  }
  if (signal_information.ssi_signo == SIGCHLD) {
    reap_children(server);
  } else {
    server->stop = true;
  }
}

static void take_stdin(struct server *server) {
  char buffer[256];
  const ssize_t length = read(STDIN_FILENO, buffer, sizeof buffer);
  if (length == 0 || (length < 0 && !would_block())) {
    server->stop = true;
  }
}

static void serve(struct server *server) {
  while (!server->stop) {
    struct pollfd descriptors[3] = {
        {.fd = server->listener, .events = POLLIN},
        {.fd = server->signals, .events = POLLIN},
        {.fd = server->options->until_stdin_closes ? STDIN_FILENO : -1, .events = POLLIN},
    };
    if (poll(descriptors, 3, -1) < 0 && errno != EINTR) {
      complain("poll: %s", strerror(errno));
      server->status = EXIT_FAILURE;
      break;
    }
    if (descriptors[1].revents != 0) {
      take_signal(server);
    }
    if (descriptors[2].revents != 0) {
      take_stdin(server);
    }
    if (descriptors[0].revents != 0) {
      accept_client(server);
    }
    if (server->options->once && server->listener < 0 && server->child_count == 0) {
      break;
    }
  }
}

static bool watch_signals(struct server *server) {
  sigset_t signals;
  (void)sigemptyset(&signals);
  (void)sigaddset(&signals, SIGTERM);
  (void)sigaddset(&signals, SIGINT);
  (void)sigaddset(&signals, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &signals, &server->caller_mask) != 0) {
    complain("sigprocmask: %s", strerror(errno));
    return false;
  }
  server->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (server->signals < 0) {
    complain("signalfd: %s", strerror(errno));
    return false;
  }
  return true;
}

int run_server(struct options *options) {
  struct server server = {.options = options, .listener = -1, .signals = -1, .status = EXIT_FAILURE};
  server.context = new_context(options);
  if (server.context != NULL && watch_signals(&server)) {
    server.listener = listen_on_loopback(options);
    if (server.listener >= 0) {
      server.status = EXIT_SUCCESS;
      serve(&server);
    }
  }
  end_children(&server);
  close_descriptor(&server.listener);
  close_descriptor(&server.signals);
  SSL_CTX_free(server.context);
  return server.status;
}
