/* SPDX-License-Identifier: MIT */
/* One TLS session: handshake, sending, receiving, and finding out why it failed. */
#include "autoconfig.h"

#include "tls/session.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backend/fips_module.h"
#include "verification/peer_verification.h"
#include "backend/point_cache.h"
#include "tls/session_error.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/error-ssl.h>

/* The most that is read while looking for the alert behind a failed send. */
#define DRAIN_LIMIT ((size_t)512 * 1024)

struct session {
  WOLFSSL *ssl;
  struct tls_context *context; /* a reference */
  struct tls_io io;
  struct peer_name name;
  bool has_name;
  struct peer_verification verification;
  amqp_wolfssl_error_t *error;
  size_t unsent;             /* plaintext encrypted since the output queue was last empty */
  bool data_received;        /* at least one byte of AMQP has arrived */
  struct byte_queue drained; /* plaintext that had arrived when sending failed */
  bool judged;               /* the server was judged and accepted */
  bool handshake_done;
  enum session_result send_end;  /* SESSION_DONE while sending works */
  enum session_result recv_end;  /* SESSION_DONE while receiving works */
  amqp_wolfssl_error_t *latched; /* the error that ended it; NULL while it works */
};

/* ---- Life ---- */

static bool set_sni(struct session *session) {
#ifdef HAVE_WOLFSSL_USESNI
  const char *name = session->has_name ? peer_name_for_sni(&session->name) : NULL;

  return name == NULL ||
         wolfSSL_UseSNI(session->ssl, WOLFSSL_SNI_HOST_NAME, name, (unsigned short)strlen(name)) == WOLFSSL_SUCCESS;
#else
  (void)session;
  return true;
#endif
}

/* RFC 8446, section 4.1.3: the sentinel counts where TLS 1.3 was offered. The Finished messages would also expose
   whoever removed it from the ClientHello, but only after our certificate has gone out. */
static bool is_downgraded(const struct policy_limits *limits, const struct server_hello *hello) {
  amqp_wolfssl_version_t lowest;
  amqp_wolfssl_version_t highest;

  return hello->downgrade_sentinel && hello->version < AMQP_WOLFSSL_TLS_1_3 &&
         policy_limits_versions(limits, &lowest, &highest) && highest >= AMQP_WOLFSSL_TLS_1_3;
}

/* A server that knows nothing of TLS 1.3 chooses 1.2 whatever was offered. wolfSSL refuses what is older. */
static bool is_version_offered(const struct policy_limits *limits, uint16_t version) {
  return version < AMQP_WOLFSSL_TLS_1_2 || (version >= limits->lowest && version <= limits->highest);
}

/* wolfSSL 5.5.4 accepts any suite it knows from a TLS 1.2 server if TLS 1.3 was offered too. It refuses other versions
   itself. */
static bool is_suite_offered(const struct policy_limits *limits, uint16_t suite, uint16_t version) {
  const bool known_version = version == AMQP_WOLFSSL_TLS_1_2 || version == AMQP_WOLFSSL_TLS_1_3;

  return !known_version || policy_offers_suite(limits, suite, version);
}

/* A HelloRetryRequest commits its server to a suite of TLS 1.3 (RFC 8446, section 4.1.4). */
static enum hello_verdict judge_hello(const void *context, const struct server_hello *hello) {
  const struct policy_limits *limits = &tls_context_settings(context)->limits;

  if (!is_version_offered(limits, hello->complete ? hello->version : AMQP_WOLFSSL_TLS_1_3)) {
    return HELLO_VERSION_NOT_OFFERED;
  }
  if (hello->retry_requested && !is_suite_offered(limits, hello->retry_suite, AMQP_WOLFSSL_TLS_1_3)) {
    return HELLO_SUITE_NOT_OFFERED;
  }
  if (!hello->complete) {
    return HELLO_TAKEN;
  }
  if (is_downgraded(limits, hello)) {
    return HELLO_DOWNGRADED;
  }
  if (!is_suite_offered(limits, hello->suite, hello->version)) {
    return HELLO_SUITE_NOT_OFFERED;
  }
  return hello->retry_requested && hello->suite != hello->retry_suite ? HELLO_SUITE_CHANGED : HELLO_TAKEN;
}

