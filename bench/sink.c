/* SPDX-License-Identifier: MIT */
/*
 * The benchmark's server: as much of an AMQP 0-9-1 broker as rabbitmq-c needs, over TLS (OpenSSL) and over plain TCP,
 * so cheap that what is measured is the client. What is published is read and dropped. A consumer whose tag reads
 * "produce-SIZE-COUNT" gets COUNT messages of SIZE bytes as fast as it reads them, packed into full TLS records; with
 * "produce-SIZE-COUNT-separate" each message is a TLS record of its own, many of them in one write.
 *
 * One thread a connection. Ends when its standard input does, so that none is left behind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define FRAME_MAX 131072u
#define FRAME_OVERHEAD 8u /* type, channel, size, and the byte that ends it */
#define FRAME_END 0xCE
#define RECEIVE_CAPACITY (2 * FRAME_MAX)
#define TLS_READ_AHEAD 65536u /* many records with one recv() */
#define BLOCK_TARGET 262144u  /* produced messages are sent in blocks of about this size */
#define THREAD_STACK 262144u

enum frame_type { FRAME_METHOD = 1, FRAME_HEADER = 2, FRAME_BODY = 3, FRAME_HEARTBEAT = 8 };

#define METHOD(class_id, method_id) (((uint32_t)(class_id) << 16) | (uint32_t)(method_id))

enum method {
  CONNECTION_START = METHOD(10, 10),
  CONNECTION_START_OK = METHOD(10, 11),
  CONNECTION_TUNE = METHOD(10, 30),
  CONNECTION_TUNE_OK = METHOD(10, 31),
  CONNECTION_OPEN = METHOD(10, 40),
  CONNECTION_OPEN_OK = METHOD(10, 41),
  CONNECTION_CLOSE = METHOD(10, 50),
  CONNECTION_CLOSE_OK = METHOD(10, 51),
  CHANNEL_OPEN = METHOD(20, 10),
  CHANNEL_OPEN_OK = METHOD(20, 11),
  CHANNEL_CLOSE = METHOD(20, 40),
  CHANNEL_CLOSE_OK = METHOD(20, 41),
  QUEUE_DECLARE = METHOD(50, 10),
  QUEUE_DECLARE_OK = METHOD(50, 11),
  BASIC_CONSUME = METHOD(60, 20),
  BASIC_CONSUME_OK = METHOD(60, 21),
  BASIC_PUBLISH = METHOD(60, 40),
  BASIC_DELIVER = METHOD(60, 60)
};

struct options {
  const char *certificate;
  const char *key;
  const char *ca;
  const char *aes;
  char *groups; /* not const: OpenSSL's macro casts to char * */
};

/* One connection. */
struct peer {
  int fd;
  SSL *ssl; /* NULL: plain TCP */
  SSL_CTX *context;
  uint8_t *received;
  size_t received_length;
  size_t skip; /* bytes of content still to be dropped */
};

/* Bytes being put together; a failed allocation ends the process, as everything else would be in vain. */
struct block {
  uint8_t *bytes;
  size_t length;
  size_t capacity;
  size_t frame; /* where the frame being written begins */
};

struct listener {
  int fd;
  SSL_CTX *context;
};

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...) {
  va_list arguments;

  fputs("sink: ", stderr);
  va_start(arguments, format);
  (void)vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  ERR_print_errors_fp(stderr);
  exit(1);
}

/* ---- Putting frames together ---- */

static void append(struct block *block, const void *bytes, size_t length) {
  if (block->capacity - block->length < length) {
    size_t capacity = 2 * block->capacity + length;
    uint8_t *grown = realloc(block->bytes, capacity);

    if (grown == NULL) {
      die("out of memory");
    }
    block->bytes = grown;
    block->capacity = capacity;
  }
  if (length > 0) {
    memcpy(block->bytes + block->length, bytes, length);
    block->length += length;
  }
}

static void append_number(struct block *block, uint64_t number, size_t octets) {
  uint8_t bytes[8];

  for (size_t i = 0; i < octets; i++) {
    bytes[i] = (uint8_t)(number >> (8 * (octets - 1 - i)));
  }
  append(block, bytes, octets);
}

static void append_short_string(struct block *block, const void *text, size_t length) {
  append_number(block, length, 1);
  append(block, text, length);
}

static void append_long_string(struct block *block, const char *text) {
  append_number(block, strlen(text), 4);
  append(block, text, strlen(text));
}

