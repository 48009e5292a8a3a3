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
#include <unistd.h>

#include "command.h"
#include "temporary_folder.h"

void minted_chain_make(const char *description) {
  const char *build = getenv("abs_top_builddir");
  char program[4096];
  char command[8192];

  (void)snprintf(program, sizeof(program), "%s/tests/support/mint_chain", build != NULL ? build : ".");
  if (access(program, X_OK) != 0) {
    skip();
  }
  temporary_folder_write_text("description", description);
  (void)snprintf(command, sizeof(command), "exec '%s' . < description", program);
  assert_int_equal(command_run(temporary_folder_path(""), "sh", "-c", command, NULL), 0);
}
