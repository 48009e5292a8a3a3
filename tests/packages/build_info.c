/* SPDX-License-Identifier: MIT */
/* Prints what the library says of itself: which wolfSSL it was built with, which it runs on. */
#include <amqp_wolfssl_socket.h>
#include <stdio.h>

int main(void) { return puts(amqp_wolfssl_build_info()) < 0; }