static void begin_frame(struct block *block, enum frame_type type, uint16_t channel) {
  block->frame = block->length;
  append_number(block, type, 1);
  append_number(block, channel, 2);
  append_number(block, 0, 4);
}

static void end_frame(struct block *block) {
  size_t size = block->length - block->frame - (FRAME_OVERHEAD - 1);

  for (size_t i = 0; i < 4; i++) {
    block->bytes[block->frame + 3 + i] = (uint8_t)(size >> (8 * (3 - i)));
  }
  append_number(block, FRAME_END, 1);
}

static void begin_method(struct block *block, uint16_t channel, enum method method) {
  begin_frame(block, FRAME_METHOD, channel);
  append_number(block, method, 4);
}

/* ---- Bytes in and out ---- */

/* 0: the connection is over. */
static size_t peer_read(struct peer *peer, uint8_t *bytes, size_t capacity) {
  ssize_t count;

  if (peer->ssl != NULL) {
    size_t received = 0;

    return SSL_read_ex(peer->ssl, bytes, capacity, &received) == 1 ? received : 0;
  }
  do {
    count = recv(peer->fd, bytes, capacity, 0);
  } while (count == -1 && errno == EINTR);
  return count > 0 ? (size_t)count : 0;
}

static bool peer_write(struct peer *peer, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    size_t written = 0;

    if (peer->ssl != NULL) {
      if (SSL_write_ex(peer->ssl, bytes, length, &written) != 1) {
        return false;
      }
    } else {
      ssize_t count = send(peer->fd, bytes, length, MSG_NOSIGNAL);

      if (count == -1 && errno != EINTR) {
        return false;
      }
      written = count > 0 ? (size_t)count : 0;
    }
    bytes += written;
    length -= written;
  }
  return true;
}

/* Sends a block with its last frame ended, and frees it. */
static bool send_block(struct peer *peer, struct block *block) {
  bool sent;

  end_frame(block);
  sent = peer_write(peer, block->bytes, block->length);
  free(block->bytes);
  return sent;
}

/* ---- What a broker says ---- */

static bool send_start(struct peer *peer) {
  struct block block = {0};

  begin_method(&block, 0, CONNECTION_START);
  append_number(&block, 0, 1); /* AMQP 0-9 */
  append_number(&block, 9, 1);
  append_number(&block, 0, 4); /* no server properties */
  append_long_string(&block, "PLAIN EXTERNAL");
  append_long_string(&block, "en_US");
  return send_block(peer, &block);
}

static bool send_tune(struct peer *peer) {
  struct block block = {0};

  begin_method(&block, 0, CONNECTION_TUNE);
  append_number(&block, 2047, 2); /* channels */
  append_number(&block, FRAME_MAX, 4);
  append_number(&block, 0, 2); /* no heartbeats */
  return send_block(peer, &block);
}

/* A method whose arguments are all zero bits. */
static bool send_plain_answer(struct peer *peer, uint16_t channel, enum method method, size_t argument_octets) {
  struct block block = {0};

  begin_method(&block, channel, method);
  append_number(&block, 0, argument_octets);
  return send_block(peer, &block);
}

static bool answer_declare(struct peer *peer, uint16_t channel, const uint8_t *arguments, size_t length) {
  struct block block = {0};

  if (length < 3 || length - 3 < arguments[2]) {
    return false;
  }
  begin_method(&block, channel, QUEUE_DECLARE_OK);
  append_short_string(&block, arguments + 3, arguments[2]);
  append_number(&block, 0, 8); /* no messages, no consumers */
  return send_block(peer, &block);
}

/* Basic.Deliver, content header and body of one message, with a delivery tag that is always 1: nobody acknowledges. */
static void append_message(struct block *block, uint16_t channel, const char *tag, size_t size) {
  static const uint8_t content[FRAME_MAX];
  size_t left = size;

  begin_method(block, channel, BASIC_DELIVER);
  append_short_string(block, tag, strlen(tag));
  append_number(block, 1, 8);
  append_number(block, 0, 1);             /* not redelivered */
  append_short_string(block, "", 0);      /* exchange */
  append_short_string(block, "bench", 5); /* routing key */
  end_frame(block);
  begin_frame(block, FRAME_HEADER, channel);
  append_number(block, 60, 2);
  append_number(block, 0, 2);
  append_number(block, size, 8);
  append_number(block, 0, 2); /* no properties */
  end_frame(block);
  while (left > 0) {
    size_t piece = left < FRAME_MAX - FRAME_OVERHEAD ? left : FRAME_MAX - FRAME_OVERHEAD;

    begin_frame(block, FRAME_BODY, channel);
    append(block, content, piece);
    end_frame(block);
    left -= piece;
  }
}

