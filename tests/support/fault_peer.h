/* SPDX-License-Identifier: MIT */
/*
 * Peers for the fault tests: a folder with fresh certificates, a private RabbitMQ, and TLS servers that misbehave on
 * demand.
 *
 * Nothing outlives the test program, however it ends: each process watches a pipe from it and stops at the pipe's end.
 */
#ifndef TESTS_FAULT_PEER_H
#define TESTS_FAULT_PEER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fault_process {
  pid_t pid;
  int input; /* its end stops the process */
  int output;
  char *text; /* all it has written so far */
  size_t length;
  size_t read_up_to;
};

struct fault_proxy {
  struct fault_process process;
  int port;
};

struct fault_broker {
  int tls_port;
  int plain_port;
  char user[64];
  char password[64];
};

/** CMocka group set-up and tear-down: certificates alone, or certificates and a broker. */
int fault_set_up_certificates(void **state);
int fault_set_up_broker(void **state);
int fault_tear_down(void **state);

/** The broker; without rabbitmq-server on this machine the running case is skipped, or fails where REQUIRE_PEERS=1. */
const struct fault_broker *fault_broker(void);

/** Path of a file minted by tests/support/mint-certificates. */
const char *fault_certificate(char path[PATH_MAX], const char *name);
/** Path of a file that may be made in the tests' own folder. */
const char *fault_file(char path[PATH_MAX], const char *name);

/** Starts tests/support/tls_proxy with these options (at most 24, then NULL) and the certificate "server". */
bool fault_proxy_start(struct fault_proxy *proxy, const char *const *options);
void fault_proxy_stop(struct fault_proxy *proxy);
/** The next line that begins so, waited for; NULL if none comes. Valid until the next call. */
const char *fault_proxy_line(struct fault_proxy *proxy, const char *beginning);
/** How many lines so far begin so. Waits for nothing. */
size_t fault_proxy_count(struct fault_proxy *proxy, const char *beginning);

/** Drops what it has said so far. A proxy that serves many connections stands still when nobody reads. */
void fault_proxy_forget(struct fault_proxy *proxy);

/** Descriptors this process has open. */
size_t fault_open_descriptors(void);

#endif
