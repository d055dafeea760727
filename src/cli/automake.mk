# The option machine of all our programs. It knows src/base alone.
noinst_LIBRARIES += src/cli/libnc-cli.a
src_cli_libnc_cli_a_SOURCES = \
	src/cli/file.c src/cli/file.h \
	src/cli/fill.c src/cli/fill.h \
	src/cli/help.c src/cli/help.h \
	src/cli/line.c src/cli/line.h \
	src/cli/nearest.c src/cli/nearest.h \
	src/cli/program.c src/cli/program.h \
	src/cli/row.c src/cli/row.h \
	src/cli/value.c src/cli/value.h
NC_CLI_LIBS = src/cli/libnc-cli.a $(NC_BASE_LIBS)