/*
 * Puts a buffer before the socket: many records go out in one write, or this end would set the pace and not the client.
 */
static bool buffer_records(struct peer *peer) {
  BIO *socket = SSL_get_wbio(peer->ssl);
  BIO *buffer = BIO_new(BIO_f_buffer());

  if (buffer == NULL || BIO_set_write_buffer_size(buffer, BLOCK_TARGET) != 1 || BIO_up_ref(socket) != 1) {
    BIO_free(buffer);
    return false;
  }
  SSL_set0_wbio(peer->ssl, BIO_push(buffer, socket));
  return true;
}

static bool unbuffer_records(struct peer *peer) {
  BIO *buffer = SSL_get_wbio(peer->ssl);
  BIO *socket = BIO_next(buffer);

  if (BIO_flush(buffer) != 1 || BIO_up_ref(socket) != 1) {
    return false;
  }
  SSL_set0_wbio(peer->ssl, socket);
  return true;
}

static bool produce(struct peer *peer, uint16_t channel, const char *tag, size_t size, uint64_t count, bool separate) {
  const bool buffered = separate && peer->ssl != NULL;
  struct block block = {0};
  uint64_t messages = 1;
  size_t message_length;
  bool sent;

  append_message(&block, channel, tag, size);
  message_length = block.length;
  while (!buffered && block.length < BLOCK_TARGET && messages < count) {
    append_message(&block, channel, tag, size);
    messages++;
  }
  sent = !buffered || buffer_records(peer);
  while (sent && count > 0) {
    uint64_t now = count < messages ? count : messages;

    sent = peer_write(peer, block.bytes, message_length * now);
    count -= now;
  }
  free(block.bytes);
  return sent && (!buffered || unbuffer_records(peer));
}

/* Reads "produce-SIZE-COUNT" and "produce-SIZE-COUNT-separate". */
static bool parse_produce_tag(const char *tag, unsigned long long *size, unsigned long long *count, bool *separate) {
  int end = 0;

  *separate = false;
  if (sscanf(tag, "produce-%llu-%llu%n", size, count, &end) != 2) {
    return false;
  }
  *separate = strcmp(tag + end, "-separate") == 0;
  return *size <= 1u << 30 && (tag[end] == '\0' || *separate);
}

static bool answer_consume(struct peer *peer, uint16_t channel, const uint8_t *arguments, size_t length) {
  struct block block = {0};
  char tag[256];
  unsigned long long size;
  unsigned long long count;
  bool separate;
  size_t tag_at;

  if (length < 3 || length - 3 < (size_t)arguments[2] + 1) {
    return false;
  }
  tag_at = 3 + (size_t)arguments[2];
  if (length - tag_at - 1 < arguments[tag_at]) {
    return false;
  }
  memcpy(tag, arguments + tag_at + 1, arguments[tag_at]);
  tag[arguments[tag_at]] = '\0';
  begin_method(&block, channel, BASIC_CONSUME_OK);
  append_short_string(&block, tag, strlen(tag));
  if (!send_block(peer, &block)) {
    return false;
  }
  return !parse_produce_tag(tag, &size, &count, &separate) || produce(peer, channel, tag, size, count, separate);
}

/* \return false: the connection is to end */
static bool answer_method(struct peer *peer, uint16_t channel, const uint8_t *payload, size_t length) {
  uint32_t method;

  if (length < 4) {
    return false;
  }
  method = METHOD((payload[0] << 8) | payload[1], (payload[2] << 8) | payload[3]);
  switch (method) {
    case BASIC_PUBLISH:
    case CONNECTION_TUNE_OK:
    case CHANNEL_CLOSE_OK:
      return true;
    case CONNECTION_START_OK:
      return send_tune(peer);
    case CONNECTION_OPEN:
      return send_plain_answer(peer, channel, CONNECTION_OPEN_OK, 1);
    case CHANNEL_OPEN:
      return send_plain_answer(peer, channel, CHANNEL_OPEN_OK, 4);
    case CHANNEL_CLOSE:
      return send_plain_answer(peer, channel, CHANNEL_CLOSE_OK, 0);
    case QUEUE_DECLARE:
      return answer_declare(peer, channel, payload + 4, length - 4);
    case BASIC_CONSUME:
      return answer_consume(peer, channel, payload + 4, length - 4);
    case CONNECTION_CLOSE:
      (void)send_plain_answer(peer, channel, CONNECTION_CLOSE_OK, 0);
      return false;
    default:
      fprintf(stderr, "sink: method %u.%u is not known here\n", method >> 16, method & 0xFFFF);
      return false;
  }
}

