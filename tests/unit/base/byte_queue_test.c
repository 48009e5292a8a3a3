/* SPDX-License-Identifier: MIT */
/*
 * The byte queue: against a model that keeps every byte ever appended, at its edges, and without memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/byte_queue.h"
#include "failing_allocator.h"

static void assert_holds(const struct byte_queue *queue, const void *bytes, size_t length) {
  assert_int_equal(queue->length, length);
  if (length > 0) {
    assert_memory_equal(byte_queue_front(queue), bytes, length);
  }
}

static void test_needs_no_memory_before_the_first_byte(void **state) {
  struct byte_queue queue;
  (void)state;

  memset(&queue, 0xa5, sizeof(queue));
  byte_queue_init(&queue);
  assert_int_equal(queue.length, 0);
  assert_int_equal(queue.capacity, 0);
  assert_null(byte_queue_front(&queue));
  byte_queue_consume(&queue, 0);
  byte_queue_consume(&queue, SIZE_MAX);
  assert_true(byte_queue_append(&queue, NULL, 0));
  assert_true(byte_queue_append(&queue, "", 0));
  assert_null(queue.storage);
  byte_queue_release(&queue);
  assert_int_equal(queue.length, 0);
}

static void test_keeps_the_order(void **state) {
  struct byte_queue queue;
  (void)state;

  byte_queue_init(&queue);
  assert_true(byte_queue_append(&queue, "abc", 3));
  assert_holds(&queue, "abc", 3);
  assert_true(byte_queue_append(&queue, "de", 2));
  assert_holds(&queue, "abcde", 5);
  byte_queue_consume(&queue, 1);
  assert_holds(&queue, "bcde", 4);
  byte_queue_consume(&queue, 0);
  assert_holds(&queue, "bcde", 4);
  assert_true(byte_queue_append(&queue, "f", 1));
  assert_holds(&queue, "bcdef", 5);
  byte_queue_release(&queue);
}

static void test_consumes_at_most_all(void **state) {
  struct byte_queue queue;
  (void)state;

  byte_queue_init(&queue);
  assert_true(byte_queue_append(&queue, "abc", 3));
  byte_queue_consume(&queue, 4);
  assert_holds(&queue, "", 0);
  assert_true(byte_queue_append(&queue, "xyz", 3));
  byte_queue_consume(&queue, 2);
  byte_queue_consume(&queue, SIZE_MAX);
  assert_holds(&queue, "", 0);
  assert_true(byte_queue_append(&queue, "abc", 3));
  byte_queue_consume(&queue, 3);
  assert_holds(&queue, "", 0);
  assert_true(byte_queue_append(&queue, "last", 4));
  assert_holds(&queue, "last", 4);
  byte_queue_release(&queue);
}

static void test_copies_what_it_is_given(void **state) {
  struct byte_queue queue;
  char text[] = "abc";
  (void)state;

  byte_queue_init(&queue);
  assert_true(byte_queue_append(&queue, text, 3));
  memset(text, 'x', 3);
  assert_holds(&queue, "abc", 3);
  byte_queue_release(&queue);
}

static void test_can_be_used_after_release(void **state) {
  struct byte_queue queue;
  (void)state;

  byte_queue_init(&queue);
  assert_true(byte_queue_append(&queue, "abc", 3));
  byte_queue_release(&queue);
  assert_int_equal(queue.length, 0);
  assert_null(byte_queue_front(&queue));
  byte_queue_release(&queue);
  assert_true(byte_queue_append(&queue, "de", 2));
  assert_holds(&queue, "de", 2);
  byte_queue_release(&queue);
}

static uint8_t pattern(size_t position) { return (uint8_t)(position * 7 + (position >> 8) * 31 + (position >> 16)); }

static void fill(uint8_t *bytes, size_t first, size_t length) {
  for (size_t i = 0; i < length; i++) {
    bytes[i] = pattern(first + i);
  }
}

/* Grows over many steps, with something consumed before, so that bytes move both in place and to new memory. */
static void test_grows_with_a_consumed_start(void **state) {
  static uint8_t bytes[300000];
  struct byte_queue queue;
  size_t consumed = 0;
  size_t appended = 0;
  (void)state;

  fill(bytes, 0, sizeof(bytes));
  byte_queue_init(&queue);
  for (size_t step = 1; appended + step * 37 <= sizeof(bytes); step++) {
    assert_true(byte_queue_append(&queue, bytes + appended, step * 37));
    appended += step * 37;
    byte_queue_consume(&queue, step * 3);
    consumed += step * 3;
    assert_true(queue.capacity >= queue.head + queue.length);
    assert_holds(&queue, bytes + consumed, appended - consumed);
  }
  assert_true(appended > 250000);
  byte_queue_release(&queue);
}

