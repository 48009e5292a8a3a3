/* SPDX-License-Identifier: MIT */
/* The server in memory and its pipes. */
#include "autoconfig.h"

#include "memory_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/wolfssl_headers.h"

#include <wolfssl/error-ssl.h>

/* ---- The pipes ---- */

static void pipe_init(struct memory_pipe *pipe) {
  memset(pipe, 0, sizeof(*pipe));
  pipe->room = SIZE_MAX;
  pipe->break_after = SIZE_MAX;
}

void memory_pipe_put(struct memory_pipe *pipe, const void *bytes, size_t length) {
  if (pipe->head + pipe->waiting + length > pipe->capacity) {
    size_t capacity = 2 * (pipe->waiting + length);
    uint8_t *grown = malloc(capacity);

    if (grown == NULL) {
      perror("malloc");
      abort();
    }
    if (pipe->waiting > 0) {
      memcpy(grown, pipe->storage + pipe->head, pipe->waiting);
    }
    free(pipe->storage);
    pipe->storage = grown;
    pipe->capacity = capacity;
    pipe->head = 0;
  }
  if (length > 0) {
    memcpy(pipe->storage + pipe->head + pipe->waiting, bytes, length);
    pipe->waiting += length;
  }
}

static void pipe_take(struct memory_pipe *pipe, void *bytes, size_t length) {
  if (length > 0) {
    memcpy(bytes, pipe->storage + pipe->head, length);
    pipe->head += length;
    pipe->waiting -= length;
  }
}

uint8_t *memory_pipe_byte(struct memory_pipe *pipe, size_t offset) {
  if (offset >= pipe->waiting) {
    fprintf(stderr, "memory_pipe_byte: only %zu bytes wait\n", pipe->waiting);
    abort();
  }
  return pipe->storage + pipe->head + offset;
}

static size_t smaller(size_t one, size_t other) { return one < other ? one : other; }

/* How much a call of the client may move of \a possible bytes, or what it is told instead. */
static ssize_t client_call(struct memory_pipe *pipe, size_t length, size_t possible, int end_answer) {
  size_t count;

  pipe->asked++;
  if (length == 0) {
    errno = EINVAL; /* nobody asks a socket for nothing */
    return LOWER_FAILED;
  }
  if (pipe->blocked || pipe->block_next) {
    pipe->block_next = false;
    return LOWER_WOULD_BLOCK;
  }
  if (pipe->moved >= pipe->break_after) {
    pipe->calls++;
    errno = pipe->break_errno;
    return pipe->break_errno != 0 ? LOWER_FAILED : end_answer;
  }
  count = smaller(smaller(length, possible), pipe->break_after - pipe->moved);
  if (pipe->bytes_per_call > 0) {
    count = smaller(count, pipe->bytes_per_call);
  }
  if (count == 0) {
    return LOWER_WOULD_BLOCK;
  }
  pipe->calls++;
  pipe->moved += count;
  pipe->block_next = pipe->block_between;
  return (ssize_t)count;
}

static ssize_t client_send(void *context, const void *bytes, size_t length) {
  struct memory_pipe *pipe = &((struct memory_peer *)context)->to_server;
  size_t room = pipe->room > pipe->waiting ? pipe->room - pipe->waiting : 0;
  ssize_t count = client_call(pipe, length, room, LOWER_FAILED);

  if (count > 0) {
    memory_pipe_put(pipe, bytes, (size_t)count);
  }
  return count;
}

static ssize_t client_recv(void *context, void *bytes, size_t length, void *more, size_t more_length) {
  struct memory_pipe *pipe = &((struct memory_peer *)context)->to_client;
  ssize_t count = client_call(pipe, length + more_length, pipe->waiting, LOWER_END_OF_STREAM);

  if (count > 0) {
    const size_t first = smaller(length, (size_t)count);

    pipe_take(pipe, bytes, first);
    if ((size_t)count > first) {
      pipe_take(pipe, more, (size_t)count - first);
    }
  }
  return count;
}

struct lower_socket memory_peer_lower(struct memory_peer *peer) {
  return (struct lower_socket){client_send, client_recv, peer};
}

/* ---- The server's I/O ---- */

static int server_send(WOLFSSL *ssl, char *bytes, int length, void *context) {
  (void)ssl;
  memory_pipe_put(&((struct memory_peer *)context)->to_client, bytes, (size_t)length);
  return length;
}

static int server_recv(WOLFSSL *ssl, char *bytes, int capacity, void *context) {
  struct memory_pipe *pipe = &((struct memory_peer *)context)->to_server;
  size_t count = smaller((size_t)capacity, pipe->waiting);

  (void)ssl;
  pipe_take(pipe, bytes, count);
  return count > 0 ? (int)count : WOLFSSL_CBIO_ERR_WANT_READ;
}

/* ---- The server ---- */

/* A certificate manager's callback is not told whom it serves. */
static _Thread_local struct memory_peer *serving;

static int see_client_certificate(int accepted, WOLFSSL_X509_STORE_CTX *store) {
  if (serving != NULL && store->totalCerts > 0) {
    serving->client_certificates++;
  }
  return accepted;
}

static WOLFSSL_METHOD *choose_method(unsigned version) {
  switch (version) {
    case 0x0303:
      return wolfTLSv1_2_server_method();
    case 0x0304:
      return wolfTLSv1_3_server_method();
    default:
      return wolfTLS_server_method();
  }
}