/* Takes what is complete; bytes of content are dropped without being looked at. */
static bool take_frames(struct peer *peer) {
  size_t at = 0;

  for (;;) {
    size_t left = peer->received_length - at;
    const uint8_t *frame = peer->received + at;
    size_t dropped = left < peer->skip ? left : peer->skip;
    size_t size;

    if (dropped > 0) {
      peer->skip -= dropped;
      at += dropped;
      continue;
    }
    if (left < FRAME_OVERHEAD - 1) {
      break;
    }
    size = ((size_t)frame[3] << 24) | ((size_t)frame[4] << 16) | ((size_t)frame[5] << 8) | frame[6];
    if (size > FRAME_MAX - FRAME_OVERHEAD) {
      return false;
    }
    size += FRAME_OVERHEAD;
    if (frame[0] != FRAME_METHOD) {
      peer->skip = size;
      continue;
    }
    if (left < size) {
      break;
    }
    if (frame[size - 1] != FRAME_END ||
        !answer_method(peer, (uint16_t)((frame[1] << 8) | frame[2]), frame + 7, size - FRAME_OVERHEAD)) {
      return false;
    }
    at += size;
  }
  memmove(peer->received, peer->received + at, peer->received_length - at);
  peer->received_length -= at;
  return true;
}

static bool receive_more(struct peer *peer) {
  size_t count =
      peer_read(peer, peer->received + peer->received_length, (size_t)RECEIVE_CAPACITY - peer->received_length);

  peer->received_length += count;
  return count > 0;
}

static bool greet(struct peer *peer) {
  static const uint8_t wanted[8] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};

  while (peer->received_length < sizeof(wanted)) {
    if (!receive_more(peer)) {
      return false;
    }
  }
  if (memcmp(peer->received, wanted, sizeof(wanted)) != 0) {
    return false;
  }
  peer->received_length -= sizeof(wanted);
  memmove(peer->received, peer->received + sizeof(wanted), peer->received_length);
  return send_start(peer);
}

static bool accept_tls(struct peer *peer) {
  peer->ssl = SSL_new(peer->context);
  if (peer->ssl == NULL || SSL_set_fd(peer->ssl, peer->fd) != 1) {
    return false;
  }
  if (SSL_accept(peer->ssl) != 1) {
    fprintf(stderr, "sink: a TLS handshake failed\n");
    ERR_print_errors_fp(stderr);
    return false;
  }
  return true;
}

static void *serve(void *argument) {
  struct peer *peer = argument;

  peer->received = malloc(RECEIVE_CAPACITY);
  if (peer->received != NULL && (peer->context == NULL || accept_tls(peer)) && greet(peer)) {
    while (take_frames(peer) && receive_more(peer)) {
    }
    if (peer->ssl != NULL) {
      ERR_clear_error();
      (void)SSL_shutdown(peer->ssl);
    }
  }
  ERR_clear_error();
  SSL_free(peer->ssl);
  (void)close(peer->fd);
  free(peer->received);
  free(peer);
  return NULL;
}

/* ---- Listening ---- */

static void start_peer(int fd, SSL_CTX *context, const pthread_attr_t *attributes) {
  struct peer *peer = calloc(1, sizeof(*peer));
  pthread_t thread;
  int on = 1;

  if (peer == NULL) {
    die("out of memory");
  }
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  peer->fd = fd;
  peer->context = context;
  if (pthread_create(&thread, attributes, serve, peer) != 0) {
    die("no more threads");
  }
}

static int listen_on_loopback(unsigned *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd == -1 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1024) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
    die("can't listen on 127.0.0.1: %s", strerror(errno));
  }
  *port = ntohs(address.sin_port);
  return fd;
}

