/* SPDX-License-Identifier: MIT */
/* Runs mint_chain in the temporary folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minted_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "paths.h"
#include "temporary_folder.h"

void minted_chain_make(const char *description) {
  const char *program = path_in_build_tree("tests/support/mint_chain");
  char command[8192];

  if (access(program, X_OK) != 0) {
    skip();
  }
  temporary_folder_write_text("description", description);
  (void)snprintf(command, sizeof(command), "exec '%s' . < description", program);
  assert_int_equal(command_run(temporary_folder_path(""), "sh", "-c", command, NULL), 0);
}

void minted_chain_join(const char *name, const char *names) {
  char command[2048];

  (void)snprintf(command, sizeof(command),
                 "cp %.*s.key %s.key && : > %s.pem && for n in %s; do cat $n.pem >> %s.pem; done",
                 (int)strcspn(names, " "), names, name, name, names, name);
  assert_int_equal(command_run(temporary_folder_path(""), "sh", "-c", command, NULL), 0);
}

void minted_chain_add(struct certificate_list *list, const char *names) {
  char copy[4096];
  char *rest = copy;
  char *name;

  assert_true(snprintf(copy, sizeof(copy), "%s", names) < (int)sizeof(copy));
  while ((name = strsep(&rest, " ")) != NULL) {
    char file[256];
    size_t length;
    uint8_t *bytes;

    (void)snprintf(file, sizeof(file), "%s.der", name);
    bytes = temporary_folder_read(file, &length);
    assert_true(certificate_list_add(list, bytes, length));
    free(bytes);
  }
}
