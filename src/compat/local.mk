# SPDX-License-Identifier: MIT

# rabbitmq-c's own names over the library's public interface.
compat_sources = \
	src/compat/debug_destination.c src/compat/debug_destination.h \
	src/compat/debug_output.c src/compat/debug_output.h \
	src/compat/ssl_library.c \
	src/compat/ssl_socket.c \
	src/compat/ssl_status.h
