# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/base/ascii_test \
	tests/unit/base/bounded_text_test \
	tests/unit/base/byte_queue_test \
	tests/unit/base/deadline_test \
	tests/unit/base/error_test \
	tests/unit/base/file_mark_test \
	tests/unit/base/file_set_test \
	tests/unit/base/file_test \
	tests/unit/base/one_line_test \
	tests/unit/base/secret_test \
	tests/unit/base/shown_name_test \
	tests/unit/base/utc_test \
	tests/unit/base/utf8_test
