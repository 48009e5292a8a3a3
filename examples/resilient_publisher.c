/* SPDX-License-Identifier: MIT */
/*
 * Publishes to a quorum queue of a RabbitMQ cluster and loses nothing while nodes come and go: a message is kept until
 * the broker has confirmed it, and published again, under the same id, when its connection ends before that or the
 * broker declines it. What it can't promise stands in docs/failover.md.
 */
#include "resilient_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest pause of the loop, in milliseconds; heartbeats are sent while it waits. */
#define LONGEST_TURN 200

struct message {
  struct message *next; /* in one of the lists */
  char id[64];          /* the same whenever it is published again, so that consumers can tell */
  int returned;         /* the broker has no queue for it, so its confirm means nothing */
  size_t length;
  char *body;
};

struct list {
  struct message *first;
  struct message *last;
  int count;
};

/*
 * Each message of the window is in one place: free, waiting to be published (again), or on its way under a delivery
 * tag. Tags count from 1 on each channel. A tag's place is its remainder by the window, so the oldest one that is open
 * and the next one are never a whole window apart.
 */
struct publisher {
  const struct resilient_options *options;
  struct resilient_connection connection;
  FILE *log;
  char run[33]; /* random, so that ids of another run are others */
  struct message *messages;
  struct list idle;
  struct list waiting;
  struct message **sent; /* by tag % window; NULL: confirmed, or given back */
  uint64_t oldest;       /* the first tag that may still be open */
  uint64_t next;         /* the tag of the next publish */
  int64_t started;       /* when, in milliseconds */
  int64_t taken;         /* messages, from where they come from */
  int64_t confirmed;
  int64_t published_again;
  int64_t last_confirm; /* when, or since when there is something to confirm */
  int64_t resume_at;    /* after the broker has declined messages */
  int declined;         /* in a row */
  int unroutable;
};

static void append(struct list *list, struct message *message) {
  message->next = NULL;
  if (list->first == NULL) {
    list->first = message;
  } else {
    list->last->next = message;
  }
  list->last = message;
  list->count++;
}

static struct message *take_first(struct list *list) {
  struct message *message = list->first;

  list->first = message->next;
  list->count--;
  return message;
}

/* ---- Where messages come from: replace this by your own ---------------------------------------------------------- */

static int more_to_take(const struct publisher *publisher) {
  return publisher->options->count == 0 || publisher->taken < publisher->options->count;
}

/* Milliseconds until the next message is there. */
static int64_t next_is_due_in(const struct publisher *publisher) {
  int64_t due;

  if (publisher->options->rate == 0) {
    return 0;
  }
  due = publisher->started + publisher->taken * 1000 / publisher->options->rate - resilient_now();
  return due > 0 ? due : 0;
}

static void make_message(struct publisher *publisher, struct message *message) {
  publisher->taken++;
  (void)snprintf(message->id, sizeof(message->id), "%s-%lld", publisher->run, (long long)publisher->taken);
  message->length = (size_t)publisher->options->size;
  for (size_t i = 0; i < message->length; i++) {
    message->body[i] = message->id[i % strlen(message->id)];
  }
}

/* ---- Confirms ---------------------------------------------------------------------------------------------------- */

static int on_their_way(const struct publisher *publisher) {
  return publisher->options->window - publisher->idle.count - publisher->waiting.count;
}

static struct message **place_of(const struct publisher *publisher, uint64_t tag) {
  return &publisher->sent[tag % (uint64_t)publisher->options->window];
}

static void skip_closed_tags(struct publisher *publisher) {
  while (publisher->oldest < publisher->next && *place_of(publisher, publisher->oldest) == NULL) {
    publisher->oldest++;
  }
}

/* Logged before it is forgotten. The log is the test's, and stands for what a program does about a confirm. */
static void confirmed(struct publisher *publisher, struct message *message) {
  if (publisher->log != NULL) {
    fprintf(publisher->log, "%s\n", message->id);
  }
  publisher->confirmed++;
  append(&publisher->idle, message);
}

static void publish_again(struct publisher *publisher, struct message *message) {
  publisher->published_again++;
  append(&publisher->waiting, message);
}

