/* SPDX-License-Identifier: MIT */
/* An HTTP proxy in a thread of the test program, on 127.0.0.1, that knows CONNECT and nothing else. */
#ifndef TESTS_CONNECT_PROXY_H
#define TESTS_CONNECT_PROXY_H

struct connect_proxy;

/**
 * \param [in] refusal the status line with which it refuses all, for example "403 Forbidden"; NULL: it connects to the
 * port that is asked for, on 127.0.0.1, whatever the host
 */
struct connect_proxy *connect_proxy_start(const char *refusal);
int connect_proxy_port(const struct connect_proxy *proxy);
/** Ends it. \return what the last client has asked for, "host:port"; valid until the next one ends */
const char *connect_proxy_stop(struct connect_proxy *proxy);

#endif
