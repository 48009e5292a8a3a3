# SPDX-License-Identifier: MIT
# One context, one session, its I/O.

library_sources += \
	src/tls/connection_facts.c src/tls/connection_facts.h \
	src/tls/handshake_gate.c src/tls/handshake_gate.h \
	src/tls/peer_speech.c src/tls/peer_speech.h \
	src/tls/record_fault.c src/tls/record_fault.h \
	src/tls/record_framing.c src/tls/record_framing.h \
	src/tls/reply_gate.c src/tls/reply_gate.h \
	src/tls/server_hello.c src/tls/server_hello.h \
	src/tls/session.c src/tls/session.h \
	src/tls/session_error.c src/tls/session_error.h \
	src/tls/tls_context.c src/tls/tls_context.h \
	src/tls/tls_io.c src/tls/tls_io.h