static void take_verdict(struct publisher *publisher, uint64_t tag, int accepted) {
  struct message *message = *place_of(publisher, tag);

  if (message == NULL) {
    return;
  }
  *place_of(publisher, tag) = NULL;
  if (accepted && !message->returned) {
    confirmed(publisher, message);
    publisher->declined = 0;
    resilient_worked(&publisher->connection);
  } else {
    publisher->unroutable |= message->returned;
    publish_again(publisher, message);
  }
}

/* A broker that declines all, for its queue is full, must not get them again at once. */
static void wait_after_declining(struct publisher *publisher) {
  int64_t ceiling = (int64_t)publisher->options->longest_wait * 1000;

  publisher->declined++;
  if (publisher->declined < 8 && ceiling > (int64_t)250 << publisher->declined) {
    ceiling = (int64_t)250 << publisher->declined;
  }
  publisher->resume_at = resilient_now() + resilient_random(ceiling + 1);
  if (publisher->declined == 1) {
    resilient_say(&publisher->connection, "the broker declines messages; they will be published again");
  }
}

/* basic.ack or basic.nack: for one tag, or for all up to it. */
static enum resilient_status take_confirm(struct publisher *publisher, uint64_t tag, int multiple, int accepted) {
  if (tag == 0 || tag >= publisher->next) {
    resilient_say(&publisher->connection, "a confirm for a message that was never sent");
    return RESILIENT_LOST;
  }
  for (uint64_t first = multiple ? publisher->oldest : tag; first <= tag; first++) {
    if (first >= publisher->oldest) {
      take_verdict(publisher, first, accepted);
    }
  }
  skip_closed_tags(publisher);
  publisher->last_confirm = resilient_now();
  if (!accepted) {
    wait_after_declining(publisher);
  }
  if (publisher->unroutable) {
    publisher->unroutable = 0;
    resilient_say(&publisher->connection, "messages came back: there is no queue of that name any more");
    return RESILIENT_LOST;
  }
  return RESILIENT_OK;
}

/* basic.return, with the message behind it. Its confirm comes next and says that the broker is done with it. */
static enum resilient_status take_returned(struct publisher *publisher) {
  amqp_message_t returned;
  enum resilient_status status =
      resilient_check(&publisher->connection,
                      amqp_read_message(publisher->connection.amqp, RESILIENT_CHANNEL, &returned, 0), "receive");
  amqp_bytes_t id;

  if (status != RESILIENT_OK) {
    return status;
  }
  id = returned.properties.message_id;
  for (uint64_t tag = publisher->oldest; tag < publisher->next; tag++) {
    struct message *message = *place_of(publisher, tag);

    if (message != NULL && strlen(message->id) == id.len && memcmp(message->id, id.bytes, id.len) == 0) {
      message->returned = 1;
    }
  }
  amqp_destroy_message(&returned);
  return RESILIENT_OK;
}

static enum resilient_status take_method(struct publisher *publisher, const amqp_method_t *method) {
  if (method->id == AMQP_BASIC_ACK_METHOD) {
    const amqp_basic_ack_t *ack = method->decoded;

    return take_confirm(publisher, ack->delivery_tag, ack->multiple, 1);
  }
  if (method->id == AMQP_BASIC_NACK_METHOD) {
    const amqp_basic_nack_t *nack = method->decoded;

    return take_confirm(publisher, nack->delivery_tag, nack->multiple, 0);
  }
  if (method->id == AMQP_BASIC_RETURN_METHOD) {
    return take_returned(publisher);
  }
  return RESILIENT_OK;
}

/* Waits for the first frame only, then takes all that have come. */
static enum resilient_status take_confirms(struct publisher *publisher, int64_t milliseconds) {
  for (;;) {
    amqp_frame_t frame;
    enum resilient_status status = resilient_next_frame(&publisher->connection, milliseconds, &frame);

    if (status == RESILIENT_OK && frame.frame_type == AMQP_FRAME_METHOD) {
      status = take_method(publisher, &frame.payload.method);
    }
    if (status != RESILIENT_OK || frame.frame_type == 0) {
      return status;
    }
    milliseconds = 0;
  }
}

/* ---- Publishing -------------------------------------------------------------------------------------------------- */

static enum resilient_status publish_next(struct publisher *publisher) {
  amqp_basic_properties_t properties;
  struct message *message;
  int status;