/* Full handshakes only: neither tickets nor a session cache. */
static SSL_CTX *make_context(const struct options *options) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  bool small = strcmp(options->aes, "128") == 0;
  const char *tls_1_3_suite = small ? "TLS_AES_128_GCM_SHA256" : "TLS_AES_256_GCM_SHA384";
  const char *tls_1_2_suites = small ? "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
                                     : "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

  if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context, tls_1_3_suite) != 1 || SSL_CTX_set_cipher_list(context, tls_1_2_suites) != 1 ||
      SSL_CTX_use_certificate_chain_file(context, options->certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, options->key, SSL_FILETYPE_PEM) != 1) {
    die("can't use the certificate, the key or the suites");
  }
  if (options->groups != NULL && SSL_CTX_set1_curves_list(context, options->groups) != 1) {
    die("can't use the groups");
  }
  if (options->ca != NULL) {
    if (SSL_CTX_load_verify_file(context, options->ca) != 1) {
      die("can't read %s", options->ca);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, TLS_READ_AHEAD);
  return context;
}

/* Until standard input ends. */
static void accept_until_input_ends(const struct listener *listeners, size_t count) {
  struct pollfd waiting[3] = {{.fd = STDIN_FILENO, .events = POLLIN}};
  pthread_attr_t attributes;

  if (pthread_attr_init(&attributes) != 0 || pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) != 0 ||
      pthread_attr_setstacksize(&attributes, THREAD_STACK) != 0) {
    die("can't prepare threads");
  }
  for (size_t i = 0; i < count; i++) {
    waiting[i + 1] = (struct pollfd){.fd = listeners[i].fd, .events = POLLIN};
  }
  for (;;) {
    char byte;

    if (poll(waiting, count + 1, -1) == -1 && errno != EINTR) {
      die("poll: %s", strerror(errno));
    }
    if (waiting[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0) {
      return;
    }
    for (size_t i = 0; i < count; i++) {
      if (waiting[i + 1].revents != 0) {
        int fd = accept4(listeners[i].fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd != -1) {
          start_peer(fd, listeners[i].context, &attributes);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
          die("accept: %s", strerror(errno));
        }
      }
    }
  }
}

static void raise_descriptor_limit(void) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
}

static void print_help(void) {
  puts(
      "usage: sink --certificate FILE --key FILE [options]\n"
      "Swallows and produces AMQP messages for the benchmark, on two ports of 127.0.0.1, which it prints as\n"
      "\"tls=PORT plain=PORT\". Ends when its standard input ends.\n\n"
      "  --certificate FILE  the server's certificate, with intermediates (PEM)\n"
      "  --key FILE          its private key (PEM)\n"
      "  --ca FILE           ask clients for a certificate by one of these CAs, and insist\n"
      "  --aes 128|256       the key size of the one AES-GCM suite it takes (default: 256)\n"
      "  --groups LIST       the key exchange groups it takes, in OpenSSL's notation (default: OpenSSL's)\n"
      "  --help              this text");
}

static void read_options(int argc, char **argv, struct options *options) {
  static const struct option known[] = {
      {"certificate", required_argument, NULL, 'c'},
      {"key", required_argument, NULL, 'k'},
      {"ca", required_argument, NULL, 'a'},
      {"aes", required_argument, NULL, 's'},
      {"groups", required_argument, NULL, 'g'},
      {"help", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0},
  };
  int option;

  *options = (struct options){.aes = "256"};
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    switch (option) {
      case 'c':
        options->certificate = optarg;
        break;
      case 'k':
        options->key = optarg;
        break;
      case 'a':
        options->ca = optarg;
        break;
      case 's':
        options->aes = optarg;
        break;
      case 'g':
        options->groups = optarg;
        break;
      case 'h':
        print_help();
        exit(0);
      default: /* getopt_long has said what is wrong */
        exit(2);
    }
  }
  if (optind != argc || options->certificate == NULL || options->key == NULL ||
      (strcmp(options->aes, "128") != 0 && strcmp(options->aes, "256") != 0)) {
    fprintf(stderr, "sink: --certificate and --key are needed, --aes is 128 or 256; see --help\n");
    exit(2);
  }
}

int main(int argc, char **argv) {
  struct options options;
  struct listener listeners[2];
  unsigned tls_port;
  unsigned plain_port;

  read_options(argc, argv, &options);
  (void)signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  listeners[0] = (struct listener){listen_on_loopback(&tls_port), make_context(&options)};
  listeners[1] = (struct listener){listen_on_loopback(&plain_port), NULL};
  printf("tls=%u plain=%u\n", tls_port, plain_port);
  if (fflush(stdout) != 0) {
    die("can't print the ports");
  }
  accept_until_input_ends(listeners, 2);
  /* Not exit(): OpenSSL's clean-up would pull the floor from under threads that still serve. */
  _exit(0);
}
