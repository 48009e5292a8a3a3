# SPDX-License-Identifier: MIT
# What anyone may use.

library_sources += \
	src/base/ascii.c src/base/ascii.h \
	src/base/bounded_text.c src/base/bounded_text.h \
	src/base/byte_queue.c src/base/byte_queue.h \
	src/base/byte_slice.h \
	src/base/deadline.c src/base/deadline.h \
	src/base/error.c src/base/error.h \
	src/base/file.c src/base/file.h \
	src/base/file_mark.c src/base/file_mark.h \
	src/base/file_set.c src/base/file_set.h \
	src/base/one_line.c src/base/one_line.h \
	src/base/secret.c src/base/secret.h \
	src/base/shown_name.c src/base/shown_name.h \
	src/base/utc.c src/base/utc.h \
	src/base/utf8.c src/base/utf8.h
