# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/tls/client_hello_test \
	tests/unit/tls/connection_facts_test \
	tests/unit/tls/handshake_gate_test \
	tests/unit/tls/peer_speech_test \
	tests/unit/tls/record_framing_test \
	tests/unit/tls/reply_gate_test \
	tests/unit/tls/server_hello_test \
	tests/unit/tls/session_checks_test \
	tests/unit/tls/session_data_test \
	tests/unit/tls/session_error_test \
	tests/unit/tls/session_test \
	tests/unit/tls/tls_context_test \
	tests/unit/tls/tls_io_test
