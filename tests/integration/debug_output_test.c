/* SPDX-License-Identifier: MIT */
/*
 * What the drop-in library writes with AMQP_WOLFSSL_DEBUG in the environment: which lines, where to, and that nothing a
 * destination does disturbs the connection. This program's own syslog() stands in for the system's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <amqp_ssl_socket.h>
#include <amqp_wolfssl_socket.h>

#if defined(__has_include)
#if __has_include(<rabbitmq-c/tcp_socket.h>)
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp_tcp_socket.h>
#endif
#endif

#include <wolfssl/options.h>

#include <wolfssl/version.h>

#include "minted_certificates.h"
#include "temporary_folder.h"
#include "tls_server.h"

#define HOST "127.0.0.1"
#define WRONG_PASSPHRASE "a wrong horse and battery"
#ifdef WOLFSSL_ENCRYPTED_KEYS
#define PASSPHRASE_IS_WRONG AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG
#else
#define PASSPHRASE_IS_WRONG AMQP_WOLFSSL_ERROR_NOT_SUPPORTED
#endif
#define FAILED_OPEN "librabbitmq-wolfssl: connect: CONNECT_FAILED: "
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct timeval hang_limit = {30, 0};

/* ---- What stands in for the system's ---- */

static struct {
  unsigned lines;
  int priority;
  char text[4096];
} logged;

static void log_line(int priority, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
static void log_line(int priority, const char *format, va_list arguments) {
  logged.lines++;
  logged.priority = priority;
  (void)vsnprintf(logged.text, sizeof(logged.text), format, arguments);
}

__attribute__((visibility("default"))) void syslog(int priority, const char *format, ...) {
  va_list arguments;

  va_start(arguments, format);
  log_line(priority, format, arguments);
  va_end(arguments);
}

/* The same, where the library was compiled with _FORTIFY_SOURCE. */
__attribute__((visibility("default"), format(printf, 3, 4))) void __syslog_chk(int priority, int flag,
                                                                               const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...) {
  va_list arguments;

  (void)flag;
  va_start(arguments, format);
  log_line(priority, format, arguments);
  va_end(arguments);
}

static bool no_sockets;

amqp_socket_t *AMQP_CALL amqp_tcp_socket_new(amqp_connection_state_t state) {
  amqp_socket_t *(*real)(amqp_connection_state_t) = NULL;

  *(void **)&real = dlsym(RTLD_NEXT, "amqp_tcp_socket_new");
  return no_sockets || real == NULL ? NULL : real(state);
}

/* ---- Clients ---- */

struct client {
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
};

static void set_debug(const char *value) {
  assert_int_equal(value != NULL ? setenv("AMQP_WOLFSSL_DEBUG", value, 1) : unsetenv("AMQP_WOLFSSL_DEBUG"), 0);
}

static void set_debug_file(const char *path) {
  char value[1024];

  assert_true((size_t)snprintf(value, sizeof(value), "file:%s", path) < sizeof(value));
  set_debug(value);
}

static struct client client_new(void) {
  struct client client = {.connection = amqp_new_connection()};

  assert_non_null(client.connection);
  client.socket = amqp_ssl_socket_new(client.connection);
  assert_non_null(client.socket);
  assert_int_equal(amqp_ssl_socket_set_cacert(client.socket, minted_certificate("bundle")), AMQP_STATUS_OK);
  return client;
}

static struct client client_with_identity(void) {
  struct client client = client_new();

  assert_int_equal(
      amqp_ssl_socket_set_key(client.socket, temporary_folder_path("client.pem"), temporary_folder_path("client.key")),
      AMQP_STATUS_OK);
  return client;
}

static void client_free(struct client *client) {
  assert_int_equal(amqp_destroy_connection(client->connection), AMQP_STATUS_OK);
}

static int client_open(struct client *client, int port) {
  return amqp_socket_open_noblock(client->socket, HOST, port, &hang_limit);
}

/* Nobody listens at port 1. */
static void fail_to_open(void) {
  struct client client = client_new();

  assert_int_equal(client_open(&client, 1), AMQP_STATUS_SOCKET_ERROR);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)),
                   AMQP_WOLFSSL_ERROR_CONNECT_FAILED);
  client_free(&client);
}

/* ---- Standard error ---- */

/* What is written to it in between is kept in a file of the temporary folder. */
struct captured {
  int kept;
};

