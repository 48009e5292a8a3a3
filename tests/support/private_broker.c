/* SPDX-License-Identifier: MIT */
/* Starting a private RabbitMQ and asking it for its view. */
#include "private_broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "minted_certificates.h"
#include "paths.h"
#include "temporary_folder.h"

#define RABBITMQ_SERVER "/usr/lib/rabbitmq/bin/rabbitmq-server"

bool private_broker_exists(void) { return peer_program_exists(RABBITMQ_SERVER); }

void private_broker_require(void) { peer_require(RABBITMQ_SERVER); }

void private_broker_begin(struct private_broker *broker, const char *name, const char *server) {
  const char *folder = temporary_folder_path(name);
  const char *const arguments[] = {
      path_in_source_tree("scripts/broker"),
      "start",
      folder,
      "--certificates",
      temporary_folder_path(""),
      "--server",
      server,
      NULL,
  };

  broker->ready = false;
  (void)snprintf(broker->folder, sizeof(broker->folder), "%s", folder);
  /* By another name nobody would find it again to stop it. */
  if (strncmp(name, "broker-", strlen("broker-")) != 0) {
    fprintf(stderr, "private_broker_begin: \"%s\" does not begin with \"broker-\"\n", name);
    abort();
  }
  broker->starting = peer_process_start(arguments);
}

/* FOLDER/env has lines of the form NAME='VALUE'; no value we want holds a quote. */
static void read_setting(const char *env, const char *name, char *value, size_t capacity) {
  const size_t length = strlen(name);

  for (const char *line = env; line != NULL; line = strchr(line, '\n')) {
    line += *line == '\n' ? 1 : 0;
    if (strncmp(line, name, length) == 0 && strncmp(line + length, "='", 2) == 0) {
      const char *begin = line + length + 2;

      (void)snprintf(value, capacity, "%.*s", (int)strcspn(begin, "'"), begin);
      return;
    }
  }
  fail_msg("the broker's env has no %s:\n%s", name, env);
}

static int read_port(const char *env, const char *name) {
  char value[16];

  read_setting(env, name, value, sizeof(value));
  return (int)strtol(value, NULL, 10);
}

static void read_env(struct private_broker *broker) {
  char env[8192];
  size_t length;
  FILE *file;

  file = fopen(path_join(broker->folder, "env"), "r");
  assert_non_null(file);
  length = fread(env, 1, sizeof(env) - 1, file);
  (void)fclose(file);
  env[length] = '\0';
  broker->tls_port = read_port(env, "RABBITMQ_TLS_PORT");
  broker->plain_port = read_port(env, "RABBITMQ_PLAIN_PORT");
  read_setting(env, "RABBITMQ_USER", broker->user, sizeof(broker->user));
  read_setting(env, "RABBITMQ_PASSWORD", broker->password, sizeof(broker->password));
}

void private_broker_await(struct private_broker *broker) {
  int status;

  if (broker->ready) {
    return;
  }
  assert_non_null(broker->starting);
  status = peer_process_wait_for_exit(broker->starting);
  if (status != 0) {
    peer_process_show(broker->starting);
    fail_msg("scripts/broker start ended with status %d", status);
  }
  peer_process_stop(broker->starting);
  broker->starting = NULL;
  read_env(broker);
  broker->ready = true;
}

static struct private_broker own;

int private_broker_set_up(void **state) {
  if (minted_certificates_make(state) != 0) {
    return -1;
  }
  if (private_broker_exists()) {
    private_broker_begin(&own, "broker-private", "server");
  }
  return 0;
}

const struct private_broker *private_broker_ready(void) {
  private_broker_require();
  private_broker_await(&own);
  return &own;
}

char *private_broker_ctl(const struct private_broker *broker, const char *const *arguments) {
  const char *all[PEER_MAX_ARGUMENTS] = {path_in_source_tree("scripts/broker"), "ctl", broker->folder};

  for (size_t i = 0; arguments[i] != NULL && i + 4 < PEER_MAX_ARGUMENTS; i++) {
    all[i + 3] = arguments[i];
  }
  return peer_process_run(all);
}
