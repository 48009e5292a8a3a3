/* SPDX-License-Identifier: MIT */
/* What tls_proxy was told to do. */
#ifndef TESTS_TLS_PROXY_OPTIONS_H
#define TESTS_TLS_PROXY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer { PEER_NONE, PEER_CONNECT, PEER_ECHO, PEER_SWALLOW, PEER_SEND_FILE };

enum fault { FAULT_NONE, FAULT_TRUNCATE, FAULT_RESET, FAULT_CLOSE_NOTIFY, FAULT_CORRUPT };

struct options {
  enum peer peer;
  char *connect_host;
  const char *connect_port;
  const char *send_file;
  bool amqp_hello;
  const char *certificate;
  const char *key;
  const char *ca;
  bool require_client_certificate;
  int tls_version;
  const char *ciphers;
  char *groups; /* not const: OpenSSL's macro casts to char * */
  int security_level;
  const char *staple; /* file */
  bool no_ems;
  bool renegotiate;
  bool stateless;
  uint64_t key_update_every;
  size_t record_size;
  enum fault fault;
  uint64_t fault_after;
  bool within_record;
  bool stall_handshake;
  const char *pause_until;
  uint64_t pause_after;
  int receive_buffer;
  long late_alert;
  int late_error;
  bool reset_after_alert;
  bool once;
  bool until_stdin_closes;
  bool verbose;
};

enum options_result { OPTIONS_GOOD, OPTIONS_BAD, OPTIONS_HELP };

/** Reads the command line; says on stderr what is wrong with it, on stdout what --help asks for. */
enum options_result options_read(struct options *options, int argc, char **argv);
/** Frees what options_read() has made, whatever its result. */
void options_clear(struct options *options);

#endif
