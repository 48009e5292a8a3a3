/* SPDX-License-Identifier: MIT */
/* Which RabbitMQ it is, as it tells its clients itself: what some tests may ask of it, and expect from it, depends. */
#ifndef TESTS_BROKER_VERSION_H
#define TESTS_BROKER_VERSION_H

#include "private_broker.h"

struct broker_version {
  int major;
  int minor;
  int erlang; /* the release of Erlang/OTP that it runs on */
};

/** Fails the running case if \a broker, which is ready, does not tell. */
struct broker_version broker_version_of(const struct private_broker *broker);
/** The smallest frame_max that it accepts: RabbitMQ raised it. */
int broker_least_frame_max(const struct broker_version *version);

#endif