struct session *session_new(const struct tls_context *context, const struct peer_name *name,
                            const struct lower_socket *lower, amqp_wolfssl_error_t *error) {
  struct session *session = calloc(1, sizeof(*session));

  if (session == NULL) {
    goto no_memory;
  }
  session->context = tls_context_reference(context);
  session->error = error;
  if (name != NULL) {
    session->name = *name;
    session->has_name = true;
  }
  byte_queue_init_secret(&session->drained);
  tls_io_init(&session->io, lower);
  session->io.judge_hello = judge_hello;
  session->io.hello_context = context;
  peer_verification_init(&session->verification, tls_context_settings(context), tls_context_trust(context),
                         session->has_name ? &session->name : NULL, tls_context_remembered_paths(context));
  session->ssl = tls_context_new_ssl(context);
  if (session->ssl == NULL || !tls_io_watch_handshake(&session->io) || !set_sni(session)) {
    goto no_memory;
  }
  tls_io_attach(&session->io, session->ssl);
  peer_verification_attach(&session->verification, session->ssl);
  wolfSSL_set_using_nonblock(session->ssl, 1);
  return session;
no_memory:
  session_free(session);
  /* wolfSSL_new() fails too when the FIPS module gives no random numbers. */
  if (fips_module_check(AMQP_WOLFSSL_STAGE_HANDSHAKE, error) == AMQP_WOLFSSL_OK) {
    error_set(error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  return NULL;
}

void session_free(struct session *session) {
  if (session == NULL) {
    return;
  }
  if (session->ssl != NULL) {
    wolfSSL_free(session->ssl);
  }
  if (!session->handshake_done) {
    point_cache_release(); /* broken off by a time limit, say */
  }
  tls_io_free(&session->io);
  peer_verification_free(&session->verification);
  byte_queue_release(&session->drained);
  free(session->latched);
  tls_context_free(session->context); /* last: all of the above points into it */
  free(session);
}

const struct tls_context *session_context(const struct session *session) { return session->context; }

/* ---- Failures ---- */

/* From now on every call reports this end again. */
static enum session_result latch(struct session *session, enum session_result end, bool sending_too) {
  if (session->recv_end == SESSION_DONE) {
    session->recv_end = end;
  }
  if (sending_too) {
    session->send_end = SESSION_FAILED;
  }
  if (session->latched == NULL) {
    session->latched = malloc(sizeof(*session->latched));
    if (session->latched != NULL) {
      error_copy(session->latched, session->error);
    }
  }
  return end;
}

static enum session_result repeat_latched(struct session *session, enum session_result end) {
  if (session->latched != NULL) {
    error_copy(session->error, session->latched);
  }
  return end;
}

static struct session_failure describe_failure(struct session *session, amqp_wolfssl_stage_t stage, int wolfssl_code) {
  return (struct session_failure){
      .ssl = session->ssl,
      .context = session->context,
      .name = session->has_name ? &session->name : NULL,
      .io = &session->io,
      .verification = &session->verification,
      .handshake_done = session->handshake_done,
      .data_received = session->data_received,
      .stage = stage,
      .wolfssl_code = wolfssl_code,
  };
}

static enum session_result fail(struct session *session, amqp_wolfssl_stage_t stage, int wolfssl_code) {
  struct session_failure failure = describe_failure(session, stage, wolfssl_code);

  session_error_explain(&failure, session->error);
  return latch(session, SESSION_FAILED, true);
}

static bool is_waiting(int wolfssl_code) {
  return wolfssl_code == WOLFSSL_ERROR_WANT_READ || wolfssl_code == WOLFSSL_ERROR_WANT_WRITE;
}

/* What to wait for: input is not taken while too much waits to leave. */
static enum session_result want(const struct session *session, bool output_waits) {
  if (!output_waits) {
    return SESSION_WANT_READ;
  }
  return tls_io_takes_input(&session->io) ? SESSION_WANT_EITHER : SESSION_WANT_WRITE;
}

bool session_has_output(const struct session *session) { return session->io.output.length > 0; }

enum session_result session_wants(const struct session *session) { return want(session, session_has_output(session)); }

/* ---- Handshake ---- */

static struct negotiated read_negotiated(const struct session *session) {
  const struct server_hello *hello = session->io.hello;
  struct negotiated negotiated = {0};

  switch (wolfSSL_GetVersion(session->ssl)) {
    case WOLFSSL_TLSV1_2:
      negotiated.version = AMQP_WOLFSSL_TLS_1_2;
      break;
    case WOLFSSL_TLSV1_3:
      negotiated.version = AMQP_WOLFSSL_TLS_1_3;
      break;
    default:
      break; /* 0 is in no range: refused */
  }
  negotiated.suite = (uint16_t)wolfSSL_get_current_cipher_suite(session->ssl);
  negotiated.group = policy_group_by_wolfssl_name(wolfSSL_get_curve_name(session->ssl));
  if (negotiated.group == 0 && hello != NULL) {
    negotiated.group = hello->group;
  }
  if (hello != NULL) {
    negotiated.signature = hello->signature_scheme;
  }
  /* TLS 1.3 always has it: the transcript is part of every secret (RFC 8446, appendix D). */
  negotiated.extended_master_secret =
      negotiated.version == AMQP_WOLFSSL_TLS_1_3 || (hello != NULL && hello->complete && hello->extended_master_secret);
  return negotiated;
}

/* Whether we have read the same handshake as wolfSSL: else what we know of it is worth nothing. */
static bool was_followed(struct session *session, const struct negotiated *negotiated) {
  const struct server_hello *hello = session->io.hello;

  if (hello != NULL && hello->complete && hello->version == negotiated->version && hello->suite == negotiated->suite) {
    return true;
  }
  error_set(session->error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION,
            "wolfSSL negotiated version 0x%04x and cipher suite 0x%04x, but the broker's ServerHello was not seen to "
            "choose them",
            negotiated->version, negotiated->suite);
  return false;
}

/* wolfSSL is satisfied; are we? */
static bool is_server_good(struct session *session, const struct negotiated *negotiated) {
  const struct policy_limits *limits = &tls_context_settings(session->context)->limits;

  return was_followed(session, negotiated) &&
         peer_verification_finish(&session->verification, session->error) == AMQP_WOLFSSL_OK &&
         policy_check_negotiated(limits, negotiated, session->error) == AMQP_WOLFSSL_OK;
}

/* wolfSSL has gone on, and our certificate is queued: it must not leave. In TLS 1.3 we can send nothing in its
   place. */
static enum session_result refuse_to_answer(struct session *session) {
  const uint8_t alert = session_error_alert_to_send(session->error);

  if (tls_io_alert_in_clear(&session->io, alert) && tls_io_flush(&session->io) == TLS_IO_FLUSHED) {
    error_set_alert(session->error, alert, AMQP_WOLFSSL_ALERT_SENT);
  }
  tls_io_drop_output(&session->io);
  return latch(session, SESSION_FAILED, true);
}

/* Judges once, when the server has shown all it has, and before our part leaves. In TLS 1.2 wolfSSL then reads on; what
   it makes of that does not matter for a server that is refused. \return false: refused, with an error set */
static bool judge_server(struct session *session, int wolfssl_code) {
  const bool due = wolfssl_code == 0 || tls_io_is_holding(&session->io);
  struct negotiated negotiated;

  if (session->verification.error.code != AMQP_WOLFSSL_OK && (due || is_waiting(wolfssl_code))) {
    /* An OCSP response that wolfSSL accepted. */
    (void)peer_verification_explain(&session->verification, 0, session->error);
    return false;
  }
  if (session->judged || !due) {
    return true;
  }
  negotiated = read_negotiated(session);
  session->judged = is_server_good(session, &negotiated);
  if (session->judged) {
    tls_io_open_gate(&session->io);
  }
  return session->judged;
}

/* No AMQP has been sent yet. */
static enum session_result finish_handshake(struct session *session, struct connection_facts *facts) {
  struct negotiated negotiated = read_negotiated(session);

  if (!is_server_good(session, &negotiated)) {
    return latch(session, SESSION_FAILED, true);
  }
  if (!connection_facts_fill(facts, &negotiated, &session->verification.chain,
                             &tls_context_credentials(session->context)->chain)) {
    error_set(session->error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    return latch(session, SESSION_FAILED, true);
  }
  session->handshake_done = true;
  tls_io_handshake_done(&session->io);
  peer_verification_free(&session->verification);
  tls_io_release_idle(&session->io);
  return SESSION_DONE;
}

static int handshake_step(struct session *session) {
  int result;

  peer_verification_set_current(&session->verification);
  result = wolfSSL_connect(session->ssl);
  peer_verification_set_current(NULL);
  return result == WOLFSSL_SUCCESS ? 0 : wolfSSL_get_error(session->ssl, result);
}

/* The peer is gone, but may have said why: let wolfSSL see what has arrived. */
static enum session_result fail_handshake_sending(struct session *session) {
  int wolfssl_code = handshake_step(session);

  return fail(session, AMQP_WOLFSSL_STAGE_HANDSHAKE, is_waiting(wolfssl_code) ? 0 : wolfssl_code);
}

static enum session_result step_and_flush(struct session *session, struct connection_facts *facts) {
  int wolfssl_code;

  if (session->send_end != SESSION_DONE) {
    return repeat_latched(session, SESSION_FAILED);
  }
  if (session->handshake_done) { /* already judged, and what it was judged by is freed */
    return SESSION_DONE;
  }
  tls_io_begin_step(&session->io);
  wolfssl_code = handshake_step(session);
  if (!judge_server(session, wolfssl_code)) {
    return refuse_to_answer(session);
  }
  if (wolfssl_code != 0 && !is_waiting(wolfssl_code)) {
    (void)tls_io_flush(&session->io); /* the alert that says why; no matter if it can't leave */
    return fail(session, AMQP_WOLFSSL_STAGE_HANDSHAKE, wolfssl_code);
  }
  switch (tls_io_flush(&session->io)) {
    case TLS_IO_BROKEN:
      return fail_handshake_sending(session);
    case TLS_IO_BLOCKED:
      return wolfssl_code == 0 ? SESSION_WANT_WRITE : want(session, true);
    case TLS_IO_FLUSHED:
      break;
  }
  return wolfssl_code == 0 ? finish_handshake(session, facts) : SESSION_WANT_READ;
}

enum session_result session_handshake(struct session *session, struct connection_facts *facts) {
  enum session_result result = step_and_flush(session, facts);

  if (!session_waits(result)) {
    point_cache_release();
  }
  return result;
}

/* ---- Sending ---- */

/*
 * Reads, without waiting, what the peer said before it closed. In TLS 1.3 the broker looks at our certificate after our
 * handshake is over, so its verdict is often waiting behind a failed first write. Data that comes with it is kept for
 * recv.
 */
static void drain(struct session *session) {
  uint8_t bytes[1024];

  tls_io_set_receive_room(&session->io, SIZE_MAX);
  while (session->drained.length < DRAIN_LIMIT) {
    int count;

    tls_io_begin_step(&session->io);
    count = wolfSSL_read(session->ssl, bytes, (int)sizeof(bytes));

    if (count <= 0 || !byte_queue_append(&session->drained, bytes, (size_t)count)) {
      return;
    }
    tls_io_data_passed(&session->io);
  }
}

static enum session_result fail_sending(struct session *session) {
  drain(session);
  return fail(session, AMQP_WOLFSSL_STAGE_SEND, 0);
}

/* wolfSSL keeps no code of a record that it could not build: there is none, or that of an earlier receive. */
static int code_of_failed_write(const struct session *session, int written) {
  const int wolfssl_code = wolfSSL_get_error(session->ssl, written);

  return wolfssl_code == 0 || is_waiting(wolfssl_code) ? BUILD_MSG_ERROR : wolfssl_code;
}

/* Not "encrypt", which unistd.h declares in musl. */
static bool write_records(struct session *session, const uint8_t *bytes, size_t length, int *wolfssl_code) {
  size_t done = 0;

  while (done < length) {
    int written;

    tls_io_begin_data(&session->io);
    written = wolfSSL_write(session->ssl, bytes + done, (int)(length - done));
    tls_io_end_data(&session->io);
    if (written <= 0) {
      *wolfssl_code = code_of_failed_write(session, written);
      return false;
    }
    done += (size_t)written;
  }
  tls_io_data_passed(&session->io);
  return true;
}

static enum session_result flush_output(struct session *session) {
  switch (tls_io_flush(&session->io)) {
    case TLS_IO_BROKEN:
      return fail_sending(session);
    case TLS_IO_BLOCKED:
      return SESSION_WANT_WRITE;
    case TLS_IO_FLUSHED:
      break;
  }
  session->unsent = 0;
  return SESSION_DONE;
}

enum session_result session_flush(struct session *session) {
  if (session->send_end != SESSION_DONE) {
    return repeat_latched(session, SESSION_FAILED);
  }
  if (session->io.output.length > 0) {
    return flush_output(session);
  }
  session->unsent = 0;
  return SESSION_DONE;
}

enum session_result session_send(struct session *session, const void *bytes, size_t length, size_t *taken) {
  const size_t count = length < SESSION_SEND_MOST ? length : SESSION_SEND_MOST;
  enum session_result result = session_flush(session);
  int wolfssl_code = 0;

  *taken = 0;
  if (result != SESSION_DONE) {
    return result;
  }
  session->unsent = count;
  if (!write_records(session, bytes, count, &wolfssl_code)) {
    return fail(session, AMQP_WOLFSSL_STAGE_SEND, wolfssl_code);
  }
  if (session_flush(session) == SESSION_FAILED) {
    return SESSION_FAILED;
  }
  *taken = count;
  return SESSION_DONE;
}

size_t session_unsent(const struct session *session) { return session->io.output.length > 0 ? session->unsent : 0; }

bool session_can_send(const struct session *session) { return session->send_end == SESSION_DONE; }

void session_refuse_send(struct session *session, const char *sentence) {
  if (session->send_end == SESSION_DONE) {
    error_set(session->error, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN, "%s", sentence);
    (void)latch(session, SESSION_FAILED, true);
  }
}

/* ---- Receiving ---- */

/* While records already fetched wait, which fit; and while more may be there, and the next record is sure to fit. */
static bool goes_on(const struct session *session, size_t collected, size_t room) {
  if (room == 0) {
    return false;
  }
  if (collected == 0 || tls_io_has_read_ahead(&session->io) || wolfSSL_pending(session->ssl) > 0) {
    return true;
  }
  return room >= TLS_RECORD_PLAINTEXT && !tls_io_is_lower_empty(&session->io);
}

static int read_some(struct session *session, uint8_t *bytes, size_t room, bool first) {
  /* A caller with less room than a record (rabbitmq-c has eight times that) gets the rest from wolfSSL next time. */
  tls_io_set_receive_room(&session->io, first && room < TLS_RECORD_PLAINTEXT ? TLS_RECORD_PLAINTEXT : room);
  return wolfSSL_read(session->ssl, bytes, room > INT_MAX ? INT_MAX : (int)room);
}

static enum session_result end_receiving(struct session *session, int wolfssl_code) {
  if (wolfssl_code == WOLFSSL_ERROR_ZERO_RETURN) {
    /* Proxies look at the client's certificate after the handshake and then just hang up. */
    error_set(
        session->error, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER,
        "the peer closed the connection%s",
        session->data_received
            ? "; see its log for the reason"
            : " before it sent any AMQP; if there is a proxy or load balancer in between, it may have rejected your "
              "certificate, or have no broker behind it");
    return latch(session, SESSION_ENDED, false);
  }
  return fail(session, AMQP_WOLFSSL_STAGE_RECEIVE, wolfssl_code);
}

static size_t take_drained(struct session *session, void *bytes, size_t capacity) {
  size_t count = session->drained.length < capacity ? session->drained.length : capacity;

  if (count > 0) {
    memcpy(bytes, byte_queue_front(&session->drained), count);
    byte_queue_consume(&session->drained, count);
  }
  return count;
}

/* \return what ended it */
static enum session_result collect(struct session *session, uint8_t *bytes, size_t capacity, size_t *collected) {
  while (goes_on(session, *collected, capacity - *collected)) {
    const int count = read_some(session, bytes + *collected, capacity - *collected, *collected == 0);
    int wolfssl_code;

    if (count > 0) {
      session->data_received = true;
      tls_io_data_passed(&session->io);
      *collected += (size_t)count;
      continue;
    }
    wolfssl_code = wolfSSL_get_error(session->ssl, count);
    return is_waiting(wolfssl_code) ? SESSION_WANT_READ : end_receiving(session, wolfssl_code);
  }
  return SESSION_WANT_READ;
}

/* An end that followed data is latched. */
void session_postpone_failure(struct session *session) {
  if (session->latched != NULL) {
    error_clear(session->error);
  }
}

/* What waits can't leave any more. The caller is told now, or, if something has arrived meanwhile, after that. */
static enum session_result fail_to_answer(struct session *session, void *bytes, size_t capacity, size_t *received) {
  (void)fail_sending(session);
  *received = take_drained(session, bytes, capacity);
  if (*received == 0) {
    return SESSION_FAILED;
  }
  session_postpone_failure(session);
  return SESSION_DONE;
}

enum session_result session_recv(struct session *session, void *bytes, size_t capacity, size_t *received) {
  enum tls_io_flush_result flushed;
  enum session_result result;

  *received = take_drained(session, bytes, capacity);
  if (*received > 0) {
    return SESSION_DONE;
  }
  if (session->recv_end != SESSION_DONE) {
    return repeat_latched(session, session->recv_end);
  }
  /* Read even if this is blocked: a peer that takes nothing from us may be waiting for us to read. */
  (void)tls_io_flush(&session->io);
  tls_io_begin_step(&session->io);
  result = collect(session, bytes, capacity, received);
  flushed = tls_io_flush(&session->io); /* the reply to a KeyUpdate */
  tls_io_release_idle(&session->io);
  if (*received > 0) {
    if (!session_waits(result)) {
      session_postpone_failure(session);
    }
    return SESSION_DONE;
  }
  if (session_waits(result) && flushed == TLS_IO_BROKEN) {
    return fail_to_answer(session, bytes, capacity, received);
  }
  return session_waits(result) ? want(session, flushed == TLS_IO_BLOCKED) : result;
}

/* ---- Closing ---- */

void session_close_notify(struct session *session) {
  if (!session->handshake_done || session->send_end != SESSION_DONE || tls_io_flush(&session->io) != TLS_IO_FLUSHED) {
    return;
  }
  (void)wolfSSL_shutdown(session->ssl);
  (void)tls_io_flush(&session->io);
}
