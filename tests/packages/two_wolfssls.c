/* SPDX-License-Identifier: MIT */
/*
 * One process with the system's libwolfssl and a librabbitmq-wolfssl that has a wolfSSL of its own.
 *
 *     two_wolfssls              linked with both libraries, in either order
 *     two_wolfssls LIBRARY...   linked with neither (-DOPENED): opens each, for all to see, in this order
 *
 * Prints which wolfSSL each of the two calls, and fails if the system's does not work.
 */
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include <amqp_wolfssl_socket.h>
#include <dlfcn.h>
#include <stdio.h>

#ifdef OPENED
#define THE(name) ((__typeof__(&name))dlsym(RTLD_DEFAULT, #name))
#else
#define THE(name) (&name)
#endif

static int open_all(char **libraries) {
  for (; *libraries != NULL; libraries++) {
    if (dlopen(*libraries, RTLD_NOW | RTLD_GLOBAL) == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return -1;
    }
  }
  return 0;
}

/* A structure that one wolfSSL made and the other freed would not go well. */
static int use_system(void) {
  WOLFSSL_CTX *context = THE(wolfSSL_CTX_new)(THE(wolfTLS_client_method)());
  WOLFSSL *session = context == NULL ? NULL : THE(wolfSSL_new)(context);
  int result = session == NULL ? -1 : 0;

  THE(wolfSSL_free)(session);
  THE(wolfSSL_CTX_free)(context);
  return result;
}

static int use_ours(void) {
  amqp_wolfssl_config_t *config = THE(amqp_wolfssl_config_new)();
  int result = config == NULL ? -1 : 0;

  THE(amqp_wolfssl_config_free)(config);
  return result;
}

int main(int argc, char **argv) {
  if (argc > 1 && open_all(argv + 1) != 0) {
    return 1;
  }
  if (use_system() != 0 || use_ours() != 0 || use_system() != 0) {
    fprintf(stderr, "one of the two does not work\n");
    return 1;
  }
  printf("system %s\n%s\n", THE(wolfSSL_lib_version)(), THE(amqp_wolfssl_build_info)());
  return 0;
}
