/* SPDX-License-Identifier: MIT */
/*
 * One pass over the URI's characters, one over what stands before the query, one over the parameters. The first fault
 * ends it: what follows may be the rest of a value with a stray "&".
 */
#include "autoconfig.h"

#include "config/broker_uri.h"

#include <string.h>

#include "base/bounded_text.h"
#include "base/utf8.h"
#include "verification/peer_name.h"

#define SCHEME "amqps://"
#define SCHEME_LENGTH (sizeof(SCHEME) - 1)

/* Longest name of a parameter that is shown, if it is unknown. */
#define NAME_SHOWN 40

#define REFUSE(error, ...) error_configure((error), AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID, __VA_ARGS__)

struct text {
  const char *start;
  size_t length;
};

/* \return the length of what stands before the first of these characters, or the whole */
static size_t length_before(struct text text, const char *delimiters) {
  size_t length = 0;

  while (length < text.length && strchr(delimiters, text.start[length]) == NULL) {
    length++;
  }
  return length;
}

static bool contains(struct text text, const char *characters) { return length_before(text, characters) < text.length; }

/* \a text behind its first \a count characters */
static struct text behind(struct text text, size_t count) {
  return (struct text){text.start + count, text.length - count};
}

/* ---- Characters ---- */

static int hexadecimal(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  if (digit >= 'a' && digit <= 'f') {
    return digit - 'a' + 10;
  }
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* \return the byte that an escape stands for, or -1 */
static int unescape(struct text text) {
  if (text.length < 3 || hexadecimal(text.start[1]) < 0 || hexadecimal(text.start[2]) < 0) {
    return -1;
  }
  return hexadecimal(text.start[1]) * 16 + hexadecimal(text.start[2]);
}

/* Printable ASCII (RFC 3986 wants everything else escaped), no fragment, and each percent sign an escape of a byte that
   texts may contain. */
static amqp_wolfssl_code_t check_characters(struct text text, amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < text.length; i++) {
    if (text.start[i] <= ' ' || text.start[i] > '~') {
      return REFUSE(error, "the broker's URI contains a character that has to be written as %%XX, at byte %zu", i + 1);
    }
    if (text.start[i] == '#') {
      return REFUSE(error, "the broker's URI contains \"#\", at byte %zu; in a password or a path write it as %%23",
                    i + 1);
    }
    if (text.start[i] == '%' && unescape(behind(text, i)) <= 0) {
      return REFUSE(error,
                    "the broker's URI contains \"%%\" without two hexadecimal digits after it, or %%00, at byte %zu; "
                    "write a percent sign as %%25",
                    i + 1);
    }
  }
  return AMQP_WOLFSSL_OK;
}

/* ---- What stands before the query: the rules of amqp_parse_url() ---- */

static amqp_wolfssl_code_t check_port(struct text port, amqp_wolfssl_error_t *error) {
  unsigned number = 0;
  size_t i;

  for (i = 0; i < port.length && port.start[i] >= '0' && port.start[i] <= '9' && number <= 65535; i++) {
    number = number * 10 + (unsigned)(port.start[i] - '0');
  }
  if (i == 0 || i < port.length || number < 1 || number > 65535) {
    return REFUSE(
        error,
        "the port in the broker's URI is not a number from 1 to 65535; a \":\", \"/\", \"?\" or \"@\" in user "
        "name or password has to be written as %%3A, %%2F, %%3F or %%40");
  }
  return AMQP_WOLFSSL_OK;
}

/* Unreserved characters and escapes, which have been checked. */
static bool is_zone(struct text zone) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%";

  return zone.length > 3 && strncmp(zone.start, "%25", 3) == 0 && strspn(zone.start, allowed) >= zone.length;
}

/* An IPv6 address in brackets, perhaps with a zone, as in fe80::1%25eth0 (RFC 6874). */
static bool is_ipv6(struct text host) {
  char text[128];
  struct peer_name name;
  const size_t address = length_before(host, "%");

  if (address >= sizeof(text) || (address < host.length && !is_zone(behind(host, address)))) {
    return false;
  }
  memcpy(text, host.start, address);
  text[address] = '\0';
  return peer_name_parse(&name, text) && name.kind == PEER_NAME_IPV6;
}

static amqp_wolfssl_code_t check_host_and_port(struct text text, amqp_wolfssl_error_t *error) {
  const bool bracketed = text.length > 0 && text.start[0] == '[';
  size_t end = length_before(text, bracketed ? "]" : ":");

  if (bracketed) {
    if (end == text.length || !is_ipv6((struct text){text.start + 1, end - 1})) {
      return REFUSE(error, "what stands in brackets in the broker's URI is not an IPv6 address");
    }
    end++;
  }
  if (contains(bracketed ? behind(text, end) : text, "[]")) {
    return REFUSE(error, "a bracket is out of place in the broker's URI; in a password write it as %%5B or %%5D");
  }
  if (end == text.length) {
    return AMQP_WOLFSSL_OK;
  }
  return check_port(text.start[end] == ':' ? behind(text, end + 1) : (struct text){"", 0}, error);
}