  if (publisher->waiting.first != NULL) {
    message = take_first(&publisher->waiting);
  } else {
    message = take_first(&publisher->idle);
    make_message(publisher, message);
  }
  message->returned = 0;
  memset(&properties, 0, sizeof(properties));
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.message_id = amqp_cstring_bytes(message->id);
  if (publisher->oldest == publisher->next) {
    publisher->last_confirm = resilient_now();
  }
  *place_of(publisher, publisher->next++) = message;
  /* Mandatory: what no queue takes comes back, instead of being confirmed and dropped. */
  status = amqp_basic_publish(publisher->connection.amqp, RESILIENT_CHANNEL, amqp_empty_bytes,
                              amqp_cstring_bytes(publisher->options->queue), 1, 0, &properties,
                              (amqp_bytes_t){message->length, message->body});
  return resilient_check_status(&publisher->connection, status, "publish");
}

/* Milliseconds until one can be published: 0: now; LONGEST_TURN: not before something else has happened. */
static int64_t may_publish_in(struct publisher *publisher) {
  int again = publisher->waiting.first != NULL;
  int64_t wait = publisher->resume_at - resilient_now();

  if (publisher->connection.blocked || publisher->next - publisher->oldest >= (uint64_t)publisher->options->window ||
      (!again &&
       (publisher->idle.first == NULL || !more_to_take(publisher) || resilient_stopping(&publisher->connection)))) {
    return LONGEST_TURN;
  }
  if (!again && wait < next_is_due_in(publisher)) {
    wait = next_is_due_in(publisher);
  }
  return wait < 0 ? 0 : wait < LONGEST_TURN ? wait : LONGEST_TURN;
}

/* ---- A connection's life ----------------------------------------------------------------------------------------- */

static int holds_messages(const struct publisher *publisher) {
  return publisher->idle.count < publisher->options->window;
}

static int all_is_done(struct publisher *publisher) {
  return !holds_messages(publisher) && (!more_to_take(publisher) || resilient_stopping(&publisher->connection));
}

/* All that was on its way, in its order, before what has already been waiting. */
static void take_back(struct publisher *publisher) {
  struct list waiting = publisher->waiting;

  memset(&publisher->waiting, 0, sizeof(publisher->waiting));
  for (uint64_t tag = publisher->oldest; tag < publisher->next; tag++) {
    struct message *message = *place_of(publisher, tag);

    *place_of(publisher, tag) = NULL;
    if (message != NULL) {
      publish_again(publisher, message);
    }
  }
  while (waiting.first != NULL) {
    append(&publisher->waiting, take_first(&waiting));
  }
  publisher->oldest = 1;
  publisher->next = 1;
}

static enum resilient_status prepare(struct publisher *publisher) {
  struct resilient_connection *connection = &publisher->connection;
  enum resilient_status status = resilient_declare_queue(connection);

  if (status == RESILIENT_OK) {
    (void)amqp_confirm_select(connection->amqp, RESILIENT_CHANNEL);
    status = resilient_check(connection, amqp_get_rpc_reply(connection->amqp), "turn confirms on");
  }
  if (status == RESILIENT_OK) {
    resilient_established(connection);
  }
  return status;
}

/* The broker may be alive and still not reach the other nodes, which it needs for a confirm. */
static int confirms_are_overdue(const struct publisher *publisher) {
  return publisher->oldest < publisher->next && !publisher->connection.blocked &&
         resilient_now() - publisher->last_confirm > (int64_t)publisher->options->confirm_limit * 1000;
}

static enum resilient_status write_log(struct publisher *publisher) {
  if (publisher->log != NULL && (fflush(publisher->log) != 0 || ferror(publisher->log))) {
    perror(publisher->options->log);
    return RESILIENT_FAILED;
  }
  return RESILIENT_OK;
}

/* One turn: takes what has come, then publishes a message if one can be. */
static enum resilient_status turn(struct publisher *publisher, int due) {
  int64_t wait = due ? LONGEST_TURN : may_publish_in(publisher);
  int blocked = publisher->connection.blocked;
  enum resilient_status status = take_confirms(publisher, wait);

  if (blocked && !publisher->connection.blocked) {
    publisher->last_confirm = resilient_now();
  }
  if (write_log(publisher) != RESILIENT_OK) {
    return RESILIENT_FAILED;
  }
  if (status == RESILIENT_OK && confirms_are_overdue(publisher)) {
    resilient_say(&publisher->connection, "no confirm for %d seconds", publisher->options->confirm_limit);
    return RESILIENT_LOST;
  }
  if (status == RESILIENT_OK && !due && may_publish_in(publisher) == 0) {
    return publish_next(publisher);
  }
  return status;
}