static void capture_begin(struct captured *captured) {
  int file = open(temporary_folder_path("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0600);

  assert_true(file >= 0);
  (void)fflush(stderr);
  captured->kept = dup(STDERR_FILENO);
  assert_true(captured->kept >= 0);
  assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
  (void)close(file);
}

static void capture_end(struct captured *captured, char *text, size_t capacity) {
  FILE *file;

  (void)fflush(stderr);
  assert_int_equal(dup2(captured->kept, STDERR_FILENO), STDERR_FILENO);
  (void)close(captured->kept);
  file = fopen(temporary_folder_path("stderr"), "r");
  assert_non_null(file);
  text[fread(text, 1, capacity - 1, file)] = '\0';
  (void)fclose(file);
}

static void expect_lines(const char *text, const char *beginning, unsigned count) {
  for (unsigned line = 0; line < count; line++) {
    const char *end = strchr(text, '\n');

    if (end == NULL || strncmp(text, beginning, strlen(beginning)) != 0) {
      fail_msg("line %u is not \"%s...\" but: %s", line, beginning, text);
      return;
    }
    text = end + 1;
  }
  assert_string_equal(text, "");
}

/* What is written with \a debug in the environment (NULL: not set) for a key whose passphrase is wrong. */
static void write_of_a_wrong_passphrase(const char *debug, char *text, size_t capacity) {
  struct captured captured;
  struct client client;

  set_debug(debug);
  capture_begin(&captured);
  client = client_new();
  amqp_ssl_socket_set_key_passwd(client.socket, WRONG_PASSPHRASE);
  (void)amqp_ssl_socket_set_key(client.socket, temporary_folder_path("client.pem"),
                                temporary_folder_path("client.encrypted.key"));
  (void)client_open(&client, 1);
  (void)client_open(&client, 1);
  client_free(&client);
  capture_end(&captured, text, capacity);
  set_debug(NULL);
}

static void it_has_to_be_asked_for(void **state) {
  static const char *const other[] = {NULL, "", "0", "yes", "11", "file:", "file", "file:debug.log", "Syslog"};
  char beginning[100];
  char text[4096];

  (void)state;
  for (size_t i = 0; i < COUNT(other); i++) {
    write_of_a_wrong_passphrase(other[i], text, sizeof(text));
    assert_string_equal(text, "");
  }
  assert_int_not_equal(access("debug.log", F_OK), 0);
  assert_int_equal(logged.lines, 0);
  (void)snprintf(beginning, sizeof(beginning),
                 "librabbitmq-wolfssl: configure: %s: ", amqp_wolfssl_code_name(PASSPHRASE_IS_WRONG));
  write_of_a_wrong_passphrase("1", text, sizeof(text));
  assert_null(strstr(text, WRONG_PASSPHRASE));
  expect_lines(text, beginning, 3); /* the setter that failed, and both opens */
}

/* Which setter: each of those that programs call. */
static void setters_that_fail(void **state) {
  char *missing = strdup(temporary_folder_path("missing.pem"));
  struct captured captured;
  struct client client;
  char text[8192];
  char named[1024];

  (void)state;
  assert_non_null(missing);
  set_debug("1");
  client = client_new();
  capture_begin(&captured);
  assert_int_equal(amqp_ssl_socket_set_cacert(client.socket, missing), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(amqp_ssl_socket_set_key(client.socket, missing, missing), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(amqp_ssl_socket_set_key_buffer(client.socket, missing, "x", 1), AMQP_STATUS_SSL_ERROR);
  capture_end(&captured, text, sizeof(text));
  (void)snprintf(named, sizeof(named), "librabbitmq-wolfssl: configure: FILE_UNREADABLE: can't read %s: ", missing);
  expect_lines(text, named, 3);

  capture_begin(&captured);
  assert_int_not_equal(
      amqp_ssl_socket_set_key_engine(client.socket, missing, "pkcs11:token=x?pin-value=" WRONG_PASSPHRASE),
      AMQP_STATUS_OK);
  assert_int_equal(amqp_ssl_socket_set_ssl_versions(client.socket, AMQP_TLSv1_3, AMQP_TLSv1_2),
                   AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(amqp_ssl_socket_set_ssl_versions(client.socket, AMQP_TLSv1, AMQP_TLSv1_2), AMQP_STATUS_UNSUPPORTED);
  capture_end(&captured, text, sizeof(text));
  set_debug(NULL);
  assert_null(strstr(text, WRONG_PASSPHRASE));
  expect_lines(text, "librabbitmq-wolfssl: configure: ", 3);
  client_free(&client);
  free(missing);
}

static void a_socket_that_cannot_be_made(void **state) {
  amqp_connection_state_t connection = amqp_new_connection();
  struct captured captured;
  char text[4096];

  (void)state;
  set_debug("1");
  no_sockets = true;
  capture_begin(&captured);
  assert_null(amqp_ssl_socket_new(connection));
  capture_end(&captured, text, sizeof(text));
  no_sockets = false;
  set_debug(NULL);
  expect_lines(text, "librabbitmq-wolfssl: no socket can be made: NO_MEMORY: out of memory", 1);
  assert_int_equal(amqp_destroy_connection(connection), AMQP_STATUS_OK);
}

/* The server goes away after the handshake; sending or receiving says so, once. */
static void a_connection_that_opens_and_is_lost(void **state) {
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", 0, NULL);
  struct captured captured;
  struct client client;
  char expected[512];
  char text[4096];

  (void)state;
  set_debug("1");
  client = client_with_identity();
  capture_begin(&captured);
  assert_int_equal(client_open(&client, server.port), AMQP_STATUS_OK);
  capture_end(&captured, text, sizeof(text));
  (void)snprintf(expected, sizeof(expected),
                 "librabbitmq-wolfssl: connected to " HOST
                 " port %d (certificate \"%s\", verified) by TLSv1.3, %s, %s, on wolfSSL " LIBWOLFSSL_VERSION_STRING
                 "\n",
                 server.port, amqp_wolfssl_socket_peer_subject(client.socket), amqp_wolfssl_socket_suite(client.socket),
                 amqp_wolfssl_socket_group(client.socket));
  assert_string_equal(text, expected);
  assert_true(amqp_wolfssl_socket_peer_subject(client.socket)[0] != '\0');

  tls_server_expect_client(TLS_SERVER_OPENSSL, &server, "client1");
  peer_process_stop(server.process);
  capture_begin(&captured);
  assert_int_not_equal(
      amqp_login(client.connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "a password").reply_type,
      AMQP_RESPONSE_NORMAL);
  capture_end(&captured, text, sizeof(text));
  set_debug(NULL);
  client_free(&client);
  assert_null(strstr(text, "a password"));
  expect_lines(text, "librabbitmq-wolfssl: ", 1);
}

/* Whoever turned verification off reads that, too. */
static void what_was_not_verified(void **state) {
  static const struct {
    amqp_boolean_t peer;
    amqp_boolean_t name;
    const char *says;
  } rows[] = {{1, 0, "\", verified, but not its name) by "}, {0, 0, "\", NOT verified) by "}};
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server-wrong-name", 0, NULL);

  (void)state;
  set_debug("1");
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct client client = client_with_identity();
    struct captured captured;
    char text[4096];

    amqp_ssl_socket_set_verify_peer(client.socket, rows[i].peer);
    amqp_ssl_socket_set_verify_hostname(client.socket, rows[i].name);
    capture_begin(&captured);
    assert_int_equal(client_open(&client, server.port), AMQP_STATUS_OK);
    capture_end(&captured, text, sizeof(text));
    expect_lines(text, "librabbitmq-wolfssl: connected to ", 1);
    assert_non_null(strstr(text, rows[i].says));
    client_free(&client);
  }
  set_debug(NULL);
  peer_process_stop(server.process);
}

/* ---- A file ---- */

static void expect_file(const char *name, unsigned lines) {
  char *text = temporary_folder_read_text(name);
  const char *rest = text;

  for (unsigned line = 0; line < lines; line++) {
    const char *sentence = strstr(rest, "] ");
    unsigned year;
    long process;

    assert_int_equal(sscanf(rest, "%u-%*u-%*uT%*u:%*u:%*uZ [%ld] ", &year, &process), 2);
    assert_true(year >= 2026);
    assert_int_equal(process, (long)getpid());
    assert_non_null(sentence);
    assert_memory_equal(sentence + 2, FAILED_OPEN, strlen(FAILED_OPEN));
    rest = strchr(sentence, '\n');
    assert_non_null(rest);
    rest++;
  }
  assert_string_equal(rest, "");
  free(text);
}

static void a_file(void **state) {
  struct stat status;

  (void)state;
  set_debug_file(temporary_folder_path("debug.log"));
  fail_to_open();
  expect_file("debug.log", 1);
  assert_int_equal(stat(temporary_folder_path("debug.log"), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0600);
  fail_to_open();
  expect_file("debug.log", 2);
  assert_int_equal(rename(temporary_folder_path("debug.log"), temporary_folder_path("debug.log.1")), 0);
  fail_to_open(); /* a rotated log: a new file */
  expect_file("debug.log", 1);
  set_debug(NULL);
}

/* What may have been put there by somebody else, or would hold the program up. */
static void what_is_no_file_to_write_to(void **state) {
  static const char *const names[] = {"link", "second-name", "fifo", "folder", "no-folder/debug.log"};
  char *victim = strdup(temporary_folder_path("victim"));

  (void)state;
  assert_non_null(victim);
  temporary_folder_write_text("victim", "kept");
  assert_int_equal(symlink(victim, temporary_folder_path("link")), 0);
  assert_int_equal(link(victim, temporary_folder_path("second-name")), 0);
  assert_int_equal(mkfifo(temporary_folder_path("fifo"), 0600), 0);
  assert_int_equal(mkdir(temporary_folder_path("folder"), 0700), 0);
  for (size_t i = 0; i < COUNT(names); i++) {
    char *text;

    set_debug_file(temporary_folder_path(names[i]));
    fail_to_open();
    text = temporary_folder_read_text("victim");
    assert_string_equal(text, "kept");
    free(text);
  }
  set_debug(NULL);
  free(victim);
}

static void a_fifo_with_a_reader(void **state) {
  int reader;
  char byte;

  (void)state;
  assert_int_equal(mkfifo(temporary_folder_path("read-fifo"), 0600), 0);
  reader = open(temporary_folder_path("read-fifo"), O_RDONLY | O_NONBLOCK);
  assert_true(reader >= 0);
  set_debug_file(temporary_folder_path("read-fifo"));
  fail_to_open();
  set_debug(NULL);
  assert_int_equal(read(reader, &byte, 1), 0);
  (void)close(reader);
}

static void a_file_of_somebody_else(void **state) {
  const struct passwd *user = getpwnam("nobody");
  char *text;

  (void)state;
  if (geteuid() != 0 || user == NULL) {
    skip(); /* only root can give a file away */
  }
  temporary_folder_write_text("given", "");
  assert_int_equal(chown(temporary_folder_path("given"), user->pw_uid, (gid_t)-1), 0);
  set_debug_file(temporary_folder_path("given"));
  fail_to_open();
  set_debug(NULL);
  text = temporary_folder_read_text("given");
  assert_string_equal(text, "");
  free(text);
}

/* ---- What must not end the program ---- */

static void expect_no_signal_waits(void) {
  sigset_t pending;

  assert_int_equal(sigpending(&pending), 0);
  assert_int_equal(sigismember(&pending, SIGPIPE), 0);
  assert_int_equal(sigismember(&pending, SIGXFSZ), 0);
}

static void a_file_that_may_not_grow(void **state) {
  struct rlimit before;
  struct rlimit none;

  (void)state;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  none = before;
  none.rlim_cur = 0;
  set_debug_file(temporary_folder_path("limited.log"));
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
  fail_to_open();
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  set_debug(NULL);
  expect_no_signal_waits();
  expect_file("limited.log", 0);
}

static void a_standard_error_that_nobody_reads(void **state) {
  int kept = dup(STDERR_FILENO);
  int ends[2];

  (void)state;
  assert_true(kept >= 0);
  assert_int_equal(pipe(ends), 0);
  (void)close(ends[0]);
  (void)fflush(stderr);
  assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
  (void)close(ends[1]);
  set_debug("1");
  fail_to_open();
  set_debug(NULL);
  assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
  (void)close(kept);
  expect_no_signal_waits();
}

/* ---- The system's log ---- */

static void the_systems_log(void **state) {
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", 0, NULL);
  struct client client;

  (void)state;
  logged.lines = 0;
  set_debug("syslog");
  fail_to_open();
  assert_int_equal(logged.lines, 1);
  assert_int_equal(logged.priority, LOG_ERR); /* and no facility: the program's own applies */
  assert_memory_equal(logged.text, FAILED_OPEN, strlen(FAILED_OPEN));

  client = client_with_identity();
  assert_int_equal(client_open(&client, server.port), AMQP_STATUS_OK);
  set_debug(NULL);
  assert_int_equal(logged.lines, 2);
  assert_int_equal(logged.priority, LOG_NOTICE);
  assert_non_null(strstr(logged.text, "connected to " HOST));
  assert_null(strchr(logged.text, '\n'));
  client_free(&client);
  peer_process_stop(server.process);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_has_to_be_asked_for),
      cmocka_unit_test(setters_that_fail),
      cmocka_unit_test(a_socket_that_cannot_be_made),
      cmocka_unit_test(a_connection_that_opens_and_is_lost),
      cmocka_unit_test(what_was_not_verified),
      cmocka_unit_test(a_file),
      cmocka_unit_test(what_is_no_file_to_write_to),
      cmocka_unit_test(a_fifo_with_a_reader),
      cmocka_unit_test(a_file_of_somebody_else),
      cmocka_unit_test(a_file_that_may_not_grow),
      cmocka_unit_test(a_standard_error_that_nobody_reads),
      cmocka_unit_test(the_systems_log),
  };

  return cmocka_run_group_tests(tests, minted_certificates_make, minted_certificates_tear_down);
}
