/* SPDX-License-Identifier: MIT */
/* A child process whose output is kept back unless something goes wrong. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAXIMUM 48

static void become(const char *folder, char *const *arguments, int output) {
  if (chdir(folder) != 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) {
    _exit(126);
  }
  execvp(arguments[0], arguments);
  perror(arguments[0]);
  _exit(127);
}

static void show(FILE *output) {
  char line[512];

  rewind(output);
  while (fgets(line, sizeof(line), output) != NULL) {
    fputs(line, stderr);
  }
}

int command_run(const char *folder, const char *program, ...) {
  /* execvp() takes texts it won't change, but does not say so. */
  char *arguments[ARGUMENTS_MAXIMUM] = {(char *)(size_t)program};
  size_t count = 1;
  int status = -1;
  FILE *output = tmpfile();
  va_list list;
  pid_t child;

  va_start(list, program);
  while (count + 1 < ARGUMENTS_MAXIMUM && (arguments[count] = va_arg(list, char *)) != NULL) {
    count++;
  }
  va_end(list);
  if (output == NULL || arguments[count] != NULL) {
    fputs("command_run: too many arguments, or no temporary file\n", stderr);
    return -1;
  }
  child = fork();
  if (child == 0) {
    become(folder, arguments, fileno(output));
  }
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    fprintf(stderr, "%s ended with status %#x\n", program, (unsigned)status);
    show(output);
    status = -1;
  }
  fclose(output);
  return status;
}
