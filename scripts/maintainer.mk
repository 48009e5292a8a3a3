# SPDX-License-Identifier: MIT
# What those who change the library run: the format of the sources, static analysis, coverage.

# Of this build, for clang-tidy and cppcheck.
lint_environment = LINT_BUILD='$(abs_top_builddir)'; export LINT_BUILD; \
	LINT_CPPFLAGS='$(DEFS) -I$(abs_top_builddir) -I$(abs_top_srcdir)/include -iquote $(abs_top_srcdir)/src \
	-D_GNU_SOURCE $(RABBITMQ_CFLAGS) $(WOLFSSL_CFLAGS) $(P11_KIT_CFLAGS) $(BASE_CFLAGS)'; export LINT_CPPFLAGS;
LINT_OPTIONS =

format:
	$(SHELL) $(top_srcdir)/scripts/lint $(LINT_OPTIONS) --fix clang-format
check-format:
	$(SHELL) $(top_srcdir)/scripts/lint $(LINT_OPTIONS) clang-format
lint:
	$(lint_environment) $(SHELL) $(top_srcdir)/scripts/lint $(LINT_OPTIONS)

# `make coverage COVERAGE_TESTS=all` runs the integration tests too.
COVERAGE_TESTS = unit
coverage:
	$(SHELL) $(top_srcdir)/scripts/coverage --tests '$(COVERAGE_TESTS)' --build coverage $(DISTCHECK_PREFIXES)

.PHONY: format check-format lint coverage