static amqp_wolfssl_code_t check_user(struct text user, amqp_wolfssl_error_t *error) {
  const size_t name = length_before(user, ":");

  if (contains(user, "[]") || (name < user.length && contains(behind(user, name + 1), ":"))) {
    return REFUSE(
        error,
        "a \":\" or a bracket in the user name or password of the broker's URI has to be written as %%3A, %%5B "
        "or %%5D");
  }
  return AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t check_front(struct text front, amqp_wolfssl_error_t *error) {
  const struct text authority = {front.start, length_before(front, "/")};
  const size_t user = length_before(authority, "@");
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (authority.length < front.length && contains(behind(front, authority.length + 1), "/:@[]")) {
    return REFUSE(
        error,
        "the virtual host in the broker's URI contains a \"/\", \":\", \"@\" or bracket, which has to be written "
        "as %%2F, %%3A, %%40, %%5B or %%5D, there and in a password");
  }
  if (user == authority.length) {
    return check_host_and_port(authority, error);
  }
  if (contains(behind(authority, user + 1), "@")) {
    return REFUSE(error, "the broker's URI contains \"@\" twice; in a user name or password write it as %%40");
  }
  code = check_user((struct text){authority.start, user}, error);
  return code == AMQP_WOLFSSL_OK ? check_host_and_port(behind(authority, user + 1), error) : code;
}

/* ---- Values ---- */

/* \return "" if it was taken, else what it should have been */
typedef const char *(*take_value_fn)(struct broker_uri *uri, const char *value);

static const char *take_ca_file(struct broker_uri *uri, const char *value) {
  uri->ca_file = value;
  return "";
}

static const char *take_certificate_file(struct broker_uri *uri, const char *value) {
  uri->certificate_file = value;
  return "";
}

static const char *take_key_file(struct broker_uri *uri, const char *value) {
  uri->key_file = value;
  return "";
}

static const char *take_password(struct broker_uri *uri, const char *value) {
  uri->password = value;
  return "";
}

static const char *take_verify(struct broker_uri *uri, const char *value) {
  if (strcmp(value, "verify_peer") == 0) {
    uri->verify = BROKER_URI_VERIFY_PEER;
  } else if (strcmp(value, "verify_none") == 0) {
    uri->verify = BROKER_URI_VERIFY_NONE;
  } else {
    return "verify_peer or verify_none";
  }
  return "";
}

static const char *take_server_name(struct broker_uri *uri, const char *value) {
  struct peer_name name;

  if (strcmp(value, "disable") == 0) {
    uri->any_name = true;
    return "";
  }
  uri->server_name = value;
  return peer_name_parse(&name, value) ? "" : "a DNS name, an IP address or \"disable\"";
}

/* Digits only: no sign, no blanks, no other base. */
static bool take_number(int32_t *number, const char *value, int32_t least, int32_t most) {
  const size_t digits = strspn(value, "0123456789");
  int64_t read = 0;

  if (digits == 0 || digits > 10 || value[digits] != '\0') {
    return false;
  }
  for (size_t i = 0; i < digits; i++) {
    read = read * 10 + (value[i] - '0');
  }
  *number = read <= most ? (int32_t)read : -1;
  return read >= least && read <= most;
}

static const char *take_depth(struct broker_uri *uri, const char *value) {
  return take_number(&uri->depth, value, 0, 255) ? "" : "a number of intermediate CAs, from 0 to 255";
}

static const char *take_heartbeat(struct broker_uri *uri, const char *value) {
  return take_number(&uri->heartbeat, value, 0, 65535) ? "" : "a number of seconds, from 0 to 65535";
}

static const char *take_connection_timeout(struct broker_uri *uri, const char *value) {
  return take_number(&uri->connection_timeout, value, 1, INT32_MAX) ? ""
                                                                    : "a number of milliseconds, from 1 to 2147483647";
}

static const char *take_channel_max(struct broker_uri *uri, const char *value) {
  return take_number(&uri->channel_max, value, 0, 65535) ? "" : "a number of channels, from 0 to 65535";
}

static const char *take_mechanism(struct broker_uri *uri, const char *value) {
  static const struct {
    const char *value;
    const char *name;
  } known[] = {{"plain", "PLAIN"}, {"amqplain", "AMQPLAIN"}, {"external", "EXTERNAL"}};
  size_t which = 0;

  while (which < sizeof(known) / sizeof(known[0]) && strcmp(value, known[which].value) != 0) {
    which++;
  }
  for (size_t i = 0; i < uri->mechanism_count; i++) {
    if (which < sizeof(known) / sizeof(known[0]) && strcmp(uri->mechanisms[i], known[which].name) == 0) {
      return "each mechanism once";
    }
  }
  if (which == sizeof(known) / sizeof(known[0])) {
    return "plain, amqplain or external";
  }
  uri->mechanisms[uri->mechanism_count++] = known[which].name;
  return "";
}

static const struct {
  const char *name;
  take_value_fn take;
  bool repeatable;
} parameters[] = {
    {"cacertfile", take_ca_file, false},
    {"certfile", take_certificate_file, false},
    {"keyfile", take_key_file, false},
    {"password", take_password, false},
    {"verify", take_verify, false},
    {"server_name_indication", take_server_name, false},
    {"depth", take_depth, false},
    {"auth_mechanism", take_mechanism, true},
    {"heartbeat", take_heartbeat, false},
    {"connection_timeout", take_connection_timeout, false},
    {"channel_max", take_channel_max, false},
};
#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* ---- The query ---- */

struct reader {
  struct broker_uri *uri;
  amqp_wolfssl_error_t *error;
  uint8_t *free; /* where the next value goes */
  bool seen[PARAMETERS];
  size_t number;        /* of the parameter that is read, from 1 */
  bool behind_password; /* what is read may be the rest of it */
};

/* NUL-terminates it. There is room: nothing gets longer by decoding, and each value had a name before it. */
static const char *decode(struct reader *reader, struct text value) {
  const uint8_t *decoded = reader->free;

  for (size_t i = 0; i < value.length; i++) {
    if (value.start[i] == '%') {
      *reader->free++ = (uint8_t)unescape(behind(value, i));
      i += 2;
    } else {
      *reader->free++ = (uint8_t)value.start[i];
    }
  }
  *reader->free++ = 0;
  return (const char *)decoded;
}

static bool is_utf8(const char *text) {
  const uint8_t *rest = (const uint8_t *)text;
  size_t left = strlen(text);

  while (left > 0) {
    uint32_t point;
    const size_t length = utf8_read(rest, left, &point);

    if (length == 0) {
      return false;
    }
    rest += length;
    left -= length;
  }
  return true;
}

static amqp_wolfssl_code_t refuse_unknown(const struct reader *reader, struct text name) {
  struct bounded_text writer;
  char shown[4 * NAME_SHOWN];

  bounded_text_init(&writer, shown, sizeof(shown));
  bounded_text_add_printable(&writer, (const uint8_t *)name.start, name.length);
  if (reader->behind_password || name.length > NAME_SHOWN) {
    return REFUSE(reader->error, "parameter %zu of the broker's URI is unknown%s", reader->number,
                  reader->behind_password ? " (it is not shown: it may be the end of the password before it, in which "
                                            "\"&\" has to be written as %26)"
                                          : "");
  }
  return REFUSE(reader->error, "parameter %zu of the broker's URI is unknown: \"%s\"", reader->number, shown);
}

static amqp_wolfssl_code_t refuse_nameless(const struct reader *reader) {
  return REFUSE(
      reader->error,
      "parameter %zu of the broker's URI is not of the form name=value; an \"&\" in a value has to be written "
      "as %%26, a \"?\" in a password before the host as %%3F",
      reader->number);
}

static amqp_wolfssl_code_t take(struct reader *reader, size_t which, struct text value) {
  const char *name = parameters[which].name;
  const char *decoded;
  const char *wanted;

  if (reader->seen[which] && !parameters[which].repeatable) {
    return REFUSE(reader->error, "the broker's URI has the parameter \"%s\" twice", name);
  }
  reader->seen[which] = true;
  if (value.length == 0) {
    return REFUSE(reader->error, "the parameter \"%s\" of the broker's URI has no value", name);
  }
  decoded = decode(reader, value);
  if (!is_utf8(decoded)) {
    return REFUSE(reader->error, "the value of the parameter \"%s\" of the broker's URI is not UTF-8", name);
  }
  wanted = parameters[which].take(reader->uri, decoded);
  return *wanted == '\0' ? AMQP_WOLFSSL_OK
                         : REFUSE(reader->error, "the parameter \"%s\" of the broker's URI takes %s", name, wanted);
}

static amqp_wolfssl_code_t read_parameter(struct reader *reader, struct text parameter) {
  const struct text name = {parameter.start, length_before(parameter, "=")};
  size_t which = 0;
  amqp_wolfssl_code_t code;

  reader->number++;
  if (name.length == 0 || name.length == parameter.length) {
    return refuse_nameless(reader);
  }
  while (which < PARAMETERS && (strlen(parameters[which].name) != name.length ||
                                memcmp(parameters[which].name, name.start, name.length) != 0)) {
    which++;
  }
  if (which == PARAMETERS) {
    return refuse_unknown(reader, name);
  }
  code = take(reader, which, behind(parameter, name.length + 1));
  reader->behind_password = parameters[which].take == take_password;
  return code;
}

static amqp_wolfssl_code_t read_query(struct reader *reader, struct text query) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (contains(query, "@")) {
    return REFUSE(
        reader->error,
        "the broker's URI has an \"@\" behind a \"?\"; in a password before the host a \"?\" has to be written "
        "as %%3F, in a parameter an \"@\" as %%40");
  }
  while (query.length > 0 && code == AMQP_WOLFSSL_OK) {
    const struct text parameter = {query.start, length_before(query, "&")};
    const bool is_last = parameter.length == query.length;

    code = read_parameter(reader, parameter);
    query = behind(query, is_last ? query.length : parameter.length + 1);
    if (code == AMQP_WOLFSSL_OK && !is_last && query.length == 0) {
      reader->number++;
      code = refuse_nameless(reader);
    }
  }
  return code;
}