/* What was consumed at the front is used again: a queue that is emptied as fast as it fills must not grow for ever. */
static void test_reuses_the_room_in_front(void **state) {
  uint8_t bytes[600];
  struct byte_queue queue;
  size_t first = 0;
  size_t capacity;
  (void)state;

  byte_queue_init(&queue);
  fill(bytes, 0, sizeof(bytes));
  assert_true(byte_queue_append(&queue, bytes, sizeof(bytes)));
  capacity = queue.capacity;
  assert_true(capacity >= sizeof(bytes));
  for (int i = 0; i < 1000; i++) {
    byte_queue_consume(&queue, 400);
    first += 400;
    fill(bytes, first + 200, 400);
    assert_true(byte_queue_append(&queue, bytes, 400));
    fill(bytes, first, sizeof(bytes));
    assert_holds(&queue, bytes, sizeof(bytes));
  }
  assert_int_equal(queue.capacity, capacity);
  byte_queue_release(&queue);
}

static uint32_t next_random(uint32_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  *seed ^= *seed << 5;
  return *seed;
}

static void random_steps(uint32_t seed) {
  static uint8_t piece[5000];
  static uint8_t expected[200000];
  struct byte_queue queue;
  size_t consumed = 0;
  size_t appended = 0;

  byte_queue_init(&queue);
  for (int step = 0; step < 300; step++) {
    size_t size = next_random(&seed) % (next_random(&seed) % 4 == 0 ? sizeof(piece) : 64);

    if (next_random(&seed) % 2 == 0 && appended - consumed + size <= sizeof(expected)) {
      fill(piece, appended, size);
      assert_true(byte_queue_append(&queue, piece, size));
      appended += size;
    } else {
      byte_queue_consume(&queue, size);
      consumed = size > appended - consumed ? appended : consumed + size;
    }
    fill(expected, consumed, appended - consumed);
    assert_holds(&queue, expected, appended - consumed);
  }
  byte_queue_release(&queue);
}

static void test_random_steps_against_a_model(void **state) {
  (void)state;
  for (uint32_t seed = 1; seed <= 40; seed++) {
    random_steps(seed * 2654435761u);
  }
}

