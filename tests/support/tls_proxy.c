/* SPDX-License-Identifier: MIT */
/*
 * A TLS server for tests, built on OpenSSL so that our peer is not the library under test. It either hands the
 * decrypted bytes on to a plain TCP server, or plays a small peer itself (echo, swallow, send a file), and can be told
 * to do what a peer does on a bad day: truncate, reset, corrupt, stall, stop reading, reject the client late.
 *
 * One process a connection; the parent only accepts (tls_proxy_server.h). In a connection's process TLS
 * (tls_proxy_tls.h) knows no sockets, and the sockets (tls_proxy_relay.h) no records.
 */
#include <stdlib.h>

#include "tls_proxy_options.h"
#include "tls_proxy_server.h"

int main(int argc, char **argv) {
  struct options options;
  int status = 2;

  switch (options_read(&options, argc, argv)) {
    case OPTIONS_GOOD:
      status = run_server(&options);
      break;
    case OPTIONS_HELP:
      status = EXIT_SUCCESS;
      break;
    case OPTIONS_BAD:
      break;
  }
  options_clear(&options);
  return status;
}