/* ---- Parameters that depend on one another ---- */

static amqp_wolfssl_code_t check_together(const struct broker_uri *uri, amqp_wolfssl_error_t *error) {
  if ((uri->certificate_file == NULL) != (uri->key_file == NULL)) {
    return REFUSE(error,
                  "the broker's URI has \"%s\" without \"%s\"; give both, the same file twice if it contains both",
                  uri->key_file == NULL ? "certfile" : "keyfile", uri->key_file == NULL ? "keyfile" : "certfile");
  }
  if (uri->password != NULL && uri->key_file == NULL) {
    return REFUSE(error,
                  "the broker's URI has the parameter \"password\", which is the passphrase of a key, without "
                  "\"keyfile\"; the user's password stands before the host");
  }
  if (uri->verify == BROKER_URI_VERIFY_NONE && uri->depth >= 0) {
    return REFUSE(error,
                  "\"verify\" and \"depth\" in the broker's URI contradict each other: with verify_none no path is "
                  "looked at");
  }
  return AMQP_WOLFSSL_OK;
}

/* ---- The whole ---- */

static amqp_wolfssl_code_t check_scheme(const char *text, size_t length, amqp_wolfssl_error_t *error) {
  if (length > BROKER_URI_LENGTH) {
    return REFUSE(error, "the broker's URI is longer than %d bytes", BROKER_URI_LENGTH);
  }
  if (strncmp(text, "amqp://", sizeof("amqp://") - 1) == 0) {
    return REFUSE(error, "the broker's URI begins with amqp://, which is AMQP without TLS; it has to be " SCHEME);
  }
  return strncmp(text, SCHEME, SCHEME_LENGTH) == 0 ? AMQP_WOLFSSL_OK
                                                   : REFUSE(error, "the broker's URI does not begin with " SCHEME);
}

