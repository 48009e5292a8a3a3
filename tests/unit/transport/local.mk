# SPDX-License-Identifier: MIT

# They depend on rabbitmq-c: see check-rabbitmq-c in Makefile.am.
transport_unit_tests = \
	tests/unit/transport/back_pressure_test \
	tests/unit/transport/close_reason_test \
	tests/unit/transport/closing_test \
	tests/unit/transport/late_failure_test \
	tests/unit/transport/login_advice_test \
	tests/unit/transport/opening_test \
	tests/unit/transport/own_poll_test \
	tests/unit/transport/publish_coalescer_test \
	tests/unit/transport/rabbitmq_socket_abi_test \
	tests/unit/transport/tcp_connect_test \
	tests/unit/transport/transport_test \
	tests/unit/transport/two_senders_test
unit_tests += $(transport_unit_tests)
