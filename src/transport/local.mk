# SPDX-License-Identifier: MIT
# Rabbitmq-c's six calls, and what leaves through them.

library_sources += \
	src/transport/amqp_stream.c src/transport/amqp_stream.h \
	src/transport/close_reason.c src/transport/close_reason.h \
	src/transport/closing.c \
	src/transport/cork.c \
	src/transport/descriptor.c src/transport/descriptor.h \
	src/transport/either_way.c \
	src/transport/lingering.c \
	src/transport/login_advice.c \
	src/transport/lower_socket.c \
	src/transport/open_callback.c \
	src/transport/opening.c \
	src/transport/publish_coalescer.c src/transport/publish_coalescer.h \
	src/transport/pump.c \
	src/transport/rabbitmq_socket_abi.h \
	src/transport/runtime_check.c \
	src/transport/send_claim.c src/transport/send_claim.h \
	src/transport/shown_error.c \
	src/transport/socket_facts.c \
	src/transport/socket_lock.c \
	src/transport/status.c \
	src/transport/tcp_connect.c src/transport/tcp_connect.h \
	src/transport/transport.c src/transport/transport.h