/* A length no memory can hold must be refused before a byte is copied; the child's exit status says whether it was. */
static void assert_refuses_length(size_t consumed, size_t waiting, size_t length) {
  int status = 0;
  pid_t child = fork();

  assert_true(child >= 0);
  if (child == 0) {
    static const uint8_t bytes[64];
    const volatile size_t unforeseen = length; /* where it is foreseen, gcc 16 warns of the copy that must not come */
    const struct rlimit no_core = {0, 0};
    struct byte_queue queue;
    bool sound;

    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)alarm(20);
    (void)signal(SIGSEGV, SIG_DFL); /* CMocka's handler would go on with the next test in here */
    (void)signal(SIGBUS, SIG_DFL);
    byte_queue_init(&queue);
    sound = byte_queue_append(&queue, bytes, consumed + waiting);
    byte_queue_consume(&queue, consumed);
    sound = sound && !byte_queue_append(&queue, bytes, unforeseen) && queue.length == waiting &&
            byte_queue_append(&queue, bytes, 1) && queue.length == waiting + 1;
    byte_queue_release(&queue);
    _exit(sound ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  if (status != 0) {
    fail_msg("%zu bytes behind %zu waiting and %zu consumed: status %#x", length, waiting, consumed, (unsigned)status);
  }
}

static void test_refuses_lengths_that_overflow(void **state) {
  (void)state;
  assert_refuses_length(0, 1, SIZE_MAX);
  assert_refuses_length(0, 3, SIZE_MAX - 2);
  assert_refuses_length(0, 1, SIZE_MAX / 2 + 1);
  assert_refuses_length(0, 0, SIZE_MAX);
  assert_refuses_length(10, 5, SIZE_MAX - 4);
}

/* head + length + extra wraps round although length + extra does not. */
static void test_refuses_lengths_that_overflow_behind_consumed_bytes(void **state) {
  (void)state;
  assert_refuses_length(10, 1, SIZE_MAX - 5);
  assert_refuses_length(10, 5, SIZE_MAX - 5);
}

static void check_unchanged_without_memory(void (*init)(struct byte_queue *queue)) {
  static uint8_t bytes[8192];
  struct byte_queue queue;
  struct byte_queue before;

  fill(bytes, 0, sizeof(bytes));
  init(&queue);
  failing_allocator_arm(1);
  assert_false(byte_queue_append(&queue, bytes, 1));
  assert_true(failing_allocator_disarm());
  assert_int_equal(queue.length, 0);
  assert_int_equal(queue.capacity, 0);
  assert_null(queue.storage);

  assert_true(byte_queue_append(&queue, bytes, 1000));
  byte_queue_consume(&queue, 300);
  before = queue;
  failing_allocator_arm(1);
  assert_false(byte_queue_append(&queue, bytes + 1000, sizeof(bytes) - 1000));
  assert_true(failing_allocator_disarm());
  assert_memory_equal(&queue, &before, sizeof(queue));
  assert_holds(&queue, bytes + 300, 700);

  assert_true(byte_queue_append(&queue, bytes + 1000, sizeof(bytes) - 1000));
  assert_holds(&queue, bytes + 300, sizeof(bytes) - 300);
  byte_queue_release(&queue);
}

static void test_is_unchanged_without_memory(void **state) {
  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  check_unchanged_without_memory(byte_queue_init);
  check_unchanged_without_memory(byte_queue_init_secret);
}

/* ---- Wiped before it is freed ---- */

static const uint8_t *watched; /* its memory must hold no trace of this byte when it is freed */
static size_t watched_length;
static unsigned freed;
static unsigned traces;

#define TRACE 0x5a

#ifdef FAILING_ALLOCATOR_REAL
void FAILING_ALLOCATOR_REAL(free)(void *memory);

FAILING_ALLOCATOR_DEFINED void free(void *memory) {
  if (memory != NULL && memory == watched) {
    freed++;
    for (size_t i = 0; i < watched_length; i++) {
      traces += watched[i] == TRACE ? 1 : 0;
    }
    watched = NULL;
  }
  FAILING_ALLOCATOR_REAL(free)(memory);
}
#endif

static void watch(const struct byte_queue *queue) {
  watched = queue->storage;
  watched_length = queue->capacity;
}

static void test_a_secret_queue_leaves_no_trace(void **state) {
  uint8_t bytes[3000];
  struct byte_queue queue;
  (void)state;

  if (!failing_allocator_works()) {
    skip();
  }
  memset(bytes, TRACE, sizeof(bytes));
  byte_queue_init_secret(&queue);
  assert_true(byte_queue_append(&queue, bytes, 100));
  watch(&queue);
  byte_queue_consume(&queue, 10);
  assert_true(byte_queue_append(&queue, bytes, sizeof(bytes))); /* needs a larger block */
  assert_int_equal(freed, 1);
  assert_int_equal(queue.length, sizeof(bytes) + 90);
  byte_queue_consume(&queue, sizeof(bytes));
  watch(&queue);
  byte_queue_release(&queue);
  assert_int_equal(freed, 2);
  assert_int_equal(traces, 0);
  assert_true(queue.secret); /* it stays one */
  /* The watch sees what is left. */
  byte_queue_init(&queue);
  assert_true(byte_queue_append(&queue, bytes, 100));
  watch(&queue);
  byte_queue_release(&queue);
  assert_int_equal(traces, 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_needs_no_memory_before_the_first_byte),
      cmocka_unit_test(test_keeps_the_order),
      cmocka_unit_test(test_consumes_at_most_all),
      cmocka_unit_test(test_copies_what_it_is_given),
      cmocka_unit_test(test_can_be_used_after_release),
      cmocka_unit_test(test_grows_with_a_consumed_start),
      cmocka_unit_test(test_reuses_the_room_in_front),
      cmocka_unit_test(test_random_steps_against_a_model),
      cmocka_unit_test(test_refuses_lengths_that_overflow),
      cmocka_unit_test(test_refuses_lengths_that_overflow_behind_consumed_bytes),
      cmocka_unit_test(test_is_unchanged_without_memory),
      cmocka_unit_test(test_a_secret_queue_leaves_no_trace),
  };
  return cmocka_run_group_tests_name("byte_queue", tests, NULL, NULL);
}