static amqp_wolfssl_code_t read_parts(struct reader *reader, struct text whole) {
  const struct text rest = behind(whole, SCHEME_LENGTH);
  const struct text front = {rest.start, length_before(rest, "?")};
  amqp_wolfssl_code_t code = check_characters(whole, reader->error);

  if (code == AMQP_WOLFSSL_OK) {
    code = check_front(front, reader->error);
  }
  if (code == AMQP_WOLFSSL_OK && front.length < rest.length) {
    code = read_query(reader, behind(rest, front.length + 1));
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = check_together(reader->uri, reader->error);
  }
  reader->uri->front_length = SCHEME_LENGTH + front.length;
  return code;
}

static void make_empty(struct broker_uri *uri) {
  memset(uri, 0, sizeof(*uri));
  uri->depth = -1;
  uri->heartbeat = -1;
  uri->connection_timeout = -1;
  uri->channel_max = -1;
}

amqp_wolfssl_code_t broker_uri_read(struct broker_uri *uri, const char *text, amqp_wolfssl_error_t *error) {
  const size_t length = strnlen(text, BROKER_URI_LENGTH + 1);
  struct reader reader = {.uri = uri, .error = error};
  amqp_wolfssl_code_t code = check_scheme(text, length, error);

  make_empty(uri);
  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (secret_copy(&uri->decoded, text, length) != 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  reader.free = uri->decoded.bytes;
  code = read_parts(&reader, (struct text){text, length});
  if (code != AMQP_WOLFSSL_OK) {
    broker_uri_free(uri);
  }
  return code;
}

void broker_uri_free(struct broker_uri *uri) {
  secret_free(&uri->decoded);
  make_empty(uri);
}