static enum resilient_status use_connection(struct publisher *publisher) {
  struct resilient_connection *connection = &publisher->connection;
  enum resilient_status status = prepare(publisher);

  while (status == RESILIENT_OK) {
    int due = amqp_wolfssl_socket_due(connection->socket);

    if (all_is_done(publisher)) {
      return RESILIENT_DONE;
    }
    if (resilient_time_is_up(connection)) {
      return RESILIENT_STOPPED;
    }
    if (due && on_their_way(publisher) == 0) {
      resilient_say(connection, "the connection is due; making a new one");
      return RESILIENT_DUE;
    }
    status = turn(publisher, due);
  }
  return status;
}

static enum resilient_status run(struct publisher *publisher) {
  enum resilient_status status = RESILIENT_OK;

  while (status != RESILIENT_DONE) {
    /* With nothing to confirm, there is nothing to wait for. */
    publisher->connection.grace = holds_messages(publisher) ? publisher->options->drain_limit * 1000 : 0;
    status = all_is_done(publisher) ? RESILIENT_DONE : resilient_connect(&publisher->connection);
    publisher->connection.grace = publisher->options->drain_limit * 1000;
    if (status != RESILIENT_OK) {
      return status;
    }
    status = use_connection(publisher);
    resilient_disconnect(&publisher->connection, status);
    if (status == RESILIENT_FAILED || status == RESILIENT_STOPPED) {
      return status;
    }
    take_back(publisher);
  }
  return status;
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------- */

static void name_the_run(struct publisher *publisher) {
  for (size_t i = 0; i + 1 < sizeof(publisher->run); i++) {
    publisher->run[i] = "0123456789abcdef"[resilient_random(16)];
  }
}

static int make_window(struct publisher *publisher) {
  size_t window = (size_t)publisher->options->window;

  publisher->messages = calloc(window, sizeof(*publisher->messages));
  publisher->sent = calloc(window, sizeof(struct message *));
  if (publisher->messages == NULL || publisher->sent == NULL) {
    return -1;
  }
  for (size_t i = 0; i < window; i++) {
    publisher->messages[i].body = malloc((size_t)publisher->options->size + 1);
    if (publisher->messages[i].body == NULL) {
      return -1;
    }
    append(&publisher->idle, &publisher->messages[i]);
  }
  return 0;
}

static int begin(struct publisher *publisher, const struct resilient_options *options) {
  memset(publisher, 0, sizeof(*publisher));
  publisher->options = options;
  publisher->oldest = 1;
  publisher->next = 1;
  publisher->started = resilient_now();
  name_the_run(publisher);
  resilient_begin(options, options->drain_limit * 1000, &publisher->connection);
  if (make_window(publisher) != 0) {
    fprintf(stderr, "out of memory\n");
    return -1;
  }
  if (options->log != NULL && (publisher->log = fopen(options->log, "a")) == NULL) {
    perror(options->log);
    return -1;
  }
  return 0;
}

static void end(struct publisher *publisher) {
  for (int i = 0; publisher->messages != NULL && i < publisher->options->window; i++) {
    free(publisher->messages[i].body);
  }
  free(publisher->messages);
  free(publisher->sent);
  if (publisher->log != NULL && fclose(publisher->log) != 0) {
    perror(publisher->options->log);
  }
  resilient_end(&publisher->connection);
}

int main(int argc, char **argv) {
  struct resilient_options options;
  struct publisher publisher;
  enum resilient_status status = RESILIENT_FAILED;
  int64_t left;

  resilient_read_options(argc, argv, "Publishes messages to a cluster, each until it is confirmed.", &options);
  if (begin(&publisher, &options) == 0) {
    status = run(&publisher);
  }
  left = publisher.taken - publisher.confirmed;
  printf("%lld messages confirmed, %lld not; %lld published again; %d connections\n", (long long)publisher.confirmed,
         (long long)left, (long long)publisher.published_again, publisher.connection.connections);
  end(&publisher);
  return left > 0 && status == RESILIENT_STOPPED ? 1 : resilient_exit_status(status);
}