static bool ask_for_client_certificate(WOLFSSL_CTX *ctx, const struct memory_peer_settings *settings) {
  int mode = WOLFSSL_VERIFY_PEER;

  if (settings->client_ca == NULL) {
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
    return true;
  }
  if (settings->client_certificate_required) {
    mode |= WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  wolfSSL_CTX_set_verify(ctx, mode, NULL);
  wolfSSL_CertManagerSetVerify(wolfSSL_CTX_GetCertManager(ctx), see_client_certificate);
  return wolfSSL_CTX_load_verify_locations(ctx, settings->client_ca, NULL) == WOLFSSL_SUCCESS;
}

static bool set_up(WOLFSSL_CTX *ctx, const struct memory_peer_settings *settings) {
  int group = settings->group;

  wolfSSL_CTX_SetIOSend(ctx, server_send);
  wolfSSL_CTX_SetIORecv(ctx, server_recv);
  return wolfSSL_CTX_SetMinRsaKey_Sz(ctx, 1024) == WOLFSSL_SUCCESS &&
         (settings->suites == NULL || wolfSSL_CTX_set_cipher_list(ctx, settings->suites) == WOLFSSL_SUCCESS) &&
         wolfSSL_CTX_use_certificate_chain_file(ctx, settings->certificate) == WOLFSSL_SUCCESS &&
         wolfSSL_CTX_use_PrivateKey_file(ctx, settings->key, WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS &&
         (group == 0 || wolfSSL_CTX_set_groups(ctx, &group, 1) == WOLFSSL_SUCCESS) &&
         ask_for_client_certificate(ctx, settings);
}

struct memory_peer *memory_peer_new(const struct memory_peer_settings *settings) {
  struct memory_peer *peer = calloc(1, sizeof(*peer));

  if (peer == NULL || wolfSSL_Init() != WOLFSSL_SUCCESS) {
    fprintf(stderr, "memory_peer_new: wolfSSL did not start\n");
    free(peer);
    return NULL;
  }
  pipe_init(&peer->to_client);
  pipe_init(&peer->to_server);
  peer->ctx = wolfSSL_CTX_new(choose_method(settings->version));
  if (peer->ctx != NULL && set_up(peer->ctx, settings)) {
    peer->ssl = wolfSSL_new(peer->ctx);
  }
  if (peer->ssl == NULL) {
    fprintf(stderr, "memory_peer_new: wolfSSL does not take the settings for %s\n", settings->certificate);
    memory_peer_free(peer);
    return NULL;
  }
  wolfSSL_SetIOReadCtx(peer->ssl, peer);
  wolfSSL_SetIOWriteCtx(peer->ssl, peer);
  wolfSSL_set_using_nonblock(peer->ssl, 1);
  return peer;
}

void memory_peer_free(struct memory_peer *peer) {
  if (peer == NULL) {
    return;
  }
  wolfSSL_free(peer->ssl);
  wolfSSL_CTX_free(peer->ctx);
  (void)wolfSSL_Cleanup();
  free(peer->to_client.storage);
  free(peer->to_server.storage);
  free(peer);
}

/* Keeps the code of a failure; waiting is none. */
static void note(struct memory_peer *peer, int result) {
  int code = wolfSSL_get_error(peer->ssl, result);

  if (code != WOLFSSL_ERROR_WANT_READ && code != WOLFSSL_ERROR_WANT_WRITE) {
    peer->error = code;
  }
}

bool memory_peer_accept(struct memory_peer *peer) {
  if (!peer->accepted && peer->error == 0) {
    int result;

    serving = peer;
    result = wolfSSL_accept(peer->ssl);
    serving = NULL;
    peer->accepted = result == WOLFSSL_SUCCESS;
    if (!peer->accepted) {
      note(peer, result);
    }
  }
  return peer->accepted;
}

bool memory_peer_write(struct memory_peer *peer, const void *bytes, size_t length) {
  int result = wolfSSL_write(peer->ssl, bytes, (int)length);

  if (result != (int)length) {
    note(peer, result);
  }
  return result == (int)length;
}

size_t memory_peer_read(struct memory_peer *peer, void *bytes, size_t capacity) {
  size_t collected = 0;

  while (collected < capacity && peer->error == 0) {
    int result = wolfSSL_read(peer->ssl, (uint8_t *)bytes + collected, (int)(capacity - collected));

    if (result <= 0) {
      note(peer, result);
      break;
    }
    collected += (size_t)result;
  }
  return collected;
}

bool memory_peer_update_keys(struct memory_peer *peer) { return wolfSSL_update_keys(peer->ssl) == WOLFSSL_SUCCESS; }

void memory_peer_close_notify(struct memory_peer *peer) { (void)wolfSSL_shutdown(peer->ssl); }

void memory_peer_hang_up(struct memory_peer *peer) {
  peer->to_client.break_after = peer->to_client.moved + peer->to_client.waiting;
  peer->to_client.break_errno = 0;
  peer->to_server.break_after = peer->to_server.moved;
  peer->to_server.break_errno = EPIPE;
}

int memory_peer_alert_from_client(struct memory_peer *peer) {
  WOLFSSL_ALERT_HISTORY history;

  memset(&history, 0, sizeof(history));
  if (wolfSSL_get_alert_history(peer->ssl, &history) != WOLFSSL_SUCCESS || history.last_rx.level != 2) {
    return -1;
  }
  return history.last_rx.code;
}
